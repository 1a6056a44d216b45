//! The canary: a pod that is created as a dry run, to see that the webhook gives pods their identity now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use podpass_cluster::resources::{
    VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_POLICY_BINDING,
};
use podpass_cluster::{Cluster, ClusterError};
use podpass_inject::{Injection, Pod, Settings, inject};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};

use super::metrics::ControllerMetrics;

/// What a canary is made from.
#[derive(Debug)]
pub(crate) struct Canary {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) settings: Settings,
    pub(crate) metrics: ControllerMetrics,
    /// Whether it was said that no canary may run.
    pub(crate) told: AtomicBool,
}

/// A canary that did not pass.
#[derive(Debug, Error)]
pub(crate) enum CanaryError {
    /// Nothing keeps this identity from creating a real pod, so none is tried.
    #[error(
        "no canary runs without the ValidatingAdmissionPolicy `{POLICY}` and its binding, which are among the webhook's manifests"
    )]
    NoPolicy,
    /// Its service account has no role.
    #[error(
        "the service account `{0}/{ACCOUNT}` has no role annotation: apply the webhook's manifests"
    )]
    NoRole(String),
    /// The pod came back without what the webhook adds.
    #[error("the pod was admitted without its identity")]
    NotInjected,
    /// The API server said no, or could not be asked.
    #[error("{0}")]
    Refused(#[from] ClusterError),
    /// There was no answer.
    #[error("the API server gave no answer")]
    NoAnswer,
}

impl Canary {
    /// Whether one may run: whether the policy is there that lets only dry runs through. Said once when it is not.
    pub(crate) async fn is_permitted(&self) -> Result<bool, ClusterError> {
        let get = |resource| self.cluster.get(resource, None, POLICY);
        let (policy, binding) = tokio::try_join!(
            get(VALIDATING_ADMISSION_POLICY),
            get(VALIDATING_ADMISSION_POLICY_BINDING)
        )?;
        let permitted =
            matches!((&policy, &binding), (Some(policy), Some(binding)) if denies(policy, binding));
        if permitted {
            self.told.store(false, Ordering::Relaxed);
        } else {
            self.metrics.canary.set(0);
            if !self.told.swap(true, Ordering::Relaxed) {
                let error = CanaryError::NoPolicy;
                tracing::warn!(%error, "No pod is evicted and no certificate is renewed");
            }
        }
        Ok(permitted)
    }

    /// Creates one, and looks at what came of it.
    pub(crate) async fn run(&self) -> Result<(), CanaryError> {
        let passed = match timeout(ANSWER, self.try_once()).await {
            Ok(passed) => passed,
            Err(_) => Err(CanaryError::NoAnswer),
        };
        self.metrics.canary.set(passed.is_ok().into());
        passed
    }

    /// Lets them pass for a while, one after another; the first that does not ends it.
    pub(crate) async fn passes_for(&self, period: Duration) -> Result<(), CanaryError> {
        let ends = Instant::now() + period;
        loop {
            self.run().await?;
            let Some(left) = ends.checked_duration_since(Instant::now()) else {
                return Ok(());
            };
            sleep(left.min(PAUSE)).await;
        }
    }

    async fn try_once(&self) -> Result<(), CanaryError> {
        if !self.is_permitted().await? {
            return Err(CanaryError::NoPolicy);
        }
        let account = self.cluster.service_account(&self.namespace, ACCOUNT);
        let account = account.await?.map(|account| account.view);
        let no_role = || CanaryError::NoRole(self.namespace.clone());
        let account = account.ok_or_else(no_role)?;
        let pod = pod();
        if let Injection::Unchanged { .. } = inject(&Pod::from(&pod), &account, &self.settings) {
            return Err(no_role());
        }
        let admitted = self.cluster.dry_run_pod(&self.namespace, &pod).await?;
        match inject(&Pod::from(&admitted), &account, &self.settings) {
            Injection::Unchanged { .. } => Ok(()),
            Injection::Patched(_) => Err(CanaryError::NotInjected),
        }
    }
}

/// Whether the policy refuses when in doubt, and the binding has it refuse.
fn denies(policy: &Value, binding: &Value) -> bool {
    let actions = binding["spec"]["validationActions"].as_array();
    policy["spec"]["failurePolicy"] == "Fail"
        && binding["spec"]["policyName"] == POLICY
        && actions.is_some_and(|actions| actions.iter().any(|action| action == "Deny"))
}

/// It keeps to the strictest pod security standard, so that no policy but the webhook decides what comes of it.
fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "canary-"},
        "spec": {
            "serviceAccountName": ACCOUNT,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "canary",
                "image": "podpass.dev/canary",
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "1Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": true,
                },
            }],
        },
    })
}

/// The canary's service account, which the manifests make.
const ACCOUNT: &str = "canary";
/// The policy, and its binding, that refuse the controller every pod that is no dry run.
const POLICY: &str = "podpass-canary-dry-run-only";
/// The time between two that have to pass one after another.
const PAUSE: Duration = Duration::from_secs(2);
/// Longer than the 30 s at most for which an API server waits for a webhook.
const ANSWER: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_policy_that_denies_permits_a_canary() {
        let policy = |failure: &str| json!({"spec": {"failurePolicy": failure}});
        let binding = |name: &str, actions: Value| json!({"spec": {"policyName": name, "validationActions": actions}});
        assert!(denies(
            &policy("Fail"),
            &binding(POLICY, json!(["Audit", "Deny"]))
        ));
        for (failure, name, actions) in [
            ("Ignore", POLICY, json!(["Deny"])),
            ("Fail", "other", json!(["Deny"])),
            ("Fail", POLICY, json!(["Warn"])),
        ] {
            assert!(!denies(&policy(failure), &binding(name, actions)));
        }
    }
}
