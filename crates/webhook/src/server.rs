//! Starting the webhook and running it to its end.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use podpass_cluster::resources::{CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT};
use podpass_cluster::{Access, Cluster, ClusterError, ServiceAccountIndex};
use podpass_runtime::{CertificateError, Certificates, Port, PortError, Shutdown};
use thiserror::Error;
use tokio::task::JoinSet;

use crate::admission::Admission;
use crate::identities::{Identities, ROLE_MAP, Sources};
use crate::metrics::Metrics;
use crate::namespaces::Namespaces;
use crate::options::{CertificateSource, Options};
use crate::routes::Routes;
use crate::serving_secret;
use crate::watches::{teller, watch_identities};

/// A webhook that cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The way to the API server is not known.
    #[error("the API server cannot be used")]
    Cluster(#[source] ClusterError),
    /// There is no certificate to serve.
    #[error("the serving certificate cannot be used")]
    Certificate(#[source] CertificateError),
    /// The Secret of the certificate may not be read.
    #[error(
        "the serving certificate cannot be read: the verb `{verb}` on secrets `{namespace}/{name}` is missing (RBAC)"
    )]
    Secret {
        /// The verb of RBAC.
        verb: &'static str,
        /// The Secret's namespace.
        namespace: String,
        /// The Secret's name.
        name: String,
    },
    /// The file of container credentials cannot be watched.
    #[error("{0}")]
    CredentialsFile(String),
    /// A port cannot be bound.
    #[error(transparent)]
    Port(PortError),
    /// Signals cannot be received.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

impl StartError {
    /// One imperative clause that says what to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Cluster(_) => {
                "run it in a pod, or name the API server with `--kubeconfig` or `--kube-api`"
            }
            Self::Certificate(_) => {
                "name files that fit with `--tls-cert` and `--tls-key`, or take the controller's Secret with `--in-cluster`"
            }
            Self::Secret { .. } => {
                "grant `get`, `list` and `watch` on that one Secret, or take files with `--in-cluster=false`"
            }
            Self::CredentialsFile(_) => "name a file in a folder that is there",
            Self::Port(_) => {
                "choose another port with `--port` or `--metrics-port`, or another `--bind-address`"
            }
            Self::Signals(_) => "look at the limits of the system",
        }
    }
}

/// Runs the webhook until SIGTERM or SIGINT.
///
/// An API server that cannot be reached is no error: the webhook waits for it, not ready.
pub async fn run(options: Options) -> Result<(), StartError> {
    let cluster =
        Cluster::connect_component(options.kubeconfig.as_deref(), options.kube_api.as_deref())
            .await
            .map_err(StartError::Cluster)?;
    let certificates = Arc::new(certificates(&options, &cluster).await?);
    let metrics = Metrics::new();
    let index = Arc::new(ServiceAccountIndex::new(
        options.settings.annotation_prefix.clone(),
    ));
    let identities = identities(&options, &cluster, &index, &metrics).await?;
    let shutdown = Shutdown::new();
    let routes = Arc::new(Routes {
        registry: metrics.registry(Arc::clone(&index), Arc::clone(&certificates)),
        admission: Admission {
            identities: Arc::new(identities),
            namespaces: options
                .enforce_allowed_roles
                .then(|| Arc::new(Namespaces::new(cluster.clone()))),
            settings: options.settings.clone(),
            strict: options.strict,
            metrics: metrics.clone(),
        },
        index: Arc::clone(&index),
        certificates: Arc::clone(&certificates),
        shutdown: shutdown.clone(),
        debugging: options.debugging,
    });
    let bind = |port| Port::bind(options.bind_address, port);
    let secure = bind(options.port).await.map_err(StartError::Port)?;
    let plain = bind(options.metrics_port).await.map_err(StartError::Port)?;
    let (address, metrics_address) = (secure.address(), plain.address());

    // Whatever watches ends with the server.
    let mut watches = JoinSet::new();
    watch(&mut watches, &options, &cluster, &routes);
    let signals = tokio::spawn(shutdown.clone().on_signals(options.shutdown_delay));
    tracing::info!(%address, %metrics_address, "Serving");
    let answer = Arc::clone(&routes);
    let answer_secure = move |request: Request<Incoming>| {
        let routes = Arc::clone(&answer);
        async move { routes.secure(request).await }
    };
    let answer_plain = move |request: Request<Incoming>| {
        let answer = routes.plain(&request);
        async move { answer }
    };
    let serve = async {
        tokio::join!(
            secure.serve(Some(certificates), shutdown.clone(), answer_secure),
            plain.serve(None, shutdown.clone(), answer_plain),
        )
    };
    tokio::select! {
        ((), ()) = serve => Ok(()),
        ended = signals => match ended {
            Ok(Err(error)) => Err(StartError::Signals(error)),
            // It ends only with an error.
            Ok(Ok(())) | Err(_) => Ok(()),
        },
    }
}

async fn certificates(options: &Options, cluster: &Cluster) -> Result<Certificates, StartError> {
    for suite in options.tls.left_out() {
        tracing::warn!(
            suite,
            "This cipher suite is too weak to be offered and is left out"
        );
    }
    let tls = options.tls.clone();
    match &options.certificate {
        CertificateSource::Files { certificate, key } => {
            Certificates::of_files(certificate, key, tls).map_err(StartError::Certificate)
        }
        CertificateSource::Secret { name } => {
            let namespace = &options.namespace;
            let asked = serving_secret::missing_verb(cluster, namespace, name);
            // An API server that cannot be reached yet is waited for, later.
            if let Ok(Some(verb)) = tokio::time::timeout(ASKING, asked).await {
                return Err(StartError::Secret {
                    verb,
                    namespace: namespace.clone(),
                    name: name.clone(),
                });
            }
            Ok(Certificates::empty(tls))
        }
    }
}

async fn identities(
    options: &Options,
    cluster: &Cluster,
    index: &Arc<ServiceAccountIndex>,
    metrics: &Metrics,
) -> Result<Identities, StartError> {
    let get_accounts = Access {
        verb: "get",
        resource: SERVICE_ACCOUNT,
        namespace: None,
        name: None,
    };
    let reads_unknown = options.reads_unknown
        && may(cluster, get_accounts).await.unwrap_or_else(|verb| {
            tracing::warn!(
                verb,
                "Service accounts that the watch has not told of are not read: serviceaccounts may not be read (RBAC)"
            );
            false
        });
    let mut role_map_in = options.watch_config_map.then_some(&*options.namespace);
    if let Some(namespace) = role_map_in {
        for verb in ["list", "watch"] {
            let access = Access {
                verb,
                resource: CONFIG_MAP,
                namespace: Some(namespace),
                name: Some(ROLE_MAP),
            };
            if let Err(verb) = may(cluster, access).await {
                tracing::warn!(
                    verb,
                    namespace,
                    "`--watch-config-map` is off: configmaps may not be read (RBAC)"
                );
                role_map_in = None;
            }
        }
    }
    Identities::new(Sources {
        index: Arc::clone(index),
        cluster: cluster.clone(),
        reads_unknown,
        grace: options.grace,
        credentials_file: options.credentials_file.as_deref(),
        role_map_in,
        metrics: metrics.clone(),
    })
    .map_err(StartError::CredentialsFile)
}

/// Whether something is allowed; the verb when it is not. While nobody answers, it counts as allowed.
async fn may<'a>(cluster: &Cluster, access: Access<'a>) -> Result<bool, &'a str> {
    match tokio::time::timeout(ASKING, cluster.may(access)).await {
        Ok(Ok(false)) => Err(access.verb),
        Ok(Ok(true) | Err(_)) | Err(_) => Ok(true),
    }
}

fn watch(watches: &mut JoinSet<()>, options: &Options, cluster: &Cluster, routes: &Arc<Routes>) {
    let failures = &routes.admission.metrics.watch_failures;
    watch_identities(watches, cluster, &routes.admission.identities, failures);
    if let Some(namespaces) = &routes.admission.namespaces {
        let (cluster, namespaces) = (cluster.clone(), Arc::clone(namespaces));
        let tell = teller("namespaces", failures);
        watches.spawn(async move {
            cluster
                .watch_annotations(NAMESPACE, namespaces.rules(), tell)
                .await;
        });
    }
    if let CertificateSource::Secret { name } = &options.certificate {
        watches.spawn(serving_secret::follow(
            cluster.clone(),
            options.namespace.clone(),
            name.clone(),
            Arc::clone(&routes.certificates),
            routes.admission.metrics.clone(),
            teller("secrets", failures),
        ));
    }
}

/// How long a question about permissions may take at start.
const ASKING: Duration = Duration::from_secs(3);
