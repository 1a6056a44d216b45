//! Looking at all pods: which of them lack what the webhook would give them now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podpass_cluster::resources::{MUTATING_WEBHOOK_CONFIGURATION, NAMESPACE};
use podpass_cluster::{Cluster, ClusterError};
use podpass_inject::{Injection, Pod, Settings, inject, roles};
use podpass_kinds::{Reason, annotations};
use serde_json::Value;
use tokio::time::sleep;

use super::entry::Entry;
use super::events::Reporter;
use super::healer::Healer;
use super::lacking::{Lack, Lacking, is_of_interest};
use super::metrics::{ControllerMetrics, Why};
use super::selectors::Selectors;
use crate::identities::Identities;

/// What finds pods that were missed. Only the holder of the Lease runs it.
pub(crate) struct Finder {
    pub(crate) cluster: Cluster,
    pub(crate) identities: Arc<Identities>,
    pub(crate) settings: Settings,
    pub(crate) enforce_allowed_roles: bool,
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) configuration: String,
    pub(crate) interval: Duration,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) reporter: Reporter,
    /// Where pods may be evicted.
    pub(crate) healer: Option<Healer>,
}

/// What a look at all pods found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Pods that lack something, each with its reason; the oldest first.
    pub(crate) lacking: Vec<(Lacking, Reason)>,
    /// The uids of pods that are being deleted.
    pub(crate) ending: HashSet<String>,
}

impl Finder {
    /// Looks again and again; it never ends.
    pub(crate) async fn find(mut self) {
        let mut failing = String::new();
        let mut told_conditions = false;
        loop {
            match self.look(&mut told_conditions).await {
                Ok(found) => {
                    failing.clear();
                    self.count(&found);
                    self.reporter.report(&found).await;
                    if let Some(healer) = &mut self.healer {
                        healer.heal(&found).await;
                    }
                }
                Err(error) => {
                    let said = error.to_string();
                    if said != failing {
                        tracing::warn!(%error, hint = error.hint(), "The pods cannot be looked at; it is tried again");
                        failing = said;
                    }
                }
            }
            sleep(self.interval).await;
        }
    }

    async fn look(&self, told_conditions: &mut bool) -> Result<Found, ClusterError> {
        let configuration =
            self.cluster
                .get(MUTATING_WEBHOOK_CONFIGURATION, None, &self.configuration);
        let configuration = configuration.await?.unwrap_or_default();
        let entry = Entry::find(&configuration, &self.namespace, &self.service);
        // Where the API server is not told to call the webhook, or accounts are not known yet, nobody is missed.
        let Some(entry) = entry.filter(|_| self.identities.is_synced()) else {
            return Ok(Found::default());
        };
        let namespaces = self.cluster.list(NAMESPACE, None, "").await?;
        let selectors = Selectors::of(entry, &namespaces);
        if selectors.has_conditions && !std::mem::replace(told_conditions, true) {
            tracing::warn!(
                "The webhook configuration has matchConditions, which are not judged: pods that they leave out are reported"
            );
        }
        let mut found = Found::default();
        let mut lacking = Vec::new();
        let each = self.cluster.each_pod(|pod| {
            if !pod["metadata"]["deletionTimestamp"].is_null() {
                let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
                found.ending.insert(uid.to_owned());
            } else if is_of_interest(pod) {
                lacking.extend(self.judge(pod, &selectors));
            }
            ControlFlow::Continue(())
        });
        each.await?;
        lacking.sort_by(|one: &Lacking, other| one.created.cmp(&other.created));
        let mut annotated = HashMap::new();
        for pod in lacking {
            let key = (pod.namespace.clone(), pod.account.clone());
            let time = if let Some(time) = annotated.get(&key) {
                *time
            } else {
                let time = self.annotated(&pod).await?;
                *annotated.entry(key).or_insert(time)
            };
            let reason = pod.reason(time);
            found.lacking.push((pod, reason));
        }
        Ok(found)
    }

    /// What a pod lacks, if anything.
    fn judge(&self, pod: &Value, selectors: &Selectors) -> Option<Lacking> {
        let metadata = &pod["metadata"];
        let namespace = metadata["namespace"].as_str()?;
        let account = pod["spec"]["serviceAccountName"].as_str()?;
        let known = self.identities.at_hand(namespace, account)?;
        if !known.may_have_identity() || !selectors.cover(namespace, &metadata["labels"]) {
            return None;
        }
        let identity = known.identity();
        let given = roles(identity, &self.settings);
        let lack = match inject(&Pod::from(pod), identity, &self.settings) {
            Injection::Patched(_)
                if self.enforce_allowed_roles && !selectors.allow(namespace, &given) =>
            {
                Lack::Permission
            }
            Injection::Patched(patch) => Lack::of_added(&patch.operations),
            // A chain's roles stand in a file; what a pod has of it, it was given together.
            Injection::Unchanged { .. } => match &given[..] {
                [role] => Lack::of_role(pod, role, identity, &self.settings)?,
                _ => return None,
            },
        };
        Some(Lacking::of(pod, lack))
    }

    /// When the role annotation of a pod's service account was written, as far as the API server knows.
    async fn annotated(&self, pod: &Lacking) -> Result<Option<Timestamp>, ClusterError> {
        let account = self.cluster.service_account(&pod.namespace, &pod.account);
        let prefix = &self.settings.annotation_prefix;
        let name = annotations::name(prefix, annotations::ROLE_ARN);
        let account = account.await?;
        Ok(account.and_then(|account| account.annotated.get(&name)?.time))
    }

    fn count(&self, found: &Found) {
        let mut counts: BTreeMap<&str, i64> =
            REPORTED.iter().map(|reason| (reason.code(), 0)).collect();
        for (_, reason) in &found.lacking {
            *counts.entry(reason.code()).or_default() += 1;
        }
        for (reason, count) in counts {
            self.metrics
                .unmutated
                .get_or_create(&Why { reason })
                .set(count);
        }
    }
}

/// The reasons that a pod can be reported for.
const REPORTED: [Reason; 4] = [
    Reason::BornBeforeWebhook,
    Reason::InjectionIncomplete,
    Reason::RoleNotAllowed,
    Reason::StaleRoleInPod,
];
