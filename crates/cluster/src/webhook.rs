//! The pod identity webhook, as the API server is told to call it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::connect::Cluster;
use crate::error::ClusterError;
use crate::object::resources::{MUTATING_WEBHOOK_CONFIGURATION, POD, SERVICE};

/// A webhook of a MutatingWebhookConfiguration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityWebhook {
    /// The configuration's name.
    pub configuration: String,
    /// When the configuration was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The webhook's name in it.
    pub name: String,
    /// Whom the API server calls.
    pub target: WebhookTarget,
    /// What becomes of a pod while the webhook cannot be reached: `Ignore` lets it through, `Fail` holds it back.
    pub failure_policy: String,
    /// Whether a CA is named that signs the webhook's certificate; without one the API server trusts its own.
    pub has_ca_bundle: bool,
}

/// Whom the API server calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WebhookTarget {
    /// A service of the cluster.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A URL.
    Url(String),
}

impl Cluster {
    /// Lists the webhooks that inject identities into pods, known by the names that Amazon, OpenShift, kOps and the Helm
    /// charts give them.
    pub async fn identity_webhooks(&self) -> Result<Vec<IdentityWebhook>, ClusterError> {
        let found = self.list(MUTATING_WEBHOOK_CONFIGURATION, None, "").await?;
        Ok(found.iter().flat_map(identity_webhooks_of).collect())
    }

    /// The command line of a webhook: command and arguments of the first container of a pod behind its service; `None`
    /// when no such pod is there, as on EKS, where the webhook runs outside the cluster.
    pub async fn webhook_command_line(
        &self,
        target: &WebhookTarget,
    ) -> Result<Option<Vec<String>>, ClusterError> {
        let WebhookTarget::Service { namespace, name } = target else {
            return Ok(None);
        };
        let Some(service) = self.get(SERVICE, Some(namespace), name).await? else {
            return Ok(None);
        };
        let selector = service.pointer("/spec/selector").and_then(Value::as_object);
        let labels: Vec<String> = selector
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
            .collect();
        if labels.is_empty() {
            return Ok(None);
        }
        let pods = self.list(POD, Some(namespace), &labels.join(",")).await?;
        Ok(pods.iter().find_map(command_line))
    }
}

fn identity_webhooks_of(configuration: &Value) -> Vec<IdentityWebhook> {
    let metadata = &configuration["metadata"];
    let of_name = metadata["name"].as_str().unwrap_or_default();
    let created = metadata["creationTimestamp"].as_str();
    let webhooks = configuration["webhooks"].as_array().into_iter().flatten();
    webhooks
        .filter_map(|webhook| {
            let name = webhook["name"].as_str()?;
            let is_ours = NAMES
                .iter()
                .any(|ours| name.starts_with(ours) || of_name.starts_with(ours));
            is_ours.then(|| IdentityWebhook {
                configuration: of_name.to_owned(),
                created: created.and_then(|time| time.parse().ok()),
                name: name.to_owned(),
                target: target(&webhook["clientConfig"]),
                failure_policy: webhook["failurePolicy"]
                    .as_str()
                    .unwrap_or("Fail")
                    .to_owned(),
                has_ca_bundle: webhook["clientConfig"]["caBundle"]
                    .as_str()
                    .is_some_and(|bundle| !bundle.is_empty()),
            })
        })
        .collect()
}

fn target(client_config: &Value) -> WebhookTarget {
    let service = &client_config["service"];
    let text = |member: &Value| member.as_str().unwrap_or_default().to_owned();
    if service.is_object() {
        WebhookTarget::Service {
            namespace: text(&service["namespace"]),
            name: text(&service["name"]),
        }
    } else {
        WebhookTarget::Url(text(&client_config["url"]))
    }
}

fn command_line(pod: &Value) -> Option<Vec<String>> {
    let container = pod.pointer("/spec/containers/0")?;
    let words = ["command", "args"].map(|member| container[member].as_array());
    let words = words.into_iter().flatten().flatten();
    Some(words.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// How configurations or webhooks are called: by Amazon's manifests, OpenShift, kOps, the charts; and by EKS.
const NAMES: [&str; 3] = [
    "pod-identity-webhook",
    "amazon-eks-pod-identity-webhook",
    "iam-for-pods.amazonaws.com",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(name: &str, webhooks: &Value) -> Value {
        json!({
            "metadata": {"name": name, "creationTimestamp": "2026-11-24T10:00:00Z"},
            "webhooks": webhooks,
        })
    }

    #[test]
    fn webhooks_are_known_by_the_names_of_their_distributions() {
        let service = json!({"service": {"namespace": "ns", "name": "svc"}, "caBundle": "Cg=="});
        let url = json!({"url": "https://127.0.0.1:23443/mutate"});
        let in_cluster = WebhookTarget::Service {
            namespace: "ns".to_owned(),
            name: "svc".to_owned(),
        };
        let outside = WebhookTarget::Url("https://127.0.0.1:23443/mutate".to_owned());
        for (configured, webhook, client_config, target) in [
            (
                "pod-identity-webhook",
                "pod-identity-webhook.amazonaws.com",
                &service,
                &in_cluster,
            ),
            (
                "pod-identity-webhook",
                "pod-identity-webhook.aws.mutate.io",
                &service,
                &in_cluster,
            ),
            (
                "pod-identity-webhook",
                "iam-for-pods.amazonaws.com",
                &url,
                &outside,
            ),
            (
                "amazon-eks-pod-identity-webhook",
                "x.example.com",
                &service,
                &in_cluster,
            ),
        ] {
            let webhooks = json!([{"name": webhook, "failurePolicy": "Ignore", "clientConfig": client_config}]);
            let found = identity_webhooks_of(&configuration(configured, &webhooks));
            let [one] = &found[..] else {
                panic!("{webhook}: {found:?}")
            };
            assert_eq!((one.name.as_str(), &one.target), (webhook, target));
            assert_eq!(one.failure_policy, "Ignore");
            assert_eq!(one.has_ca_bundle, target == &in_cluster);
            assert!(one.created.is_some());
        }
        let other = json!([{"name": "sidecar-injector.istio.io", "clientConfig": service}]);
        assert_eq!(identity_webhooks_of(&configuration("istio", &other)), []);
        assert_eq!(
            identity_webhooks_of(&configuration("empty", &Value::Null)),
            []
        );
    }

    #[test]
    fn command_line_is_command_and_arguments() {
        let pod = json!({"spec": {"containers": [
            {"command": ["/webhook"], "args": ["--port=9443", "--logtostderr"]},
            {"command": ["/other"]}
        ]}});
        let expected = ["/webhook", "--port=9443", "--logtostderr"].map(str::to_owned);
        assert_eq!(command_line(&pod), Some(expected.to_vec()));
        assert_eq!(command_line(&json!({"spec": {}})), None);
    }
}
