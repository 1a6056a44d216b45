//! Steps of documents 000 and 002 that the webhook alone shows.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::stand::{ROLE, Stand, dry_run, is_injected, is_kubernetes_token, pod_as, to_json};

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_26_pod_without_a_role_is_left_alone() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    stand.annotated("plain", &json!({})).await;
    let pods: Api<Pod> = stand.api();
    let pod = pod_as("app", "plain");
    let spec = async || {
        let spec = &to_json(&pods.create(&dry_run(), &pod).await.unwrap())["spec"];
        let mut names = spec["volumes"].as_array().unwrap().iter();
        let drawn = names.find(|volume| is_kubernetes_token(volume)).unwrap();
        let drawn = drawn["name"].as_str().unwrap();
        spec.to_string().replace(drawn, "kube-api-access")
    };
    let before = spec().await;
    let replica = stand.replica(&["--aws-default-region=us-west-2", "--sts-regional-endpoint"]);
    let _balancer = stand.register(&[&replica], "Fail").await;
    stand.until_called().await;
    assert_eq!(spec().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_35_pods_own_lifetime_wins_and_is_ten_minutes_at_least() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let replica = stand.replica(&["--token-expiration=7200"]);
    let _balancer = stand.register(&[&replica], "Fail").await;
    stand.until_called().await;
    let annotation = "eks.amazonaws.com/token-expiration";
    stand.account("by-flag", ROLE).await;
    let annotations = json!({"eks.amazonaws.com/role-arn": ROLE, annotation: "3600"});
    stand.annotated("by-account", &annotations).await;
    let pods: Api<Pod> = stand.api();
    for (account, of_pod, lifetime) in [
        ("by-flag", None, 7200),
        ("by-account", None, 3600),
        ("by-flag", Some("1200"), 1200),
        ("by-account", Some("1200"), 1200),
        ("by-account", Some("599"), 600),
    ] {
        let mut pod = pod_as("app", account);
        let own = of_pod.map(|seconds| (annotation.to_owned(), seconds.to_owned()));
        pod.metadata.annotations = Some(own.into_iter().collect());
        let pod = to_json(&pods.create(&dry_run(), &pod).await.unwrap());
        let token = "/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds";
        assert_eq!(
            pod.pointer(token),
            Some(&json!(lifetime)),
            "{account} {of_pod:?}"
        );
    }
}

/// One file, as `kubectl apply -f` of an application with both in it.
#[tokio::test(flavor = "multi_thread")]
async fn seed_002_26_accounts_and_pods_applied_together_are_all_covered() {
    const PAIRS: usize = 500;
    let Some((stand, _replica, _balancer)) = Stand::called(&[]).await else {
        return;
    };
    let mut items = Vec::new();
    for number in 0..PAIRS {
        let name = format!("app-{number}");
        let metadata = |annotations: Value| json!({"name": name, "namespace": stand.namespace, "annotations": annotations});
        items.push(json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(json!({"eks.amazonaws.com/role-arn": ROLE})),
        }));
        let mut pod = to_json(&pod_as(&name, &name));
        pod["metadata"] = metadata(json!({}));
        items.push(pod);
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    stand.home.write("all.json", list.to_string());
    // kubectl holds itself back to 50 calls in a second.
    let ran = stand.kubectl(&["apply", "-f", "all.json"]);
    assert_eq!(ran.succeeded().lines().count(), 2 * PAIRS);
    let pods: Api<Pod> = stand.api();
    let pods = pods.list(&ListParams::default()).await.unwrap().items;
    let covered = pods.iter().filter(|pod| is_injected(pod)).count();
    assert_eq!((covered, pods.len()), (PAIRS, PAIRS));
}
