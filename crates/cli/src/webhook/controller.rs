//! `podpass webhook controller`: the flags and their start.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgAction, Args};
use podpass_inject::Settings;
use podpass_webhook::ControllerOptions;

use super::args::{ClusterArgs, LogArgs, NameArgs, PodArgs, as_switch, boolean};
use super::{given, start_log, until_the_end};
use crate::duration::parse_duration;

#[derive(Clone, Debug, Args)]
#[command(mut_args(as_switch))]
pub(crate) struct ControllerArgs {
    #[command(flatten)]
    port: PortArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    certificate: CertificateArgs,
    #[command(flatten)]
    finding: FindingArgs,
    #[command(flatten)]
    pods: PodArgs,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Port")]
struct PortArgs {
    /// The address that the port listens on; `::` stands for all, those of IPv4 too.
    #[arg(long, value_name = "ADDRESS", default_value = "::")]
    bind_address: IpAddr,
    /// The port of metrics and health, without TLS.
    #[arg(long, value_name = "PORT", default_value_t = 9999)]
    metrics_port: u16,
    /// How long the Lease is kept without being renewed, in whole seconds; another controller waits that long for one
    /// that was killed.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = lease_duration)]
    lease_duration: Duration,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The serving certificate")]
struct CertificateArgs {
    /// Make and renew the certificate in the Secret, and have API servers trust it; `false` leaves both alone.
    #[arg(long, default_value = "true", value_parser = boolean, action = ArgAction::Set)]
    manage_tls: bool,
    /// How long a certificate is valid; it is renewed at two thirds of that.
    #[arg(long, value_name = "DURATION", default_value = "2160h", value_parser = certificate_lifetime)]
    certificate_lifetime: Duration,
    /// How long the canary has to pass, with API servers trusting the new authority too, before replicas switch.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    canary_period: Duration,
    /// Where a replica is called, once for each, instead of the addresses behind the Service; the certificate names it.
    #[arg(long, value_name = "ADDRESS:PORT")]
    endpoint: Vec<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Finding and healing")]
struct FindingArgs {
    /// The namespace of the canary: a pod that is created as a dry run only.
    #[arg(long, value_name = "NAMESPACE", default_value = "podpass-canary")]
    canary_namespace: String,
    /// How often all pods are looked at.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = find_interval)]
    find_interval: Duration,
    /// Evict pods without their identity that a controller makes anew, one of an owner at a time.
    #[arg(long, default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    evict: bool,
}

/// Runs the controller until it is told to end. Whatever keeps it from starting is exit code 255, as for the webhook.
pub(crate) fn run(arguments: &ControllerArgs) -> ExitCode {
    start_log(&arguments.log);
    until_the_end(&arguments.pods, |settings| {
        podpass_webhook::run_controller(options(arguments, settings))
    })
}

fn options(arguments: &ControllerArgs, settings: Settings) -> ControllerOptions {
    let ControllerArgs {
        port,
        cluster,
        names,
        certificate,
        finding,
        pods,
        log: _,
    } = arguments;
    let file = &pods.watch_container_credentials_config;
    ControllerOptions {
        bind_address: port.bind_address,
        metrics_port: port.metrics_port,
        kubeconfig: given(&cluster.kubeconfig).map(Into::into),
        kube_api: given(&cluster.kube_api).map(str::to_owned),
        settings,
        enforce_allowed_roles: pods.enforce_allowed_roles,
        watch_config_map: pods.watch_config_map,
        credentials_file: given(file).map(Into::into),
        namespace: cluster.namespace.clone(),
        service_name: names.service_name.clone(),
        tls_secret: names.tls_secret.clone(),
        webhook_configuration: names.webhook_configuration.clone(),
        manage_tls: certificate.manage_tls,
        certificate_lifetime: certificate.certificate_lifetime,
        canary_period: certificate.canary_period,
        endpoints: certificate.endpoint.clone(),
        canary_namespace: finding.canary_namespace.clone(),
        find_interval: finding.find_interval,
        evict: finding.evict,
        lease_duration: port.lease_duration,
    }
}

fn certificate_lifetime(text: &str) -> Result<Duration, String> {
    let life = at_least(text, Duration::from_mins(1), "1m")?;
    // Ten years; a time that far ahead is one that X.509 can write.
    if life > Duration::from_hours(87_600) {
        return Err(format!("`{text}` is too long: write 87600h or less"));
    }
    Ok(life)
}

fn lease_duration(text: &str) -> Result<Duration, String> {
    at_least(text, Duration::from_secs(2), "2s")
}

fn find_interval(text: &str) -> Result<Duration, String> {
    at_least(text, Duration::from_secs(1), "1s")
}

fn at_least(text: &str, least: Duration, shown: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration < least {
        return Err(format!("`{text}` is too short: write {shown} or more"));
    }
    Ok(duration)
}
