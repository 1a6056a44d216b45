//! `podpass install webhook` and `podpass uninstall webhook`.

use podpass_manifests::WebhookOptions;
use serde_json::{Value, json};

use crate::stand::{PODPASS, Stand, documents, root};

const NAMESPACE: &str = "podpass-webhook";
const NAME: &str = "pod-identity-webhook";

#[tokio::test(flavor = "multi_thread")]
async fn podpass_installs_again_and_uninstalls() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let objects = WebhookOptions::default().render();
    let all = WebhookOptions::default().render_all();
    let count = objects.len();

    // Nobody agreed, or nobody was asked: nothing is there.
    let planned = stand.podpass(&["install", "webhook", "--dry-run"]);
    planned.said(&[
        "  1. create namespace/podpass-webhook",
        ". create mutatingwebhookconfiguration.admissionregistration.k8s.io/pod-identity-webhook",
        &format!("0 of {count} unchanged"),
    ]);
    let asked = stand.podpass(&["install", "webhook"]);
    asked.refused(4, &["nobody agreed to the plan", "`--yes`"]);
    assert_eq!(stand.present(&all), [""; 0]);

    let installed = stand.podpass(&["install", "webhook", "--yes"]);
    assert_eq!(installed.succeeded().matches(" created\n").count(), count);
    assert_eq!(stand.present(&objects).len(), count);
    stand.rolled_out(NAMESPACE, NAME);

    stand.act_as_controller(NAMESPACE, NAME);
    // Nothing to do, so there is nothing to agree to.
    let again = stand.podpass(&["install", "webhook"]);
    assert_eq!(
        again.succeeded().matches(" unchanged\n").count(),
        count,
        "{again:#?}"
    );
    let fail = ["install", "webhook", "--failure-policy", "fail", "--yes"];
    let changed = stand.podpass(&fail);
    let configured: Vec<&str> = changed
        .succeeded()
        .lines()
        .filter(|line| line.ends_with("configured"))
        .collect();
    assert_eq!(
        configured,
        [
            "mutatingwebhookconfiguration.admissionregistration.k8s.io/pod-identity-webhook configured"
        ]
    );
    stand.controllers_work_is_there(NAMESPACE, NAME);

    // What is chosen no more goes.
    let dashboard = "configmap/pod-identity-webhook-dashboard";
    let with_dashboard = stand.podpass(&["install", "webhook", "--dashboard", "--yes"]);
    with_dashboard.said(&[&format!("{dashboard} created\n")]);
    let planned = stand.podpass(&["install", "webhook", "--no-network-policy", "--dry-run"]);
    planned.said(&[
        &format!(". delete {dashboard}\n"),
        ". delete networkpolicy.networking.k8s.io/pod-identity-webhook-controller\n",
        &format!("{} of {} unchanged", count - 2, count + 1),
    ]);
    stand
        .podpass(&fail)
        .said(&[&format!("{dashboard} deleted\n")]);
    stand
        .try_kubectl(&["get", dashboard, "-n", NAMESPACE])
        .failed(&["not found"]);

    // What somebody has set since is not taken back without being told to.
    let deployment = format!("deployment/{NAME}");
    stand.kubectl(&["scale", &deployment, "-n", NAMESPACE, "--replicas=5"]);
    let conflict = stand.podpass(&fail);
    conflict.refused(
        4,
        &[
            "deployment.apps/pod-identity-webhook",
            ".spec.replicas",
            "`--force-conflicts`",
        ],
    );
    stand
        .podpass(&[&fail[..], &["--force-conflicts"]].concat())
        .succeeded();
    assert_eq!(
        stand.get(&[&deployment, "-n", NAMESPACE])["spec"]["replicas"],
        2
    );

    // What is not the webhook's stays.
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept-elsewhere", "namespace": "default"}});
    stand.apply(&map.to_string());
    stand
        .podpass(&["uninstall", "webhook"])
        .refused(4, &["nobody agreed"]);
    stand.podpass(&["uninstall", "webhook", "--dry-run"]).said(&[
        "  1. delete mutatingwebhookconfiguration.admissionregistration.k8s.io/pod-identity-webhook\n",
        "delete namespace/podpass-webhook, with everything in it",
    ]);
    assert_eq!(stand.present(&objects).len(), count);
    let gone = stand.podpass(&["uninstall", "webhook", "--yes"]);
    assert!(gone.succeeded().starts_with(
        "mutatingwebhookconfiguration.admissionregistration.k8s.io/pod-identity-webhook deleted\n"
    ));
    for namespace in [NAMESPACE, "podpass-canary"] {
        let namespace = format!("namespace/{namespace}");
        stand.kubectl(&["wait", "--for=delete", &namespace, "--timeout=60s"]);
    }
    assert_eq!(stand.present(&all), [""; 0]);
    let again = stand.podpass(&["uninstall", "webhook"]);
    again.said(&["nothing is installed"]);
    stand.kubectl(&["get", "configmap", "kept-elsewhere", "-n", "default"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_installed_is_not_touched() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    // The peer's configuration, in part.
    let peer = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [{
            "name": "pod-identity-webhook.amazonaws.com",
            "failurePolicy": "Ignore",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1beta1"],
            "clientConfig": {"service": {"namespace": "default", "name": NAME, "path": "/mutate"}},
        }],
    });
    stand.apply(&peer.to_string());
    let configuration = ["mutatingwebhookconfiguration", NAME];
    let before = stand.get(&configuration);
    let expected = [
        "an object of that name was not installed by podpass",
        "mutatingwebhookconfiguration.admissionregistration.k8s.io/pod-identity-webhook (without the label",
        "`--name`",
    ];
    stand
        .podpass(&["install", "webhook", "--yes"])
        .refused(4, &expected);
    stand
        .podpass(&["uninstall", "webhook", "--yes"])
        .refused(4, &expected[..2]);
    stand
        .try_kubectl(&["get", "namespace", NAMESPACE])
        .failed(&["not found"]);

    // Both run until one is deleted, in a namespace that was there before and stays.
    stand.restricted_namespace("irsa");
    let beside = ["webhook", "--name", "podpass-webhook", "-n", "irsa"];
    stand
        .podpass(&[&["install"], &beside[..], &["--yes"]].concat())
        .succeeded();
    stand.rolled_out("irsa", "podpass-webhook");
    let status = stand.podpass(&["status", "-o", "json"]).json();
    let webhooks = status["webhooks"].as_array().map(Vec::len);
    assert_eq!(webhooks, Some(2), "{status:#}");
    stand
        .podpass(&[&["uninstall"], &beside[..], &["--yes"]].concat())
        .succeeded();
    assert_eq!(stand.get(&configuration), before);
    let namespace = stand.get(&["namespace", "irsa"]);
    assert_eq!(namespace["status"]["phase"], "Active");

    // A kind that the cluster does not have is named before anything is changed.
    let monitored = [
        "install",
        "webhook",
        "--name",
        "x",
        "--prometheus-rule",
        "--yes",
    ];
    stand.podpass(&monitored).refused(
        1,
        &[
            "does not know the kind PrometheusRule",
            "Prometheus operator",
        ],
    );
    stand
        .try_kubectl(&["get", "namespace", NAMESPACE])
        .failed(&["not found"]);
    let missing = [
        "install", "webhook", "--name", "x", "-n", "missing", "--yes",
    ];
    stand
        .podpass(&missing)
        .refused(1, &["there is no namespace `missing`", "make it first"]);
    stand
        .try_kubectl(&["get", "clusterrole", "x"])
        .failed(&["not found"]);
}

/// Printing asks no cluster, and gives the files of `deploy/`.
#[test]
fn manifests_are_printed_without_a_cluster() {
    use podpass_testkit::{Home, run};
    let home = Home::new();
    for (arguments, file) in [
        (&[][..], "deploy/manifests/webhook.yaml"),
        (
            &["--tls", "cert-manager"],
            "deploy/manifests/webhook-cert-manager.yaml",
        ),
        (&["--openshift"], "deploy/openshift/webhook.yaml"),
    ] {
        let mut command = home.command(PODPASS);
        let ran = run(command
            .args(["install", "webhook", "-o", "yaml"])
            .args(arguments));
        let file = std::fs::read_to_string(root().join(file)).unwrap();
        let (about, objects) = file.split_once('\n').unwrap();
        assert!(about.starts_with("# "), "{about}");
        assert_eq!(ran.succeeded(), objects);
        let mut command = home.command(PODPASS);
        let ran = run(command
            .args(["install", "webhook", "-o", "json"])
            .args(arguments));
        let list = ran.succeeded_json();
        assert_eq!(list["items"], Value::Array(documents(objects)));
    }
    for (arguments, said) in [
        (
            ["--replicas", "0"],
            "`--replicas` cannot be `0`: at least 1",
        ),
        (["--timeout", "31"], "`--timeout` cannot be `31`"),
        (["--name", "Irsa"], "`--name` cannot be `Irsa`"),
        (
            ["-n", "podpass-canary"],
            "`--namespace` cannot be `podpass-canary`",
        ),
        (["--token-expiration", "599"], "at least 600 seconds"),
        (["--token-mount-path", "x"], "an absolute path"),
    ] {
        let mut command = home.command(PODPASS);
        let ran = run(command
            .args(["install", "webhook", "-o", "yaml"])
            .args(arguments));
        ran.refused(2, &[said]);
        assert_eq!(ran.out, "");
    }
}
