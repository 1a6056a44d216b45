//! The pods of documents 000 and 001 beside what the documents print of them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use podpass_testkit::eventually;
use serde_json::{Value, json};

use crate::stand::{Stand, dry_run, is_kubernetes_token, parsed, to_json};

/// A difference between what a document prints and the pod: the place, both values, and the reason.
type Difference = (&'static str, &'static str, &'static str, &'static str);

/// What is on one side only.
const ABSENT: &str = "-";

const OWN_TOKEN: &str = "Kubernetes' own token, which every pod has: the document leaves it out";

const ACCOUNT_000: &str = r#"---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa-test
  namespace: irsa-test
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::10xxxxxxxx83:role/irsa-s3"
    # optional: Defaults to "sts.amazonaws.com" if not set
    eks.amazonaws.com/audience: "sts.amazonaws.com"
    # optional: When set to "true", adds AWS_STS_REGIONAL_ENDPOINTS env var
    #   to containers
    eks.amazonaws.com/sts-regional-endpoints: "true"
    # optional: Defaults to 86400 for expirationSeconds if not set
    #   Note: This value can be overwritten if specified in the pod
    #         annotation as shown in the next step.
    eks.amazonaws.com/token-expiration: "86400"
"#;

const DEPLOYMENT_000: &str = include_str!("../documents/inputs/000-deployment.yaml");

const PRINTED_000: &str = "
env:
  - name: HOME
    value: /tmp
  - name: AWS_ROLE_ARN
    value: 'arn:aws:iam::10xxxxxxxx83:role/irsa-s3'
  - name: AWS_WEB_IDENTITY_TOKEN_FILE
    value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token
volumeMounts:
  - name: aws-iam-token
    readOnly: true
    mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount
volumes:
  - name: aws-iam-token
    projected:
      sources:
        - serviceAccountToken:
            audience: sts.amazonaws.com
            expirationSeconds: 86400
            path: token
      defaultMode: 420
";

const DIFFERENCES_000: [Difference; 3] = [
    (
        "env/AWS_STS_REGIONAL_ENDPOINTS",
        ABSENT,
        "regional",
        "the document's own account asks for it, and what is printed leaves it out",
    ),
    ("volumeMounts/1", ABSENT, "{…}", OWN_TOKEN),
    ("volumes/1", ABSENT, "{…}", OWN_TOKEN),
];

/// The document has lost the indentation.
const ACCOUNT_001: &str = r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: sa-manual-sts
  namespace: manual-sts
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::077896975944:role/poc-irsa-s3-s3-sample-s3-sample-1"
    # optional: Defaults to "sts.amazonaws.com" if not set
    eks.amazonaws.com/audience: "sts.amazonaws.com"
    # optional: When set to "true", adds AWS_STS_REGIONAL_ENDPOINTS env var
    # to containers
    eks.amazonaws.com/sts-regional-endpoints: "true"
    # optional: Defaults to 86400 for expirationSeconds if not set
    # Note: This value can be overwritten if specified in the pod
    # annotation as shown in the next step.
    eks.amazonaws.com/token-expiration: "86400"
"#;

const POD_001: &str = include_str!("../documents/inputs/001-pod.yaml");

const PRINTED_001: &str = r#"
env:
- name: AWS_DEFAULT_REGION
  value: us-west-2
- name: AWS_REGION
  value: us-west-2
- name: AWS_ROLE_ARN
  value: "arn:aws:iam::111122223333:role/s3-reader"
- name: AWS_WEB_IDENTITY_TOKEN_FILE
  value: "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
- name: AWS_STS_REGIONAL_ENDPOINTS
  value: "regional"
volumeMounts:
- mountPath: "/var/run/secrets/eks.amazonaws.com/serviceaccount/"
  name: aws-token
volumes:
- name: aws-token
  projected:
    sources:
    - serviceAccountToken:
        audience: "sts.amazonaws.com"
        expirationSeconds: 86400
        path: token
"#;

/// The document prints the example of the webhook's README, not the pod above it.
const DIFFERENCES_001: [Difference; 12] = [
    (
        "env (order)",
        "AWS_REGION AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_REGION AWS_STS_REGIONAL_ENDPOINTS AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE",
        "the order in which the peer injects them (v0.6.17)",
    ),
    (
        "env/AWS_DEFAULT_REGION",
        "us-west-2",
        ABSENT,
        "a pod that sets one of the two regions keeps its own, and gets no other",
    ),
    (
        "env/AWS_REGION",
        "us-west-2",
        "us-east-1",
        "what a container sets itself is never changed",
    ),
    (
        "env/AWS_ROLE_ARN",
        "arn:aws:iam::111122223333:role/s3-reader",
        "arn:aws:iam::077896975944:role/poc-irsa-s3-s3-sample-s3-sample-1",
        "the example's role is not the one that the document annotates",
    ),
    (
        "env/AWS_ROLE_SESSION_NAME",
        ABSENT,
        "manual-sts-session",
        "the pod's own, which stays",
    ),
    (
        "volumeMounts/0/mountPath",
        "/var/run/secrets/eks.amazonaws.com/serviceaccount/",
        "/var/run/secrets/eks.amazonaws.com/serviceaccount",
        "the default of --token-mount-path has no slash at its end",
    ),
    (
        "volumeMounts/0/name",
        "aws-token",
        "aws-iam-token",
        "the volume's real name: only the README says otherwise",
    ),
    (
        "volumeMounts/0/readOnly",
        ABSENT,
        "true",
        "nobody may write where the kubelet does",
    ),
    ("volumeMounts/1", ABSENT, "{…}", OWN_TOKEN),
    (
        "volumes/0/name",
        "aws-token",
        "aws-iam-token",
        "as its mount",
    ),
    (
        "volumes/0/projected/defaultMode",
        ABSENT,
        "420",
        "the API server's default, 0644",
    ),
    ("volumes/1", ABSENT, "{…}", OWN_TOKEN),
];

/// What a document prints of a pod, taken from a whole one. What Kubernetes adds itself is put last.
fn printed_part(pod: &Value) -> Value {
    let container = &pod["spec"]["containers"][0];
    let last = |list: &Value| {
        let list = list.as_array().unwrap().iter().cloned();
        let (own, rest): (Vec<_>, Vec<_>) = list.partition(is_kubernetes_token);
        [rest, own].concat()
    };
    json!({
        "env": container["env"],
        "volumeMounts": last(&container["volumeMounts"]),
        "volumes": last(&pod["spec"]["volumes"]),
    })
}

/// Each place that differs, with both values. Variables are compared by name, and their order for itself.
fn differences(printed: &Value, pod: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let (printed_env, pod_env) = (variables(&printed["env"]), variables(&pod["env"]));
    let common = |of: &[(String, String)], other: &[(String, String)]| {
        let names = of.iter().map(|(name, _)| name.as_str());
        let common = names.filter(|name| other.iter().any(|(theirs, _)| theirs == name));
        common.collect::<Vec<_>>().join(" ")
    };
    let orders = [
        common(&printed_env, &pod_env),
        common(&pod_env, &printed_env),
    ];
    if let [of_document, of_pod] = orders
        && of_document != of_pod
    {
        found.push(("env (order)".to_owned(), of_document, of_pod));
    }
    let mut leaves = [BTreeMap::new(), BTreeMap::new()];
    for (side, (whole, env)) in [(printed, printed_env), (pod, pod_env)]
        .into_iter()
        .enumerate()
    {
        for (name, value) in env {
            leaves[side].insert(format!("env/{name}"), value);
        }
        for part in ["volumeMounts", "volumes"] {
            for (index, entry) in whole[part].as_array().unwrap().iter().enumerate() {
                let place = format!("{part}/{index}");
                if is_kubernetes_token(entry) {
                    leaves[side].insert(place, "{…}".to_owned());
                } else {
                    flatten(place, entry, &mut leaves[side]);
                }
            }
        }
    }
    let [printed, pod] = leaves;
    let places: BTreeSet<&String> = printed.keys().chain(pod.keys()).collect();
    for place in places {
        let value = |of: &BTreeMap<String, String>| {
            let value = of.get(place).map(String::as_str);
            value.unwrap_or(ABSENT).to_owned()
        };
        let (printed, pod) = (value(&printed), value(&pod));
        if printed != pod {
            found.push((place.clone(), printed, pod));
        }
    }
    found
}

fn variables(env: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variables = env.as_array().unwrap().iter();
    variables
        .map(|variable| (text(&variable["name"]), text(&variable["value"])))
        .collect()
}

fn flatten(place: String, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                flatten(format!("{place}/{name}"), member, into);
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                flatten(format!("{place}/{index}"), entry, into);
            }
        }
        Value::String(text) => {
            into.insert(place, text.clone());
        }
        other => {
            into.insert(place, other.to_string());
        }
    }
}

#[track_caller]
fn assert_differs(printed: &str, pod: &Value, table: &[Difference]) {
    let printed: Value = serde_saphyr::from_str(printed).unwrap();
    let found = differences(&printed, &printed_part(pod));
    let expected: Vec<_> = table
        .iter()
        .map(|&(place, printed, pod, _)| (place.to_owned(), printed.to_owned(), pod.to_owned()))
        .collect();
    assert_eq!(found, expected, "{pod:#}");
}

/// The only pod of a label, as soon as it is there.
async fn pod_of(stand: &Stand, label: &str) -> Value {
    let pods: Api<Pod> = stand.api();
    let selected = ListParams::default().labels(label);
    let within = std::time::Duration::from_mins(1);
    let pod = eventually("the pod is created", within, async || {
        pods.list(&selected).await.unwrap().items.pop()
    })
    .await;
    to_json(&pod)
}

/// Applies a document's manifests in the namespace of the test.
fn apply(stand: &Stand, namespace: &str, manifests: &[&str]) {
    for manifest in manifests {
        let manifest = manifest.replace(
            &format!("namespace: {namespace}\n"),
            &format!("namespace: {}\n", stand.namespace),
        );
        stand.home.write("manifest.yaml", manifest);
        stand.kubectl(&["apply", "-f", "manifest.yaml"]).succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_37_seed_002_32_pod_of_document_000_is_as_printed_but_for_the_table() {
    let Some((stand, _replica, _balancer)) = Stand::called(&[]).await else {
        return;
    };
    apply(&stand, "irsa-test", &[ACCOUNT_000, DEPLOYMENT_000]);
    let pod = pod_of(&stand, "app=aws").await;
    assert_differs(PRINTED_000, &pod, &DIFFERENCES_000);

    // Admitted again, it stays as it is.
    let mut copy = pod.clone();
    copy["metadata"] = json!({"name": "copy"});
    copy.as_object_mut().unwrap().remove("status");
    let pods: Api<Pod> = stand.api();
    let again = pods.create(&dry_run(), &parsed(copy)).await.unwrap();
    assert_eq!(to_json(&again)["spec"], pod["spec"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pod_of_document_001_is_as_printed_but_for_the_table() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let replica = stand.replica(&["--aws-default-region=us-west-2"]);
    let _balancer = stand.register(&[&replica], "Fail").await;
    stand.until_called().await;
    apply(&stand, "manual-sts", &[ACCOUNT_001, POD_001]);
    let pod = pod_of(&stand, "app=manual-sts").await;
    assert_differs(PRINTED_001, &pod, &DIFFERENCES_001);
}
