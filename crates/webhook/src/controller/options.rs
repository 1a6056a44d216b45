//! What an administrator sets for the controller.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use podpass_inject::Settings;

/// What the controller is started with: the flags of `podpass webhook controller`, read.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct ControllerOptions {
    /// Where the port listens (`--bind-address`).
    pub bind_address: IpAddr,
    /// The port of metrics and health, without TLS (`--metrics-port`); 0 takes a free one.
    pub metrics_port: u16,
    /// The kubeconfig (`--kubeconfig`); `None` takes the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The API server instead of the kubeconfig's (`--kube-api`).
    pub kube_api: Option<String>,
    /// What pods should get: the webhook's own settings.
    pub settings: Settings,
    /// Whether pods are refused whose role their namespace does not allow (`--enforce-allowed-roles`).
    pub enforce_allowed_roles: bool,
    /// Whether the ConfigMap `pod-identity-webhook` assigns roles (`--watch-config-map`).
    pub watch_config_map: bool,
    /// The file of container credentials (`--watch-container-credentials-config`).
    pub credentials_file: Option<PathBuf>,
    /// The namespace of Lease, Secret, ConfigMap and Service (`--namespace`).
    pub namespace: String,
    /// The Service that API servers call (`--service-name`); the Lease is called after it, with `-controller` behind.
    pub service_name: String,
    /// The Secret of the certificate (`--tls-secret`).
    pub tls_secret: String,
    /// The MutatingWebhookConfiguration of the webhook (`--webhook-configuration`).
    pub webhook_configuration: String,
    /// Whether certificate and `caBundle` are kept (`--manage-tls`).
    pub manage_tls: bool,
    /// How long a certificate is valid (`--certificate-lifetime`); it is renewed at two thirds of that.
    pub certificate_lifetime: Duration,
    /// How long the canary has to pass before the certificate is switched (`--canary-period`).
    pub canary_period: Duration,
    /// Where the replicas are (`--endpoint`); empty reads the Service's EndpointSlices.
    pub endpoints: Vec<SocketAddr>,
    /// The namespace of the canary (`--canary-namespace`).
    pub canary_namespace: String,
    /// How often all pods are looked at (`--find-interval`).
    pub find_interval: Duration,
    /// Whether pods that lack their identity are evicted (`--evict`).
    pub evict: bool,
    /// How long the Lease is kept without being renewed (`--lease-duration`).
    pub lease_duration: Duration,
}
