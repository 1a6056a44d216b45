//! The Deployments: the replicas that answer, and the controller.

use serde_json::{Value, json};

use crate::canary::CANARY_NAMESPACE;
use crate::certificates::{FOLDER, foreign_secret};
use crate::network::{HTTPS_PORT, METRICS_PORT};
use crate::options::WebhookOptions;
use crate::webhook::Component::{self, Admission, Controller};

pub(crate) fn objects(options: &WebhookOptions) -> Vec<Value> {
    vec![
        admission(options),
        json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": options.metadata(&options.name, true, Admission),
            "spec": {
                // Not `minAvailable`, under which a single replica would keep its node from being drained.
                "maxUnavailable": 1,
                "selector": {"matchLabels": options.selector(Admission)},
                // A replica that does not answer anyway is in nobody's way.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }),
        controller(options),
    ]
}

fn admission(options: &WebhookOptions) -> Value {
    let name = &options.name;
    let mut args = vec![
        format!("--port={HTTPS_PORT}"),
        format!("--metrics-port={METRICS_PORT}"),
        format!("--in-cluster={}", options.manages_tls()),
        "--namespace=$(NS)".to_owned(),
        format!("--service-name={name}"),
        format!("--tls-secret={name}"),
        format!("--webhook-configuration={name}"),
    ];
    if !options.manages_tls() {
        args.push(format!("--tls-cert={FOLDER}/tls.crt"));
        args.push(format!("--tls-key={FOLDER}/tls.key"));
    }
    args.extend(injection_flags(options));
    let mut container = container(options, Admission, &json!(["/podpass", "webhook"]), &args);
    container["ports"] = json!([
        {"name": "https", "containerPort": HTTPS_PORT, "protocol": "TCP"},
        {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
    ]);
    container["resources"] = resources("64Mi");
    let mut pod = pod(options, Admission);
    pod["topologySpreadConstraints"] = json!([{
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": options.selector(Admission)},
    }]);
    if !options.manages_tls() {
        container["volumeMounts"] =
            json!([{"name": "certificate", "mountPath": FOLDER, "readOnly": true}]);
        pod["volumes"] =
            json!([{"name": "certificate", "secret": {"secretName": foreign_secret(options)}}]);
    }
    pod["containers"] = json!([container]);
    let mut deployment = deployment(options, Admission, options.replicas, &pod);
    // Never fewer than there should be, so that a rollout loses no review.
    deployment["spec"]["strategy"] = json!({
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    });
    deployment
}

fn controller(options: &WebhookOptions) -> Value {
    let name = &options.name;
    let mut args = vec![
        format!("--metrics-port={METRICS_PORT}"),
        "--namespace=$(NS)".to_owned(),
        format!("--service-name={name}"),
        format!("--tls-secret={name}"),
        format!("--webhook-configuration={name}"),
        format!("--canary-namespace={CANARY_NAMESPACE}"),
    ];
    if !options.manages_tls() {
        args.push("--manage-tls=false".to_owned());
    }
    if options.evict {
        args.push("--evict".to_owned());
    }
    args.extend(injection_flags(options));
    let command = json!(["/podpass", "webhook", "controller"]);
    let mut container = container(options, Controller, &command, &args);
    container["ports"] =
        json!([{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}]);
    // It looks at every pod of the cluster.
    container["resources"] = resources("256Mi");
    let mut pod = pod(options, Controller);
    pod["containers"] = json!([container]);
    deployment(options, Controller, 1, &pod)
}

/// What decides about pods: both have it, since the controller judges what the webhook did.
fn injection_flags(options: &WebhookOptions) -> Vec<String> {
    let mut flags = vec![
        format!("--annotation-prefix={}", options.annotation_prefix),
        format!("--token-audience={}", options.token_audience),
        format!("--token-expiration={}", options.token_expiration),
        format!("--token-mount-path={}", options.token_mount_path),
    ];
    if let Some(region) = &options.aws_default_region {
        flags.push(format!("--aws-default-region={region}"));
    }
    for (set, flag) in [
        (options.sts_regional_endpoint, "--sts-regional-endpoint"),
        (options.watch_config_map, "--watch-config-map"),
        (options.enforce_allowed_roles, "--enforce-allowed-roles"),
    ] {
        if set {
            flags.push(flag.to_owned());
        }
    }
    flags
}

fn deployment(options: &WebhookOptions, component: Component, replicas: u32, pod: &Value) -> Value {
    let mut labels = options.labels(component);
    // They differ between podpass and Helm, or between releases, and are no reason to start pods anew.
    for unstable in ["managed-by", "instance", "version"] {
        labels.remove(&format!("app.kubernetes.io/{unstable}"));
    }
    let mut template = json!({"metadata": {"labels": labels}, "spec": pod});
    if options.is_openshift() {
        template["metadata"]["annotations"] = json!({"openshift.io/required-scc": "restricted-v2"});
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": options.metadata(&name(options, component), true, component),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": options.selector(component)},
            "template": template,
        },
    })
}

fn pod(options: &WebhookOptions, component: Component) -> Value {
    let mut pod = json!({
        "serviceAccountName": name(options, component),
        "enableServiceLinks": false,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
    });
    if !options.is_openshift() {
        pod["securityContext"]["runAsUser"] = 65534.into();
        pod["securityContext"]["runAsGroup"] = 65534.into();
    }
    if let Some(class) = &options.priority_class {
        pod["priorityClassName"] = class.as_str().into();
    }
    pod
}

fn container(
    options: &WebhookOptions,
    component: Component,
    command: &Value,
    args: &[String],
) -> Value {
    let probe =
        |path: &str| json!({"httpGet": {"path": path, "port": "metrics", "scheme": "HTTP"}});
    json!({
        "name": name(options, component),
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "args": args,
        "env": [{"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "livenessProbe": probe("/healthz"),
        "readinessProbe": probe("/readyz"),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
        },
    })
}

/// No limit on CPU: a throttled replica is a slow admission.
fn resources(memory_limit: &str) -> Value {
    json!({
        "requests": {"cpu": "10m", "memory": "32Mi"},
        "limits": {"memory": memory_limit},
    })
}

fn name(options: &WebhookOptions, component: Component) -> String {
    match component {
        Controller => options.controller(),
        Admission | Component::Canary => options.name.clone(),
    }
}
