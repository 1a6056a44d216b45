//! Temporary credentials of users and federated users, and what STS tells about keys and messages.

use jiff::SignedDuration;

use crate::client::{Client, Reply};
use crate::fixture::{ACCOUNT, Fixture, OTHER_ACCOUNT, keys_of};
use crate::iam::user_with;

const LIST_BUCKETS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;

fn federate(client: &Client, further: &[(&str, &str)]) -> Reply {
    let parameters: Vec<_> = [("Name", "bob")].iter().chain(further).copied().collect();
    client.sts("GetFederationToken", &parameters)
}

/// The access denied of an ordinary call.
#[track_caller]
fn assert_denied(reply: &Reply, part: &str) {
    assert_eq!(
        reply.error(),
        (403, "AccessDenied".to_owned()),
        "{}",
        reply.body
    );
    assert!(reply.message().contains(part), "{}", reply.message());
}

#[test]
fn a_users_session_is_the_user_itself_for_a_time() {
    let fixture = Fixture::start();
    let user = user_with(
        &fixture,
        "u",
        r#""s3:ListAllMyBuckets","iam:GetUser","sts:AssumeRole""#,
    );
    let token = user
        .sts("GetSessionToken", &[("DurationSeconds", "900")])
        .ok();
    let keys = keys_of(&token);
    assert!(keys.id.starts_with("ASIARZPUZDIK"));
    let session = user.with_keys(keys);
    let identity = session.sts("GetCallerIdentity", &[]).ok();
    let of_user = user.sts("GetCallerIdentity", &[]).ok();
    for element in ["Arn", "UserId", "Account"] {
        assert_eq!(identity.text(element), of_user.text(element), "{element}");
    }
    session.s3("GET", "/", "").ok();

    // Without a second factor IAM does not take such credentials, and STS only for two actions.
    user.iam("GetUser", &[]).ok();
    assert_eq!(
        session.iam("GetUser", &[]).error(),
        (403, "InvalidClientTokenId".to_owned())
    );
    for action in ["GetSessionToken", "GetFederationToken"] {
        let reply = session.sts(action, &[("Name", "bob")]);
        assert_denied(
            &reply,
            &format!("Cannot call {action} with session credentials"),
        );
    }
    let reply = session.sts(
        "GetAccessKeyInfo",
        &[("AccessKeyId", "AKIARZPUZDIKAAAAAAAA")],
    );
    assert_denied(&reply, "is not authorized to perform: sts:GetAccessKeyInfo");

    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/u"}},"Action":"sts:AssumeRole","Condition":{{"Null":{{"aws:TokenIssueTime":"false"}}}}}}]}}"#
    );
    let role = [
        ("RoleName", "r"),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
    fixture.admin.iam("CreateRole", &role).ok();
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/r");
    let hop = [("RoleArn", arn.as_str()), ("RoleSessionName", "hop")];
    session.sts("AssumeRole", &hop).ok();
    assert_eq!(user.sts("AssumeRole", &hop).status, 403);

    fixture
        .sandbox
        .clock()
        .advance(SignedDuration::from_secs(901));
    assert_eq!(
        session.sts("GetCallerIdentity", &[]).error(),
        (403, "ExpiredToken".to_owned())
    );
}

#[test]
fn a_deleted_users_sessions_are_void_for_good() {
    let fixture = Fixture::start();
    let user = user_with(&fixture, "u", r#""s3:*","sts:*""#);
    let own = user.with_keys(keys_of(&user.sts("GetSessionToken", &[]).ok()));
    let bob = user.with_keys(keys_of(&federate(&user, &[("Policy", LIST_BUCKETS)]).ok()));
    for session in [&own, &bob] {
        session.s3("GET", "/", "").ok();
    }
    let admin = &fixture.admin;
    let policy = [("UserName", "u"), ("PolicyName", "p")];
    admin.iam("DeleteUserPolicy", &policy).ok();
    // What the user may no longer do, nobody may that it has vouched for.
    for session in [&own, &bob] {
        assert_eq!(session.s3("GET", "/", "").status, 403);
    }
    let keys = admin.iam("ListAccessKeys", &[("UserName", "u")]).ok();
    let id = keys.text("AccessKeyId").unwrap();
    admin
        .iam(
            "DeleteAccessKey",
            &[("UserName", "u"), ("AccessKeyId", &id)],
        )
        .ok();
    admin.iam("DeleteUser", &[("UserName", "u")]).ok();
    admin.iam("CreateUser", &[("UserName", "u")]).ok();
    for session in [&own, &bob] {
        assert_eq!(
            session.sts("GetCallerIdentity", &[]).error(),
            (403, "InvalidClientTokenId".to_owned())
        );
    }
}

#[test]
fn a_federated_user_may_do_what_user_and_session_policies_both_allow() {
    let fixture = Fixture::start();
    fixture.make_bucket("shared");
    let user = user_with(
        &fixture,
        "u",
        r#""s3:ListAllMyBuckets","sts:GetFederationToken""#,
    );
    let session =
        |further: &[(&str, &str)]| user.with_keys(keys_of(&federate(&user, further).ok()));

    let bob = session(&[("Policy", LIST_BUCKETS)]);
    let identity = bob.sts("GetCallerIdentity", &[]).ok();
    let arn = format!("arn:aws:sts::{ACCOUNT}:federated-user/bob");
    assert_eq!(identity.text("Arn"), Some(arn.clone()));
    assert_eq!(identity.text("UserId"), Some(format!("{ACCOUNT}:bob")));
    assert_eq!(identity.text("Account").as_deref(), Some(ACCOUNT));
    bob.s3("GET", "/", "").ok();

    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let managed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let no_identity = "because no identity-based policy allows the s3:ListBucket action";
    let no_session = "because no session policy allows the s3:ListAllMyBuckets action";
    for (case, session, target, expected) in [
        ("both", session(&[("Policy", everything)]), "/", None),
        (
            "managed session policy",
            session(&[("PolicyArns.member.1.arn", managed)]),
            "/",
            None,
        ),
        (
            "only the session policy",
            session(&[("Policy", everything)]),
            "/shared",
            Some(no_identity),
        ),
        ("no session policy", session(&[]), "/", Some(no_session)),
    ] {
        let reply = session.s3("GET", target, "");
        match expected {
            None => assert_eq!(reply.status, 200, "{case}: {}", reply.body),
            Some(part) => assert_denied(&reply, part),
        }
    }

    // A bucket policy that names the federated user grants by itself.
    let grant = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::shared"}}]}}"#
    );
    fixture.admin.s3("PUT", "/shared?policy", &grant).ok();
    session(&[]).s3("GET", "/shared", "").ok();
}

#[test]
fn session_tags_win_over_those_of_the_user() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let user = user_with(&fixture, "u", r#""s3:*","sts:*""#);
    let tags = [
        ("UserName", "u"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "of the user"),
        ("Tags.member.2.Key", "stage"),
        ("Tags.member.2.Value", "test"),
    ];
    admin.iam("TagUser", &tags).ok();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:PrincipalTag/stage":"test","aws:PrincipalType":"FederatedUser","aws:userid":"123456789012:bob"},"Null":{"aws:username":"true","aws:TokenIssueTime":"false"}}}]}"#;
    for (value, status) in [("red", 200), ("blue", 403)] {
        let further = [
            ("Policy", policy),
            ("Tags.member.1.Key", "Team"),
            ("Tags.member.1.Value", value),
        ];
        let bob = user.with_keys(keys_of(&federate(&user, &further).ok()));
        let reply = bob.s3("GET", "/", "");
        assert_eq!(reply.status, status, "{value}: {}", reply.body);
    }
}

#[test]
fn a_federated_user_calls_neither_iam_nor_sts() {
    let fixture = Fixture::start();
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let further = [("Policy", everything)];
    let bob = fixture.client_of(&federate(&fixture.admin, &further).ok());
    assert_eq!(
        bob.iam("ListUsers", &[]).error(),
        (403, "InvalidClientTokenId".to_owned())
    );
    let role = format!("arn:aws:iam::{ACCOUNT}:role/r");
    let hop = [("RoleArn", role.as_str()), ("RoleSessionName", "hop")];
    let reply = bob.sts("AssumeRole", &hop);
    assert_denied(
        &reply,
        &format!(
            "User: arn:aws:sts::{ACCOUNT}:federated-user/bob is not authorized to perform: sts:AssumeRole on resource: {role}"
        ),
    );
    assert_denied(
        &federate(&bob, &[]),
        "Cannot call GetFederationToken with session credentials",
    );
}

#[test]
fn the_account_is_read_out_of_any_access_key_id() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = crate::fixture::mint(&crate::fixture::claims());
    let session = keys_of(&fixture.assume(token.expose()).ok());
    let foreign = fixture
        .other_admin()
        .iam("CreateAccessKey", &[])
        .ok()
        .text("AccessKeyId")
        .unwrap();
    for (id, account) in [
        (session.id.as_str(), ACCOUNT),
        (foreign.as_str(), OTHER_ACCOUNT),
        ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
    ] {
        let reply = fixture
            .admin
            .sts("GetAccessKeyInfo", &[("AccessKeyId", id)]);
        assert_eq!(reply.ok().text("Account").as_deref(), Some(account), "{id}");
    }
    for id in ["AKIA", "AKIA0189018901890189", "AKIA-ZPUZDIKAAAAAAAA"] {
        let reply = fixture
            .admin
            .sts("GetAccessKeyInfo", &[("AccessKeyId", id)]);
        assert_eq!(reply.error(), (400, "ValidationError".to_owned()), "{id}");
    }
    let user = user_with(&fixture, "u", r#""s3:*""#);
    let reply = user.sts("GetAccessKeyInfo", &[("AccessKeyId", &foreign)]);
    assert_denied(
        &reply,
        "because no identity-based policy allows the sts:GetAccessKeyInfo action",
    );
}

#[test]
fn no_encoded_message_is_this_sandboxs() {
    let fixture = Fixture::start();
    let decode = |client: &Client, message: &str| {
        client.sts("DecodeAuthorizationMessage", &[("EncodedMessage", message)])
    };
    for (message, expected) in [
        (
            "rHU-pVHMSckD0OAc5l3r9",
            "InvalidAuthorizationMessageException",
        ),
        ("not\na message", "InvalidAuthorizationMessageException"),
        ("", "ValidationError"),
        (&"x".repeat(10_241), "ValidationError"),
    ] {
        let reply = decode(&fixture.admin, message);
        assert_eq!(reply.error(), (400, expected.to_owned()));
    }
    let user = user_with(&fixture, "u", r#""s3:*""#);
    assert_denied(
        &decode(&user, "rHU-pVHMSckD0OAc5l3r9"),
        "sts:DecodeAuthorizationMessage",
    );
}

#[test]
fn nobody_has_a_second_factor() {
    let fixture = Fixture::start();
    let serial = "arn:aws:iam::123456789012:mfa/admin";
    let parameters = [("SerialNumber", serial), ("TokenCode", "123456")];
    let reply = fixture.admin.sts("GetSessionToken", &parameters);
    assert_denied(&reply, "MultiFactorAuthentication failed");
}
