//! What the peer does not do, all of it asked for in one pod: annotations on account and pod, and flags.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use crate::stand::{Stand, parsed, to_json};

#[tokio::test(flavor = "multi_thread")]
async fn each_opt_in_counts_in_a_pod_that_asks_for_all() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let replica = stand.replica(&[
        "--aws-account-id=111122223333",
        "--aws-default-region=us-east-1",
        "--inject-endpoint-url=http://127.0.0.1:4566",
        "--irsa-expiration-jitter",
    ]);
    let _balancer = stand.register(&[&replica], "Fail").await;
    stand.until_called().await;
    let account = json!({
        "eks.amazonaws.com/role-arn": "team/app",
        "eks.amazonaws.com/region": "eu-central-1",
        // The pod has a list of its own, which stands in place of this one.
        "eks.amazonaws.com/include-containers": "proxy",
        "eks.amazonaws.com/skip-containers": "logs",
        "podpass.dev/session-name": "serviceaccount",
    });
    stand.annotated("app", &account).await;
    let pod: Pod = parsed(json!({
        "metadata": {"name": "app", "annotations": {
            "eks.amazonaws.com/include-containers": "app,migrate,logs",
            "podpass.dev/session-name": "uid",
        }},
        "spec": {
            "serviceAccountName": "app",
            "initContainers": [{"name": "migrate", "image": "m", "env": [
                {"name": "AWS_REGION", "value": "eu-west-3"},
                {"name": "AWS_ROLE_SESSION_NAME", "value": "migration"},
                {"name": "AWS_ENDPOINT_URL", "value": "http://127.0.0.1:9"},
            ]}],
            "containers": [
                {"name": "app", "image": "a"},
                {"name": "proxy", "image": "p"},
                {"name": "logs", "image": "l"},
            ],
        },
    }));
    let pod = to_json(&stand.create(&pod).await);

    let value = |name: &str, value: &str| json!({"name": name, "value": value});
    let role = value("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/team/app");
    let token_file = value(
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    );
    let uid = json!({"name": "AWS_ROLE_SESSION_NAME", "valueFrom": {
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.uid"},
    }});
    let app = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    let (app, endpoints) = app.split_at(5);
    let before = [
        value("AWS_DEFAULT_REGION", "eu-central-1"),
        value("AWS_REGION", "eu-central-1"),
        role.clone(),
        token_file.clone(),
        uid,
    ];
    assert_eq!(app, before);
    // These two are behind all others, in either order.
    let endpoint = |name| value(name, "http://127.0.0.1:4566");
    let expected = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"].map(endpoint);
    assert!(
        expected.iter().all(|one| endpoints.contains(one)),
        "{endpoints:?}"
    );
    assert_eq!(endpoints.len(), expected.len());
    // What a container sets itself stays, and nothing is put beside it.
    let migrate = json!([
        value("AWS_REGION", "eu-west-3"),
        value("AWS_ROLE_SESSION_NAME", "migration"),
        value("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        role,
        token_file,
    ]);
    assert_eq!(pod["spec"]["initContainers"][0]["env"], migrate);
    // One is on no list that counts, the other on one to skip.
    for index in [1, 2] {
        let container = &pod["spec"]["containers"][index];
        assert_eq!(container["env"], Value::Null);
        let text = container.to_string();
        assert!(!text.contains("aws-iam-token"), "{text}");
    }
    let token = pod.pointer("/spec/volumes/0/projected/sources/0/serviceAccountToken");
    let seconds = token.unwrap()["expirationSeconds"].as_i64().unwrap();
    // Two hours less at most.
    assert!((79_200..=86_400).contains(&seconds), "{seconds}");
}
