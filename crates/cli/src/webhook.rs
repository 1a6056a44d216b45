//! The pod identity webhook's command line: `podpass webhook`, and the peer's names `webhook` and
//! `aws-pod-identity-webhook`, under which its exit codes hold (0, 1, 2, 255) and words that are no flags are passed over.

mod args;
mod controller;
mod klog;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Args, Command, FromArgMatches, Subcommand};
use podpass_inject::{ContainerCredentialsSettings, RoleHome, Settings};
use podpass_policy::Partition;
use podpass_runtime::TlsOptions;
use podpass_runtime::logging::{self, Format};
use podpass_webhook::{CertificateSource, Options, StartError};

use self::args::{LogArgs, LogFormat, PodArgs, WebhookArgs};
use self::controller::ControllerArgs;
use crate::failure::Failure;
use crate::output;

/// Runs a command line of the peer's; the first argument is the name it was called by.
pub(crate) fn run_as_peer(name: &'static str, arguments: Vec<OsString>) -> ExitCode {
    let command = with_short_v(WebhookArgs::augment_args(Command::new(name).about(ABOUT)))
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .long("version")
                .help("Print the version")
                .action(ArgAction::Version),
        )
        .arg(
            Arg::new("ignored")
                .num_args(0..)
                .hide(true)
                .action(ArgAction::Append),
        );
    parse_and_run::<WebhookArgs>(command, arguments, run_webhook)
}

/// `podpass webhook`: the webhook itself, or its controller.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct WebhookCommandLine {
    #[command(flatten)]
    webhook: WebhookArgs,
    #[command(subcommand)]
    process: Option<Process>,
}

/// A process beside the webhook itself.
#[derive(Clone, Debug, Subcommand)]
enum Process {
    /// Keep the webhook's serving certificate, prove that it answers, and find the pods that it missed.
    Controller(Box<ControllerArgs>),
}

/// Runs `podpass webhook …` in a form that the command line of podpass would not take: klog's `-v=5`.
pub(crate) fn run_as_podpass(arguments: Vec<OsString>) -> ExitCode {
    let command = WebhookCommandLine::augment_args(Command::new("podpass webhook").about(ABOUT));
    let command = with_short_v(command).mut_subcommand("controller", with_short_v);
    parse_and_run::<WebhookCommandLine>(command, arguments, run)
}

fn with_short_v(command: Command) -> Command {
    command
        .args_override_self(true)
        .mut_arg("v", |verbosity| verbosity.short('v'))
}

fn parse_and_run<A: FromArgMatches>(
    command: Command,
    arguments: Vec<OsString>,
    run: impl FnOnce(&A) -> ExitCode,
) -> ExitCode {
    let matches = command.try_get_matches_from(arguments);
    let read = matches.and_then(|matches| A::from_arg_matches(&matches));
    match read {
        Ok(arguments) => run(&arguments),
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}

/// Runs what the command line says until it is told to end.
pub(crate) fn run(arguments: &WebhookCommandLine) -> ExitCode {
    match &arguments.process {
        None => run_webhook(&arguments.webhook),
        Some(Process::Controller(arguments)) => controller::run(arguments),
    }
}

fn run_webhook(arguments: &WebhookArgs) -> ExitCode {
    start_log(&arguments.log);
    match options(arguments) {
        Ok(options) => until_the_end(&arguments.pods, |settings| {
            podpass_webhook::run(Options {
                settings,
                ..options
            })
        }),
        Err(failure) => failed(&failure),
    }
}

fn start_log(arguments: &LogArgs) {
    let format = match arguments.log_format {
        None => Format::of_stderr(),
        Some(LogFormat::Json) => Format::Json,
        Some(LogFormat::Text) => Format::Text,
    };
    let verbosity = arguments.verbosity.clamp(0, i32::from(u8::MAX));
    logging::start(format, u8::try_from(verbosity).unwrap_or(u8::MAX));
}

/// Completes the settings, runs a server with them, and waits for its end. Whatever keeps it from starting is exit code
/// 255, as with the peer.
fn until_the_end<S>(pods: &PodArgs, server: impl FnOnce(Settings) -> S) -> ExitCode
where
    S: Future<Output = Result<(), StartError>>,
{
    let ended = crate::block_on(async {
        let mut settings = settings(pods);
        if pods.compose_role_arn && settings.compose_role_arn.is_none() {
            settings.compose_role_arn = Some(home_of_this_machine().await?);
        }
        server(settings).await.map_err(|error| {
            let failure = Failure::failed(error.to_string()).help(error.hint());
            match std::error::Error::source(&error) {
                Some(cause) => failure.because(cause),
                None => failure,
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    output::note(&failure.to_string());
    ExitCode::from(255)
}

fn options(arguments: &WebhookArgs) -> Result<Options, Failure> {
    let (server, cluster, tls) = (&arguments.server, &arguments.cluster, &arguments.tls);
    let admission = &arguments.admission;
    let tls_options =
        TlsOptions::parse(&tls.tls_min_version, &tls.tls_cipher_suites).map_err(|error| {
            Failure::usage(error.to_string())
                .help("correct `--tls-min-version` or `--tls-cipher-suites`")
        })?;
    let certificate = if tls.in_cluster {
        CertificateSource::Secret {
            name: arguments.names.tls_secret.clone(),
        }
    } else {
        CertificateSource::Files {
            certificate: tls.tls_cert.clone(),
            key: tls.tls_key.clone(),
        }
    };
    let file = &arguments.pods.watch_container_credentials_config;
    Ok(Options {
        bind_address: server.bind_address,
        port: server.port,
        metrics_port: server.metrics_port,
        kubeconfig: given(&cluster.kubeconfig).map(Into::into),
        kube_api: given(&cluster.kube_api).map(str::to_owned),
        certificate,
        tls: tls_options,
        settings: settings(&arguments.pods),
        namespace: cluster.namespace.clone(),
        watch_config_map: arguments.pods.watch_config_map,
        credentials_file: given(file).map(Into::into),
        reads_unknown: admission.read_unknown_service_accounts,
        grace: admission.service_account_lookup_grace_period,
        strict: admission.strict,
        enforce_allowed_roles: arguments.pods.enforce_allowed_roles,
        shutdown_delay: server.shutdown_delay,
        debugging: server.enable_debugging_handlers,
    })
}

/// Where the roles live that annotations name without an ARN, by the instance metadata.
async fn home_of_this_machine() -> Result<RoleHome, Failure> {
    let identity = podpass_aws::instance_identity().await.map_err(|error| {
        let failure = Failure::failed(format!("`--compose-role-arn` cannot be used: {error}"))
            .help("name the account with `--aws-account-id` where there are no instance metadata");
        match std::error::Error::source(&error) {
            Some(cause) => failure.because(cause),
            None => failure,
        }
    })?;
    let account = identity.account.parse().map_err(|error| {
        Failure::failed("the instance metadata name no account").because(&error)
    })?;
    Ok(RoleHome {
        partition: Partition::of_region(&identity.region),
        account,
    })
}

/// The value of a flag whose default is empty, as the peer's are.
fn given(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

fn settings(pods: &PodArgs) -> Settings {
    let region = given(&pods.aws_default_region);
    let home = pods.aws_account_id.clone().map(|account| RoleHome {
        partition: pods
            .aws_partition
            .unwrap_or_else(|| Partition::of_region(&pods.aws_default_region)),
        account,
    });
    Settings {
        annotation_prefix: pods.annotation_prefix.clone(),
        token_audience: pods.token_audience.clone(),
        token_mount_path: pods.token_mount_path.clone(),
        token_expiration: pods.token_expiration,
        irsa_expiration_jitter: pods.irsa_expiration_jitter,
        endpoint_url: pods.inject_endpoint_url.clone(),
        default_region: region.map(str::to_owned),
        sts_regional_endpoints: pods.sts_regional_endpoint,
        compose_role_arn: home,
        container_credentials: ContainerCredentialsSettings {
            audience: pods.container_credentials_audience.clone(),
            token_mount_path: pods.container_credentials_token_mount_path.clone(),
            token_volume_name: pods.container_credentials_token_volume_name.clone(),
            token_path: pods.container_credentials_token_path.clone(),
            full_uri: pods.container_credentials_full_uri.clone(),
        },
    }
}

/// What `--help` says first.
const ABOUT: &str = "Serve the pod identity webhook: a drop-in for Amazon's, under the same flags.";
