//! The policy simulator, by the AWS CLI and as the cloud credential operator asks it.

use serde_json::{Value, json};

use crate::stand::{ACCOUNT, Stand};

const POLICY: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:*", "iam:GetUser"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
        },
        {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    ]
}"#;

#[test]
fn the_aws_cli_simulates_a_users_policies_page_by_page() {
    let Some(stand) = Stand::new() else { return };
    let user = ["--user-name", "u"];
    stand.aws(&[["iam", "create-user"].as_slice(), &user].concat());
    let policy = ["--policy-name", "p", "--policy-document", POLICY];
    stand.aws(&[["iam", "put-user-policy"].as_slice(), &user, &policy].concat());
    let source = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let answer = stand.aws(&[
        "iam",
        "simulate-principal-policy",
        "--policy-source-arn",
        &source,
        "--action-names",
        "iam:GetUser",
        "s3:DeleteObject",
        "ec2:RunInstances",
        "--context-entries",
        "ContextKeyName=aws:RequestedRegion,ContextKeyType=string,ContextKeyValues=eu-west-1",
        "--page-size",
        "1",
    ]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let results = answer["EvaluationResults"].as_array().unwrap();
    let decisions: Vec<(&str, &str)> = results
        .iter()
        .map(|result| {
            let text = |name: &str| result[name].as_str().unwrap();
            (text("EvalActionName"), text("EvalDecision"))
        })
        .collect();
    assert_eq!(
        decisions,
        [
            ("iam:GetUser", "allowed"),
            ("s3:DeleteObject", "explicitDeny"),
            ("ec2:RunInstances", "implicitDeny"),
        ]
    );
    let place = |(line, column): (u32, u32)| json!({ "Line": line, "Column": column });
    let matched = |start, end| {
        json!([{
            "SourcePolicyId": "user_u_p",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": place(start),
            "EndPosition": place(end),
        }])
    };
    assert_eq!(results[0]["MatchedStatements"], matched((4, 10), (9, 10)));
    assert_eq!(results[1]["MatchedStatements"], matched((10, 10), (10, 68)));
    assert_eq!(results[2]["MatchedStatements"], json!([]));
}

#[test]
fn the_aws_cli_simulates_policies_that_nobody_has() {
    let Some(stand) = Stand::new() else { return };
    let answer = stand.aws(&[
        "iam",
        "simulate-custom-policy",
        "--policy-input-list",
        POLICY,
        "--action-names",
        "s3:GetObject",
        "--resource-arns",
        "arn:aws:s3:::b/1",
        "arn:aws:s3:::b/2",
    ]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let results = answer["EvaluationResults"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, resource) in results.iter().zip(["arn:aws:s3:::b/1", "arn:aws:s3:::b/2"]) {
        assert_eq!(result["EvalResourceName"], resource);
        assert_eq!(result["EvalDecision"], "implicitDeny");
        assert_eq!(
            result["ResourceSpecificResults"][0]["MissingContextValues"],
            json!(["aws:RequestedRegion"])
        );
    }
}
