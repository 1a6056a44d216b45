//! Documents 001 and 003 with five SDKs as the pod's program, whose code is the same in each pod.

use podpass_testkit::{PodRunner, Ran, sdk_clients};

use crate::doc_001_annotations::{admitted, option_2};
use crate::doc_001_config_file::session;
use crate::doc_003_chain;
use crate::doc_003_pod::{self, TARGET_SESSION, chained_pod};
use crate::stand::Stand;

/// What the role may: list the buckets, and read and write in one of them.
const ALLOWED: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::ours/*"}
    ]
}"#;

/// A program on one SDK in the container.
struct Program<'a> {
    stand: &'a Stand,
    runner: &'a PodRunner,
    language: &'static str,
    path: String,
}

impl Program<'_> {
    fn run(&self, words: &str) -> Ran {
        self.stand
            .in_pod(self.runner, &format!("'{}' {words}", self.path))
    }

    /// Fails unless it ended well and printed just these lines.
    #[track_caller]
    fn prints(&self, words: &str, lines: &[&str]) {
        let ran = self.run(words);
        let printed: Vec<&str> = ran.succeeded().lines().collect();
        assert_eq!(printed, lines, "{}: {ran:#?}", self.language);
    }

    /// Fails unless AWS refused the action.
    #[track_caller]
    fn is_refused(&self, words: &str, action: &str) {
        let refusal = format!("is not authorized to perform: {action}");
        self.run(words).failed(&["AccessDenied", &refusal]);
    }
}

fn programs<'a>(stand: &'a Stand, runner: &'a PodRunner) -> Vec<Program<'a>> {
    sdk_clients()
        .into_iter()
        .map(|(language, path)| Program {
            stand,
            runner,
            language,
            path: path.to_str().unwrap().to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn seed_001_23_five_sdks_get_the_identity_and_what_its_policy_allows() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    option_2(&stand);
    stand.home.write("allowed.json", ALLOWED);
    stand
        .shell(
            "aws iam put-role-policy --role-name poc-irsa-s3 --policy-name s3 --policy-document file://allowed.json
             aws s3 mb s3://ours --region us-east-1
             aws s3 mb s3://theirs --region us-east-1
             echo secret | aws s3 cp - s3://theirs/object",
        )
        .succeeded();
    let runner = admitted(&stand).await;
    for program in programs(&stand, &runner) {
        program.prints("identity", &[&session("poc-irsa-s3")]);
        program.prints("buckets", &["ours", "theirs"]);
        let (object, text) = (program.language, format!("written by {}", program.language));
        program.prints(&format!("put ours {object} '{text}'"), &[]);
        program.prints(&format!("get ours {object}"), &[&text]);
        let stored = stand.shell(&format!("aws s3 cp s3://ours/{object} -"));
        assert_eq!(stored.succeeded(), text);
        program.is_refused("put theirs object changed", "s3:PutObject");
        program.is_refused("get theirs object", "s3:GetObject");
    }
    let stored = stand.shell("aws s3 cp s3://theirs/object -");
    assert_eq!(stored.succeeded(), "secret\n");
}

/// Lets the second account's role list its buckets, of which each account has one.
fn may_list_buckets(stand: &Stand) {
    stand.home.write(
        "allowed.json",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"#,
    );
    stand
        .other_team(
            "aws iam put-role-policy --role-name dynamodb-reader --policy-name s3 --policy-document file://allowed.json
             aws s3 mb s3://of-the-second-account --region eu-west-2",
        )
        .succeeded();
    stand
        .shell("aws s3 mb s3://of-the-first-account --region eu-west-2")
        .succeeded();
}

/// The document's pod with the chaining config, and a role of the second account that may list its buckets.
async fn chained() -> Option<(Stand, PodRunner)> {
    let stand = doc_003_pod::on_shared().await?;
    may_list_buckets(&stand);
    let runner = chained_pod(&stand).await;
    let names: Vec<&str> = runner
        .environment()
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("AWS_"))
        .collect();
    // What would win over the profile in most SDKs is not there.
    assert_eq!(
        names,
        [
            "AWS_PROFILE",
            "AWS_REGION",
            "AWS_CONFIG_FILE",
            "AWS_ROLE_SESSION_NAME"
        ]
    );
    Some((stand, runner))
}

#[tokio::test]
async fn seed_003_16_five_sdks_become_the_second_accounts_role_by_the_mounted_config() {
    let Some((stand, runner)) = chained().await else {
        return;
    };
    for program in programs(&stand, &runner) {
        program.prints("identity", &[TARGET_SESSION]);
        program.prints("buckets", &["of-the-second-account"]);
        program.is_refused("put of-the-second-account object text", "s3:PutObject");
    }
}

/// The same pod as podpass makes it: one annotation, and no config, no variable and no code of the user's.
#[tokio::test]
async fn five_sdks_become_the_last_role_in_a_pod_that_the_webhook_chained() {
    let Some(mut stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    stand.webhook(&[]).await;
    doc_003_chain::bind(&stand);
    may_list_buckets(&stand);
    let runner = doc_003_chain::pod(&stand).await;
    for program in programs(&stand, &runner) {
        let identity = program.run("identity");
        assert!(
            identity
                .succeeded()
                .starts_with(doc_003_chain::TARGET_SESSION),
            "{}: {identity:#?}",
            program.language
        );
        program.prints("buckets", &["of-the-second-account"]);
        program.is_refused("put of-the-second-account object text", "s3:PutObject");
    }
}

/// The document's client without its `AssumeRoleCommand`. The sandbox has no DynamoDB: it verifies the signature of the
/// call and whether the role may make it, and says whose it is.
#[tokio::test]
async fn seed_003_17_plain_dynamodb_client_calls_as_the_second_accounts_role() {
    let source = include_str!("../../testclients/javascript/client.js");
    assert!(source.contains("new DynamoDBClient({})") && !source.contains("AssumeRole"));
    let Some((stand, runner)) = chained().await else {
        return;
    };
    for program in programs(&stand, &runner) {
        if program.language == "javascript" {
            program.run("tables").failed(&[
                "AccessDeniedException",
                TARGET_SESSION,
                "is not authorized to perform: dynamodb:ListTables",
            ]);
            stand
                .other_team(
                    r#"aws iam put-role-policy --role-name dynamodb-reader --policy-name list --policy-document \
                       '{"Version": "2012-10-17", "Statement": [{
                           "Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}]}'"#,
                )
                .succeeded();
            let allowed = format!("dynamodb:ListTables is allowed to {TARGET_SESSION}");
            program.run("tables").failed(&["NotImplemented", &allowed]);
        }
    }
}
