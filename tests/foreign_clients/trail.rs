//! CloudTrail's event history by the AWS CLI and boto3.

use serde_json::{Value, json};

use crate::stand::{Stand, succeeded};

#[test]
fn event_history_is_read_by_boto3_and_the_aws_cli() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    stand.role_by_cli("irsa-s3", "system:serviceaccount:irsa-test:irsa-test");
    let token = cluster.write_token(stand.home.path("token"), "irsa-test", "irsa-test");
    let listed = stand.pod_aws("irsa-s3", &token, &["s3api", "list-buckets"]);
    assert!(listed.status.success(), "{listed:?}");
    stand.podpass(&[
        "token",
        "assume",
        "--role-arn",
        "arn:aws:iam::123456789012:role/irsa-s3",
        "--token-file",
        token.to_str().unwrap(),
    ]);
    let script = stand.home.write("trail.py", include_str!("trail.py"));
    let mut python = stand.sandbox.command(&stand.home, stand.client("python"));
    let seen: Value = serde_json::from_str(&succeeded(python.arg(script))).unwrap();
    assert_eq!(seen["times"], json!(["datetime", "datetime"]));
    let subject = "system:serviceaccount:irsa-test:irsa-test";
    assert_eq!(seen["users"], json!([subject, subject]));
    let resources = seen["resources"].as_array().unwrap();
    assert!(
        resources.contains(&json!("arn:aws:iam::123456789012:role/irsa-s3")),
        "{seen}"
    );
    assert_eq!(seen["refused"], "InvalidTimeRangeException");

    let listed = stand.aws(&[
        "cloudtrail",
        "lookup-events",
        "--region",
        "us-east-1",
        "--lookup-attributes",
        "AttributeKey=EventName,AttributeValue=CreateRole",
    ]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let event = &listed["Events"][0];
    assert_eq!(event["Username"], "admin");
    let record: Value = serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
    assert_eq!(record["requestParameters"]["roleName"], "irsa-s3");
}
