//! Events: what decided a denial, and how they are read from outside.

use std::time::{Duration, Instant};

use podpass_kinds::Reason;
use podpass_sandbox::{Cause, ControlClient, EventSummary, Outcome, Verdict};

use crate::fixture::{Fixture, ISSUER_HOST, ROLE_ARN, claims, mint, trust_policy};

fn client(fixture: &Fixture) -> ControlClient {
    let token = fixture.sandbox.control_token().clone();
    ControlClient::new(&fixture.sandbox.endpoint(), token).unwrap()
}

fn newest(fixture: &Fixture) -> EventSummary {
    let page = fixture
        .runtime
        .block_on(client(fixture).events(None, Some(1)));
    page.unwrap().events.remove(0)
}

fn cause(fixture: &Fixture) -> Cause {
    newest(fixture).cause.expect("a denial has a cause")
}

#[test]
fn a_refused_token_names_condition_statement_and_line() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let trust = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[\n{{\"Sid\":\"Other\",\"Effect\":\"Allow\",\"Principal\":{{\"Service\":\
         \"ec2.amazonaws.com\"}},\"Action\":\"sts:AssumeRole\"}},\n{{\"Sid\":\"Pods\",\"Effect\":\"Allow\",\"Principal\":\
         {{\"Federated\":\"arn:aws:iam::123456789012:oidc-provider/{ISSUER_HOST}\"}},\n\
         \"Action\":\"sts:AssumeRoleWithWebIdentity\",\n\"Condition\":{{\"StringEquals\":{{\n\
         \"{ISSUER_HOST}:sub\":\"system:serviceaccount:default:other\"}}}}}}]}}"
    );
    let parameters = [("RoleName", "reader"), ("PolicyDocument", &trust)];
    fixture
        .admin
        .iam("UpdateAssumeRolePolicy", &parameters)
        .ok();
    let reply = fixture.assume(mint(&claims()).expose());
    assert_eq!(reply.error(), (403, "AccessDenied".into()));

    let event = newest(&fixture);
    assert_eq!(event.id.to_string(), reply.headers["x-podpass-event"]);
    assert_eq!(
        (event.decision, event.status, event.resource.as_deref()),
        (Verdict::Denied, 403, Some(ROLE_ARN))
    );
    assert_eq!(event.message, Some(reply.message()));
    assert_eq!(event.reason.as_deref(), Some("TRUST_SUB_MISMATCH"));
    assert_eq!(event.fix.as_deref(), Some(Reason::TrustSubMismatch.fix()));
    let cause = event.cause.unwrap();
    assert_eq!(cause.layer, "trust policy");
    assert_eq!(cause.operator.as_deref(), Some("StringEquals"));
    assert_eq!(cause.key, Some(format!("{ISSUER_HOST}:sub")));
    assert_eq!(cause.expected, ["system:serviceaccount:default:other"]);
    assert_eq!(
        cause.actual.as_deref(),
        Some("system:serviceaccount:default:reader")
    );
    let statement = cause.statement.unwrap();
    assert_eq!(
        (
            statement.index,
            statement.sid.as_deref(),
            statement.line,
            statement.column
        ),
        (1, Some("Pods"), 6, 1)
    );
}

#[test]
fn each_layer_of_policies_says_which_it_is() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let reader = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    reader.iam("ListRoles", &[]);
    let implicit = cause(&fixture);
    assert_eq!(implicit.layer, "identity-based policy");
    assert_eq!(
        (implicit.compared.as_deref(), implicit.expected.as_slice()),
        (
            Some("action"),
            ["s3:Get*".to_owned(), "s3:List*".to_owned()].as_slice()
        )
    );
    assert_eq!(implicit.actual.as_deref(), Some("iam:ListRoles"));

    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
        {"Sid":"NoWrites","Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}"#;
    let parameters = [
        ("RoleName", "reader"),
        ("PolicyName", "read"),
        ("PolicyDocument", deny),
    ];
    fixture.admin.iam("PutRolePolicy", &parameters).ok();
    assert_eq!(reader.s3("PUT", "/c1-oidc/new", "x").status, 403);
    let explicit = cause(&fixture);
    let statement = explicit.statement.clone().unwrap();
    assert_eq!(
        (
            explicit.layer.as_str(),
            statement.index,
            statement.sid.as_deref(),
            statement.line
        ),
        ("identity-based policy", 1, Some("NoWrites"), 2)
    );
    assert_eq!(
        newest(&fixture).reason.as_deref(),
        Some(Reason::ExplicitDeny.code())
    );

    let bucket = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::c1-oidc/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}},
        {"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::c1-oidc/secret"}]}"#;
    fixture.admin.s3("PUT", "/c1-oidc?policy", bucket).ok();
    assert_eq!(reader.s3("GET", "/c1-oidc/secret", "").status, 403);
    let of_bucket = cause(&fixture);
    assert_eq!(of_bucket.layer, "resource-based policy");
    assert_eq!(
        of_bucket.policy.as_deref(),
        Some("bucket policy of c1-oidc")
    );
    assert_eq!(of_bucket.statement.unwrap().index, 1);

    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*",
        "Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}},
        {"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*","Condition":{"StringNotEquals":
        {"aws:RequestedRegion":"eu-west-1"}}}]}"#;
    let policy = [("PolicyName", "edge"), ("PolicyDocument", document)];
    fixture.admin.iam("CreatePolicy", &policy).ok();
    let boundary = [
        ("RoleName", "reader"),
        (
            "PermissionsBoundary",
            "arn:aws:iam::123456789012:policy/edge",
        ),
    ];
    fixture
        .admin
        .iam("PutRolePermissionsBoundary", &boundary)
        .ok();
    assert_eq!(reader.s3("GET", "/", "").status, 403);
    let of_boundary = cause(&fixture);
    assert_eq!(of_boundary.layer, "permissions boundary");
    assert_eq!(of_boundary.statement.unwrap().index, 1);
    assert_eq!(of_boundary.expected, ["not eu-west-1"]);
    assert_eq!(of_boundary.actual.as_deref(), Some("eu-west-1"));
}

#[test]
fn steps_before_the_policies_are_causes_too() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let audience = podpass_token::ServiceAccountClaims {
        audiences: vec!["openshift".into()],
        ..claims()
    };
    fixture.assume(mint(&audience).expose());
    let cause = cause(&fixture);
    assert_eq!(cause.layer, "audience");
    assert_eq!(cause.expected, ["sts.amazonaws.com"]);
    assert_eq!(cause.actual.as_deref(), Some("openshift"));
    assert!(cause.statement.is_none());

    fixture.assume(mint(&claims()).expose()).ok();
    let event = newest(&fixture);
    assert_eq!(event.decision, Verdict::Allowed);
    assert!(event.cause.is_none() && event.reason.is_none());
}

#[test]
fn a_wrong_clock_has_its_reason() {
    let fixture = Fixture::start();
    let late = fixture.admin.with_faults(crate::client::Faults {
        clock: jiff::SignedDuration::from_mins(-20),
        ..Default::default()
    });
    let reply = late.sts("GetCallerIdentity", &[]);
    assert_eq!(reply.error(), (403, "SignatureDoesNotMatch".into()));
    let Outcome::Denied { reason, .. } = fixture.event(&reply).outcome else {
        panic!("it was refused");
    };
    assert_eq!(reason, Some(Reason::ClockSkew));
    assert_eq!(cause(&fixture).compared.as_deref(), Some("request date"));
}

#[test]
fn a_reader_gets_every_event_once_however_many_pages_they_take() {
    let fixture = Fixture::start();
    let client = client(&fixture);
    for _ in 0..5 {
        fixture.admin.sts("GetCallerIdentity", &[]).ok();
    }
    let page = fixture
        .runtime
        .block_on(client.events(None, Some(2)))
        .unwrap();
    let ids: Vec<String> = page
        .events
        .iter()
        .map(|event| event.id.to_string())
        .collect();
    assert_eq!(ids, ["ev-4", "ev-5"]);
    assert!(!page.more && !page.ended);
    fixture.admin.sts("GetCallerIdentity", &[]).ok();
    let page = fixture
        .runtime
        .block_on(client.events(Some(page.cursor), None))
        .unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.events[0].id.to_string(), "ev-6");
    // Control calls are none of AWS's.
    assert_eq!(fixture.sandbox.events().len(), 6);
}

#[test]
fn who_waits_is_answered_by_the_next_event_and_by_the_end() {
    let fixture = Fixture::start();
    let client = client(&fixture);
    let admin = fixture.admin.clone();
    let caller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        admin.sts("GetCallerIdentity", &[]).ok();
    });
    let begun = Instant::now();
    let page = fixture.runtime.block_on(client.next_events(0)).unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(begun.elapsed() >= Duration::from_millis(250), "it waited");
    assert!(begun.elapsed() < Duration::from_secs(15), "and no longer");
    caller.join().unwrap();

    let Fixture {
        sandbox, runtime, ..
    } = fixture;
    let ended = runtime.block_on(async {
        let waiting = client.next_events(1);
        let stop = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sandbox.stop().await;
        };
        tokio::join!(waiting, stop).0
    });
    assert!(ended.unwrap().ended);
}

#[test]
fn one_event_is_told_with_all_that_was_compared() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let trust = trust_policy("system:serviceaccount:default:other");
    let parameters = [("RoleName", "reader"), ("PolicyDocument", trust.as_str())];
    fixture
        .admin
        .iam("UpdateAssumeRolePolicy", &parameters)
        .ok();
    let reply = fixture.assume(mint(&claims()).expose());
    let id = reply.headers["x-podpass-event"].parse().unwrap();
    let told = fixture
        .runtime
        .block_on(client(&fixture).event(id))
        .unwrap();
    let steps: Vec<&str> = told.exchange["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(steps.last(), Some(&"failed"));
    assert!(
        told.looked_at
            .iter()
            .any(|line| line.starts_with("failed  trust policy"))
    );
    let absent = fixture
        .runtime
        .block_on(client(&fixture).event("ev-999".parse().unwrap()));
    assert!(absent.unwrap_err().to_string().contains("no event ev-999"));
}
