//! What tells the API server to ask the webhook.

use serde_json::{Value, json};

use crate::options::{FailurePolicy, Tls, WebhookOptions};
use crate::webhook::Component;

/// The webhook configuration. It has no `caBundle`: whoever makes the certificate writes it, and owns that field.
pub(crate) fn configuration(options: &WebhookOptions) -> Value {
    let mut metadata = options.metadata(&options.name, false, Component::Admission);
    match options.tls {
        Tls::Own => {}
        Tls::CertManager => {
            let from = format!("{}/{}", options.namespace, options.name);
            metadata["annotations"] = json!({"cert-manager.io/inject-ca-from": from});
        }
        Tls::ServiceCa => {
            metadata["annotations"] = json!({"service.beta.openshift.io/inject-cabundle": "true"});
        }
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [{
            "name": "pod-identity-webhook.podpass.dev",
            "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {"service": {
                "namespace": options.namespace,
                "name": options.name,
                "path": "/mutate",
                "port": 443,
            }},
            "failurePolicy": match options.failure_policy {
                FailurePolicy::Ignore => "Ignore",
                FailurePolicy::Fail => "Fail",
            },
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": excluded(options)},
                // What OpenShift itself starts from.
                {"key": "openshift.io/run-level", "operator": "NotIn", "values": ["0", "1"]},
            ]},
            "objectSelector": {"matchExpressions": [
                {"key": "eks.amazonaws.com/skip-pod-identity-webhook", "operator": "DoesNotExist"},
            ]},
            // Sidecars that a later webhook adds are covered too.
            "reinvocationPolicy": "IfNeeded",
            "rules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
                "scope": "Namespaced",
            }],
            "sideEffects": "None",
            "timeoutSeconds": options.timeout_seconds,
        }],
    })
}

/// Namespaces that have to come up before the webhook does, sorted: with `Fail`, their pods would wait for it, and it for
/// them.
fn excluded(options: &WebhookOptions) -> Vec<&str> {
    let mut names = vec![options.namespace.as_str()];
    names.extend(options.excluded_namespaces.iter().map(String::as_str));
    if options.tls == Tls::CertManager {
        names.push("cert-manager");
    }
    names.sort_unstable();
    names.dedup();
    names
}
