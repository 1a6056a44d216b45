//! What decides about injections in a cluster beside pods and service accounts: how its webhook runs.

use podpass_cluster::{Cluster, ClusterError, WebhookTarget, resources};
use podpass_inject::{Assignments, CommandLine, RoleMap, Settings};
use serde_json::Value;

/// What the cluster's webhook goes by.
#[derive(Clone, Debug, Default)]
pub struct InjectionRules {
    /// Its settings.
    pub settings: Settings,
    /// What is assigned to service accounts elsewhere than in their annotations.
    pub assignments: Assignments,
    /// Whether the cluster has a webhook; `None` when that may not be read.
    pub has_webhook: Option<bool>,
    /// Where the settings were found: the webhook's service, or `None` where they are the peer's defaults.
    pub of_service: Option<String>,
}

impl InjectionRules {
    /// Finds out how the cluster's webhook runs: by its pods' command line and, if it watches it, its ConfigMap.
    ///
    /// What may not be read, and a webhook outside the cluster, leave the defaults of the peer's flags.
    pub async fn of_cluster(cluster: &Cluster) -> Result<Self, ClusterError> {
        let Some(webhooks) = allowed(cluster.identity_webhooks().await)? else {
            return Ok(Self::default());
        };
        let mut rules = Self {
            has_webhook: Some(!webhooks.is_empty()),
            ..Self::default()
        };
        for webhook in webhooks {
            let WebhookTarget::Service { namespace, name } = &webhook.target else {
                continue;
            };
            let words = allowed(cluster.webhook_command_line(&webhook.target).await)?;
            let Some(words) = words.flatten() else {
                continue;
            };
            let read = CommandLine::read(&words);
            rules.settings = read.settings;
            rules.of_service = Some(format!("{namespace}/{name}"));
            if read.watches_config_map {
                let found = cluster
                    .get(resources::CONFIG_MAP, Some(namespace), CONFIG_MAP)
                    .await;
                let map = allowed(found)?.flatten();
                let config = map.as_ref().and_then(|map| map.pointer("/data/config"));
                let roles = config.and_then(Value::as_str).map(RoleMap::parse);
                // A ConfigMap that cannot be read counts for the webhook as little as here.
                rules.assignments.roles = roles.and_then(Result::ok).unwrap_or_default();
            }
            break;
        }
        Ok(rules)
    }
}

/// The result, or nothing when the request was refused.
fn allowed<T>(found: Result<T, ClusterError>) -> Result<Option<T>, ClusterError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_forbidden() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The ConfigMap that a webhook watches in its own namespace.
const CONFIG_MAP: &str = "pod-identity-webhook";
