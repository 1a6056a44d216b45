//! The flags of the webhook: the peer's, with their defaults and meanings, and ours.

use std::any::TypeId;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, Args, ValueEnum};
use podpass_inject::EndpointUrl;
use podpass_kinds::parse_bool;
use podpass_policy::{AccountId, Partition};

use super::klog::KlogArgs;
use crate::duration::parse_duration;

#[derive(Clone, Debug, Args)]
#[command(mut_args(as_switch))]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) names: NameArgs,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    #[command(flatten)]
    pub(super) pods: PodArgs,
    #[command(flatten)]
    pub(super) admission: AdmissionArgs,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Ports")]
pub(super) struct ServerArgs {
    /// The address that both ports listen on; `::` stands for all, those of IPv4 too.
    #[arg(long, value_name = "ADDRESS", default_value = "::")]
    pub(super) bind_address: IpAddr,
    /// The port of admission, with TLS.
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    pub(super) port: u16,
    /// The port of metrics and health, without TLS.
    #[arg(long, value_name = "PORT", default_value_t = 9999)]
    pub(super) metrics_port: u16,
    /// How long requests are still accepted after SIGTERM, while /readyz says no.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub(super) shutdown_delay: Duration,
    /// Serve the debugging paths under /debug/alpha.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) enable_debugging_handlers: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The API server")]
pub(super) struct ClusterArgs {
    /// The kubeconfig; without it, the pod's own service account. The environment and ~/.kube/config do not count.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) kubeconfig: String,
    /// The URL of the API server, instead of the kubeconfig's; plain http too.
    #[arg(
        long,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) kube_api: String,
    /// The namespace of the ConfigMap and of the Secret.
    #[arg(long, value_name = "NAMESPACE", default_value = "eks")]
    pub(super) namespace: String,
    /// Accepted and not needed: nothing is read anew on a timer.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration, hide = true)]
    pub(super) resync_period: Duration,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The serving certificate")]
pub(super) struct TlsArgs {
    /// Take the certificate from the Secret that `podpass webhook controller` keeps; `false` takes it from files.
    #[arg(long, default_value = "true", value_parser = boolean, action = ArgAction::Set)]
    pub(super) in_cluster: bool,
    /// The certificate chain, PEM.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/webhook/certs/tls.crt"
    )]
    pub(super) tls_cert: PathBuf,
    /// The key, PEM.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/webhook/certs/tls.key"
    )]
    pub(super) tls_key: PathBuf,
    /// The cipher suites of TLS 1.2, comma-separated, by IANA's names. [default: all that are safe]
    #[arg(
        long,
        value_name = "NAMES",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) tls_cipher_suites: String,
    /// The oldest version of TLS: 1.2 or 1.3, or as VersionTLS12. [default: 1.2]
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) tls_min_version: String,
}

// What the objects are called that webhook and controller share.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The serving certificate")]
pub(super) struct NameArgs {
    /// The Secret of the certificate, in `--namespace`.
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub(super) tls_secret: String,
    /// The Service that API servers call, which the certificate is made out to.
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub(super) service_name: String,
    /// The MutatingWebhookConfiguration whose caBundle is kept.
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub(super) webhook_configuration: String,
}

// What decides about what pods get; the controller judges them by the same.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What pods get")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct PodArgs {
    /// The domain of the annotations.
    #[arg(long, value_name = "DOMAIN", default_value = "eks.amazonaws.com")]
    pub(super) annotation_prefix: String,
    /// The token's audience, where the service account names none.
    #[arg(long, value_name = "AUDIENCE", default_value = "sts.amazonaws.com")]
    pub(super) token_audience: String,
    /// Where containers find the token.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    )]
    pub(super) token_mount_path: String,
    /// The token's lifetime, where service account and pod name none; less than 600 counts as 600.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 86400,
        allow_negative_numbers = true
    )]
    pub(super) token_expiration: i64,
    /// Draw a lifetime of exactly a day up to two hours shorter, so that not all tokens are renewed at once.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) irsa_expiration_jitter: bool,
    /// The endpoint that containers talk to in place of AWS, such as a sandbox.
    #[arg(long, value_name = "URL")]
    pub(super) inject_endpoint_url: Option<EndpointUrl>,
    /// The region for containers that name none.
    #[arg(
        long,
        value_name = "REGION",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) aws_default_region: String,
    /// Have SDKs use the regional STS endpoint, where the service account does not say.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) sts_regional_endpoint: bool,
    /// Take the roles of the ConfigMap `pod-identity-webhook` in `--namespace` too.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) watch_config_map: bool,
    /// Take a role annotation without `arn:` for a role's name; account and partition are those of this machine, which the
    /// instance metadata tell.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) compose_role_arn: bool,
    /// The same, in this account, without asking the instance metadata.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) aws_account_id: Option<AccountId>,
    /// The partition of such roles. [default: that of --aws-default-region, else aws]
    #[arg(long, value_name = "PARTITION", requires = "aws_account_id")]
    pub(super) aws_partition: Option<Partition>,
    /// Refuse a pod whose role, or a role of its chain, its namespace's annotation podpass.dev/allowed-roles does not
    /// cover. A guardrail: what a role may be used by, its trust policy says.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) enforce_allowed_roles: bool,
    /// The file of the service accounts that get container credentials (EKS Pod Identity); an absolute path.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) watch_container_credentials_config: String,
    /// The audience of the container credentials' token.
    #[arg(
        long,
        value_name = "AUDIENCE",
        default_value = "pods.eks.amazonaws.com"
    )]
    pub(super) container_credentials_audience: String,
    /// Where containers find that token.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    )]
    pub(super) container_credentials_token_mount_path: String,
    /// The name of that token's volume.
    #[arg(long, value_name = "NAME", default_value = "eks-pod-identity-token")]
    pub(super) container_credentials_token_volume_name: String,
    /// That token's file name in the volume.
    #[arg(long, value_name = "NAME", default_value = "eks-pod-identity-token")]
    pub(super) container_credentials_token_path: String,
    /// The endpoint that gives credentials for that token.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://169.254.170.23/v1/credentials"
    )]
    pub(super) container_credentials_full_uri: String,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Admission")]
pub(super) struct AdmissionArgs {
    /// Read a service account that the watch has not told of from the API server while its pod waits.
    #[arg(long, default_value = "true", value_parser = boolean, action = ArgAction::Set)]
    pub(super) read_unknown_service_accounts: bool,
    /// How long a pod waits for a service account that does not exist yet.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub(super) service_account_lookup_grace_period: Duration,
    /// Hold a pod back (HTTP 500, so that failurePolicy decides) when its service account cannot be read, instead of
    /// admitting it without an identity.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub(super) strict: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub(super) struct LogArgs {
    /// How the log looks. [default: text on a terminal, JSON elsewhere]
    #[arg(long, value_enum)]
    pub(super) log_format: Option<LogFormat>,
    /// How much is logged: 3 tells each admission, 4 each request and more.
    #[arg(
        id = "v",
        long = "v",
        value_name = "LEVEL",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub(super) verbosity: i32,
    #[command(flatten)]
    pub(super) klog: KlogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Json,
    Text,
}

/// Has a boolean be given as Go's pflag takes it: `--flag` or `--flag=false`. Other arguments stay as they are.
pub(super) fn as_switch(argument: Arg) -> Arg {
    let takes_boolean = argument.get_value_parser().type_id() == TypeId::of::<bool>();
    if !takes_boolean || !matches!(argument.get_action(), ArgAction::Set) {
        return argument;
    }
    argument
        .value_name("BOOL")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
}

/// A boolean as Go's pflag reads it.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    parse_bool(text).ok_or_else(|| format!("`{text}` is neither true nor false"))
}
