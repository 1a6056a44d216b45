//! The controller can create a pod as a dry run in the canary's namespace, and none that is real, anywhere.

use std::time::Duration;

use podpass_testkit::{Ran, eventually};
use serde_json::json;

use crate::stand::Stand;

const CONTROLLER: &str = "system:serviceaccount:podpass-webhook:pod-identity-webhook-controller";

#[tokio::test(flavor = "multi_thread")]
async fn controller_creates_no_real_pod() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    stand.podpass(&["install", "webhook", "--yes"]).succeeded();
    let create = |user: &str, namespace: &str, dry_run: &str| -> Ran {
        let pod = pod(namespace).to_string();
        let file = stand.home.write("pod.json", pod);
        let file = file.to_str().unwrap();
        let dry_run = format!("--dry-run={dry_run}");
        stand.try_kubectl(&["create", "-f", file, &dry_run, "--as", user, "-o", "json"])
    };
    let by_policy = "creates pods as dry runs only";
    // The API server takes up a policy within a moment.
    eventually(
        "the policy is in force",
        Duration::from_secs(30),
        async || {
            let refused = create(CONTROLLER, "podpass-canary", "none");
            if refused.code == 0 {
                stand.kubectl(&["delete", "pod", "canary", "-n", "podpass-canary", "--now"]);
            }
            refused.err.contains(by_policy).then_some(())
        },
    )
    .await;
    // The API server has checked the expressions against the types, and found nothing.
    let policy = ["validatingadmissionpolicy", "podpass-canary-dry-run-only"];
    let checked = eventually(
        "the policy is checked",
        Duration::from_secs(30),
        async || {
            let policy = stand.get(&policy);
            policy.pointer("/status/typeChecking").cloned()
        },
    )
    .await;
    assert_eq!(checked, json!({}));
    create(CONTROLLER, "podpass-canary", "server").succeeded();
    create(CONTROLLER, "podpass-canary", "none").failed(&[by_policy]);
    // Elsewhere RBAC says no …
    for dry_run in ["server", "none"] {
        create(CONTROLLER, "default", dry_run).failed(&["cannot create resource \"pods\""]);
    }
    // … and where somebody grants more than the manifests do, the policy still does.
    stand.kubectl(&[
        "create",
        "clusterrolebinding",
        "too-much",
        "--clusterrole=cluster-admin",
        "--serviceaccount=podpass-webhook:pod-identity-webhook-controller",
    ]);
    for namespace in ["default", "podpass-webhook", "kube-system"] {
        create(CONTROLLER, namespace, "none").failed(&[by_policy]);
    }
    // The policy is about this identity alone.
    create(
        "system:serviceaccount:podpass-webhook:canary",
        "default",
        "none",
    )
    .failed(&["cannot create resource \"pods\""]);
    stand.kubectl(&[
        "create",
        "-f",
        stand
            .home
            .write("pod.json", pod("default").to_string())
            .to_str()
            .unwrap(),
    ]);
    let pods = stand.get(&["pods", "-n", "podpass-canary"]);
    assert_eq!(pods["items"], json!([]));
}

/// As the controller writes it: under the strictest pod security standard, with the canary's service account.
fn pod(namespace: &str) -> serde_json::Value {
    let account = if namespace == "podpass-canary" {
        "canary"
    } else {
        "default"
    };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "canary", "namespace": namespace},
        "spec": {
            "serviceAccountName": account,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "canary",
                "image": "canary",
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}
