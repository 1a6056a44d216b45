//! boto3.

use crate::stand::{Stand, both};

#[test]
fn goes_the_whole_way_with_a_token_file() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    stand.role_by_cli("irsa-s3", "system:serviceaccount:irsa-test:irsa-test");
    let token = cluster.write_token(stand.home.path("token"), "irsa-test", "irsa-test");
    let script = stand
        .home
        .write("whole_way.py", include_str!("whole_way.py"));
    let output = stand
        .in_pod(stand.client("python"), "irsa-s3", &token)
        .arg(script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", both(&output));
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        seen["arn"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:sts::123456789012:assumed-role/irsa-s3/"),
        "{seen}"
    );
    assert_eq!(seen["buckets"], serde_json::json!(["irsa-mint-oidc"]));
    assert_eq!(
        seen["issuer"],
        "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com"
    );
    assert_eq!(seen["denied"]["code"], "AccessDenied");
    assert_eq!(seen["denied"]["status"], 403);
    assert_eq!(seen["missing_role"]["code"], "AccessDenied");
    assert_eq!(
        seen["missing_role"]["message"],
        "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    );
}
