//! Document 003, in the pod: from the first account's role to one of a second account.

use podpass_testkit::{PodRunner, Ran};

use crate::doc_003::{create_roles, in_namespace, role_name};
use crate::stand::{DENIED, Stand, WRONG_AUDIENCE};

/// A pod with the document's additions; its session is called as the document calls it.
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: my-app
  namespace: my-namespace
spec:
  containers:
  - name: my-container
    image: my-app:1
    volumeMounts:
    - name: bound-sa-token
      mountPath: /var/run/secrets/openshift/serviceaccount
    - name: dev-dynamodb-reader
      mountPath: /var/run/secrets/cloud
    env:
    - name: AWS_REGION
      value: eu-west-2
    - name: AWS_CONFIG_FILE # Specify where the credentials file will be
      value: /var/run/secrets/cloud/credentials
    - name: AWS_ROLE_SESSION_NAME
      value: dev-dynamodb-reader # A name for the session being used
  serviceAccount: dev-db-reader
  volumes:
  - name: dev-dynamodb-reader # This volume mounts the config
    secret:
      defaultMode: 420
      optional: false
      secretName: dev-dynamodb-reader
  - name: bound-sa-token # This volume mounts the web identity token which is used by AWS SDKs
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken:
          audience: openshift
          expirationSeconds: 3600
          path: token
";

const TARGET: &str = "arn:aws:iam::210987654321:role/dynamodb-reader";
pub(crate) const TARGET_SESSION: &str =
    "arn:aws:sts::210987654321:assumed-role/dynamodb-reader/my-app";

/// The document's steps up to the pod, in both accounts.
fn prepare(stand: &Stand) {
    let namespace = &stand.namespace;
    stand
        .shell(&format!(
            "{}
             oc apply -f outputs/manifests/{namespace}-dev-dynamodb-reader-credentials.yaml
             oc create sa dev-db-reader --namespace {namespace}",
            create_roles(stand)
        ))
        .succeeded();
    // The document's trust policy with what `lint` says of it put right.
    stand.home.write(
        "trust.json",
        format!(
            r#"{{
    "Version": "2012-10-17",
    "Statement": [
        {{
            "Effect": "Allow",
            "Principal": {{
                "AWS": "arn:aws:sts::123456789012:assumed-role/{}/dev-dynamodb-reader"
            }},
            "Action": "sts:AssumeRole"
        }}
    ]
}}
"#,
            role_name(stand)
        ),
    );
    stand
        .other_team(
            "aws iam create-role --role-name dynamodb-reader --assume-role-policy-document file://trust.json",
        )
        .succeeded();
}

pub(crate) async fn on_shared() -> Option<Stand> {
    let stand = Stand::on_shared("my-namespace").await?;
    prepare(&stand);
    Some(stand)
}

async fn pod(stand: &Stand) -> PodRunner {
    stand.play(&in_namespace(stand, POD), "my-container").await
}

/// The document's pod with a config in which the second account's role is a profile on top of the first's.
pub(crate) async fn chained_pod(stand: &Stand) -> PodRunner {
    let chained = include_str!("../../examples/chain/config").replace(
        "my-namespace-creds-my-namespace-dev-dynamodb-reader",
        &role_name(stand),
    );
    stand.home.write("credentials", chained);
    let namespace = &stand.namespace;
    stand
        .shell(&format!(
            "oc create secret generic chained --namespace {namespace} --from-file=credentials"
        ))
        .succeeded();
    let manifest = in_namespace(stand, POD)
        .replace("secretName: dev-dynamodb-reader", "secretName: chained")
        .replace(
            "    env:\n",
            "    env:\n    - name: AWS_PROFILE\n      value: dynamodb-reader\n",
        );
    stand.play(&manifest, "my-container").await
}

/// What the document's application does, in the AWS CLI's words.
fn assume(stand: &Stand, runner: &PodRunner, role: &str, duration: u32) -> Ran {
    stand.in_pod(
        runner,
        &format!(
            "aws sts assume-role --role-arn {role} --role-session-name my-app --duration-seconds {duration}"
        ),
    )
}

/// What the row says of the first hop; the audit of both comes later.
#[tokio::test]
async fn partly_003_02_first_role_is_this_service_accounts_alone() {
    let Some(mut stand) = on_shared().await else {
        return;
    };
    let first = stand.namespace.clone();
    let second = stand.another_namespace("my-namespace").await;
    stand
        .shell(&format!(
            "oc create sa other --namespace {first}
             oc create sa dev-db-reader --namespace {second}
             sed 's/namespace: {first}/namespace: {second}/' outputs/manifests/*.yaml | oc apply -f -"
        ))
        .succeeded();
    let identity = "aws sts get-caller-identity";
    let runner = pod(&stand).await;
    stand.in_pod(&runner, identity).said(&[&format!(
        "arn:aws:sts::123456789012:assumed-role/{}/dev-dynamodb-reader",
        role_name(&stand)
    )]);
    for (from, to, refusal) in [
        (
            "serviceAccount: dev-db-reader",
            "serviceAccount: other",
            DENIED,
        ),
        (
            "audience: openshift",
            "audience: sts.amazon.com",
            WRONG_AUDIENCE,
        ),
    ] {
        let manifest = in_namespace(&stand, POD).replace(from, to);
        let runner = stand.play(&manifest, "my-container").await;
        stand.in_pod(&runner, identity).failed(&[refusal]);
    }
    stand.namespace = second;
    let runner = pod(&stand).await;
    stand.in_pod(&runner, identity).failed(&[DENIED]);
}

#[tokio::test]
async fn seed_003_04_first_role_may_only_assume_its_target() {
    let Some(stand) = on_shared().await else {
        return;
    };
    // Another role of the second account would let it in.
    stand
        .other_team(
            "aws iam create-role --role-name other --assume-role-policy-document file://trust.json",
        )
        .succeeded();
    let runner = pod(&stand).await;
    assume(&stand, &runner, TARGET, 900).said(&[TARGET_SESSION]);
    assume(
        &stand,
        &runner,
        "arn:aws:iam::210987654321:role/other",
        900,
    )
    .failed(&[
        "(AccessDenied)",
        "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/other",
    ]);
    stand
        .in_pod(&runner, "aws s3 ls")
        .failed(&["(AccessDenied)", "s3:ListAllMyBuckets"]);
}

/// Document and examples by the letter, on an issuer in a bucket. The config that chains is mounted by hand.
#[tokio::test]
async fn partly_003_10_pod_is_the_target_role_by_code_and_by_config() {
    let Some(stand) = Stand::with_bucket("my-cluster", "eu-west-2", "my-namespace").await else {
        return;
    };
    prepare(&stand);
    let runner = pod(&stand).await;
    assume(&stand, &runner, TARGET, 900).said(&[TARGET_SESSION]);
    let boto3 = "
import boto3
answer = boto3.client(\"sts\").assume_role(
    RoleArn=\"arn:aws:iam::210987654321:role/dynamodb-reader\", RoleSessionName=\"my-app\", DurationSeconds=900)
keys = answer[\"Credentials\"]
print(boto3.client(\"sts\", aws_access_key_id=keys[\"AccessKeyId\"], aws_secret_access_key=keys[\"SecretAccessKey\"],
                   aws_session_token=keys[\"SessionToken\"]).get_caller_identity()[\"Arn\"])";
    stand
        .in_pod(&runner, &format!("python -c '{boto3}'"))
        .said(&[TARGET_SESSION]);

    let runner = chained_pod(&stand).await;
    for script in [
        "aws sts get-caller-identity",
        "python -c 'import boto3; print(boto3.client(\"sts\").get_caller_identity()[\"Arn\"])'",
    ] {
        stand.in_pod(&runner, script).said(&[TARGET_SESSION]);
    }
}

/// The role and its trust in the second account are made with the AWS CLI, as in the document.
#[tokio::test]
async fn partly_003_12_role_of_the_second_account_lets_only_this_session_in() {
    let Some(stand) = on_shared().await else {
        return;
    };
    let role = stand
        .other_team("aws iam get-role --role-name dynamodb-reader")
        .succeeded_json();
    assert_eq!(role["Role"]["Arn"], TARGET);
    let runner = pod(&stand).await;
    assume(&stand, &runner, TARGET, 900).said(&[TARGET_SESSION]);
    // The administrator of the first account may assume what trusts it, and this role does not.
    stand
        .shell(&format!(
            "aws sts assume-role --role-arn {TARGET} --role-session-name my-app"
        ))
        .failed(&["(AccessDenied)"]);
}

/// What AWS says, and what `lint` says before.
#[tokio::test]
async fn partly_003_13_session_of_another_name_is_refused() {
    let Some(stand) = on_shared().await else {
        return;
    };
    let renamed =
        in_namespace(&stand, POD).replace("value: dev-dynamodb-reader", "value: another-name");
    let runner = stand.play(&renamed, "my-container").await;
    assume(&stand, &runner, TARGET, 900).failed(&[
        "(AccessDenied)",
        &format!("assumed-role/{}/another-name", role_name(&stand)),
        "is not authorized to perform: sts:AssumeRole",
    ]);
    stand
        .shell("podpass lint trust.json")
        .ended(1, &["TRUST_SESSION_PRINCIPAL", "sts:RoleSessionName"]);
}

/// What STS answers.
#[tokio::test]
async fn partly_003_18_chained_session_lives_an_hour_at_most() {
    let Some(stand) = on_shared().await else {
        return;
    };
    stand
        .other_team("aws iam update-role --role-name dynamodb-reader --max-session-duration 43200")
        .succeeded();
    let runner = pod(&stand).await;
    assume(&stand, &runner, TARGET, 3600).said(&[TARGET_SESSION]);
    assume(&stand, &runner, TARGET, 7200).failed(&[
        "(ValidationError) when calling the AssumeRole operation: The requested DurationSeconds exceeds the 1 hour \
         session limit for roles assumed by role chaining.",
    ]);
}

/// Both ends of a life are said apart. That a client recovers is the SDK's affair, and not shown here.
#[tokio::test]
async fn partly_003_20_end_of_a_token_and_of_a_session_are_told_apart() {
    let Some(stand) = on_shared().await else {
        return;
    };
    let runner = pod(&stand).await;
    let by_hand = "aws sts assume-role-with-web-identity --role-session-name dev-dynamodb-reader --duration-seconds 900 \
                   --web-identity-token \"$(cat /var/run/secrets/openshift/serviceaccount/token)\" --role-arn ";
    let role = format!("arn:aws:iam::123456789012:role/{}", role_name(&stand));
    let granted = stand
        .in_pod(&runner, &format!("{by_hand}{role}"))
        .succeeded_json();
    let key = |name: &str| granted["Credentials"][name].as_str().unwrap().to_owned();
    let with_session = format!(
        "AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_SESSION_TOKEN={} aws sts get-caller-identity",
        key("AccessKeyId"),
        key("SecretAccessKey"),
        key("SessionToken")
    );
    stand.in_pod(&runner, &with_session).succeeded();

    // After these minutes the session of 900 seconds is over, and after those the token of an hour.
    stand.sandbox_is_ahead(20).await;
    let session = stand.in_pod(&runner, &with_session);
    session.failed(&[
        "(ExpiredToken)",
        "The security token included in the request is expired",
    ]);
    stand.sandbox_is_ahead(70).await;
    let token = stand.in_pod(&runner, &format!("{by_hand}{role}"));
    token.failed(&["(ExpiredTokenException)", "Token expired"]);
    for (message, verdict) in [
        (
            session.err,
            "ExpiredToken: the session is over, not the service account token",
        ),
        (token.err, "ExpiredTokenException: the token had expired"),
    ] {
        stand.home.write("message", message);
        stand.shell("podpass explain - < message").said(&[verdict]);
    }
}
