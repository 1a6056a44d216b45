//! What an administrator sets.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use podpass_inject::Settings;
use podpass_runtime::TlsOptions;

/// What the webhook is started with: the flags of `podpass webhook`, read.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Options {
    /// Where both ports listen (`--bind-address`).
    pub bind_address: IpAddr,
    /// The port of admission, with TLS (`--port`); 0 takes a free one.
    pub port: u16,
    /// The port of metrics and health, without TLS (`--metrics-port`); 0 takes a free one.
    pub metrics_port: u16,
    /// The kubeconfig (`--kubeconfig`); `None` takes the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The API server instead of the kubeconfig's (`--kube-api`).
    pub kube_api: Option<String>,
    /// Where the serving certificate comes from.
    pub certificate: CertificateSource,
    /// Versions and cipher suites.
    pub tls: TlsOptions,
    /// What pods get.
    pub settings: Settings,
    /// The namespace of the ConfigMap and of the Secret (`--namespace`).
    pub namespace: String,
    /// Whether the ConfigMap `pod-identity-webhook` assigns roles (`--watch-config-map`).
    pub watch_config_map: bool,
    /// The file of container credentials (`--watch-container-credentials-config`).
    pub credentials_file: Option<PathBuf>,
    /// Whether service accounts that the watch has not told of are read from the API server
    /// (`--read-unknown-service-accounts`).
    pub reads_unknown: bool,
    /// How long a pod waits for its service account to come into being (`--service-account-lookup-grace-period`).
    pub grace: Duration,
    /// Whether a pod is held back when its identity cannot be found out (`--strict`).
    pub strict: bool,
    /// Whether the namespaces' annotation `podpass.dev/allowed-roles` counts (`--enforce-allowed-roles`).
    pub enforce_allowed_roles: bool,
    /// How long requests are still accepted after SIGTERM (`--shutdown-delay`).
    pub shutdown_delay: Duration,
    /// Whether the peer's debugging handlers are served (`--enable-debugging-handlers`).
    pub debugging: bool,
}

/// Where the serving certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// Two files (`--in-cluster=false`), followed as they change.
    Files {
        /// The certificate chain, PEM.
        certificate: PathBuf,
        /// The key, PEM.
        key: PathBuf,
    },
    /// A Secret of type `kubernetes.io/tls` (`--in-cluster`), followed as it changes; empty until the controller has
    /// filled it.
    Secret {
        /// Its name.
        name: String,
    },
}
