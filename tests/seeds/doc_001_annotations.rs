//! Document 001, option 2: an annotated service account, and a pod with the identity injected.
//!
//! Until there is the webhook, `podpass inject … | kubectl apply -f -` changes the pod as it will at admission.

use serde_json::json;

use crate::doc_001::{TRUST, in_namespace};
use crate::doc_001_config_file::{identities, session};
use crate::stand::Stand;

/// The document's pod of option 2: nothing of AWS but the session's name and the region.
const PLAIN_POD: &str = r#"apiVersion: v1
kind: Pod
metadata:
  annotations:
  labels:
    app: manual-sts
  name: manual-sts
  namespace: manual-sts
spec:
  containers:
  - image: amazon/aws-cli
    command: ["/bin/sh"]
    args: ["-c", "sleep 86400"]
    imagePullPolicy: IfNotPresent
    name: manual-sts
    env:
    - name: AWS_ROLE_SESSION_NAME
      value: manual-sts-session
    - name: AWS_REGION
      value: us-east-1
  dnsPolicy: ClusterFirst
  serviceAccount: sa-manual-sts #<--The pod must run with the sa
  serviceAccountName: sa-manual-sts
"#;

const ACCOUNT: &str = r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: sa-manual-sts
  namespace: manual-sts
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/poc-irsa-s3"
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

#[tokio::test]
async fn seed_001_01_pod_calls_aws_as_podpass_binds_it() {
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.home.write(
        "s3.json",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}]}"#,
    );
    let pod = in_namespace(&stand, PLAIN_POD);
    stand.home.write("pod.yaml", pod);
    let namespace = &stand.namespace;
    stand
        .shell(&format!(
            "podpass bind {namespace}/sa-manual-sts --policy s3.json --name demo --create
             kubectl get serviceaccount sa-manual-sts --namespace {namespace} -o yaml > sa.yaml
             podpass inject -f pod.yaml --service-account sa.yaml -o yaml | kubectl apply -f -
             aws s3 mb s3://fake1-buket"
        ))
        .succeeded();
    let runner = stand.play_existing("manual-sts").await;
    for identity in identities(&stand, &runner) {
        identity.said(&[&session(&format!("demo-{namespace}-sa-manual-sts"))]);
    }
    stand.in_pod(&runner, "aws s3 ls").said(&["fake1-buket"]);
}

/// The Event for a bad value comes with the webhook; here `inject` says it.
#[tokio::test]
async fn partly_001_26_annotations_of_the_service_account_decide() {
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    option_2(&stand);
    let runner = stand.play_existing("manual-sts").await;
    let environment: Vec<(&str, &str)> = runner
        .environment()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| name.starts_with("AWS_") && !name.ends_with("_FILE"))
        .collect();
    assert_eq!(
        environment,
        [
            ("AWS_ROLE_SESSION_NAME", "manual-sts-session"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/poc-irsa-s3"),
        ]
    );
    for identity in identities(&stand, &runner) {
        identity.said(&[&session("poc-irsa-s3")]);
    }

    // Annotations, and the audience, lifetime and STS endpoint that come of them.
    for (annotations, audience, lifetime, regional) in [
        (&[][..], "sts.amazonaws.com", 86400, false),
        (&["audience: openshift"], "openshift", 86400, false),
        (
            &["token-expiration: \"1200\""],
            "sts.amazonaws.com",
            1200,
            false,
        ),
        (
            &["token-expiration: \"60\""],
            "sts.amazonaws.com",
            600,
            false,
        ),
        (
            &["token-expiration: soon"],
            "sts.amazonaws.com",
            86400,
            false,
        ),
        (
            &["sts-regional-endpoints: \"true\""],
            "sts.amazonaws.com",
            86400,
            true,
        ),
        (
            &["sts-regional-endpoints: \"false\""],
            "sts.amazonaws.com",
            86400,
            false,
        ),
        (
            &["sts-regional-endpoints: maybe"],
            "sts.amazonaws.com",
            86400,
            false,
        ),
    ] {
        let (head, _) = ACCOUNT.split_once("    # optional").unwrap();
        let tail: Vec<String> = annotations
            .iter()
            .map(|annotation| format!("    eks.amazonaws.com/{annotation}\n"))
            .collect();
        let account = in_namespace(&stand, head) + &tail.concat();
        stand.home.write("sa.yaml", account);
        // Kinds and defaults are the API server's.
        let ran = stand.shell(
            "podpass inject -f pod.yaml --service-account sa.yaml -o yaml |
                 sed 's/^  name: manual-sts/  name: another/' | oc create --dry-run=server -o json -f -",
        );
        let pod = ran.json();
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        let volume = volumes
            .iter()
            .find(|volume| volume["name"] == "aws-iam-token");
        assert_eq!(
            volume.unwrap()["projected"]["sources"][0]["serviceAccountToken"],
            json!({"audience": audience, "expirationSeconds": lifetime, "path": "token"}),
            "{annotations:?}"
        );
        let printed = ran.out.contains("AWS_STS_REGIONAL_ENDPOINTS");
        assert_eq!(printed, regional, "{annotations:?}");
        if annotations.iter().any(|line| line.contains("soon")) {
            ran.said(&["TOKEN_EXPIRATION_INVALID"]);
        }
        if annotations.iter().any(|line| line.contains("maybe")) {
            ran.said(&["STS_REGIONAL_ENDPOINTS_INVALID"]);
        }
    }
}

/// The document's option 2: the other area makes the role; service account and pod are the cluster's.
fn option_2(stand: &Stand) {
    let issuer = stand.provider.split_once('/').unwrap().1;
    let trust = TRUST
        .replace("PROVIDER_ARN", &stand.provider)
        .replace("ISSUER", issuer)
        .replace("NAMESPACE", &stand.namespace);
    stand.home.write("trust.json", trust);
    stand.home.write("sa.yaml", in_namespace(stand, ACCOUNT));
    stand.home.write("pod.yaml", in_namespace(stand, PLAIN_POD));
    stand
        .shell(
            "aws iam create-role --role-name poc-irsa-s3 --assume-role-policy-document file://trust.json
             oc apply -f sa.yaml
             podpass inject -f pod.yaml --service-account sa.yaml -o yaml | kubectl apply -f -",
        )
        .succeeded();
}
