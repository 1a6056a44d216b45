//! Temporary credentials of users, and the presigned call that stands for credentials at clusters of EKS.

use std::process::Command;

use serde_json::{Value, json};

use crate::stand::{ACCOUNT, Stand, succeeded};

/// Sends a presigned call as the server of a cluster does, and prints the caller's ARN.
const ASK: &str = "\
import base64, sys, urllib.request
token, cluster = sys.argv[1], sys.argv[2]
assert token.startswith('k8s-aws-v1.'), token
url = base64.urlsafe_b64decode(token[len('k8s-aws-v1.'):] + '==').decode()
assert 'X-Amz-Expires=60' in url and 'x-k8s-aws-id' in url, url
request = urllib.request.Request(url, headers={'x-k8s-aws-id': cluster, 'Accept': 'application/json'})
try:
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as error:
    print(error.read().decode())
";

#[test]
fn boto3_gets_temporary_credentials_of_users() {
    let Some(stand) = Stand::new() else { return };
    let script = stand
        .home
        .write("temporary.py", include_str!("temporary.py"));
    let output = succeeded(
        stand
            .sandbox
            .command(&stand.home, stand.client("python"))
            .arg(script),
    );
    let seen: Value = serde_json::from_str(&output).unwrap();
    let expected = json!({
        "session": format!("arn:aws:iam::{ACCOUNT}:user/admin"),
        "federated": {
            "FederatedUserId": format!("{ACCOUNT}:bob"),
            "Arn": format!("arn:aws:sts::{ACCOUNT}:federated-user/bob"),
        },
        "identity": format!("{ACCOUNT}:bob"),
        "buckets": [],
        "account": ACCOUNT,
        "decoded": "InvalidAuthorizationMessageException",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&seen[name], value, "{name}");
    }
    assert!(
        seen["packed"].as_u64().is_some_and(|size| size > 0),
        "{seen}"
    );
    assert_eq!(seen["session_at_iam"]["Code"], "InvalidClientTokenId");
    assert_eq!(
        seen["session_again"]["Message"],
        "Cannot call GetSessionToken with session credentials"
    );
    assert_eq!(
        seen["forbidden"]["Message"],
        format!(
            "User: arn:aws:sts::{ACCOUNT}:federated-user/bob is not authorized to perform: s3:CreateBucket on resource: \
             \"arn:aws:s3:::new\" because no session policy allows the s3:CreateBucket action"
        )
    );
}

#[test]
fn a_token_of_the_aws_cli_for_a_cluster_tells_who_made_it() {
    let Some(stand) = Stand::new() else { return };
    let token = stand.aws(&["eks", "get-token", "--cluster-name", "c1"]);
    let token: Value = serde_json::from_str(&token).unwrap();
    let token = token["status"]["token"].as_str().unwrap();
    for (cluster, expected) in [
        ("c1", format!("arn:aws:iam::{ACCOUNT}:user/admin")),
        ("c2", "SignatureDoesNotMatch".to_owned()),
    ] {
        let answer = succeeded(
            Command::new(stand.client("python"))
                .env_clear()
                .args(["-I", "-c", ASK, token, cluster]),
        );
        assert!(answer.contains(&expected), "{cluster}: {answer}");
    }
}
