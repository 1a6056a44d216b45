//! Keeping the serving certificate: one step after another, each read from what the cluster has now.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use podpass_cluster::resources::{MUTATING_WEBHOOK_CONFIGURATION, SECRET};
use podpass_cluster::{Cluster, ClusterError};
use podpass_runtime::{IssueError, issue, shown_certificate};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::canary::{Canary, CanaryError};
use super::entry::{Entry, bundle_of};
use super::metrics::ControllerMetrics;
use super::rotation::{Held, Step, Subject, as_current, as_next, other_owner};

/// What keeps the certificate. Only the holder of the Lease runs it.
pub(crate) struct Keeper {
    pub(crate) cluster: Cluster,
    pub(crate) canary: Arc<Canary>,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) subject: Subject,
    pub(crate) namespace: String,
    pub(crate) secret: String,
    pub(crate) service: String,
    pub(crate) configuration: String,
    pub(crate) lifetime: Duration,
    pub(crate) canary_period: Duration,
    /// Where the replicas are; empty asks the Service.
    pub(crate) endpoints: Vec<SocketAddr>,
    /// Rings when Secret or configuration was changed.
    pub(crate) changed: Arc<Notify>,
}

/// A step that could not be done.
#[derive(Debug, Error)]
enum KeepError {
    #[error("{0}")]
    Cluster(#[from] ClusterError),
    #[error("there is no {0}: it is among the webhook's manifests, apply them")]
    Missing(String),
    #[error(
        "no entry of the MutatingWebhookConfiguration `{configuration}` calls the Service `{service}`"
    )]
    NoEntry {
        configuration: String,
        service: String,
    },
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("the canary did not pass")]
    Canary(#[source] CanaryError),
    #[error("not every replica shows the new certificate yet: {0}")]
    Unseen(String),
}

/// When to look again.
enum Next {
    /// At once: something was done.
    Now,
    /// After that long, or when something changes.
    After(Duration),
}

impl Keeper {
    /// Does one step after another; it never ends.
    pub(crate) async fn keep(self) {
        let mut failing = String::new();
        let mut owner = None;
        loop {
            let pause = match self.step(&mut owner).await {
                Ok(Next::Now) => Duration::ZERO,
                Ok(Next::After(pause)) => {
                    failing.clear();
                    pause
                }
                Err(error) => {
                    let said = error.to_string();
                    if said != failing {
                        let cause = std::error::Error::source(&error).map(ToString::to_string);
                        tracing::warn!(%error, cause, "The serving certificate waits; it is tried again");
                        failing = said;
                    }
                    RETRY
                }
            };
            if pause.is_zero() {
                continue;
            }
            // A wall clock that is set forward is noticed within a minute.
            let _ = timeout(pause.min(LONGEST), self.changed.notified()).await;
        }
    }

    async fn step(&self, owner: &mut Option<&'static str>) -> Result<Next, KeepError> {
        let secret = self
            .read(SECRET, Some(&self.namespace), &self.secret)
            .await?;
        let configuration = &self.configuration;
        let configuration = self.read(MUTATING_WEBHOOK_CONFIGURATION, None, configuration);
        let configuration = configuration.await?;
        let other = other_owner(&secret, &configuration);
        if std::mem::replace(owner, other) != other
            && let Some(owner) = other
        {
            tracing::warn!(
                owner,
                "Certificate and caBundle are left alone; `--manage-tls=false` says so without this warning"
            );
        }
        if other.is_some() {
            self.metrics.expiry.set(0.0);
            return Ok(Next::After(LONGEST));
        }
        let entry = Entry::find(&configuration, &self.namespace, &self.service);
        let entry = entry.ok_or_else(|| KeepError::NoEntry {
            configuration: self.configuration.clone(),
            service: format!("{}/{}", self.namespace, self.service),
        })?;
        let now = SystemTime::now();
        let held = Held::of(&secret, &self.subject, now);
        let expiry = held.current.as_ref().map(|current| current.not_after);
        let expiry = expiry.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        self.metrics
            .expiry
            .set(expiry.unwrap_or_default().as_secs_f64());
        let trusted = entry.trusted();
        match held.step(&trusted, now) {
            Step::Issue => {
                let issued = self.issue(now)?;
                let authorities = [&trusted[..], std::slice::from_ref(&issued.authority)].concat();
                self.trust(&configuration, entry, &authorities).await?;
                self.write(&secret, as_current(&issued)).await?;
                self.metrics.certificates.inc();
                tracing::info!(
                    "A serving certificate was issued; there was none that could be used"
                );
            }
            Step::Trust(authorities) => {
                self.trust(&configuration, entry, &authorities).await?;
                tracing::info!(
                    authorities = authorities.len(),
                    "API servers are told to trust an authority beside those before"
                );
            }
            Step::Prepare => {
                if !self.canary.is_permitted().await? {
                    return Ok(Next::After(RETRY * 10));
                }
                let issued = self.issue(now)?;
                self.write(&secret, as_next(&issued)).await?;
                tracing::info!("The serving certificate is being renewed");
            }
            Step::Switch => {
                let passed = self.canary.passes_for(self.canary_period).await;
                passed.map_err(KeepError::Canary)?;
                if let Some(next) = &held.next {
                    self.write(&secret, as_current(&next.issued)).await?;
                    self.metrics.certificates.inc();
                    tracing::info!("Replicas are given the new serving certificate");
                }
            }
            Step::Drop(authorities) => {
                if let Some(current) = &held.current {
                    self.seen_everywhere(&current.leaf).await?;
                }
                self.trust(&configuration, entry, &authorities).await?;
                tracing::info!(
                    "Every replica shows the new certificate; older authorities are trusted no more"
                );
            }
            Step::Rest(pause) => return Ok(Next::After(pause.max(RETRY))),
        }
        Ok(Next::Now)
    }

    fn issue(&self, now: SystemTime) -> Result<podpass_runtime::Issued, IssueError> {
        let Subject { names, addresses } = &self.subject;
        issue(names, addresses, self.lifetime, now)
    }

    async fn read(
        &self,
        resource: podpass_cluster::Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Value, KeepError> {
        let found = self.cluster.get(resource, namespace, name).await?;
        found.ok_or_else(|| {
            let place = namespace.map(|namespace| format!("{namespace}/"));
            let place = place.unwrap_or_default();
            KeepError::Missing(format!("{} `{place}{name}`", resource.kind))
        })
    }

    async fn trust(
        &self,
        configuration: &Value,
        entry: Entry<'_>,
        authorities: &[String],
    ) -> Result<(), ClusterError> {
        let bundle = bundle_of(authorities);
        let (name, version) = (&self.configuration, version(configuration));
        let set = self
            .cluster
            .set_ca_bundle(name, version, entry.index, entry.name, &bundle);
        set.await
    }

    async fn write(
        &self,
        secret: &Value,
        data: serde_json::Map<String, Value>,
    ) -> Result<(), ClusterError> {
        let version = version(secret);
        let (namespace, name) = (&self.namespace, &self.secret);
        self.cluster
            .merge_secret_data(namespace, name, version, data)
            .await
    }

    /// Whether every replica shows this certificate, each asked anew.
    async fn seen_everywhere(&self, leaf: &[u8]) -> Result<(), KeepError> {
        let addresses = if self.endpoints.is_empty() {
            let (namespace, service) = (&self.namespace, &self.service);
            let found = self.cluster.service_endpoints(namespace, service, PORT);
            found.await?
        } else {
            self.endpoints.clone()
        };
        if addresses.is_empty() {
            return Err(KeepError::Unseen("there is no replica".to_owned()));
        }
        // A renewal has time: one after another.
        let mut unseen = Vec::new();
        for address in addresses {
            match shown_certificate(address).await {
                Ok(shown) if shown == leaf => {}
                Ok(_) => unseen.push(format!("{address} shows another")),
                Err(error) => unseen.push(format!("{address}: {error}")),
            }
        }
        if unseen.is_empty() {
            Ok(())
        } else {
            Err(KeepError::Unseen(unseen.join(", ")))
        }
    }
}

fn version(object: &Value) -> &str {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.unwrap_or_default()
}

/// The Service's port of admission.
const PORT: &str = "https";
/// The time to the next try of what failed.
const RETRY: Duration = Duration::from_secs(1);
/// The longest time without a look.
const LONGEST: Duration = Duration::from_mins(1);
