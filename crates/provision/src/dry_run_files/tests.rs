use podpass_kinds::{Effect, Position, StatementEntry};

use super::*;
use crate::requests::{DocumentPlace, RoleRequest};

fn provider(region: &str) -> IdentityProvider {
    IdentityProvider::in_public_bucket("demo".parse().unwrap(), region.parse().unwrap(), &[])
        .unwrap()
}

#[test]
fn the_identity_providers_files_have_ccoctls_names_and_content() {
    let files = identity_provider(&provider("eu-west-1"));
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "01-oidc-bucket.json",
            "02-openid-configuration",
            "03-keys.json",
            "04-iam-identity-provider.json"
        ]
    );
    assert_eq!(
        files[0].content,
        r#"{"ACL":"private","Bucket":"demo-oidc","CreateBucketConfiguration":{"LocationConstraint":"eu-west-1"}}"#
    );
    assert_eq!(
        files[3].content,
        r#"{"Url":"https://demo-oidc.s3.eu-west-1.amazonaws.com","ClientIDList":["openshift","sts.amazonaws.com"],"ThumbprintList":["\u003center_tls_fingerprint_for_issuer_url_here\u003e"]}"#
    );
    let unconstrained = identity_provider(&provider("us-east-1"));
    assert_eq!(
        unconstrained[0].content,
        r#"{"ACL":"private","Bucket":"demo-oidc"}"#
    );
}

#[test]
fn a_roles_files_are_named_after_its_whole_name() {
    let position = Position { line: 1, column: 1 };
    let request = RoleRequest {
        place: DocumentPlace {
            file: "a.yaml".to_owned(),
            document: 1,
            position,
        },
        request_namespace: "cco".to_owned(),
        request_name: "r".to_owned(),
        secret_namespace: "openshift-cloud-credential-operator".to_owned(),
        secret_name: "cloud-credential-operator-iam-ro-creds".to_owned(),
        service_accounts: vec!["sa".to_owned()],
        token_path: "/t".to_owned(),
        statements: vec![StatementEntry {
            effect: Effect::Allow,
            actions: vec!["iam:GetUser".to_owned()],
            resource: "*".to_owned(),
            policy_condition: None,
            position,
        }],
        boundary: None,
    };
    let arn = "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com";
    let desired = DesiredRole::for_request(
        &"demo".parse().unwrap(),
        &request,
        &arn.parse().unwrap(),
        &["openshift".to_owned()],
        Some(&"arn:aws:iam::123456789012:policy/b".parse().unwrap()),
    )
    .unwrap();
    let [role_file, policy_file] = role(3, &desired, arn);
    let full = "demo-openshift-cloud-credential-operator-cloud-credential-operator-iam-ro-creds";
    assert_eq!(role_file.name, format!("05-3-{full}-role.json"));
    assert_eq!(policy_file.name, format!("06-3-{full}-policy.json"));
    assert_eq!(desired.name.as_str().len(), 64);
    assert_eq!(
        role_file.content,
        format!(
            r#"{{"AssumeRolePolicyDocument":"{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"Federated\":\"{arn}\"}},\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{{\"StringEquals\":{{\"\u003center_issuer_url_here\u003e:aud\":[\"openshift\"],\"\u003center_issuer_url_here\u003e:sub\":[\"system:serviceaccount:openshift-cloud-credential-operator:sa\"]}}}}}}]}}","Description":"OpenShift role for openshift-cloud-credential-operator/cloud-credential-operator-iam-ro-creds","PermissionsBoundary":"arn:aws:iam::123456789012:policy/b","RoleName":"{}","Tags":[{{"Key":"openshift.io/cloud-credential-operator/demo","Value":"owned"}},{{"Key":"Name","Value":"demo"}}]}}"#,
            desired.name
        )
    );
    assert_eq!(
        policy_file.content,
        format!(
            r#"{{"PolicyDocument":"{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[\"iam:GetUser\"],\"Resource\":\"*\"}}]}}","PolicyName":"{0}","RoleName":"{0}"}}"#,
            desired.name
        )
    );
}
