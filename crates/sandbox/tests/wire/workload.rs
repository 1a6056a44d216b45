//! What a session may do at S3 and IAM, and how the refusals explain themselves.

use podpass_kinds::Reason;
use podpass_sandbox::{Event, Outcome};

use crate::fixture::{ACCOUNT, Fixture, OTHER_ACCOUNT, claims, mint};

#[test]
fn a_reader_reads_and_may_not_write() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    assert!(
        session
            .s3("GET", "/", "")
            .ok()
            .texts("Name")
            .contains(&"c1-oidc".to_owned())
    );
    session.s3("GET", "/c1-oidc/keys.json", "").ok();
    let reply = session.s3("PUT", "/c1-oidc/new", "x");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    assert_eq!(
        reply.message(),
        format!(
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/pod is not authorized to perform: s3:PutObject on \
             resource: \"arn:aws:s3:::c1-oidc/new\" because no identity-based policy allows the s3:PutObject action"
        )
    );
    let event = fixture.event(&reply);
    assert_eq!(event.service, "s3");
    assert_eq!(
        event.principal,
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/reader/pod")
    );
    assert_eq!(event.resource.as_deref(), Some("arn:aws:s3:::c1-oidc/new"));
    assert_eq!(denied_by(&event), Some(Reason::PermissionDeniedIdentity));
    assert!(
        event
            .policy
            .iter()
            .any(|policy| policy.source == "inline policy read of role reader"),
        "{:?}",
        event.policy
    );

    let reply = session.iam("ListRoles", &[]);
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    assert_eq!(
        reply.message(),
        format!(
            "User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/pod is not authorized to perform: iam:ListRoles on \
             resource: arn:aws:iam::{ACCOUNT}:role/ because no identity-based policy allows the iam:ListRoles action"
        )
    );
}

#[test]
fn an_explicit_deny_wins_and_is_named() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;
    let parameters = [
        ("RoleName", "reader"),
        ("PolicyName", "never"),
        ("PolicyDocument", policy),
    ];
    fixture.admin.iam("PutRolePolicy", &parameters).ok();
    let reply = session.s3("GET", "/", "");
    assert!(
        reply
            .message()
            .ends_with("with an explicit deny in an identity-based policy"),
        "{}",
        reply.message()
    );
    assert_eq!(
        denied_by(&fixture.event(&reply)),
        Some(Reason::ExplicitDeny)
    );
    session.sts("GetCallerIdentity", &[]).ok();
}

#[test]
fn attached_policies_grant_until_they_are_detached() {
    let fixture = Fixture::start();
    fixture.make_identity();
    fixture
        .admin
        .iam(
            "DeleteRolePolicy",
            &[("RoleName", "reader"), ("PolicyName", "read")],
        )
        .ok();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    assert_eq!(session.s3("GET", "/", "").status, 403);
    let aws = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    fixture
        .admin
        .iam(
            "AttachRolePolicy",
            &[("RoleName", "reader"), ("PolicyArn", aws)],
        )
        .ok();
    session.s3("GET", "/", "").ok();
    fixture
        .admin
        .iam(
            "DetachRolePolicy",
            &[("RoleName", "reader"), ("PolicyArn", aws)],
        )
        .ok();
    assert_eq!(session.s3("GET", "/", "").status, 403);

    let first = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;
    let second = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let created = fixture
        .admin
        .iam(
            "CreatePolicy",
            &[("PolicyName", "mine"), ("PolicyDocument", first)],
        )
        .ok();
    let arn = created.text("Arn").unwrap();
    fixture
        .admin
        .iam(
            "AttachRolePolicy",
            &[("RoleName", "reader"), ("PolicyArn", &arn)],
        )
        .ok();
    session.s3("GET", "/", "").ok();
    let parameters = [
        ("PolicyArn", arn.as_str()),
        ("PolicyDocument", second),
        ("SetAsDefault", "true"),
    ];
    fixture.admin.iam("CreatePolicyVersion", &parameters).ok();
    assert_eq!(session.s3("GET", "/", "").status, 403);
    fixture
        .admin
        .iam(
            "SetDefaultPolicyVersion",
            &[("PolicyArn", &arn), ("VersionId", "v1")],
        )
        .ok();
    session.s3("GET", "/", "").ok();
}

#[test]
fn a_permissions_boundary_cuts_what_the_role_may() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    let boundary = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let created = fixture
        .admin
        .iam(
            "CreatePolicy",
            &[("PolicyName", "edge"), ("PolicyDocument", boundary)],
        )
        .ok();
    let arn = created.text("Arn").unwrap();
    fixture
        .admin
        .iam(
            "PutRolePermissionsBoundary",
            &[("RoleName", "reader"), ("PermissionsBoundary", &arn)],
        )
        .ok();
    let reply = session.s3("GET", "/", "");
    assert!(
        reply.message().contains("no permissions boundary allows"),
        "{}",
        reply.message()
    );
    session.s3("GET", "/c1-oidc/keys.json", "").ok();
    let reply = fixture.admin.iam("DeletePolicy", &[("PolicyArn", &arn)]);
    assert_eq!(reply.error(), (409, "DeleteConflict".to_owned()));
    fixture
        .admin
        .iam("DeleteRolePermissionsBoundary", &[("RoleName", "reader")])
        .ok();
    session.s3("GET", "/", "").ok();
}

#[test]
fn conditions_see_who_calls_and_when() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    fixture
        .admin
        .iam(
            "TagRole",
            &[
                ("RoleName", "reader"),
                ("Tags.member.1.Key", "team"),
                ("Tags.member.1.Value", "blue"),
            ],
        )
        .ok();
    let session_again = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    for (case, condition, allowed) in [
        (
            "role's ARN",
            r#""StringEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/reader"}"#,
            true,
        ),
        (
            "role's tag",
            r#""StringEquals":{"aws:PrincipalTag/team":"blue"}"#,
            true,
        ),
        (
            "other tag",
            r#""StringEquals":{"aws:PrincipalTag/team":"red"}"#,
            false,
        ),
        (
            "type",
            r#""StringEquals":{"aws:PrincipalType":"AssumedRole"}"#,
            true,
        ),
        (
            "session name",
            r#""StringLike":{"aws:userid":"AROA*:pod"}"#,
            true,
        ),
        (
            "plain HTTP",
            r#""Bool":{"aws:SecureTransport":"true"}"#,
            false,
        ),
        (
            "region",
            r#""StringEquals":{"aws:RequestedRegion":"eu-west-1"}"#,
            true,
        ),
        (
            "subject of the token",
            r#""StringEquals":{"c1-oidc.s3.eu-west-1.amazonaws.com:sub":"system:serviceaccount:default:reader"}"#,
            true,
        ),
        (
            "provider",
            r#""Null":{"aws:FederatedProvider":"false"}"#,
            true,
        ),
        ("user name", r#""Null":{"aws:username":"true"}"#, true),
        (
            "no second factor",
            r#""Bool":{"aws:MultiFactorAuthPresent":"false"}"#,
            true,
        ),
        (
            "token's time",
            r#""Null":{"aws:TokenIssueTime":"false"}"#,
            true,
        ),
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{{condition}}}}}]}}"#
        );
        let parameters = [
            ("RoleName", "reader"),
            ("PolicyName", "read"),
            ("PolicyDocument", policy.as_str()),
        ];
        fixture.admin.iam("PutRolePolicy", &parameters).ok();
        assert_eq!(session.s3("GET", "/", "").status == 200, allowed, "{case}");
        assert_eq!(
            session_again.s3("GET", "/", "").status == 200,
            allowed,
            "{case}"
        );
    }
}

#[test]
fn accounts_do_not_see_each_other() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let other = fixture.other_admin();
    assert!(
        other
            .iam("ListRoles", &[])
            .ok()
            .texts("RoleName")
            .is_empty()
    );
    assert!(
        !other
            .s3("GET", "/", "")
            .ok()
            .texts("Name")
            .contains(&"c1-oidc".to_owned())
    );
    let reply = other.s3("PUT", "/c1-oidc/keys.json", "stolen");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER_ACCOUNT}"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::c1-oidc/shared/*"}}]}}"#
    );
    fixture.admin.s3("PUT", "/c1-oidc?policy", &policy).ok();
    other.s3("PUT", "/c1-oidc/shared/k", "given").ok();
    assert_eq!(other.s3("PUT", "/c1-oidc/k", "x").status, 403);
}

#[test]
fn buckets_are_listed_by_policies_that_name_all_buckets() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    for (resource, allowed) in [
        ("arn:aws:s3:::*", true),
        ("*", true),
        ("arn:aws:s3:::c1-oidc", false),
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"{resource}"}}]}}"#
        );
        let parameters = [
            ("RoleName", "reader"),
            ("PolicyName", "read"),
            ("PolicyDocument", policy.as_str()),
        ];
        fixture.admin.iam("PutRolePolicy", &parameters).ok();
        assert_eq!(
            session.s3("GET", "/", "").status == 200,
            allowed,
            "{resource}"
        );
    }
}

fn denied_by(event: &Event) -> Option<Reason> {
    match &event.outcome {
        Outcome::Denied { reason, .. } => *reason,
        _ => None,
    }
}
