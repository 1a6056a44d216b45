//! How the API server, Prometheus and the controller reach the pods.

use serde_json::{Value, json};

use crate::certificates::foreign_secret;
use crate::options::{Tls, WebhookOptions};
use crate::webhook::Component::{Admission, Controller};

/// The port of admission reviews in the container: nobody needs a capability for it.
pub(crate) const HTTPS_PORT: u16 = 8443;

/// The port of metrics and health, as the peer's.
pub(crate) const METRICS_PORT: u16 = 9999;

/// Where API servers listen: managed clusters on the first, kubeadm, OpenShift and k3s on the second.
const API_SERVER_PORTS: [u16; 2] = [443, 6443];

pub(crate) fn objects(options: &WebhookOptions) -> Vec<Value> {
    let mut metadata = options.metadata(&options.name, true, Admission);
    if options.tls == Tls::ServiceCa {
        metadata["annotations"] = json!({
            "service.beta.openshift.io/serving-cert-secret-name": foreign_secret(options),
        });
    }
    let metrics = json!({"name": "metrics", "port": METRICS_PORT, "protocol": "TCP", "targetPort": "metrics"});
    let mut objects = vec![
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "selector": options.selector(Admission),
                "ports": [
                    {"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"},
                    metrics,
                ],
            },
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": options.metadata(&options.controller(), true, Controller),
            "spec": {
                // Prometheus asks the pod itself; there is nothing to balance.
                "clusterIP": "None",
                "selector": options.selector(Controller),
                "ports": [metrics],
            },
        }),
    ];
    if options.network_policy {
        objects.extend(policies(options));
    }
    objects
}

/// Reviews come from the API server, which no selector can name, and so from anywhere; what goes out is for the API server.
fn policies(options: &WebhookOptions) -> [Value; 2] {
    let ports = |ports: &[u16]| -> Vec<Value> {
        ports
            .iter()
            .map(|port| json!({"port": port, "protocol": "TCP"}))
            .collect()
    };
    let to_api_server = json!({"ports": ports(&API_SERVER_PORTS)});
    // It looks which certificate each replica serves.
    let to_replicas = json!({
        "ports": ports(&[HTTPS_PORT]),
        "to": [{"podSelector": {"matchLabels": options.selector(Admission)}}],
    });
    let policy = |name: &str, component, ingress: &[u16], egress: Vec<&Value>| {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": options.metadata(name, true, component),
            "spec": {
                "podSelector": {"matchLabels": options.selector(component)},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"ports": ports(ingress)}],
                "egress": egress,
            },
        })
    };
    [
        policy(
            &options.name,
            Admission,
            &[HTTPS_PORT, METRICS_PORT],
            vec![&to_api_server],
        ),
        policy(
            &options.controller(),
            Controller,
            &[METRICS_PORT],
            vec![&to_api_server, &to_replicas],
        ),
    ]
}
