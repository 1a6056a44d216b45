//! What an administrator chooses about the webhook.

use podpass_kinds::annotations::DEFAULT_PREFIX;
use thiserror::Error;

use crate::access::CONTROLLER_SUFFIX;
use crate::canary::CANARY_NAMESPACE;

/// What an administrator chooses. The default is what `podpass install webhook` installs without a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as its flag is"
)]
pub struct WebhookOptions {
    /// The name of all objects, and of the webhook configuration. A second webhook beside another one takes another.
    pub name: String,
    /// The namespace that it runs in.
    pub namespace: String,
    /// Whether that namespace is among the objects.
    pub create_namespace: bool,
    /// How many replicas answer admission reviews.
    pub replicas: u32,
    /// The image, with its tag or digest; `/podpass` in it is the program.
    pub image: String,
    /// Where it runs.
    pub platform: Platform,
    /// Where the serving certificate comes from.
    pub tls: Tls,
    /// What becomes of a pod while no replica can be reached.
    pub failure_policy: FailurePolicy,
    /// How long the API server waits for an answer, in seconds: 1 to 30.
    pub timeout_seconds: u32,
    /// Namespaces whose pods are never reviewed, beside the webhook's own.
    pub excluded_namespaces: Vec<String>,
    /// The domain of all annotations (`--annotation-prefix`).
    pub annotation_prefix: String,
    /// The token's audience (`--token-audience`).
    pub token_audience: String,
    /// The token's lifetime in seconds (`--token-expiration`), at least 600.
    pub token_expiration: u64,
    /// Where containers find the token (`--token-mount-path`).
    pub token_mount_path: String,
    /// The region for containers that set none (`--aws-default-region`).
    pub aws_default_region: Option<String>,
    /// Whether SDKs use the regional STS endpoint (`--sts-regional-endpoint`).
    pub sts_regional_endpoint: bool,
    /// Whether roles of the ConfigMap count too (`--watch-config-map`).
    pub watch_config_map: bool,
    /// Whether a namespace's annotation limits the roles of its pods (`--enforce-allowed-roles`).
    pub enforce_allowed_roles: bool,
    /// Whether the controller evicts pods that were born without their identity (`--evict`).
    pub evict: bool,
    /// The priority class of all pods; `None` takes the cluster's default.
    pub priority_class: Option<String>,
    /// Whether a NetworkPolicy limits who reaches the pods, and whom they reach.
    pub network_policy: bool,
    /// Whether the Prometheus operator is told to scrape the metrics.
    pub service_monitor: bool,
    /// Whether the Prometheus operator is given the alerts.
    pub prometheus_rule: bool,
    /// Whether Grafana's sidecar is given the dashboard.
    pub dashboard: bool,
}

/// Where the webhook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Any Kubernetes.
    Kubernetes,
    /// OpenShift, whose security context constraints choose the user id.
    OpenShift,
}

/// Where the serving certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// The webhook's controller makes an authority and a certificate, and renews both.
    Own,
    /// cert-manager, by an Issuer of our own that signs with the certificate's own key.
    CertManager,
    /// OpenShift's service CA.
    ServiceCa,
}

/// What becomes of a pod while no replica can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It starts without its identity.
    Ignore,
    /// It is refused.
    Fail,
}

/// An option that cannot be used: which one, its value, and what it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`--{option}` cannot be `{value}`: {rule}")]
pub struct InvalidOption {
    /// The flag's name without its dashes.
    pub option: &'static str,
    /// What was given.
    pub value: String,
    /// What it has to be.
    pub rule: &'static str,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            name: "pod-identity-webhook".to_owned(),
            namespace: "podpass-webhook".to_owned(),
            create_namespace: true,
            replicas: 2,
            image: concat!("podpass.dev/podpass:", env!("CARGO_PKG_VERSION")).to_owned(),
            platform: Platform::Kubernetes,
            tls: Tls::Own,
            failure_policy: FailurePolicy::Ignore,
            timeout_seconds: 10,
            // Networking, DNS and the API server's own pods: without them no webhook can be reached.
            excluded_namespaces: vec!["kube-system".to_owned()],
            annotation_prefix: DEFAULT_PREFIX.to_owned(),
            token_audience: "sts.amazonaws.com".to_owned(),
            token_expiration: 86_400,
            token_mount_path: "/var/run/secrets/eks.amazonaws.com/serviceaccount".to_owned(),
            aws_default_region: None,
            sts_regional_endpoint: false,
            watch_config_map: false,
            enforce_allowed_roles: false,
            evict: false,
            priority_class: Some("system-cluster-critical".to_owned()),
            network_policy: true,
            service_monitor: false,
            prometheus_rule: false,
            dashboard: false,
        }
    }
}

impl WebhookOptions {
    /// Checks what the API server, or the webhook itself, would refuse only later.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let invalid = |option, value: String, rule| {
            Err(InvalidOption {
                option,
                value,
                rule,
            })
        };
        // A Service's name has to begin with a letter.
        let is_name = is_label(&self.name, LABEL_LENGTH - CONTROLLER_SUFFIX.len())
            && self.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !is_name {
            let rule =
                "at most 52 of a-z, 0-9 and -, beginning with a letter, and not ending with -";
            return invalid("name", self.name.clone(), rule);
        }
        let namespaces = self
            .excluded_namespaces
            .iter()
            .map(|it| ("exclude-namespace", it));
        for (option, namespace) in std::iter::once(("namespace", &self.namespace)).chain(namespaces)
        {
            if !is_label(namespace, LABEL_LENGTH) {
                let rule =
                    "at most 63 of a-z, 0-9 and -, beginning and ending with one of the former";
                return invalid(option, namespace.clone(), rule);
            }
            if namespace == CANARY_NAMESPACE {
                let rule = "the canary's namespace holds no pods and has to be reviewed";
                return invalid(option, namespace.clone(), rule);
            }
        }
        if self.image.is_empty() || self.image.contains(char::is_whitespace) {
            return invalid("image", self.image.clone(), "a reference to an image");
        }
        if self.replicas == 0 {
            return invalid("replicas", "0".to_owned(), "at least 1");
        }
        if !(1..=30).contains(&self.timeout_seconds) {
            let value = self.timeout_seconds.to_string();
            return invalid("timeout", value, "1 to 30 seconds");
        }
        if self.token_expiration < 600 {
            let value = self.token_expiration.to_string();
            return invalid("token-expiration", value, "at least 600 seconds");
        }
        if !self.token_mount_path.starts_with('/') {
            let value = self.token_mount_path.clone();
            return invalid("token-mount-path", value, "an absolute path");
        }
        Ok(())
    }
}

/// Whether the API server takes it for the name of a namespace: a DNS label.
fn is_label(text: &str, length: usize) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=length).contains(&text.len())
        && text.chars().all(|c| edge(c) || c == '-')
        && text.starts_with(edge)
        && text.ends_with(edge)
}

/// The longest DNS label (RFC 1035).
const LABEL_LENGTH: usize = 63;
