//! Document 001, option 1: a pod that mounts its config file and its token.

use std::collections::BTreeSet;

use podpass_testkit::{PodRunner, Ran, WithholdingProxy};
use serde_json::Value;

use crate::doc_001::{create_roles, in_namespace, role_name};
use crate::stand::{DENIED, SERVICE_ACCOUNT, Stand, WRONG_AUDIENCE};

/// The document's pod of option 1 with the indentation that it lost in print.
const POD: &str = r#"apiVersion: v1
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
    args: ["-c", "mkdir /root/.aws; cat /var/run/secrets/cloud/credentials > /root/.aws/config; sleep 86400"]
    imagePullPolicy: IfNotPresent
    name: manual-sts
    env:
    - name: AWS_ROLE_SESSION_NAME
      value: manual-sts-session
    - name: AWS_REGION
      value: us-east-1
    ports:
    - containerPort: 80
      name: http
      protocol: TCP
    resources:
      requests:
        cpu: 100m
        memory: 512Mi
    volumeMounts:
    - mountPath: /var/run/secrets/cloud
      name: manual-sts
      readOnly: false
    - mountPath: /var/run/secrets/openshift/serviceaccount
      name: bound-sa-token
      readOnly: true
  dnsPolicy: ClusterFirst
  serviceAccount: sa-manual-sts #<--The pod must run with the sa
  serviceAccountName: sa-manual-sts
  volumes:
  - name: manual-sts
    secret:
      defaultMode: 420
      optional: false
      secretName: manual-sts #<--This volume mount the config
  - name: bound-sa-token #<--The second volumen mount the web identity token
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken:
          audience: openshift
          expirationSeconds: 3600
          path: token
"#;

const BOTO3: &str = "import boto3; print(boto3.client(\"sts\").get_caller_identity()[\"Arn\"])";
/// The document up to the pod: role, secret and service account.
async fn prepared() -> Option<Stand> {
    let stand = Stand::on_shared("manual-sts").await?;
    prepare(&stand);
    Some(stand)
}

fn prepare(stand: &Stand) {
    stand.shell(&create_roles(stand)).succeeded();
    let namespace = &stand.namespace;
    stand
        .shell(&format!(
            "oc apply -f outputs/manifests/{namespace}-manual-sts-credentials.yaml
             oc create sa sa-manual-sts --namespace {namespace}"
        ))
        .succeeded();
}

/// The document's pod, changed by `edit`, after its container's command has run.
async fn pod(stand: &Stand, edit: impl Fn(String) -> String) -> PodRunner {
    let manifest = edit(in_namespace(stand, POD));
    let runner = stand.play(&manifest, "manual-sts").await;
    let copied = stand.in_pod(
        &runner,
        "mkdir /root/.aws; cat /var/run/secrets/cloud/credentials > /root/.aws/config",
    );
    copied.succeeded();
    // The token's path in the config is the container's: here it lies elsewhere.
    let config = stand.config(&runner);
    let led = stand.in_pod(
        &runner,
        &format!("cat {} > /root/.aws/config", config.display()),
    );
    led.succeeded();
    runner
}

/// Who the AWS CLI and boto3 say they are.
pub(crate) fn identities(stand: &Stand, runner: &PodRunner) -> [Ran; 2] {
    [
        stand.in_pod(runner, "aws sts get-caller-identity"),
        stand.in_pod(runner, &format!("python -c '{BOTO3}'")),
    ]
}

pub(crate) fn session(role: &str) -> String {
    format!("arn:aws:sts::123456789012:assumed-role/{role}/manual-sts-session")
}

#[tokio::test]
async fn seed_001_01_pod_calls_aws_by_the_documents_command_lines() {
    let Some(stand) = Stand::with_bucket("manual-sts", "us-east-1", "manual-sts").await else {
        return;
    };
    prepare(&stand);
    let runner = pod(&stand, |pod| pod).await;
    for identity in identities(&stand, &runner) {
        identity.said(&[&session("prefix-role-manual-sts-manual-sts")]);
    }
    // What the document's request allows does not include what the document shows next.
    stand
        .in_pod(&runner, "aws s3 ls")
        .failed(&["AccessDenied", "s3:ListAllMyBuckets"]);
    // It says how to go on: "by adding or removing permissions", "running aws iam commands".
    stand.home.write(
        "list.json",
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"#,
    );
    stand
        .shell(
            "aws iam put-role-policy --role-name prefix-role-manual-sts-manual-sts --policy-name list \
             --policy-document file://list.json",
        )
        .succeeded();
    stand
        .in_pod(&runner, "aws s3 ls")
        .said(&["manual-sts-oidc"]);
}

#[tokio::test]
async fn seed_001_02_another_service_account_is_refused() {
    let Some(stand) = prepared().await else {
        return;
    };
    stand
        .shell(&format!(
            "oc create sa other --namespace {}",
            stand.namespace
        ))
        .succeeded();
    let runner = pod(&stand, |pod| {
        pod.replace("serviceAccount: sa-manual-sts", "serviceAccount: other")
            .replace(
                "serviceAccountName: sa-manual-sts",
                "serviceAccountName: other",
            )
    })
    .await;
    for identity in identities(&stand, &runner) {
        identity.failed(&[DENIED]);
    }
}

#[tokio::test]
async fn seed_001_02_another_audience_is_refused() {
    let Some(stand) = prepared().await else {
        return;
    };
    let runner = pod(&stand, |pod| {
        pod.replace("audience: openshift", "audience: sts.amazon.com")
    })
    .await;
    for identity in identities(&stand, &runner) {
        identity.failed(&[WRONG_AUDIENCE]);
    }
}

#[tokio::test]
async fn seed_001_03_the_same_name_in_another_namespace_is_refused() {
    let Some(mut stand) = prepared().await else {
        return;
    };
    let first = stand.namespace.clone();
    stand.namespace = stand.another_namespace("manual-sts").await;
    let second = &stand.namespace;
    stand
        .shell(&format!(
            "sed 's/namespace: {first}/namespace: {second}/' outputs/manifests/*.yaml | oc apply -f -
             oc create sa sa-manual-sts --namespace {second}"
        ))
        .succeeded();
    let runner = pod(&stand, |pod| pod).await;
    for identity in identities(&stand, &runner) {
        identity.failed(&[DENIED]);
    }
}

/// The root file system is not played; what is shown is that the pod writes nowhere but into its volumes.
#[tokio::test]
async fn partly_001_15_pod_with_a_read_only_root_works() {
    let Some(stand) = prepared().await else {
        return;
    };
    let manifest = in_namespace(&stand, POD)
        .replace(
            "    env:\n",
            "    securityContext:\n      readOnlyRootFilesystem: true\n    env:\n    \
             - name: AWS_CONFIG_FILE\n      value: /var/run/secrets/cloud/credentials\n    \
             - name: HOME\n      value: /tmp/home\n",
        )
        .replace(
            "    volumeMounts:\n",
            "    volumeMounts:\n    - mountPath: /tmp\n      name: tmp\n",
        )
        .replace(
            "  volumes:\n",
            "  volumes:\n  - name: tmp\n    emptyDir: {}\n",
        );
    let runner = stand.play(&manifest, "manual-sts").await;
    // Files that are new since the container's start, outside its writable volume.
    let folder = runner.path("/tmp");
    let volumes = folder.parent().unwrap().parent().unwrap();
    let files = || {
        let mut found = stand.in_pod(
            &runner,
            &format!(
                "find {} -not -path '{}/*'",
                volumes.display(),
                folder.display()
            ),
        );
        found.succeeded();
        std::mem::take(&mut found.out)
    };
    let before = files();
    for identity in identities(&stand, &runner) {
        identity.said(&[&session(&role_name(&stand))]);
    }
    assert_eq!(files(), before);
    let cache = runner.path("/tmp/home/.aws/cli/cache");
    assert_eq!(std::fs::read_dir(cache).unwrap().count(), 1);
}

/// podpass, the AWS CLI's cache file and boto3 say the same of the same exchange, in the same words.
#[tokio::test(flavor = "multi_thread")]
async fn seed_001_19_answer_has_the_documents_keys() {
    let Some(stand) = Stand::with_bucket("manual-sts", "us-east-1", "manual-sts").await else {
        return;
    };
    prepare(&stand);
    let runner = pod(&stand, |pod| pod).await;
    let upstream = kube::Config::new(stand.sandbox.endpoint().parse().unwrap());
    let proxy = WithholdingProxy::start(&upstream).await;
    let through = format!(
        "--session-name manual-sts-session --endpoint-url {}",
        proxy.url()
    );
    let assumed = assume(&stand, &through).succeeded_json();
    stand
        .in_pod(&runner, "aws sts get-caller-identity")
        .succeeded();
    let cached = stand
        .in_pod(&runner, "cat /root/.aws/cli/cache/*.json")
        .succeeded_json();
    let by_boto3 = stand
        .in_pod(
            &runner,
            &format!(
                "python -c '{BOTO3_ASSUME}' arn:aws:iam::123456789012:role/{} {SERVICE_ACCOUNT}/token",
                role_name(&stand)
            ),
        )
        .succeeded_json();

    // The document's own list, with its values.
    for answer in [&assumed, &cached, &by_boto3] {
        let role = session(&role_name(&stand));
        assert_eq!(
            [
                &answer["SubjectFromWebIdentityToken"],
                &answer["Audience"],
                &answer["Provider"],
                &answer["AssumedRoleUser"]["Arn"],
            ],
            [
                "system:serviceaccount:manual-sts:sa-manual-sts",
                "openshift",
                &stand.provider,
                &role,
            ],
            "{answer}"
        );
        let metadata = &answer["ResponseMetadata"];
        let request_id = metadata["HTTPHeaders"]["x-amzn-requestid"]
            .as_str()
            .unwrap();
        assert_eq!(metadata["RequestId"], request_id);
        assert_eq!(metadata["HTTPStatusCode"], 200);
    }
    // No member more or less than boto3's, but for what names the document as podpass's own.
    let own = ["apiVersion", "kind"].map(str::to_owned).into();
    assert_eq!(&members(&assumed) - &own, members(&by_boto3));
    for part in ["Credentials", "AssumedRoleUser", "ResponseMetadata"] {
        assert_eq!(members(&assumed[part]), members(&by_boto3[part]), "{part}");
    }
    // Which connection an answer came over is no part of it.
    let without_hop = |answer: &Value| {
        let mut headers = members(&answer["ResponseMetadata"]["HTTPHeaders"]);
        headers.retain(|name| !["connection", "transfer-encoding"].contains(&name.as_str()));
        headers
    };
    assert_eq!(without_hop(&assumed), without_hop(&by_boto3));
    // The id is the one that the sandbox sent.
    let calls = proxy.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(
        assumed["ResponseMetadata"]["RequestId"].as_str(),
        calls[0].request_id.as_deref()
    );
}

const BOTO3_ASSUME: &str = r#"
import boto3, json, sys
from botocore import UNSIGNED
from botocore.config import Config
print(json.dumps(boto3.client("sts", config=Config(signature_version=UNSIGNED)).assume_role_with_web_identity(
    RoleArn=sys.argv[1], RoleSessionName="manual-sts-session", WebIdentityToken=open(sys.argv[2]).read()), default=str))
"#;

/// The names of an object's members.
fn members(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// `podpass token assume` with a token of the document's service account.
fn assume(stand: &Stand, arguments: &str) -> Ran {
    stand.shell(&format!(
        "podpass token get {}/sa-manual-sts --audience openshift | podpass token assume --token-file - \
         --role-arn arn:aws:iam::123456789012:role/{} {arguments}",
        stand.namespace,
        role_name(stand)
    ))
}

#[tokio::test]
async fn seed_001_22_duration_is_kept_and_899_seconds_are_too_few() {
    let Some(stand) = prepared().await else {
        return;
    };
    let runner = pod(&stand, |pod| pod).await;
    let by_hand = |duration: u32| {
        let script = format!(
            "TOKEN=$(cat /var/run/secrets/openshift/serviceaccount/token)
             ARN=arn:aws:iam::123456789012:role/{}
             aws sts assume-role-with-web-identity \
                 --role-arn $ARN \
                 --role-session-name $AWS_ROLE_SESSION_NAME \
                 --web-identity-token $TOKEN \
                 --duration-seconds {duration}",
            role_name(&stand)
        );
        stand.in_pod(&runner, &script)
    };
    let lives_900_seconds = |answer: &Value| {
        let expiration: jiff::Timestamp = answer["Credentials"]["Expiration"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let left = expiration.as_second() - jiff::Timestamp::now().as_second();
        // A slow machine may take a minute to print it.
        assert!((840..=900).contains(&left), "{left} s in {answer}");
    };
    lives_900_seconds(&by_hand(900).succeeded_json());
    lives_900_seconds(&assume(&stand, "--duration 900").succeeded_json());
    // The AWS CLI does not even send it.
    by_hand(899).failed(&["value: 899, valid min value: 900"]);
    assume(&stand, "--duration 899").failed(&[
        "ValidationError",
        "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: \
         Member must have value greater than or equal to 900",
    ]);
}
