//! Services that are not here: signature and permissions are judged, and each says no in its own words.

use podpass_kinds::Reason;
use podpass_sandbox::Outcome;

use crate::client::{Client, Keys, Reply};
use crate::fixture::{ACCOUNT, Fixture};

const USER: &str = "arn:aws:iam::123456789012:user/worker";

/// A user with one policy.
pub(crate) fn worker(fixture: &Fixture, policy: &str) -> Client {
    let admin = &fixture.admin;
    admin.iam("CreateUser", &[("UserName", "worker")]).ok();
    let parameters = [
        ("UserName", "worker"),
        ("PolicyName", "own"),
        ("PolicyDocument", policy),
    ];
    admin.iam("PutUserPolicy", &parameters).ok();
    let key = admin.iam("CreateAccessKey", &[("UserName", "worker")]).ok();
    admin.with_keys(Keys {
        id: key.text("AccessKeyId").unwrap(),
        secret: key.text("SecretAccessKey").unwrap(),
        token: None,
    })
}

fn allowing(actions: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"{resource}"}}]}}"#
    )
}

pub(crate) fn ec2(client: &Client, action: &str, more: &str) -> Reply {
    let body = format!("Action={action}&Version=2016-11-15{more}");
    client.send("ec2", "POST", "/", &[], body.as_bytes())
}

fn json(client: &Client, service: &'static str, target: &str, body: &str) -> Reply {
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", target),
    ];
    client.send(service, "POST", "/", &headers, body.as_bytes())
}

fn said(reply: &Reply) -> (u16, String, String) {
    let document: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let text = |member: &str| document[member].as_str().unwrap().to_owned();
    (reply.status, text("__type"), text("message"))
}

/// "Common parameters" of the EC2 API: `DryRunOperation` when the caller may, else `UnauthorizedOperation`.
#[test]
fn ec2_answers_a_dry_run_with_the_truth() {
    let fixture = Fixture::start();
    let worker = worker(&fixture, &allowing(r#""ec2:DescribeInstances""#, "*"));
    let reply = ec2(&worker, "DescribeInstances", "&DryRun=true");
    assert_eq!(reply.error(), (412, "DryRunOperation".to_owned()));
    assert_eq!(
        reply.message(),
        "Request would have succeeded, but DryRun flag is set."
    );
    assert!(
        reply.body.starts_with("<Response><Errors><Error>"),
        "{}",
        reply.body
    );
    assert_eq!(reply.headers["x-podpass-decision"], "allow");
    assert_eq!(fixture.event(&reply).outcome, Outcome::Allowed);
    let reply = ec2(&worker, "TerminateInstances", "&DryRun=true");
    assert_eq!(reply.error(), (403, "UnauthorizedOperation".to_owned()));
    let message = reply.message();
    let (words, encoded) = message
        .split_once(". Encoded authorization failure message: ")
        .unwrap();
    assert_eq!(
        words,
        format!(
            "You are not authorized to perform this operation. User: {USER} is not authorized to perform: \
             ec2:TerminateInstances because no identity-based policy allows the ec2:TerminateInstances action"
        )
    );
    assert!(!encoded.is_empty());
    assert_eq!(reply.headers["x-podpass-decision"], "deny");
    let Outcome::Denied {
        reason, message, ..
    } = fixture.event(&reply).outcome
    else {
        panic!("{reply:?}")
    };
    assert_eq!(message, words);
    assert_eq!(reason, Some(Reason::PermissionDeniedIdentity));
    // Without a dry run there is nothing to do it with.
    let reply = ec2(&worker, "DescribeInstances", "");
    assert_eq!(reply.error(), (501, "NotImplemented".to_owned()));
    assert_eq!(reply.headers["x-podpass-decision"], "allow");
    let allowed = format!("ec2:DescribeInstances is allowed to {USER}");
    assert!(reply.message().contains(&allowed), "{}", reply.message());
}

#[test]
fn json_services_are_asked_by_their_target() {
    let fixture = Fixture::start();
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";
    let worker = worker(
        &fixture,
        &allowing(
            r#"["dynamodb:GetItem","sqs:SendMessage","secretsmanager:GetSecretValue"]"#,
            "*",
        ),
    );
    let get = "DynamoDB_20120810.GetItem";
    for (service, target, body, resource, allowed) in [
        ("dynamodb", get, r#"{"TableName": "orders"}"#, table, true),
        (
            "dynamodb",
            get,
            &format!(r#"{{"TableName": "{table}"}}"#),
            table,
            true,
        ),
        (
            "dynamodb",
            "DynamoDB_20120810.DeleteTable",
            r#"{"TableName": "orders"}"#,
            table,
            false,
        ),
        (
            "dynamodb",
            "DynamoDB_20120810.ListTables",
            "{}",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/*",
            false,
        ),
        (
            "sqs",
            "AmazonSQS.SendMessage",
            r#"{"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"}"#,
            "arn:aws:sqs:eu-west-1:123456789012:jobs",
            true,
        ),
        (
            "secretsmanager",
            "secretsmanager.GetSecretValue",
            r#"{"SecretId": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf"}"#,
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf",
            true,
        ),
    ] {
        let reply = json(&worker, service, target, body);
        assert_eq!(
            fixture.event(&reply).resource.as_deref(),
            Some(resource),
            "{target} {body}"
        );
        let action = format!("{service}:{}", target.rsplit('.').next().unwrap());
        let (status, code, message) = said(&reply);
        if allowed {
            assert_eq!(
                (status, code.as_str()),
                (501, "NotImplemented"),
                "{message}"
            );
            assert!(message.contains(&format!("{action} is allowed to {USER}")));
        } else {
            assert_eq!((status, code.as_str()), (400, "AccessDeniedException"));
            assert_eq!(
                message,
                format!(
                    "User: {USER} is not authorized to perform: {action} on resource: {resource} because no \
                     identity-based policy allows the {action} action"
                )
            );
        }
    }
}

#[test]
fn query_services_and_route_53_too() {
    let fixture = Fixture::start();
    let zone = "arn:aws:route53:::hostedzone/Z1";
    let worker = worker(
        &fixture,
        &allowing(r#""route53:ChangeResourceRecordSets""#, zone),
    );
    let change = |id: &str| {
        let path = format!("/2013-04-01/hostedzone/{id}/rrset/");
        worker.send("route53", "POST", &path, &[], b"<x/>")
    };
    let reply = change("Z1");
    assert_eq!(reply.error(), (501, "NotImplemented".to_owned()));
    assert_eq!(reply.headers["x-podpass-decision"], "allow");
    let reply = change("Z2");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    assert!(
        reply
            .body
            .contains(r#"xmlns="https://route53.amazonaws.com/doc/2013-04-01/""#),
        "{}",
        reply.body
    );
    assert!(
        reply.message().contains(
            "route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/Z2"
        ),
        "{}",
        reply.message()
    );
    // CloudWatch signs as `monitoring`; SNS names its topic.
    for (service, body, action, resource) in [
        (
            "monitoring",
            "Action=PutMetricData&Version=2010-08-01",
            "cloudwatch:PutMetricData",
            "*",
        ),
        (
            "sns",
            "Action=Publish&Version=2010-03-31&Message=x&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At",
            "sns:Publish",
            "arn:aws:sns:eu-west-1:123456789012:t",
        ),
    ] {
        let reply = worker.send(service, "POST", "/", &[], body.as_bytes());
        assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
        let words = format!("perform: {action} on resource: {resource} because");
        assert!(reply.message().contains(&words), "{}", reply.message());
    }
    // What is not known is not judged, and it is said so.
    let reply = worker.send("lambda", "GET", "/2015-03-31/functions/", &[], b"");
    assert_eq!(reply.error(), (501, "NotImplemented".to_owned()));
    assert!(!reply.headers.contains_key("x-podpass-decision"));
    assert!(
        reply.message().contains("is not judged"),
        "{}",
        reply.message()
    );
    assert!(
        reply
            .message()
            .contains(&format!("arn:aws:iam::{ACCOUNT}:user/worker"))
    );
}

/// Every layer counts: here the role's boundary.
#[test]
fn boundaries_count_elsewhere_too() {
    let fixture = Fixture::start();
    let worker = worker(&fixture, &allowing(r#""*""#, "*"));
    let boundary = allowing(r#""s3:*""#, "*");
    let made = fixture.admin.iam(
        "CreatePolicy",
        &[("PolicyName", "bound"), ("PolicyDocument", &boundary)],
    );
    let arn = made.ok().text("Arn").unwrap();
    let parameters = [
        ("UserName", "worker"),
        ("PermissionsBoundary", arn.as_str()),
    ];
    fixture
        .admin
        .iam("PutUserPermissionsBoundary", &parameters)
        .ok();
    let (_, _, message) = said(&json(
        &worker,
        "dynamodb",
        "DynamoDB_20120810.ListTables",
        "{}",
    ));
    assert!(
        message.ends_with("because no permissions boundary allows the dynamodb:ListTables action"),
        "{message}"
    );
}
