//! What the Prometheus operator and Grafana are told.

use serde_json::{Value, json};

use crate::options::WebhookOptions;
use crate::webhook::Component::Admission;

pub(crate) fn objects(options: &WebhookOptions) -> Vec<Value> {
    let mut objects = Vec::new();
    if options.service_monitor {
        objects.push(service_monitor(options));
    }
    if options.prometheus_rule {
        objects.push(prometheus_rule(options));
    }
    if options.dashboard {
        objects.push(dashboard(options));
    }
    objects
}

/// One for both Services; the job of each is its name.
fn service_monitor(options: &WebhookOptions) -> Value {
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": options.metadata(&options.name, true, Admission),
        "spec": {
            "endpoints": [{"path": "/metrics", "port": "metrics", "scheme": "http"}],
            "namespaceSelector": {"matchNames": [options.namespace]},
            "selector": {"matchLabels": {"app.kubernetes.io/name": options.name}},
        },
    })
}

fn prometheus_rule(options: &WebhookOptions) -> Value {
    let (name, namespace) = (&options.name, &options.namespace);
    let admission = format!(r#"namespace="{namespace}",job="{name}""#);
    let controller = format!(r#"namespace="{namespace}",job="{}""#, options.controller());
    let deployments = format!(r#"namespace="{namespace}",deployment=~"{name}(-controller)?""#);
    let rules = [
        Alert {
            name: "PodIdentityWebhookDown",
            expression: format!("absent(up{{{admission}}} == 1)"),
            lasting: "5m",
            severity: "critical",
            summary: "No replica of the pod identity webhook answers",
            description: "New pods start without their AWS identity, or are refused where the failure policy is Fail.",
        },
        Alert {
            name: "PodIdentityWebhookNotReady",
            expression: format!(
                "kube_deployment_status_replicas_ready{{{deployments}}} < kube_deployment_spec_replicas{{{deployments}}}"
            ),
            lasting: "15m",
            severity: "warning",
            summary: "The pod identity webhook has fewer ready replicas than it should have",
            description: "{{ $labels.deployment }} has {{ $value }} ready replicas.",
        },
        Alert {
            name: "PodsWithoutIdentity",
            expression: format!("sum by (reason) (podpass_unmutated_pods{{{controller}}}) > 0"),
            lasting: "10m",
            severity: "warning",
            summary: "Pods run without the AWS identity that they should have",
            description: "{{ $value }} pods, for the reason {{ $labels.reason }}.",
        },
        Alert {
            name: "PodIdentityWebhookCertificateExpiry",
            expression: format!(
                "min(podpass_serving_certificate_expiry_timestamp_seconds{{{admission}}}) - time() < 7 * 24 * 3600"
            ),
            lasting: "1h",
            severity: "warning",
            summary: "The pod identity webhook's serving certificate expires within a week",
            description: "It was not renewed in time; it expires in {{ $value | humanizeDuration }}.",
        },
        Alert {
            name: "PodIdentityWebhookErrors",
            expression: format!(
                r#"sum(rate(podpass_admission_requests_total{{{admission},result="error"}}[5m])) > 0"#
            ),
            lasting: "10m",
            severity: "warning",
            summary: "The pod identity webhook fails to answer admission reviews",
            description: "{{ $value | humanize }} reviews a second end with an error.",
        },
    ];
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": options.metadata(name, true, Admission),
        "spec": {"groups": [{"name": name, "rules": rules.map(|rule| rule.render())}]},
    })
}

struct Alert {
    name: &'static str,
    expression: String,
    lasting: &'static str,
    severity: &'static str,
    summary: &'static str,
    description: &'static str,
}

impl Alert {
    fn render(&self) -> Value {
        json!({
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": format!("{RUNBOOK}#{}", self.name.to_ascii_lowercase()),
            },
        })
    }
}

fn dashboard(options: &WebhookOptions) -> Value {
    let name = format!("{}-dashboard", options.name);
    let mut metadata = options.metadata(&name, true, Admission);
    metadata["labels"]["grafana_dashboard"] = "1".into();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"podpass-webhook.json": DASHBOARD},
    })
}

/// In the chart's folder, since Helm reads no file outside of it.
const DASHBOARD: &str = include_str!("../../../deploy/chart/podpass-webhook/files/dashboard.json");

/// The page in `docs/` with a heading for each alert.
const RUNBOOK: &str = "https://podpass.dev/docs/webhook-alerts";
