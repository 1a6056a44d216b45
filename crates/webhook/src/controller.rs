//! The webhook's controller: a second process, of which one at a time acts. It keeps the serving certificate, proves with a
//! canary that the webhook answers, and finds the pods that it missed.
//!
//! It has what the replicas with the open port must not have, the right to write the webhook configuration and the Secret,
//! and nobody can connect to more of it than its metrics.

mod canary;
mod certificate;
mod entry;
mod events;
mod finder;
mod healer;
mod lacking;
mod metrics;
mod options;
mod rotation;
mod selectors;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use podpass_cluster::resources::{MUTATING_WEBHOOK_CONFIGURATION, SECRET};
use podpass_cluster::{Cluster, Lease, LeaseLost, Resource, ServiceAccountIndex};
use podpass_runtime::{Port, Shutdown, Stage, metrics as page};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::canary::Canary;
use self::certificate::Keeper;
use self::events::Reporter;
use self::finder::Finder;
use self::healer::Healer;
use self::metrics::ControllerMetrics;
pub use self::options::ControllerOptions;
use self::rotation::Subject;
use crate::StartError;
use crate::identities::{Identities, Sources};
use crate::metrics::Metrics;
use crate::routes::{SHUTTING_DOWN, health, not_found};
use crate::watches::{teller, watch_identities};

/// Runs the controller until SIGTERM or SIGINT; then the Lease is given up, so that another one need not wait.
///
/// An API server that cannot be reached is no error: it is waited for.
pub async fn run_controller(options: ControllerOptions) -> Result<(), StartError> {
    let cluster =
        Cluster::connect_component(options.kubeconfig.as_deref(), options.kube_api.as_deref())
            .await
            .map_err(StartError::Cluster)?;
    let port = Port::bind(options.bind_address, options.metrics_port);
    let port = port.await.map_err(StartError::Port)?;
    let metrics_address = port.address();
    let shutdown = Shutdown::new();
    let signals = tokio::spawn(shutdown.clone().on_signals(Duration::ZERO));
    let metrics = ControllerMetrics::default();
    let registry = Arc::new(metrics.registry());
    let ending = shutdown.clone();
    let answer = move |request: Request<Incoming>| {
        let (registry, ending) = (Arc::clone(&registry), ending.clone());
        async move {
            match request.uri().path() {
                "/metrics" => page::answer(&registry),
                // Ready means that it runs: one that waits for the Lease is as ready as the one that holds it.
                path => {
                    let ends = ending.stage() != Stage::Serving;
                    health(path, || ends.then_some(SHUTTING_DOWN)).unwrap_or_else(not_found)
                }
            }
        }
    };
    let identities = Arc::new(identities(&options, &cluster)?);
    // Watched by those that wait for the Lease too, so that whoever takes over knows all accounts at once.
    let mut watches = JoinSet::new();
    watch_identities(&mut watches, &cluster, &identities, &metrics.watch_failures);
    tracing::info!(%metrics_address, "Serving");
    let lead = lead(&options, &cluster, &identities, &metrics, &shutdown);
    let serve = async {
        tokio::join!(port.serve(None, shutdown.clone(), answer), lead);
    };
    tokio::select! {
        () = serve => Ok(()),
        ended = signals => match ended {
            Ok(Err(error)) => Err(StartError::Signals(error)),
            // It ends only with an error.
            Ok(Ok(())) | Err(_) => Ok(()),
        },
    }
}

/// Waits for the Lease, acts while it is held, and begins anew when it is lost, until the server ends.
async fn lead(
    options: &ControllerOptions,
    cluster: &Cluster,
    identities: &Arc<Identities>,
    metrics: &ControllerMetrics,
    shutdown: &Shutdown,
) {
    let name = format!("{}-controller", options.service_name);
    let identity = identity();
    let mut lease = Lease::new(
        cluster.clone(),
        &options.namespace,
        &name,
        &identity,
        options.lease_duration,
    );
    let leading = async {
        loop {
            let mut told = String::new();
            let tell = |error: podpass_cluster::ClusterError| {
                let said = error.to_string();
                if said != told {
                    tracing::warn!(%error, hint = error.hint(), "The Lease cannot be taken; it is tried again");
                    told = said;
                }
            };
            lease.acquire(tell).await;
            metrics.leader.set(1);
            tracing::info!(identity, "Leading");
            // What is lost is stopped here, at whatever await it is.
            let lost = tokio::select! {
                lost = lease.keep() => lost,
                () = act(options, cluster, identities, metrics, &identity) => continue,
            };
            metrics.stop_leading();
            match lost {
                LeaseLost::Taken(holder) => {
                    tracing::warn!(holder, "Leading no more: the Lease was taken");
                }
                LeaseLost::NotRenewed(error) => {
                    let error = error.map(|error| error.to_string());
                    tracing::warn!(error, "Leading no more: the Lease was not renewed in time");
                }
                _ => tracing::warn!("Leading no more"),
            }
        }
    };
    tokio::select! {
        () = leading => {}
        () = shutdown.reached(Stage::Draining) => {}
    }
    metrics.stop_leading();
    match timeout(RELEASING, lease.release()).await {
        Ok(Ok(())) => tracing::info!("The Lease is free"),
        Ok(Err(error)) => tracing::warn!(%error, "The Lease was not given up; it runs out"),
        Err(_) => tracing::warn!("The Lease was not given up in time; it runs out"),
    }
}

/// Everything that the holder of the Lease does; it never ends by itself.
async fn act(
    options: &ControllerOptions,
    cluster: &Cluster,
    identities: &Arc<Identities>,
    metrics: &ControllerMetrics,
    identity: &str,
) {
    let canary = Arc::new(Canary {
        cluster: cluster.clone(),
        namespace: options.canary_namespace.clone(),
        settings: options.settings.clone(),
        metrics: metrics.clone(),
        told: AtomicBool::new(false),
    });
    // Whatever runs ends with this function.
    let mut tasks = JoinSet::new();
    tasks.spawn(watch_over(Arc::clone(&canary)));
    let healer = options.evict.then(|| {
        let (cluster, canary) = (cluster.clone(), Arc::clone(&canary));
        Healer::new(cluster, canary, metrics.clone(), options.find_interval)
    });
    let finder = Finder {
        cluster: cluster.clone(),
        identities: Arc::clone(identities),
        settings: options.settings.clone(),
        enforce_allowed_roles: options.enforce_allowed_roles,
        namespace: options.namespace.clone(),
        service: options.service_name.clone(),
        configuration: options.webhook_configuration.clone(),
        interval: options.find_interval,
        metrics: metrics.clone(),
        reporter: Reporter::new(cluster.clone(), identity),
        healer,
    };
    tasks.spawn(finder.find());
    if options.manage_tls {
        let changed = Arc::new(Notify::new());
        let keeper = Keeper {
            cluster: cluster.clone(),
            canary: Arc::clone(&canary),
            metrics: metrics.clone(),
            subject: Subject::of(
                &options.service_name,
                &options.namespace,
                options.endpoints.iter().map(SocketAddr::ip).collect(),
            ),
            namespace: options.namespace.clone(),
            secret: options.tls_secret.clone(),
            service: options.service_name.clone(),
            configuration: options.webhook_configuration.clone(),
            lifetime: options.certificate_lifetime,
            canary_period: options.canary_period,
            endpoints: options.endpoints.clone(),
            changed: Arc::clone(&changed),
        };
        let configuration = &options.webhook_configuration;
        for (resource, namespace, name) in [
            (SECRET, Some(options.namespace.clone()), &options.tls_secret),
            (MUTATING_WEBHOOK_CONFIGURATION, None, configuration),
        ] {
            tasks.spawn(ring(
                cluster.clone(),
                resource,
                namespace,
                name.clone(),
                Arc::clone(&changed),
                metrics.clone(),
            ));
        }
        tasks.spawn(keeper.keep());
    }
    while tasks.join_next().await.is_some() {}
}

/// Whom pods belong to, from the webhook's own sources.
fn identities(options: &ControllerOptions, cluster: &Cluster) -> Result<Identities, StartError> {
    let prefix = options.settings.annotation_prefix.clone();
    Identities::new(Sources {
        index: Arc::new(ServiceAccountIndex::new(prefix)),
        cluster: cluster.clone(),
        // Nobody waits here: what the watch has not told of is looked at the next time.
        reads_unknown: false,
        grace: Duration::ZERO,
        credentials_file: options.credentials_file.as_deref(),
        role_map_in: options.watch_config_map.then_some(&options.namespace),
        metrics: Metrics::new(),
    })
    .map_err(StartError::CredentialsFile)
}

/// Runs a canary now and then, for the metric; that it fails, and that it passes again, is said once.
async fn watch_over(canary: Arc<Canary>) {
    let mut failed = None;
    loop {
        if let Ok(true) = canary.is_permitted().await {
            let now = canary.run().await.err().map(|error| error.to_string());
            if now != failed {
                if let Some(error) = &now {
                    tracing::warn!(error, "The canary did not pass");
                } else {
                    tracing::info!("The canary passes");
                }
                failed = now;
            }
        }
        sleep(if failed.is_some() {
            CANARY_AGAIN
        } else {
            CANARY_EVERY
        })
        .await;
    }
}

/// Rings whenever an object changes.
async fn ring(
    cluster: Cluster,
    resource: Resource,
    namespace: Option<String>,
    name: String,
    changed: Arc<Notify>,
    metrics: ControllerMetrics,
) {
    let tell = teller(resource.plural, &metrics.watch_failures);
    let seen = |_| changed.notify_one();
    cluster
        .watch_object(resource, namespace.as_deref(), &name, seen, tell)
        .await;
}

/// A name that no other process has: the host's, which in a pod is the pod's, and something random.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{}", host.trim(), uuid::Uuid::new_v4())
}

/// How long the Lease's release may take at the end.
const RELEASING: Duration = Duration::from_secs(3);
/// The time between two canaries while nothing waits for one.
const CANARY_EVERY: Duration = Duration::from_secs(30);
/// The same while they fail.
const CANARY_AGAIN: Duration = Duration::from_secs(5);
