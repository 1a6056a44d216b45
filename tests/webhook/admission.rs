//! What pods get, asked of a real kube-apiserver that calls the webhook.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::client::get;
use crate::stand::{ROLE, Stand, dry_run, is_injected, parsed, pod_as, soon, to_json};

/// Names and values of a container's variables.
fn variables(pod: &Value, pointer: &str) -> Vec<(String, String)> {
    let variables = pod.pointer(pointer).and_then(Value::as_array);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    variables
        .into_iter()
        .flatten()
        .map(|variable| (text(&variable["name"]), text(&variable["value"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pod_of_the_documents_comes_out_as_with_the_peer() {
    let flags = ["--aws-default-region=us-east-2", "--sts-regional-endpoint"];
    let Some((stand, _replica, _balancer)) = Stand::called(&flags).await else {
        return;
    };
    stand.account("app", ROLE).await;
    let pod: Pod = parsed(json!({
        "metadata": {"name": "app", "annotations": {"eks.amazonaws.com/skip-containers": "sidecar"}},
        "spec": {
            "serviceAccountName": "app",
            "initContainers": [{"name": "init", "image": "i"}],
            "containers": [
                {"name": "app", "image": "a", "env": [{"name": "HOME", "value": "/tmp"}]},
                {"name": "sidecar", "image": "s"},
            ],
        },
    }));
    let pod = to_json(&stand.create(&pod).await);
    // The volume is in front of the one that the ServiceAccount admission plugin adds.
    let volume = json!({"name": "aws-iam-token", "projected": {
        // The API server's default.
        "defaultMode": 420,
        "sources": [{"serviceAccountToken": {
            "audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token",
        }}],
    }});
    assert_eq!(pod["spec"]["volumes"][0], volume);
    let injected = [
        ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
        ("AWS_DEFAULT_REGION", "us-east-2"),
        ("AWS_REGION", "us-east-2"),
        ("AWS_ROLE_ARN", ROLE),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
        ),
    ];
    let injected: Vec<_> = injected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    assert_eq!(variables(&pod, "/spec/initContainers/0/env"), injected);
    let mut own = vec![("HOME".to_owned(), "/tmp".to_owned())];
    own.extend(injected);
    assert_eq!(variables(&pod, "/spec/containers/0/env"), own);
    let mounts = &pod["spec"]["containers"][0]["volumeMounts"];
    let mount = json!({
        "name": "aws-iam-token",
        "readOnly": true,
        "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount",
    });
    assert_eq!(mounts.as_array().unwrap().last(), Some(&mount));
    assert_eq!(variables(&pod, "/spec/containers/1/env"), []);
    assert!(
        !pod["spec"]["containers"][1]
            .to_string()
            .contains("aws-iam-token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn account_without_a_role_changes_nothing_and_is_not_read() {
    let flags = ["--enable-debugging-handlers"];
    let Some((stand, replica, _balancer)) = Stand::called(&flags).await else {
        return;
    };
    stand
        .annotated("plain", &json!({"example.com/a": "b"}))
        .await;
    stand.account("later", ROLE).await;
    let plain = replica.metrics_address();
    soon("the watch has told of both", async || {
        let (_, page) = get(plain, false, "/debug/alpha/cache").await;
        page.contains("/later\"")
    })
    .await;
    let reads = async || {
        let (_, page) = get(plain, false, "/metrics").await;
        let lines = page.lines();
        let reads = lines.filter(|line| line.starts_with("podpass_service_account_reads_total{"));
        reads.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = reads().await;
    for number in 0..10 {
        let pod = stand
            .create(&pod_as(&format!("plain-{number}"), "plain"))
            .await;
        assert!(!is_injected(&pod));
    }
    assert_eq!(reads().await, before);
    // Later additions and removals of the role count for pods that come later.
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = stand.api();
    for (role, expected) in [(json!(ROLE), true), (Value::Null, false)] {
        let change = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": role}}});
        let parameters = PatchParams::default();
        accounts
            .patch("plain", &parameters, &Patch::Merge(change))
            .await
            .unwrap();
        let pods: Api<Pod> = stand.api();
        let probe = pod_as("later", "plain");
        soon("the change counts", async || {
            is_injected(&pods.create(&dry_run(), &probe).await.unwrap()) == expected
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn config_map_gives_roles_and_takes_them_back() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    stand
        .grant(&json!([
            {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"],
             "resourceNames": ["pod-identity-webhook"]},
        ]))
        .await;
    let maps: Api<ConfigMap> = stand.api();
    let entry = |name: &str| {
        let key = format!("{}/{name}", stand.namespace);
        // Keys on which the peer crashes are left out.
        let config = json!({key: {"RoleARN": ROLE}, "noslash": {}, "a/b": null});
        let data = BTreeMap::from([("config", config.to_string())]);
        json!({"metadata": {"name": "pod-identity-webhook"}, "data": data})
    };
    let map: ConfigMap = parsed(entry("mapped"));
    maps.create(&PostParams::default(), &map).await.unwrap();
    let replica = stand.replica(&["--watch-config-map"]);
    let _balancer = stand.register(&[&replica], "Fail").await;
    stand.until_called().await;
    for name in ["mapped", "other"] {
        stand.annotated(name, &json!({})).await;
    }
    let pods: Api<Pod> = stand.api();
    let gets_a_role = async |account: &str| {
        let pod = pods
            .create(&dry_run(), &pod_as("a", account))
            .await
            .unwrap();
        is_injected(&pod)
    };
    assert!(gets_a_role("mapped").await);
    assert!(!gets_a_role("other").await);
    let change = Patch::Merge(entry("other"));
    maps.patch("pod-identity-webhook", &PatchParams::default(), &change)
        .await
        .unwrap();
    soon("the changed map counts", async || {
        gets_a_role("other").await && !gets_a_role("mapped").await
    })
    .await;
    maps.delete("pod-identity-webhook", &DeleteParams::default())
        .await
        .unwrap();
    soon("the deleted map counts", async || {
        !gets_a_role("other").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_gives_container_credentials_through_the_kubelets_links() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let identities = |name: &str| {
        json!({"identities": [{"namespace": stand.namespace, "serviceAccount": name}]}).to_string()
    };
    stand
        .home
        .write("mounted/1/config.json", identities("first"));
    stand
        .home
        .write("mounted/2/config.json", identities("second"));
    let link = |target: &str, name: &str| {
        let path = stand.home.path(&format!("mounted/{name}"));
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    link("1", "..data");
    link("..data/config.json", "config.json");
    let path = stand.home.path("mounted/config.json");
    let flag = format!("--watch-container-credentials-config={}", path.display());
    let replica = stand.replica(&[&flag]);
    let _balancer = stand.register(&[&replica], "Fail").await;
    stand.until_called().await;
    for name in ["first", "second"] {
        stand.annotated(name, &json!({})).await;
    }
    let pod = to_json(&stand.create(&pod_as("a", "first")).await);
    let label = pod.pointer("/metadata/labels/eks.amazonaws.com~1pod-identity");
    assert_eq!(label, Some(&json!("enabled")));
    let expected = [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
        ),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
        ),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables(&pod, "/spec/containers/0/env"), expected);
    let token = pod
        .pointer("/spec/volumes/0/projected/sources/0/serviceAccountToken")
        .unwrap();
    let seconds = token["expirationSeconds"].as_i64().unwrap();
    assert!((79_200..=86_400).contains(&seconds), "{seconds}");

    let swap = || {
        link("2", "..next");
        let [next, data] =
            ["..next", "..data"].map(|name| stand.home.path(&format!("mounted/{name}")));
        std::fs::rename(next, data).unwrap();
    };
    swap();
    // The very next pod: nothing has to be waited for.
    let second = to_json(&stand.create(&pod_as("b", "second")).await);
    assert_eq!(variables(&second, "/spec/containers/0/env"), expected);
    let first = to_json(&stand.create(&pod_as("c", "first")).await);
    assert_eq!(variables(&first, "/spec/containers/0/env"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_is_warned_of_what_will_not_work() {
    let Some((stand, _replica, _balancer)) = Stand::called(&[]).await else {
        return;
    };
    stand
        .account("typo", "arn:aws:iam:123456789012:role/app")
        .await;
    let other_domain = json!({"eks.amazon.com/role-arn": ROLE});
    stand.annotated("other-domain", &other_domain).await;
    for (account, said) in [
        (
            "typo",
            "Warning: podpass: BAD_ROLE_ARN: `arn:aws:iam:123456789012:role/app` is not the ARN of an IAM role",
        ),
        ("other-domain", "Warning: podpass: ANNOTATION_LOOKALIKE: "),
    ] {
        let manifest = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": account, "namespace": stand.namespace},
            "spec": {"serviceAccountName": account, "containers": [{"name": "app", "image": "app"}]},
        });
        stand.home.write("pod.json", manifest.to_string());
        let ran = stand.kubectl(&["apply", "-f", "pod.json"]);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}
