//! The chart, installed, upgraded and uninstalled by Helm.

use podpass_manifests::WebhookOptions;
use podpass_testkit::helm;
use serde_json::{Value, json};

use crate::stand::{Stand, chart};

const NAMESPACE: &str = "irsa";
const NAME: &str = "pod-identity-webhook";

#[tokio::test(flavor = "multi_thread")]
async fn helm_installs_upgrades_and_uninstalls() {
    let Some(helm) = helm() else { return };
    let Some(stand) = Stand::start().await else {
        return;
    };
    let chart = chart();
    let run = |arguments: &[&str]| {
        let scope = ["--namespace", NAMESPACE];
        stand.helm(&helm, &[arguments, &scope].concat())
    };
    stand.restricted_namespace(NAMESPACE);
    let with_run_level = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "run-level", "labels": {"openshift.io/run-level": "1"}},
    });
    stand.apply(&with_run_level.to_string());
    // The namespace does what its label says: what a careless chart would deploy is refused there.
    let careless = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "careless", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    });
    let file = stand.home.write("careless.json", careless.to_string());
    let refused = stand.try_kubectl(&["apply", "-f", file.to_str().unwrap()]);
    refused.failed(&[r#"violates PodSecurity "restricted"#]);

    let chart = chart.to_str().unwrap();
    let installed = run(&["install", "webhook", chart, "--wait", "--timeout", "2m"]);
    installed.said(&["The pod identity webhook `pod-identity-webhook` reviews new pods."]);
    stand.rolled_out(NAMESPACE, NAME);
    let pods = stand.get(&["pods", "-n", NAMESPACE]);
    let pods = pods["items"].as_array().unwrap();
    assert_eq!(pods.len(), 3);
    for pod in pods {
        assert_eq!(pod["spec"]["priorityClassName"], "system-cluster-critical");
    }
    // The two replicas are on two nodes.
    let mut nodes: Vec<&str> = pods
        .iter()
        .filter(|pod| pod["metadata"]["labels"]["app.kubernetes.io/component"] == "admission")
        .map(|pod| pod["spec"]["nodeName"].as_str().unwrap())
        .collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["node-0", "node-1"]);
    // Its own pods are not reviewed, and so never wait for it.
    let replicas = [
        "endpointslices",
        "-n",
        NAMESPACE,
        "-l",
        &format!("kubernetes.io/service-name={NAME}"),
    ];
    let slices = stand.get(&replicas);
    assert_eq!(slices["items"][0]["endpoints"].as_array().unwrap().len(), 2);

    stand.act_as_controller(NAMESPACE, NAME);
    let values = "config.defaultAwsRegion=eu-west-1,mutatingWebhook.failurePolicy=Fail,mutatingWebhook.timeoutSeconds=1";
    for _ in 0..2 {
        run(&["upgrade", "webhook", chart, "--set", values]).succeeded();
        stand.controllers_work_is_there(NAMESPACE, NAME);
    }
    let configuration = stand.get(&["mutatingwebhookconfiguration", NAME]);
    assert_eq!(configuration["webhooks"][0]["failurePolicy"], "Fail");
    for deployment in [NAME, "pod-identity-webhook-controller"] {
        let deployment = stand.get(&["deployment", deployment, "-n", NAMESPACE]);
        let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let arguments = arguments.as_array().unwrap();
        assert!(arguments.contains(&json!("--aws-default-region=eu-west-1")));
    }
    // Nothing answers behind the Service, and under `Fail` every pod is refused that the webhook has to review.
    let review = "failed calling webhook \"pod-identity-webhook.podpass.dev\"";
    let skipped = json!({"eks.amazonaws.com/skip-pod-identity-webhook": "true"});
    for (namespace, labels, reviewed) in [
        ("default", json!({}), true),
        ("podpass-canary", json!({}), true),
        ("default", skipped, false),
        ("kube-system", json!({}), false),
        ("run-level", json!({}), false),
        (NAMESPACE, json!({}), false),
    ] {
        let pod = pod(namespace, &labels).to_string();
        let file = stand.home.write("pod.json", pod);
        let create = ["create", "--dry-run=server", "-f", file.to_str().unwrap()];
        let created = stand.try_kubectl(&create);
        let refused = created.err.contains(review);
        assert_eq!(
            (refused, created.code != 0),
            (reviewed, reviewed),
            "{namespace}: {created:#?}"
        );
    }
    // Under `Fail`, a rollout of its own pods goes through.
    stand.kubectl(&[
        "rollout",
        "restart",
        &format!("deployment/{NAME}"),
        "-n",
        NAMESPACE,
    ]);
    stand.rolled_out(NAMESPACE, NAME);

    run(&["uninstall", "webhook", "--wait", "--timeout", "2m"]).succeeded();
    let options = WebhookOptions {
        namespace: NAMESPACE.to_owned(),
        ..WebhookOptions::default()
    };
    let namespace = "namespace/irsa".to_owned();
    assert_eq!(stand.present(&options.render_all()), [namespace]);
}

/// A pod that every namespace admits.
fn pod(namespace: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": namespace, "labels": labels},
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "web",
                "image": "web:1",
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}
