//! Service control policies: they limit everybody in their account, but for service-linked roles.

use crate::client::Client;
use crate::fixture::{ACCOUNT, Fixture, OTHER_ACCOUNT};
use crate::iam::user_with;

const DENY_LIST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":["s3:ListAllMyBuckets","sts:GetFederationToken"],"Resource":"*"}}"#;
const ALLOW_LIST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*","sts:AssumeRole"],"Resource":"*"}}"#;
const NO_ASSUMING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}}"#;
const DENIES: &str = "with an explicit deny in a service control policy";

fn silent(action: &str) -> String {
    format!("because no service control policy allows the {action} action")
}

/// A role of the first account that may list buckets and that the second account may assume.
fn make_role(fixture: &Fixture, name: &str, path: &str) -> String {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":["{ACCOUNT}","{OTHER_ACCOUNT}"]}},"Action":"sts:AssumeRole"}}}}"#
    );
    let permissions = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}}"#;
    let role = [
        ("RoleName", name),
        ("Path", path),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
    let arn = fixture.admin.iam("CreateRole", &role).ok().text("Arn");
    let policy = [
        ("RoleName", name),
        ("PolicyName", "p"),
        ("PolicyDocument", permissions),
    ];
    fixture.admin.iam("PutRolePolicy", &policy).ok();
    arn.unwrap()
}

fn assume(client: &Client, arn: &str) -> crate::client::Reply {
    let hop = [("RoleArn", arn), ("RoleSessionName", "hop")];
    client.sts("AssumeRole", &hop)
}

#[test]
fn they_deny_and_they_have_to_allow() {
    for (case, policies, action, expected) in [
        (
            "a list of what is denied",
            [DENY_LIST].as_slice(),
            "s3:ListAllMyBuckets",
            Some(DENIES.to_owned()),
        ),
        ("and nothing else", &[DENY_LIST], "iam:ListUsers", None),
        (
            "a list of what is allowed",
            &[ALLOW_LIST],
            "iam:ListUsers",
            None,
        ),
        (
            "and nothing else",
            &[ALLOW_LIST],
            "s3:ListAllMyBuckets",
            Some(silent("s3:ListAllMyBuckets")),
        ),
        (
            "both, where the first denies",
            &[DENY_LIST, ALLOW_LIST],
            "s3:ListAllMyBuckets",
            Some(DENIES.to_owned()),
        ),
        (
            "both, where neither speaks",
            &[DENY_LIST, ALLOW_LIST],
            "sts:GetAccessKeyInfo",
            Some(silent("sts:GetAccessKeyInfo")),
        ),
        (
            "one of two allows",
            &[ALLOW_LIST, NO_ASSUMING],
            "iam:ListUsers",
            None,
        ),
    ] {
        let fixture = Fixture::limited_by(policies);
        let admin = &fixture.admin;
        let call = |client: &Client| match action {
            "iam:ListUsers" => client.iam("ListUsers", &[]),
            "sts:GetAccessKeyInfo" => client.sts(
                "GetAccessKeyInfo",
                &[("AccessKeyId", "AKIARZPUZDIKAAAAAAAA")],
            ),
            _ => client.s3("GET", "/", ""),
        };
        let reply = call(admin);
        match expected {
            None => assert_eq!(reply.status, 200, "{case}: {}", reply.body),
            Some(expected) => {
                assert_eq!(reply.error(), (403, "AccessDenied".to_owned()), "{case}");
                assert!(
                    reply.message().ends_with(&expected),
                    "{case}: {}",
                    reply.message()
                );
            }
        }
        assert_eq!(
            call(&fixture.other_admin()).status,
            200,
            "{case}: the other account"
        );
    }
}

#[test]
fn they_count_for_sessions_federated_users_and_role_changes() {
    let fixture = Fixture::limited_by(&[DENY_LIST]);
    let admin = &fixture.admin;
    let role = make_role(&fixture, "r", "/");
    let session = fixture.client_of(&assume(admin, &role).ok());
    let own = fixture.client_of(&admin.sts("GetSessionToken", &[]).ok());
    // Also one that another account has assumed: it is this account's role.
    let foreign = fixture.client_of(&assume(&fixture.other_admin(), &role).ok());
    for (case, client) in [("role", session), ("user", own), ("foreign", foreign)] {
        let reply = client.s3("GET", "/", "");
        assert!(reply.message().ends_with(DENIES), "{case}: {}", reply.body);
    }
    let reply = admin.sts("GetFederationToken", &[("Name", "bob")]);
    assert!(reply.message().ends_with(DENIES), "{}", reply.body);

    let fixture = Fixture::limited_by(&[NO_ASSUMING]);
    let role = make_role(&fixture, "r", "/");
    let reply = assume(&fixture.admin, &role);
    let expected = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/admin is not authorized to perform: sts:AssumeRole on resource: {role}"
    );
    assert_eq!(reply.message(), expected);
    // They limit who calls, not what is called.
    assume(&fixture.other_admin(), &role).ok();
}

#[test]
fn a_web_identity_is_in_no_account_and_its_session_is() {
    let fixture = Fixture::limited_by(&[
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":["sts:AssumeRoleWithWebIdentity","s3:ListAllMyBuckets"],"Resource":"*"}}"#,
    ]);
    fixture.make_identity();
    let token = crate::fixture::mint(&crate::fixture::claims());
    let session = fixture.client_of(&fixture.assume(token.expose()).ok());
    let reply = session.s3("GET", "/", "");
    assert!(reply.message().ends_with(DENIES), "{}", reply.body);
}

#[test]
fn a_service_linked_role_is_free_of_them() {
    let fixture = Fixture::limited_by(&[DENY_LIST]);
    let linked = make_role(&fixture, "linked", "/aws-service-role/x.amazonaws.com/");
    let session = fixture.client_of(&assume(&fixture.admin, &linked).ok());
    session.s3("GET", "/", "").ok();
}

#[test]
fn the_simulator_and_the_events_tell_of_them() {
    let fixture = Fixture::limited_by(&[DENY_LIST, ALLOW_LIST]);
    let user = user_with(&fixture, "u", r#""*""#);
    let source = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let parameters = [
        ("PolicySourceArn", source.as_str()),
        ("ActionNames.member.1", "s3:ListAllMyBuckets"),
        ("ActionNames.member.2", "iam:ListUsers"),
        ("ActionNames.member.3", "ec2:RunInstances"),
    ];
    let reply = fixture
        .admin
        .iam("SimulatePrincipalPolicy", &parameters)
        .ok();
    assert_eq!(
        reply.texts("EvalDecision"),
        ["explicitDeny", "allowed", "implicitDeny"]
    );
    assert_eq!(
        reply.texts("AllowedByOrganizations"),
        ["false", "true", "false"]
    );
    let reply = user.s3("GET", "/", "");
    let event = fixture.event(&reply);
    let names: Vec<&str> = event
        .policy
        .iter()
        .filter_map(|policy| policy.level.as_deref().map(|_| policy.source.as_str()))
        .collect();
    assert_eq!(names, ["scp-1", "scp-2"]);
    assert_eq!(
        event.policy.last().and_then(|policy| policy.level.clone()),
        Some(format!("account {ACCOUNT}"))
    );

    let unlimited = Fixture::start();
    user_with(&unlimited, "u", r#""*""#);
    let reply = unlimited
        .admin
        .iam("SimulatePrincipalPolicy", &parameters)
        .ok();
    assert!(reply.texts("AllowedByOrganizations").is_empty());
}
