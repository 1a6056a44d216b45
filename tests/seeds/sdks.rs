//! Documents 001 and 003 with five SDKs as the pod's program, whose code is the same in each pod.

use podpass_testkit::{PodRunner, Ran, sdk_clients};

use crate::doc_001_annotations::{admitted, option_2};
use crate::doc_001_config_file::session;
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
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
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
