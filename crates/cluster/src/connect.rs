//! Which cluster is meant, and the connection to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::error::{ClusterError, ErrorKind};

/// Which cluster is meant: kubectl's connection flags. All unset is what kubectl takes without flags.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The kubeconfig file, instead of `KUBECONFIG` (whose files are merged) or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    pub context: Option<String>,
    /// The cluster in it, instead of the context's.
    pub cluster: Option<String>,
    /// The user in it, instead of the context's.
    pub user: Option<String>,
    /// The URL of the API server, instead of the cluster's.
    pub server: Option<String>,
    /// The namespace, instead of the context's.
    pub namespace: Option<String>,
    /// How long one request may take; `None` waits as long as the server does.
    pub request_timeout: Option<Duration>,
}

impl Target {
    /// Whether anything names a cluster: a flag, a kubeconfig, or the pod that this runs in. Whether it can be used is
    /// not looked at.
    pub fn is_named(&self) -> bool {
        let by_flag = [&self.context, &self.cluster, &self.user, &self.server]
            .into_iter()
            .any(Option::is_some);
        let variable = |name| {
            std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty())
        };
        by_flag
            || self.kubeconfig.is_some()
            || variable("KUBECONFIG")
            || variable("KUBERNETES_SERVICE_HOST")
            || std::env::home_dir().is_some_and(|home| home.join(".kube/config").exists())
    }
}

/// A connection to a cluster. Clones share it.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) client: Client,
    /// How the server is reached, without anybody's credentials.
    pub(crate) way: Arc<Config>,
    namespace: String,
    server: String,
    user: Option<String>,
    timeout: Option<Duration>,
}

impl Cluster {
    /// Reads the kubeconfig and makes a client; nothing is sent yet.
    ///
    /// Without a kubeconfig, the service account of the pod that this runs in is used, as by kubectl. A proxy of the
    /// environment (`HTTPS_PROXY`) counts, but not for an API server on this machine.
    pub async fn connect(target: &Target) -> Result<Self, ClusterError> {
        let (mut config, user) = load(target).await?;
        if let Some(server) = &target.server {
            config.cluster_url = parse_server(server)?;
        }
        Self::of_config(config, user, target)
    }

    /// Makes a client as a component in a pod does: with the kubeconfig that is named, or the pod's own service account.
    /// What a user's environment names (`KUBECONFIG`, `~/.kube/config`) does not count. Nothing is sent yet.
    ///
    /// `server` replaces the kubeconfig's API server; without a kubeconfig it is talked to without credentials.
    pub async fn connect_component(
        kubeconfig: Option<&Path>,
        server: Option<&str>,
    ) -> Result<Self, ClusterError> {
        let target = Target {
            kubeconfig: kubeconfig.map(Path::to_owned),
            ..Target::default()
        };
        let (mut config, user) = match (kubeconfig, server) {
            (Some(_), _) => load(&target).await?,
            (None, Some(server)) => (Config::new(parse_server(server)?), None),
            (None, None) => {
                let config = Config::incluster().map_err(|error| {
                    let message =
                        "there is no kubeconfig, and this is no pod with a service account";
                    ClusterError::new(ErrorKind::Configuration, message).because(error)
                })?;
                (config, None)
            }
        };
        if let Some(server) = server {
            config.cluster_url = parse_server(server)?;
        }
        // Whoever runs on has a pause of its own for each thing that fails; a client that repeats a call would hide, for a
        // minute, that an eviction is not allowed now.
        config.default_retry = false;
        Self::of_config(config, user, &target)
    }

    fn of_config(
        mut config: Config,
        user: Option<String>,
        target: &Target,
    ) -> Result<Self, ClusterError> {
        if config.cluster_url.host().is_some_and(is_loopback) {
            config.proxy_url = None;
        }
        if let Some(timeout) = target.request_timeout {
            config.connect_timeout = Some(timeout);
        }
        let server = config.cluster_url.to_string();
        let namespace = target
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let mut way = config.clone();
        way.auth_info = AuthInfo::default();
        let client = Client::try_from(config).map_err(|error| match error {
            // A credential plugin is asked here already.
            kube::Error::Auth(error) => ClusterError::without_credentials(&server, error),
            error => ClusterError::new(
                ErrorKind::Configuration,
                "the kubeconfig makes no usable client",
            )
            .because(error),
        })?;
        Ok(Self {
            client,
            way: Arc::new(way),
            namespace,
            server,
            user,
            timeout: target.request_timeout,
        })
    }

    /// The namespace that is meant where none is named.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The URL of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the kubeconfig calls the user, which is a label; `None` in a pod.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Waits for one request, at most as long as the target says, and names what was done when it fails.
    pub(crate) async fn run<T>(
        &self,
        verb: &'static str,
        what: &str,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        let answered = match self.timeout {
            None => Ok(request.await),
            Some(timeout) => tokio::time::timeout(timeout, request).await,
        };
        match answered {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(ClusterError::of_request(verb, what, &self.server, error)),
            Err(_) => {
                let message = format!("{} did not answer in time: {verb} {what}", self.server);
                Err(ClusterError::new(ErrorKind::TimedOut, message))
            }
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds the user's credentials.
        f.debug_struct("Cluster")
            .field("server", &self.server)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

fn parse_server(server: &str) -> Result<http::Uri, ClusterError> {
    let refused = || {
        let message = format!("`{server}` is not the URL of an API server");
        ClusterError::new(ErrorKind::Configuration, message)
    };
    let url: http::Uri = server.parse().map_err(|error| refused().because(error))?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    if is_http && url.host().is_some() {
        Ok(url)
    } else {
        Err(refused().because("it has to begin with https:// or http:// and name a host"))
    }
}

/// The configuration, and the name of the user in it.
async fn load(target: &Target) -> Result<(Config, Option<String>), ClusterError> {
    let options = KubeConfigOptions {
        context: target.context.clone(),
        cluster: target.cluster.clone(),
        user: target.user.clone(),
    };
    let asks_for_one = target.kubeconfig.is_some()
        || target.context.is_some()
        || target.cluster.is_some()
        || target.user.is_some();
    let kubeconfig = match &target.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).map_err(|error| {
            let message = format!("the kubeconfig `{}` cannot be used", path.display());
            ClusterError::new(ErrorKind::Configuration, message).because(error)
        })?,
        None => match Kubeconfig::read() {
            Ok(kubeconfig) => kubeconfig,
            Err(error) => {
                return match Config::incluster() {
                    Ok(config) if !asks_for_one => Ok((config, None)),
                    _ => Err(ClusterError::new(
                        ErrorKind::Configuration,
                        "there is no kubeconfig that can be used",
                    )
                    .because(error)),
                };
            }
        },
    };
    let user = target.user.clone().or_else(|| user_of(&kubeconfig, target));
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    config.map(|config| (config, user)).map_err(|error| {
        let message = match &target.context {
            Some(context) => {
                format!("the context `{context}` of the kubeconfig cannot be used")
            }
            None => "the kubeconfig's current context cannot be used".to_owned(),
        };
        ClusterError::new(ErrorKind::Configuration, message).because(error)
    })
}

fn user_of(kubeconfig: &Kubeconfig, target: &Target) -> Option<String> {
    let context = target
        .context
        .as_ref()
        .or(kubeconfig.current_context.as_ref())?;
    let mut contexts = kubeconfig.contexts.iter();
    let named = contexts.find(|named| named.name == *context)?;
    named.context.as_ref()?.user.clone()
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
