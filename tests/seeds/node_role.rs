//! What documents 000 and 001 warn of: a pod to which no identity was given has its node's.

use podpass_testkit::{PodRunner, sdk_clients};

use crate::doc_001_annotations::{admitted, option_2};
use crate::doc_001_config_file::session;
use crate::stand::Stand;

const NODE: [&str; 4] = ["--imds-listen", "127.0.0.1:0", "--node-role", "worker"];

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

/// A node's role may far more than any pod should.
const POWER: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

async fn stand() -> Option<Stand> {
    let stand = Stand::on_shared_with("manual-sts", &NODE).await?;
    option_2(&stand);
    stand.home.write("node.json", TRUST);
    stand
        .shell(&format!(
            "aws iam create-role --role-name worker --assume-role-policy-document file://node.json
             aws iam attach-role-policy --role-name worker --policy-arn {POWER}
             aws s3 mb s3://of-another-team"
        ))
        .succeeded();
    Some(stand)
}

/// The callers' ARNs by the AWS CLI and by programs on five SDKs.
fn callers(stand: &Stand, runner: &PodRunner) -> Vec<(&'static str, String)> {
    let cli = "aws sts get-caller-identity --query Arn --output text".to_owned();
    let mut programs = vec![("AWS CLI", cli)];
    for (language, program) in sdk_clients() {
        programs.push((language, format!("'{}' identity", program.display())));
    }
    let called = programs.into_iter().map(|(name, script)| {
        let ran = stand.in_pod_on_node(runner, &script);
        (name, ran.succeeded().trim_end().to_owned())
    });
    called.collect()
}

#[tokio::test]
async fn a_pod_without_injected_variables_is_the_node_and_with_them_itself() {
    let Some(mut stand) = stand().await else {
        return;
    };
    // As the document's pod is written: there is no webhook yet.
    let bare = stand.play_file("pod.yaml", "manual-sts").await;
    for (client, arn) in callers(&stand, &bare) {
        let node = "arn:aws:sts::123456789012:assumed-role/worker/i-";
        assert!(arn.starts_with(node), "{client}: {arn}");
    }
    // It sees what is no business of its.
    stand
        .in_pod_on_node(&bare, "aws s3 ls")
        .said(&["of-another-team"]);
    // Where pods are kept from the metadata it is nobody.
    stand
        .in_pod(&bare, "aws s3 ls")
        .failed(&["Unable to locate credentials"]);

    stand.webhook(&[]).await;
    let injected = admitted(&stand).await;
    for (client, arn) in callers(&stand, &injected) {
        assert_eq!(arn, session("poc-irsa-s3"), "{client}");
    }
    // Its own role may not, and nothing falls back to the node's.
    stand
        .in_pod_on_node(&injected, "aws s3 ls")
        .failed(&["AccessDenied", "assumed-role/poc-irsa-s3/"]);
    stand
        .shell("aws iam delete-role --role-name poc-irsa-s3")
        .succeeded();
    stand
        .in_pod_on_node(&injected, "rm -r ~/.aws/cli/cache && aws s3 ls")
        .failed(&["AccessDenied", "AssumeRoleWithWebIdentity"]);
}
