//! The encoded message of EC2's denials, and who may read it.

use podpass_sandbox::Settings;
use serde_json::{Value, json};

use crate::client::{Client, Keys, Reply};
use crate::elsewhere::{ec2, worker};
use crate::fixture::{ACCOUNT, Fixture, claims, keys_of, mint, two_accounts};

const ENCODED: &str = "Encoded authorization failure message: ";
const ONLY_S3: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The encoded message of a denial.
#[track_caller]
fn encoded(reply: &Reply) -> String {
    assert_eq!(reply.error(), (403, "UnauthorizedOperation".to_owned()));
    let message = reply.message();
    let (_, encoded) = message.split_once(ENCODED).expect(&message);
    encoded.to_owned()
}

fn decode(client: &Client, encoded: &str) -> Reply {
    client.sts("DecodeAuthorizationMessage", &[("EncodedMessage", encoded)])
}

#[track_caller]
fn decoded(client: &Client, encoded: &str) -> Value {
    let text = decode(client, encoded).ok().text("DecodedMessage");
    serde_json::from_str(&text.unwrap()).unwrap()
}

/// A list as the message has it.
fn items(values: &[&str]) -> Value {
    let values: Vec<Value> = values
        .iter()
        .map(|value| json!({ "value": value }))
        .collect();
    json!({ "items": values })
}

/// The credentials of a role's session.
fn session_keys(fixture: &Fixture) -> Keys {
    keys_of(&fixture.assume(mint(&claims()).expose()).ok())
}

fn user_id(fixture: &Fixture) -> String {
    let user = fixture.admin.iam("GetUser", &[("UserName", "worker")]);
    user.ok().text("UserId").unwrap()
}

/// The members as AWS's own decoded messages have them.
#[test]
fn an_explicit_deny_is_decoded_with_the_statement_that_denies() {
    let fixture = Fixture::start();
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"},
        {"Sid":"Unmatched","Effect":"Deny","Action":"ec2:Start*","Resource":"*"},
        {"Sid":"Small","Effect":"Deny","Action":["ec2:RunInstances","ec2:Create*"],"Resource":["*"],
         "Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","eu-west-2"]}}},
        {"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::a"}]}"#;
    let worker = worker(&fixture, policy);
    let id = user_id(&fixture);
    let message = decoded(
        &fixture.admin,
        &encoded(&ec2(&worker, "RunInstances", "&ImageId=ami-1")),
    );
    assert_eq!(message["allowed"], false);
    assert_eq!(message["explicitDeny"], true);
    let region =
        json!({ "key": "aws:RequestedRegion", "values": items(&["eu-west-1", "eu-west-2"]) });
    let denying = |sid: &str, actions: &[&str], resource: &str, conditions: &[Value]| {
        json!({
            "statementId": sid,
            "effect": "DENY",
            "principals": items(&[&id]),
            "principalGroups": items(&[]),
            "actions": items(actions),
            "resources": items(&[resource]),
            "conditions": { "items": conditions },
        })
    };
    let expected = [
        denying(
            "Small",
            &["ec2:RunInstances", "ec2:Create*"],
            "*",
            &[region],
        ),
        denying("", &["iam:*"], "arn:aws:s3:::a", &[]),
    ];
    assert_eq!(message["matchedStatements"]["items"], json!(expected));
    assert_eq!(message["failures"], items(&[]));
    let context = &message["context"];
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/worker");
    assert_eq!(
        context["principal"],
        json!({ "id": id, "name": "worker", "arn": arn })
    );
    assert_eq!(context["action"], "ec2:RunInstances");
    assert_eq!(context["resource"], "*");
    let conditions = context["conditions"]["items"].as_array().unwrap();
    for (key, value) in [
        ("aws:RequestedRegion", "eu-west-1"),
        ("aws:PrincipalArn", arn.as_str()),
        ("aws:SourceIp", "127.0.0.1"),
    ] {
        let condition = json!({ "key": key, "values": items(&[value]) });
        assert!(conditions.contains(&condition), "{key}: {context}");
    }
}

#[test]
fn an_implicit_deny_has_no_statement_and_a_session_no_name() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.admin.with_keys(session_keys(&fixture));
    let reply = ec2(
        &session,
        "TerminateInstances",
        "&InstanceId.1=i-1&DryRun=true",
    );
    let message = decoded(&fixture.admin, &encoded(&reply));
    assert_eq!(message["allowed"], false);
    assert_eq!(message["explicitDeny"], false);
    assert_eq!(message["matchedStatements"], items(&[]));
    let identity = session.sts("GetCallerIdentity", &[]).ok();
    let text = |name: &str| identity.text(name).unwrap();
    assert_eq!(
        message["context"]["principal"],
        json!({ "id": text("UserId"), "arn": text("Arn") })
    );
    assert_eq!(message["context"]["action"], "ec2:TerminateInstances");
    // What the session itself holds stays out of it.
    let keys = session.keys.as_ref().unwrap();
    for secret in [&keys.secret, keys.token.as_ref().unwrap()] {
        assert!(!message.to_string().contains(secret));
    }
}

#[test]
fn each_layer_that_denies_has_its_statement() {
    let deny = |sid: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},
            {{"Sid":"{sid}","Effect":"Deny","Action":"ec2:RunInstances","Resource":"*"}}]}}"#
        )
    };
    let control = deny("Organisation");
    let fixture = Fixture::limited_by(&[&control]);
    let statement = |client: &Client, admin: &Client| {
        let message = decoded(admin, &encoded(&ec2(client, "RunInstances", "")));
        message["matchedStatements"]["items"][0]["statementId"].clone()
    };
    let limited = worker(&fixture, EVERYTHING);
    assert_eq!(statement(&limited, &fixture.admin), "Organisation");

    let fixture = Fixture::start();
    let bounded = worker(&fixture, EVERYTHING);
    let boundary = deny("Boundary");
    let made = fixture.admin.iam(
        "CreatePolicy",
        &[("PolicyName", "bound"), ("PolicyDocument", &boundary)],
    );
    let arn = made.ok().text("Arn").unwrap();
    let parameters = [
        ("UserName", "worker"),
        ("PermissionsBoundary", arn.as_str()),
    ];
    let put = fixture.admin.iam("PutUserPermissionsBoundary", &parameters);
    put.ok();
    assert_eq!(statement(&bounded, &fixture.admin), "Boundary");
}

#[test]
fn calls_that_describe_carry_no_message() {
    let fixture = Fixture::start();
    let worker = worker(&fixture, ONLY_S3);
    let reply = ec2(&worker, "DescribeInstances", "");
    assert_eq!(reply.error(), (403, "UnauthorizedOperation".to_owned()));
    let end = "because no identity-based policy allows the ec2:DescribeInstances action";
    assert!(reply.message().ends_with(end), "{}", reply.message());
}

#[test]
fn a_message_is_read_in_its_account_by_who_may() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let worker = worker(&fixture, ONLY_S3);
    let message = encoded(&ec2(&worker, "RunInstances", ""));
    decode(&fixture.admin, &message).ok();
    let refused = decode(&worker, &message);
    assert_eq!(refused.error(), (403, "AccessDenied".to_owned()));
    let end = "because no identity-based policy allows the sts:DecodeAuthorizationMessage action";
    assert!(refused.message().ends_with(end), "{}", refused.message());
    let invalid = "InvalidAuthorizationMessageException";
    let other = decode(&fixture.other_admin(), &message);
    assert_eq!(other.error(), (400, invalid.to_owned()));
    assert_eq!(other.message(), "Message is not valid");
    let token = session_keys(&fixture).token.unwrap();
    for (case, text, code) in [
        ("of AWS", "rHU-pVHMSckD0OAc5l3r9", invalid),
        ("no Base64", "not\na message", invalid),
        ("cut", &message[..message.len() - 1], invalid),
        ("more", &format!("{message}AAAA"), invalid),
        ("a session token", &token, invalid),
        ("empty", "", "ValidationError"),
        ("long", &"x".repeat(10_241), "ValidationError"),
    ] {
        let reply = decode(&fixture.admin, text);
        assert_eq!(reply.error(), (400, code.to_owned()), "{case}");
    }
    // A message is no session token either.
    let mut keys = session_keys(&fixture);
    keys.token = Some(message);
    let reply = fixture.admin.with_keys(keys).sts("GetCallerIdentity", &[]);
    assert_eq!(reply.error(), (403, "InvalidClientTokenId".to_owned()));
}

#[test]
fn a_state_reads_its_messages_after_a_restart_and_nobody_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Fixture::start_as(Settings {
            state: Some(folder.path().to_owned()),
            ..two_accounts()
        })
    };
    let first = start();
    let message = encoded(&ec2(&worker(&first, ONLY_S3), "RunInstances", ""));
    drop(first);
    let again = decoded(&start().admin, &message);
    assert_eq!(again["context"]["action"], "ec2:RunInstances");
    let elsewhere = decode(&Fixture::start().admin, &message);
    let invalid = "InvalidAuthorizationMessageException".to_owned();
    assert_eq!(elsewhere.error(), (400, invalid));
}

/// `EncodedMessage` has at most 10 240 characters.
#[test]
fn a_long_statement_is_left_out_so_that_the_message_can_be_decoded() {
    let fixture = Fixture::start();
    let actions: Vec<String> = (0..100)
        .map(|number| format!(r#""ec2:Run{number}","#))
        .collect();
    let statement = |first: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":[{first}{}"ec2:RunInstances"],"Resource":"*"}}]}}"#,
            actions.concat()
        )
    };
    let worker = worker(&fixture, &statement(""));
    // Five managed policies, each with its own.
    for number in 0..5 {
        let name = format!("deny{number}");
        let document = statement(&format!(r#""ec2:Own{number}","#));
        let made = fixture.admin.iam(
            "CreatePolicy",
            &[("PolicyName", &name), ("PolicyDocument", &document)],
        );
        let arn = made.ok().text("Arn").unwrap();
        let attach = [("UserName", "worker"), ("PolicyArn", &arn)];
        fixture.admin.iam("AttachUserPolicy", &attach).ok();
    }
    let text = encoded(&ec2(&worker, "RunInstances", ""));
    assert!(text.len() <= 10_240, "{}", text.len());
    let message = decoded(&fixture.admin, &text);
    assert_eq!(message["explicitDeny"], true);
    let kept = message["matchedStatements"]["items"].as_array().unwrap();
    assert!((1..6).contains(&kept.len()), "{}", kept.len());
}
