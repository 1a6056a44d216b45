//! Pods that were born while no replica answered are found, and healed where somebody makes them anew.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use podpass_testkit::{Balancer, ControlPlaneOptions, WebhookProcess, eventually};
use serde_json::{Value, json};

use super::stand::{Stand, logged, logs, metric};
use crate::stand::{ROLE, is_injected, pod_as, soon};

/// Evictions, and pods that are made anew, take their time on a busy machine.
const HEALED: Duration = Duration::from_secs(90);

const BORN: &str = "podpass_unmutated_pods{reason=\"BORN_BEFORE_WEBHOOK\"}";
const STALE: &str = "podpass_unmutated_pods{reason=\"STALE_ROLE_IN_POD\"}";
const EVICTED: &str = "podpass_evictions_total{result=\"accepted\"}";
const BLOCKED: &str = "podpass_evictions_total{result=\"blocked\"}";

async fn stand() -> Option<Stand> {
    let options = ControlPlaneOptions {
        openshift_kinds: false,
        ..ControlPlaneOptions::all()
    };
    let stand = Stand::start(&options, &["--evict"]).await?;
    stand.app_namespace("app").await;
    // Times of pods and annotations are known to the second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Some(stand)
}

fn deployment(name: &str, account: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "app"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "serviceAccountName": account,
                    "containers": [{"name": "app", "image": "app"}],
                },
            },
        },
    })
}

/// The pods of a Deployment that run.
async fn running(stand: &Stand, name: &str) -> Vec<Pod> {
    let selected = ListParams::default().labels(&format!("app={name}"));
    let mut pods = stand.pods("app").list(&selected).await.unwrap().items;
    pods.retain(|pod| {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        pod.metadata.deletion_timestamp.is_none() && phase == Some("Running")
    });
    pods
}

async fn runs(stand: &Stand, name: &str, replicas: usize) -> Vec<Pod> {
    eventually(&format!("{name} runs"), HEALED, async || {
        let pods = running(stand, name).await;
        (pods.len() == replicas).then_some(pods)
    })
    .await
}

fn names(pods: &[Pod]) -> BTreeSet<String> {
    let names = pods.iter().filter_map(|pod| pod.metadata.name.clone());
    names.collect()
}

/// Waits until a metric has a value.
async fn counts(controller: &WebhookProcess, name: &str, value: f64) {
    eventually(&format!("{name} is {value}"), HEALED, async || {
        (metric(controller, name).await == Some(value)).then_some(())
    })
    .await;
}

async fn ready(balancer: &Balancer, replicas: usize) {
    soon("all replicas are ready", async || {
        balancer.ready().len() == replicas
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_of_an_outage_are_found_and_healed_where_an_owner_makes_them_anew() {
    let Some(stand) = stand().await else {
        return;
    };
    let mut replicas = [stand.replica(), stand.replica()];
    let balancer = stand.balance(&[&replicas[0], &replicas[1]]).await;
    let arguments = ["--evict", "--find-interval=1s"];
    let controller = stand.controller(&[&replicas[0], &replicas[1]], &arguments);
    ready(&balancer, 2).await;
    counts(&controller, "podpass_canary_success", 1.0).await;

    // Pods from before the annotation, and from before its change.
    let account = |name: &str, annotations: Value| {
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": "app", "annotations": annotations},
        })
    };
    let role = |role: &str| json!({"eks.amazonaws.com/role-arn": role});
    stand.apply(&[
        account("late", json!({})),
        deployment("old", "late", 1),
        account("changing", role(ROLE)),
        deployment("changed", "changing", 1),
    ]);
    let old = names(&runs(&stand, "old", 1).await);
    let changed = runs(&stand, "changed", 1).await;
    assert!(is_injected(&changed[0]));
    tokio::time::sleep(Duration::from_secs(2)).await;
    stand.apply(&[
        account("late", role(ROLE)),
        account("changing", role("arn:aws:iam::123456789012:role/other")),
    ]);
    counts(&controller, STALE, 2.0).await;

    for replica in &mut replicas {
        replica.kill();
    }
    soon("no replica answers", async || balancer.ready().is_empty()).await;
    stand.apply(&[deployment("app", "app", 3)]);
    let bare = stand
        .pods("app")
        .create(&kube::api::PostParams::default(), &pod_as("bare", "app"))
        .await
        .unwrap();
    let missed = runs(&stand, "app", 3).await;
    assert!(!missed.iter().any(is_injected) && !is_injected(&bare));
    counts(&controller, BORN, 4.0).await;
    // Nobody is evicted while new pods would be missed too.
    logs(&controller, "No pod is evicted: the canary did not pass").await;
    assert_eq!(names(&running(&stand, "app").await), names(&missed));
    told(&stand, &missed).await;

    let replicas = [stand.replica(), stand.replica()];
    let balancer = stand.balance(&[&replicas[0], &replicas[1]]).await;
    ready(&balancer, 2).await;
    eventually("all pods of the owner are healed", HEALED, async || {
        let pods = running(&stand, "app").await;
        (pods.len() == 3 && pods.iter().all(is_injected)).then_some(())
    })
    .await;
    counts(&controller, BORN, 1.0).await;
    assert_eq!(metric(&controller, EVICTED).await, Some(3.0));
    // What nobody makes anew, and what is older than its annotation, is only told about.
    assert_eq!(names(&running(&stand, "old").await), old);
    assert_eq!(names(&running(&stand, "changed").await), names(&changed));
    let still = stand.pods("app").get("bare").await.unwrap();
    assert_eq!(still.metadata.uid, bare.metadata.uid);
    assert_eq!(metric(&controller, STALE).await, Some(2.0));
}

/// The Event of the owner, once for all its pods, and that of the pod without one.
async fn told(stand: &Stand, missed: &[Pod]) {
    let owners = missed[0].metadata.owner_references.as_ref().unwrap();
    let events: Api<Event> = Api::namespaced(stand.client(), "app");
    let of = async |kind: &str, name: &str| {
        let mut all = events.list(&ListParams::default()).await.unwrap().items;
        all.retain(|event| {
            let regarding = event.regarding.clone().unwrap_or_default();
            event.reason.as_deref() == Some("BornBeforeWebhook")
                && regarding.kind.as_deref() == Some(kind)
                && regarding.name.as_deref() == Some(name)
        });
        all
    };
    for (kind, name) in [("ReplicaSet", owners[0].name.as_str()), ("Pod", "bare")] {
        soon("the Event is there", async || {
            of(kind, name).await.len() == 1
        })
        .await;
        let event = of(kind, name).await.remove(0);
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        let note = event.note.unwrap();
        assert!(note.contains("service account `app`"), "{note}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_evicted_without_the_policy_and_a_budget_is_kept() {
    let Some(stand) = stand().await else {
        return;
    };
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "podpass-canary-dry-run-only"},
    });
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "app", "namespace": "app"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "app"}}},
    });
    // The pods are there before any replica.
    stand.apply(&[deployment("app", "app", 1), budget.clone()]);
    let missed = names(&runs(&stand, "app", 1).await);
    stand.delete(&binding);
    let replica = stand.replica();
    let balancer = stand.balance(&[&replica]).await;
    let arguments = ["--evict", "--find-interval=1s"];
    let controller = stand.controller(&[&replica], &arguments);
    ready(&balancer, 1).await;
    counts(&controller, BORN, 1.0).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(metric(&controller, EVICTED).await, None);
    assert_eq!(metric(&controller, BLOCKED).await, None);
    logs(
        &controller,
        "No pod is evicted and no certificate is renewed",
    )
    .await;

    let manifests = stand.manifests(&["--evict"]);
    let is_binding = |object: &&Value| object["kind"] == "ValidatingAdmissionPolicyBinding";
    stand.apply(&[manifests.iter().find(is_binding).unwrap().clone()]);
    // The budget forbids it, and is asked again only after a pause that grows.
    counts(&controller, BLOCKED, 1.0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(metric(&controller, BLOCKED).await, Some(1.0));
    assert_eq!(names(&running(&stand, "app").await), missed);
    counts(&controller, BLOCKED, 2.0).await;
    stand.delete(&budget);
    eventually("the pod is healed", HEALED, async || {
        let pods = running(&stand, "app").await;
        (pods.len() == 1 && pods.iter().all(is_injected)).then_some(())
    })
    .await;
    assert_eq!(metric(&controller, EVICTED).await, Some(1.0));
    assert_eq!(
        logged(&controller, "The eviction is not allowed now").len(),
        2
    );
}
