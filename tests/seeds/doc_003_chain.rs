//! Document 003 as a user of podpass does it: `bind --chain`, and no code, no mounted config and no session name.

use podpass_testkit::PodRunner;

use crate::stand::Stand;

const TARGET: &str = "arn:aws:iam::210987654321:role/dynamodb-reader";
pub(crate) const TARGET_SESSION: &str = "arn:aws:sts::210987654321:assumed-role/dynamodb-reader/";
const ACCOUNT: &str = "dev-db-reader";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: my-app
  namespace: NAMESPACE
spec:
  serviceAccountName: dev-db-reader
  containers:
  - name: my-container
    image: my-app:1
    env:
    - {name: AWS_REGION, value: eu-west-2}
";

const PRINTS_ARN: &str =
    "python -c 'import boto3; print(boto3.client(\"sts\").get_caller_identity()[\"Arn\"])'";

/// The account bound with a chain; the second account's team makes its role from what podpass prints.
pub(crate) fn bind(stand: &Stand) {
    let namespace = &stand.namespace;
    stand
        .shell(&format!(
            "podpass bind {namespace}/{ACCOUNT} --chain {TARGET} --create --name my-cluster
             podpass trust {namespace}/{ACCOUNT} --chain {TARGET} > trust.json"
        ))
        .said(&["serviceaccount/dev-db-reader created"]);
    stand
        .other_team(
            "aws iam create-role --role-name dynamodb-reader --assume-role-policy-document file://trust.json",
        )
        .succeeded();
}

/// The pod as the webhook admits it.
pub(crate) async fn pod(stand: &Stand) -> PodRunner {
    let manifest = POD.replace("NAMESPACE", &stand.namespace);
    stand.play(&manifest, "my-container").await
}

/// The role in the cluster's account.
fn first_role(stand: &Stand) -> String {
    format!(
        "arn:aws:iam::123456789012:role/my-cluster-{}-{ACCOUNT}",
        stand.namespace
    )
}

fn annotate_session_name(stand: &Stand) {
    stand
        .shell(&format!(
            "kubectl annotate serviceaccount {ACCOUNT} --namespace {} podpass.dev/session-name=serviceaccount",
            stand.namespace
        ))
        .succeeded();
}

#[tokio::test]
async fn seed_003_01_one_command_makes_the_second_accounts_role_the_default() {
    let Some(mut stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    stand.webhook(&[]).await;
    bind(&stand);
    let runner = pod(&stand).await;
    stand.in_pod(&runner, PRINTS_ARN).said(&[TARGET_SESSION]);
    // A second run finds everything there; the account has no other way to any role.
    stand
        .shell(&format!(
            "podpass bind {}/{ACCOUNT} --chain {TARGET} --name my-cluster",
            stand.namespace
        ))
        .said(&["serviceaccount/dev-db-reader unchanged"]);
    stand
        .in_pod(&runner, "env | cut -d= -f1 | grep ^AWS_ | sort")
        .said(&["AWS_CONFIG_FILE\n"]);
    let variables = runner.environment();
    assert!(
        variables
            .iter()
            .all(|(name, _)| name != "AWS_ROLE_ARN" && name != "AWS_WEB_IDENTITY_TOKEN_FILE"),
        "{variables:?}"
    );
    // What binding without a chain leaves is the first role alone.
    let first = first_role(&stand);
    stand
        .shell(&format!(
            "podpass bind {}/{ACCOUNT} --role-arn {first}",
            stand.namespace
        ))
        .said(&["serviceaccount/dev-db-reader configured"]);
    let runner = pod(&stand).await;
    let session = first
        .replace(":iam:", ":sts:")
        .replace(":role/", ":assumed-role/");
    stand.in_pod(&runner, PRINTS_ARN).said(&[&session]);
}

/// On an issuer in a bucket. The config file comes with the pod, and nothing else is in the cluster for it.
#[tokio::test]
async fn seed_003_10_pod_gets_a_config_that_chains() {
    let Some(mut stand) = Stand::with_bucket("my-cluster", "eu-west-2", "my-namespace").await
    else {
        return;
    };
    stand.webhook(&[]).await;
    bind(&stand);
    let runner = pod(&stand).await;
    stand
        .in_pod(&runner, "aws sts get-caller-identity")
        .said(&[TARGET_SESSION]);
    let first = first_role(&stand);
    let config = std::fs::read_to_string(
        runner.path("/var/run/secrets/eks.amazonaws.com/serviceaccount/aws-config"),
    )
    .unwrap();
    let expected = format!(
        "[default]
role_arn = {TARGET}
source_profile = podpass-0
[profile podpass-0]
role_arn = {first}
web_identity_token_file = /var/run/secrets/eks.amazonaws.com/serviceaccount/token
"
    );
    assert_eq!(config, expected);
    stand
        .shell("podpass get pod/my-app --namespace my-namespace")
        .said(&[&format!("{first} then {TARGET}"), "as it should be"]);
    // The file that `get` writes is the same thing for another program.
    stand
        .shell("podpass get my-namespace/dev-db-reader -o aws-config")
        .said(&[&expected.replace(
            "source_profile = podpass-0\n",
            "source_profile = podpass-0\nregion = eu-west-2\n",
        )]);
    let objects = stand.shell("kubectl get configmaps,secrets --namespace my-namespace -o name");
    assert_eq!(objects.succeeded(), "configmap/kube-root-ca.crt\n");
}

#[tokio::test]
async fn seed_003_12_printed_trust_lets_the_first_role_in_and_nobody_else() {
    let Some(mut stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    stand.webhook(&[]).await;
    bind(&stand);
    let role = stand
        .other_team("aws iam get-role --role-name dynamodb-reader")
        .succeeded_json();
    assert_eq!(role["Role"]["Arn"], TARGET);
    let expected = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": first_role(&stand)},
        "Action": "sts:AssumeRole",
    }]});
    assert_eq!(role["Role"]["AssumeRolePolicyDocument"], expected);
    let runner = pod(&stand).await;
    stand.in_pod(&runner, PRINTS_ARN).said(&[TARGET_SESSION]);
    // Whatever the session is called.
    annotate_session_name(&stand);
    let runner = pod(&stand).await;
    let named = format!("{TARGET_SESSION}{}.{ACCOUNT}", stand.namespace);
    stand.in_pod(&runner, PRINTS_ARN).said(&[&named]);
    // The administrator of the first account may assume what trusts it, and this role does not.
    stand
        .shell(&format!(
            "aws sts assume-role --role-arn {TARGET} --role-session-name my-app"
        ))
        .failed(&["(AccessDenied)"]);
}

/// The document's form of trust, in a session, with the session's name at hand.
#[tokio::test]
async fn seed_003_13_session_of_another_name_is_told_by_verify() {
    let Some(stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    bind(&stand);
    annotate_session_name(&stand);
    let namespace = &stand.namespace;
    let own = format!("{namespace}.{ACCOUNT}");
    let session = |name: &str| {
        let role = first_role(&stand);
        let role = role
            .replace(":iam:", ":sts:")
            .replace(":role/", ":assumed-role/");
        format!("{role}/{name}")
    };
    let trust = |name: &str| {
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": session(name)},
            "Action": "sts:AssumeRole",
        }]});
        stand.home.write("trust.json", policy.to_string());
        stand
            .other_team(
                "aws iam update-assume-role-policy --role-name dynamodb-reader --policy-document file://trust.json",
            )
            .succeeded();
    };
    trust("dev-dynamodb-reader");
    let verify = format!("podpass verify {namespace}/{ACCOUNT}");
    stand.shell(&format!("{verify} --trust trust.json")).ended(
        1,
        &[
            "error[CHAIN_SESSION_NAME_MISMATCH]",
            &format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {TARGET}",
                session(&own)
            ),
            &format!("= expected {}", session("dev-dynamodb-reader")),
            &format!("= actual   {}", session(&own)),
            "trust the role instead of the session",
        ],
    );
    // Without the other team's policy it is one of the things that it can be.
    stand.shell(&verify).ended(
        1,
        &["possible [CHAIN_SESSION_NAME_MISMATCH]", "--trust FILE"],
    );
    trust(&own);
    stand
        .shell(&verify)
        .said(&[&format!("{TARGET_SESSION}{own}")]);
}

#[tokio::test]
async fn seed_003_18_chained_sessions_last_an_hour_at_most() {
    let Some(stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    bind(&stand);
    let process = format!(
        "podpass credential-process --as {}/{ACCOUNT}",
        stand.namespace
    );
    stand.shell(&format!("{process} --duration 2h")).ended(
        1,
        &[
            "error[CHAIN_DURATION]",
            "7200 s",
            "= expected at most 3600 s",
        ],
    );
    let granted = stand
        .shell(&format!("{process} --duration 1h"))
        .succeeded_json();
    assert_eq!(granted["Version"], 1);
    // What STS says to whoever asks all the same.
    stand
        .shell(&format!(
            "podpass exec --as {}/{ACCOUNT} --role-arn {} -- \
             aws sts assume-role --role-arn {TARGET} --role-session-name my-app --duration-seconds 3601",
            stand.namespace,
            first_role(&stand)
        ))
        .failed(&[
            "(ValidationError)",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ]);
}

#[tokio::test]
async fn a_local_command_is_the_last_role_too() {
    let Some(stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    bind(&stand);
    let account = format!("{}/{ACCOUNT}", stand.namespace);
    stand
        .shell(&format!(
            "podpass exec --as {account} --session-name me -- aws sts get-caller-identity"
        ))
        .said(&[&format!("{TARGET_SESSION}me")]);
    stand.home.write(
        "profiles",
        format!("[profile app]\ncredential_process = podpass credential-process --as {account}\n"),
    );
    stand
        .shell(
            "AWS_CONFIG_FILE=$PWD/profiles; export AWS_CONFIG_FILE
             unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
             aws --profile app sts get-caller-identity",
        )
        .said(&[TARGET_SESSION]);
    // Taken back, nothing of the chain is left.
    stand
        .shell(&format!("podpass unbind {account} --yes --name my-cluster"))
        .succeeded();
    let left = stand
        .shell(&format!(
            "kubectl get serviceaccount {ACCOUNT} --namespace {} -o json",
            stand.namespace
        ))
        .succeeded_json();
    assert_eq!(left["metadata"]["annotations"], serde_json::Value::Null);
}
