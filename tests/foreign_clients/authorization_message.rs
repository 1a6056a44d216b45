//! The encoded message of a denial of EC2, by the AWS CLI.

use serde_json::Value;

use crate::stand::{ACCOUNT, Stand, both};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"ec2:*","Resource":"*"},
    {"Sid":"KeepThem","Effect":"Deny","Action":"ec2:TerminateInstances","Resource":"*"}]}"#;

#[test]
fn the_aws_cli_decodes_what_a_denial_carries() {
    let Some(stand) = Stand::new() else { return };
    let read =
        |arguments: &[&str]| -> Value { serde_json::from_str(&stand.aws(arguments)).unwrap() };
    stand.aws(&["iam", "create-user", "--user-name", "u"]);
    stand.aws(&[
        "iam",
        "put-user-policy",
        "--user-name",
        "u",
        "--policy-name",
        "p",
        "--policy-document",
        POLICY,
    ]);
    let terminate = [
        "ec2",
        "terminate-instances",
        "--instance-ids",
        "i-0123456789abcdef0",
    ];
    let output = stand.aws_as_user("u", &terminate);
    let denied = both(&output);
    assert!(!output.status.success(), "{denied}");
    assert!(denied.contains("(UnauthorizedOperation)"), "{denied}");
    let (_, encoded) = denied
        .split_once("Encoded authorization failure message: ")
        .expect(&denied);
    let encoded = encoded.split_whitespace().next().unwrap();
    let decode = [
        "sts",
        "decode-authorization-message",
        "--encoded-message",
        encoded,
    ];
    let message = read(&decode)["DecodedMessage"].clone();
    let message: Value = serde_json::from_str(message.as_str().unwrap()).unwrap();
    assert_eq!(message["explicitDeny"], true);
    let statements = &message["matchedStatements"]["items"];
    assert_eq!(statements[0]["statementId"], "KeepThem");
    let context = &message["context"];
    assert_eq!(context["action"], "ec2:TerminateInstances");
    assert_eq!(
        context["principal"]["arn"],
        format!("arn:aws:iam::{ACCOUNT}:user/u")
    );
    // The user itself may not read it.
    let refused = both(&stand.aws_as_user("u", &decode));
    assert!(refused.contains("(AccessDenied)"), "{refused}");
}
