//! The command line of `podpass`. Words only: what a command does lives in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use podpass_policy::AccountId;
use podpass_sandbox::ClockSetting;

use crate::cluster_args::ClusterArgs;
use crate::commands::aws::AwsArgs;
use crate::commands::bind::{BindArgs, UnbindArgs};
use crate::commands::completion::CompletionArgs;
use crate::commands::credential_process::CredentialProcessArgs;
use crate::commands::exec::ExecArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::get::GetArgs;
use crate::commands::inject::SettingsArgs;
use crate::commands::install::InstallArgs;
use crate::commands::lint::LintArgs;
use crate::commands::man::ManArgs;
use crate::commands::preflight::PreflightArgs;
use crate::commands::sandbox::{
    SandboxEventsArgs, SandboxFaultArgs, ServiceControlFile, parse_clock,
};
use crate::commands::simulate::{Provider, SimulateArgs};
use crate::commands::status::StatusArgs;
use crate::commands::token::TokenGetArgs;
use crate::commands::trust::TrustArgs;
use crate::commands::uninstall::UninstallArgs;
use crate::commands::verify::VerifyArgs;
use crate::commands::version::VersionArgs;
use crate::duration::parse_duration;
use crate::webhook::WebhookCommandLine;
use podpass_sandbox::NodeRole;

/// Short-lived cloud permissions for Kubernetes service accounts.
#[derive(Debug, Parser)]
#[command(
    name = "podpass",
    version,
    max_term_width = 110,
    subcommand_required = true
)]
pub(crate) struct Cli {
    /// Say more on standard error; twice for most.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show every flow on an embedded AWS: no account, no cluster, nothing left behind.
    Demo(DemoArgs),
    /// An embedded AWS that really verifies tokens, signatures and policies.
    Sandbox(SandboxArgs),
    /// Key pair, identity provider and roles of a cluster on AWS (ccoctl's grammar).
    Aws(AwsArgs),
    /// Service account tokens: read one, or exchange it for credentials.
    Token(TokenArgs),
    /// Say how the cluster gives its workloads cloud permissions now: mode and why, issuer, keys, webhook, AWS's side.
    Status(Box<StatusArgs>),
    /// Compare what pods were given with what their service account says they should have.
    Get(Box<GetArgs>),
    /// Go a service account's whole way to its role: token, exchange, caller identity; each step with its result.
    Verify(Box<VerifyArgs>),
    /// Give a service account a role: role, trust policy and annotation.
    Bind(Box<BindArgs>),
    /// Take a service account's role back.
    Unbind(Box<UnbindArgs>),
    /// Print the trust policy that lets a service account assume a role.
    Trust(TrustArgs),
    /// Run a local command with a service account's identity, for as long as it takes.
    Exec(Box<ExecArgs>),
    /// Print a service account's credentials as a `credential_process` of ~/.aws/config.
    CredentialProcess(Box<CredentialProcessArgs>),
    /// Install the pod identity webhook: print its manifests, or apply them.
    Install(InstallArgs),
    /// Take away what `install` installed.
    Uninstall(UninstallArgs),
    /// Inject the identity into a pod manifest, as the webhook does at admission.
    Inject(InjectArgs),
    /// Serve the pod identity webhook: a drop-in for Amazon's, under the same flags.
    Webhook(Box<WebhookCommandLine>),
    /// Say offline what STS would answer to a token, and the line to change.
    Simulate(SimulateArgs),
    /// Find what is wrong in policies, manifests, AWS config files, keys and Terraform plans.
    Lint(LintArgs),
    /// Say what an AWS error means here, what is behind it, and the line to change.
    Explain(ExplainArgs),
    /// Say what the AWS administrator has to be allowed, and whether a policy is enough.
    Preflight(PreflightArgs),
    /// Print the script that lets a shell complete command lines, with names from the cluster.
    Completion(CompletionArgs),
    /// Print or write the manual pages.
    Man(ManArgs),
    /// Print the version, and that of the API server.
    Version(VersionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// One scenario; without it, all of them.
    #[arg(value_enum)]
    pub(crate) scenario: Option<Scenario>,
    /// List the scenarios and stop.
    #[arg(long)]
    pub(crate) list: bool,
    /// Keep the sandbox in the foreground until Ctrl-C, and print the exports for the AWS CLI.
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Roles for service accounts on a cluster with its own issuer.
    Irsa,
    /// A role and a Secret from a CredentialsRequest, and what the pod needs of it.
    CredentialsRequest,
    /// The token, its exchange, and the ways in which it is refused.
    Token,
    /// A role in a second account, and who has to refresh what.
    Chain,
    /// All that a cluster needs before its installation, in one go.
    Install,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    #[command(subcommand)]
    pub(crate) command: SandboxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Serve an AWS on loopback until Ctrl-C.
    Start(SandboxStartArgs),
    /// Print the environment that points the AWS CLI and the SDKs at the running sandbox.
    Env(SandboxEnvArgs),
    /// Let the running sandbox verify the tokens of a cluster whose issuer it cannot reach.
    AddIssuer(SandboxAddIssuerArgs),
    /// Show what the running sandbox was asked, what it decided, and for a denial why.
    Events(SandboxEventsArgs),
    /// Let calls of the running sandbox go wrong: throttled, late, refused, with stale keys or short sessions.
    Fault(SandboxFaultArgs),
    /// Put the running sandbox back as it was at the start: the same accounts and keys, and nothing else.
    Reset(SandboxResetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SandboxStartArgs {
    /// The address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,
    /// Also serve a proxy for tools that ignore AWS_ENDPOINT_URL: it answers for AWS's hosts over TLS, and refuses others.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "ca_out")]
    pub(crate) proxy_listen: Option<SocketAddr>,
    /// Where to write the certificate of the proxy's authority, in PEM; it is valid for seven days, for AWS's names only.
    #[arg(long, value_name = "FILE", requires = "proxy_listen")]
    pub(crate) ca_out: Option<PathBuf>,
    /// Also serve the instance metadata (IMDSv2) of a node, which SDKs fall back to when nothing else gives credentials.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "node_role")]
    pub(crate) imds_listen: Option<SocketAddr>,
    /// The node's role: its ARN, or its name in the first account. It has to trust ec2.amazonaws.com, and may be made later.
    #[arg(long, value_name = "ROLE", requires = "imds_listen")]
    pub(crate) node_role: Option<NodeRole>,
    /// An account that exists; may be repeated. [default: 123456789012]
    #[arg(long = "account", value_name = "ID")]
    pub(crate) accounts: Vec<AccountId>,
    /// An administrator's access key; without ACCOUNT, that of the first account. Others get random keys.
    #[arg(long = "admin-key", value_name = "[ACCOUNT=]ID:SECRET")]
    pub(crate) admin_keys: Vec<String>,
    /// A file of such keys, one a line, which keeps the secrets out of the process list.
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_key_file: Option<PathBuf>,
    /// Keep everything in this folder, so that a later start with it goes on where this one ends, however it ends. The
    /// folder is made when it is missing. Accounts are added to those that it has; events, faults and CloudTrail's history
    /// are not kept. [default: nothing is kept]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The clock of tokens, sessions and `aws:CurrentTime`: a time at which it stands still, such as
    /// `2026-01-01T00:00:00Z`, or how far it is ahead or behind, such as `+2h` or `-30m`. Signatures keep this machine's
    /// time. [default: this machine's]
    #[arg(long, value_name = "TIME|±DURATION", value_parser = parse_clock, allow_hyphen_values = true)]
    pub(crate) clock: Option<ClockSetting>,
    /// The words for an audience that the OIDC provider does not list: `specific` is "Incorrect token audience", which AWS
    /// said until June 2026, `general` "The web identity token provided could not be validated. …", which it says since.
    #[arg(long, value_name = "WORDS", value_enum, default_value_t = AudienceWords::Specific)]
    pub(crate) behaviour_audience: AudienceWords,
    /// Refuse tokens that were issued longer ago than this, whatever their `exp` says, with "Token too old". AWS was seen
    /// to refuse tokens of two days, and where its bound lies is not known. [default: any age]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) behaviour_oldest_token: Option<Duration>,
    /// A service control policy on an account; may be repeated. One of them has to allow, unless all of them only deny.
    #[arg(long = "scp", value_name = "ACCOUNT=FILE")]
    pub(crate) service_controls: Vec<ServiceControlFile>,
    /// Accept an address that other machines can reach.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Ask no issuer outside of the sandbox for its keys.
    #[arg(long, conflicts_with_all = ["issuer_ca", "allow_private_issuers"])]
    pub(crate) no_remote_issuers: bool,
    /// Certificates of authorities, in PEM, that issuers outside of the sandbox are trusted by, beside this machine's.
    #[arg(long, value_name = "FILE")]
    pub(crate) issuer_ca: Option<PathBuf>,
    /// Ask issuers whose address is this machine's or a private network's, too.
    #[arg(long)]
    pub(crate) allow_private_issuers: bool,
    /// `json` prints one line once connections are accepted.
    #[arg(short, long, value_enum, default_value_t = StartFormat::Text)]
    pub(crate) output: StartFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AudienceWords {
    Specific,
    General,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StartFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxResetArgs {
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxEnvArgs {
    /// Whose administrator to be. [default: the first account]
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Lead clients through the proxy of `--proxy-listen` instead of an endpoint override.
    #[arg(long)]
    pub(crate) proxy: bool,
    /// Be the node of `--imds-listen` instead of an administrator.
    #[arg(long, conflicts_with = "account")]
    pub(crate) node: bool,
    /// Shell exports or JSON.
    #[arg(short, long, value_enum, default_value_t = EnvFormat::Sh)]
    pub(crate) output: EnvFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormat {
    Sh,
    Json,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "podpass sandbox add-issuer (--from-cluster | --issuer <URL> --jwks <FILE>) [OPTIONS]"
)]
pub(crate) struct SandboxAddIssuerArgs {
    #[command(flatten)]
    pub(crate) source: IssuerSourceArgs,
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Where the issuer and its keys come from.
#[derive(Debug, Args)]
#[group(id = "issuer-source", required = true, multiple = true)]
pub(crate) struct IssuerSourceArgs {
    /// Ask a cluster, such as kind, minikube or OpenShift, for its issuer and keys.
    #[arg(long, conflicts_with_all = ["issuer", "jwks"])]
    pub(crate) from_cluster: bool,
    /// The issuer's URL, exactly as its tokens have it in `iss`.
    #[arg(long, value_name = "URL", requires = "jwks")]
    pub(crate) issuer: Option<String>,
    /// The issuer's JWKS (keys.json); `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "issuer")]
    pub(crate) jwks: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Ask the cluster for a token of a service account.
    Get(TokenGetArgs),
    /// Print the header and the claims of a token; with a JWKS, check its signature.
    Decode(TokenDecodeArgs),
    /// Exchange a token for the credentials of a role (AssumeRoleWithWebIdentity).
    Assume(TokenAssumeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TokenDecodeArgs {
    /// The file that holds the token; `-` is standard input.
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// The issuer's JWKS (keys.json); without it the signature is not checked.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: Option<PathBuf>,
    /// Say of each claim who checks it (kube-apiserver, STS, the trust policy, nobody) and against what.
    #[arg(long)]
    pub(crate) explain: bool,
    /// The role's trust policy, to compare the claims with.
    #[arg(long, value_name = "FILE", requires = "explain")]
    pub(crate) trust: Option<PathBuf>,
    /// An OIDC provider of IAM with its client ids, to compare the claims with; may be repeated.
    #[arg(
        long = "provider",
        value_name = "ARN=CLIENT-ID[,…]",
        requires = "explain"
    )]
    pub(crate) providers: Vec<Provider>,
    /// For a person or for a program.
    #[arg(short, long, value_enum, default_value_t = DecodeFormat::Text)]
    pub(crate) output: DecodeFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct TokenAssumeArgs {
    /// The role to assume.
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: String,
    /// The file that holds the service account token; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// How the session is called in CloudTrail and in its ARN. [default: podpass-<seconds since 1970>]
    #[arg(long, value_name = "NAME")]
    pub(crate) session_name: Option<String>,
    /// How long the credentials live. [default: 3600, whatever the role's maximum is]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<i32>,
    /// JSON, or shell exports.
    #[arg(short, long, value_enum, default_value_t = AssumeFormat::Json)]
    pub(crate) output: AssumeFormat,
    /// The region whose STS is asked.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Ask this endpoint instead of AWS.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AssumeFormat {
    Json,
    /// Exports for a POSIX shell.
    Env,
    /// The same for PowerShell.
    Powershell,
}

#[derive(Debug, Args)]
pub(crate) struct InjectArgs {
    /// The pod manifest; `-` is standard input. Other documents of the file pass unchanged.
    #[arg(short, long = "filename", value_name = "FILE")]
    pub(crate) filename: PathBuf,
    /// The manifest of the pod's service account.
    #[arg(long, value_name = "FILE")]
    pub(crate) service_account: PathBuf,
    /// The whole manifest, or the JSON patch that the webhook would answer.
    #[arg(short, long, value_enum, default_value_t = InjectFormat::Yaml)]
    pub(crate) output: InjectFormat,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InjectFormat {
    Yaml,
    Patch,
}
