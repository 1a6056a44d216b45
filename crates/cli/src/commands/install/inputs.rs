//! The flags, and what they choose.

use clap::{Args, ValueEnum};
use podpass_manifests::{FailurePolicy, Tls, WebhookOptions};

/// Which webhook is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct WebhookNameArgs {
    /// What its objects are called. Under another name than that of a webhook that is there, both run until you delete one.
    /// [default: pod-identity-webhook; with `--openshift`, podpass-webhook]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// As OpenShift wants it: its service CA makes the certificate, its security context constraints choose the user.
    #[arg(long)]
    openshift: bool,
}

impl WebhookNameArgs {
    pub(crate) fn options(&self, namespace: Option<&str>) -> WebhookOptions {
        let mut options = if self.openshift {
            WebhookOptions::openshift()
        } else {
            WebhookOptions::default()
        };
        if let Some(name) = &self.name {
            options.name.clone_from(name);
        }
        if let Some(namespace) = namespace {
            // Somebody else's, as with kubectl: it has to be there.
            options.create_namespace = false;
            namespace.clone_into(&mut options.namespace);
        }
        options
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    which: WebhookNameArgs,
    /// The image, with its tag or digest. [default: podpass.dev/podpass:VERSION]
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// How many replicas answer the API server.
    #[arg(long, value_name = "N", default_value_t = 2)]
    replicas: u32,
    /// Who makes the serving certificate. [default: own; with `--openshift`, service-ca]
    #[arg(long, value_enum)]
    tls: Option<TlsArg>,
    /// What becomes of new pods while no replica can be reached.
    #[arg(long, value_enum, ignore_case = true, default_value_t = FailurePolicyArg::Ignore)]
    failure_policy: FailurePolicyArg,
    /// How many seconds the API server waits for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u32,
    /// A namespace whose pods are left alone, beside kube-system and the webhook's own; may be repeated.
    #[arg(long = "exclude-namespace", value_name = "NAME")]
    excluded_namespaces: Vec<String>,
    /// Evict pods that were born without the identity they should have, one of an owner at a time.
    #[arg(long)]
    evict: bool,
    /// The priority class of the pods; an empty one takes the cluster's default.
    #[arg(long, value_name = "NAME", default_value = "system-cluster-critical")]
    priority_class: String,
    /// Write no NetworkPolicy.
    #[arg(long)]
    no_network_policy: bool,
    #[command(flatten)]
    monitoring: MonitoringArgs,
    #[command(flatten)]
    injection: InjectionArgs,
}

/// What tells others of the webhook.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Monitoring")]
struct MonitoringArgs {
    /// Let the Prometheus operator scrape the metrics (ServiceMonitor).
    #[arg(long)]
    service_monitor: bool,
    /// Give the Prometheus operator the alerts (PrometheusRule).
    #[arg(long)]
    prometheus_rule: bool,
    /// Give Grafana's sidecar the dashboard.
    #[arg(long)]
    dashboard: bool,
}

/// The webhook's own flags, under their own names.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What pods get")]
struct InjectionArgs {
    /// The domain of all annotations.
    #[arg(long, value_name = "DOMAIN", default_value = "eks.amazonaws.com")]
    annotation_prefix: String,
    /// The token's audience, unless the service account names one.
    #[arg(long, value_name = "AUDIENCE", default_value = "sts.amazonaws.com")]
    token_audience: String,
    /// The token's lifetime in seconds, unless service account or pod name one.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    token_expiration: u64,
    /// Where containers find the token.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    )]
    token_mount_path: String,
    /// The region for containers that set none.
    #[arg(long, value_name = "REGION")]
    aws_default_region: Option<String>,
    /// Let SDKs use the regional STS endpoint, unless the service account says otherwise.
    #[arg(long)]
    sts_regional_endpoint: bool,
    /// Read roles from the ConfigMap `pod-identity-webhook` too.
    #[arg(long)]
    watch_config_map: bool,
    /// Refuse pods whose role the annotation `podpass.dev/allowed-roles` of their namespace does not allow.
    #[arg(long)]
    enforce_allowed_roles: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TlsArg {
    /// The webhook's controller; nothing else is needed.
    Own,
    /// cert-manager, which has to be there.
    CertManager,
    /// OpenShift's service CA.
    ServiceCa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailurePolicyArg {
    /// They start without their identity; the controller finds them.
    Ignore,
    /// They are refused.
    Fail,
}

impl WebhookArgs {
    pub(crate) fn options(&self, namespace: Option<&str>) -> WebhookOptions {
        let mut options = self.which.options(namespace);
        if let Some(image) = &self.image {
            options.image.clone_from(image);
        }
        match self.tls {
            None => {}
            Some(TlsArg::Own) => options.tls = Tls::Own,
            Some(TlsArg::CertManager) => options.tls = Tls::CertManager,
            Some(TlsArg::ServiceCa) => options.tls = Tls::ServiceCa,
        }
        options
            .excluded_namespaces
            .extend(self.excluded_namespaces.iter().cloned());
        let injection = self.injection.clone();
        WebhookOptions {
            replicas: self.replicas,
            failure_policy: match self.failure_policy {
                FailurePolicyArg::Ignore => FailurePolicy::Ignore,
                FailurePolicyArg::Fail => FailurePolicy::Fail,
            },
            timeout_seconds: self.timeout,
            annotation_prefix: injection.annotation_prefix,
            token_audience: injection.token_audience,
            token_expiration: injection.token_expiration,
            token_mount_path: injection.token_mount_path,
            aws_default_region: injection.aws_default_region,
            sts_regional_endpoint: injection.sts_regional_endpoint,
            watch_config_map: injection.watch_config_map,
            enforce_allowed_roles: injection.enforce_allowed_roles,
            evict: self.evict,
            priority_class: Some(self.priority_class.clone()).filter(|class| !class.is_empty()),
            network_policy: !self.no_network_policy,
            service_monitor: self.monitoring.service_monitor,
            prometheus_rule: self.monitoring.prometheus_rule,
            dashboard: self.monitoring.dashboard,
            ..options
        }
    }
}
