//! Roles and users that are deleted and made again under their old names: they are strangers.

use super::user_with;
use crate::client::Client;
use crate::fixture::{ACCOUNT, Fixture};

const PERMISSIONS: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;

fn trust(principals: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":{principals}}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

/// The role `caller`, which the account may assume; gives its unique id.
fn make_caller(fixture: &Fixture) -> String {
    let trust = trust(&format!("\"{ACCOUNT}\""));
    let role = [
        ("RoleName", "caller"),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
    let id = fixture.admin.iam("CreateRole", &role).ok().text("RoleId");
    let policy = [
        ("RoleName", "caller"),
        ("PolicyName", "p"),
        ("PolicyDocument", PERMISSIONS),
    ];
    fixture.admin.iam("PutRolePolicy", &policy).ok();
    id.unwrap()
}

fn delete_caller(fixture: &Fixture) {
    let policy = [("RoleName", "caller"), ("PolicyName", "p")];
    fixture.admin.iam("DeleteRolePolicy", &policy).ok();
    fixture.admin.iam("DeleteRole", &policy[..1]).ok();
}

fn assume(fixture: &Fixture, client: &Client, role: &str) -> Result<Client, (u16, String)> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
    let hop = [("RoleArn", arn.as_str()), ("RoleSessionName", "hop")];
    let reply = client.sts("AssumeRole", &hop);
    if reply.status == 200 {
        Ok(fixture.client_of(&reply))
    } else {
        Err(reply.error())
    }
}

#[test]
fn a_role_made_again_has_neither_its_sessions_nor_the_trust_it_had() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let id = make_caller(&fixture);
    let caller = format!("arn:aws:iam::{ACCOUNT}:role/caller");
    let trusting = trust(&format!(
        "[\"{caller}\",\"arn:aws:iam::{ACCOUNT}:user/admin\"]"
    ));
    let role = [
        ("RoleName", "target"),
        ("AssumeRolePolicyDocument", trusting.as_str()),
    ];
    admin.iam("CreateRole", &role).ok();
    fixture.make_bucket("shared");
    let open = "<PublicAccessBlockConfiguration><BlockPublicPolicy>false</BlockPublicPolicy></PublicAccessBlockConfiguration>";
    admin.s3("PUT", "/shared?publicAccessBlock", open).ok();
    let grant = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{caller}"}},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::shared"}}]}}"#
    );
    admin.s3("PUT", "/shared?policy", &grant).ok();
    let denied = (403, "AccessDenied".to_owned());

    let session = assume(&fixture, admin, "caller").unwrap();
    assume(&fixture, &session, "target").unwrap();
    session.s3("GET", "/shared", "").ok();

    delete_caller(&fixture);
    assert_ne!(make_caller(&fixture), id);
    assert_eq!(
        session.sts("GetCallerIdentity", &[]).error(),
        (403, "InvalidClientTokenId".to_owned()),
        "a session of the deleted role"
    );
    let stranger = assume(&fixture, admin, "caller").unwrap();
    assert_eq!(
        assume(&fixture, &stranger, "target").err(),
        Some(denied.clone())
    );
    assert_eq!(stranger.s3("GET", "/shared", "").error(), denied);
    let shown = admin.iam("GetRole", &[("RoleName", "target")]).ok();
    let shown = shown.text("AssumeRolePolicyDocument").unwrap();
    assert!(
        shown.contains(&id) && !shown.contains("role%2Fcaller"),
        "{shown}"
    );
    let shown = admin.s3("GET", "/shared?policy", "").ok().body;
    assert!(
        shown.contains(&id) && !shown.contains("role/caller"),
        "{shown}"
    );
    // The others in the list keep what they have.
    assume(&fixture, admin, "target").unwrap();

    let again = [
        ("RoleName", "target"),
        ("PolicyDocument", trusting.as_str()),
    ];
    admin.iam("UpdateAssumeRolePolicy", &again).ok();
    assume(&fixture, &stranger, "target").expect("who is named anew is trusted anew");
}

#[test]
fn a_user_made_again_does_not_have_the_trust_it_had() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    user_with(&fixture, "u", r#""s3:*""#);
    let id = admin
        .iam("GetUser", &[("UserName", "u")])
        .ok()
        .text("UserId");
    let trusting = trust(&format!("\"arn:aws:iam::{ACCOUNT}:user/u\""));
    let role = [
        ("RoleName", "target"),
        ("AssumeRolePolicyDocument", trusting.as_str()),
    ];
    admin.iam("CreateRole", &role).ok();
    let keys = admin.iam("ListAccessKeys", &[("UserName", "u")]).ok();
    let key = keys.text("AccessKeyId").unwrap();
    let key = [("UserName", "u"), ("AccessKeyId", key.as_str())];
    admin.iam("DeleteAccessKey", &key).ok();
    let policy = [("UserName", "u"), ("PolicyName", "p")];
    admin.iam("DeleteUserPolicy", &policy).ok();
    admin.iam("DeleteUser", &policy[..1]).ok();

    let stranger = user_with(&fixture, "u", r#""s3:*""#);
    assert_eq!(
        assume(&fixture, &stranger, "target").err(),
        Some((403, "AccessDenied".to_owned()))
    );
    let shown = admin.iam("GetRole", &[("RoleName", "target")]).ok();
    let shown = shown.text("AssumeRolePolicyDocument").unwrap();
    assert!(shown.contains(&id.unwrap()), "{shown}");
}
