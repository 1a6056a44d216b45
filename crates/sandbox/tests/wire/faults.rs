//! Faults: each kind as a client meets it, and what narrows it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use podpass_sandbox::{
    ClockSetting, ControlClient, ControlError, Fault, FaultId, FaultState, Outcome,
};
use podpass_token::{Jwks, KeySize, SigningKey};

use crate::client::{Client, Faults, Presign};
use crate::fixture::{Fixture, ROLE_ARN, claims, mint};

fn control(fixture: &Fixture) -> ControlClient {
    let token = fixture.sandbox.control_token().clone();
    ControlClient::new(&fixture.sandbox.endpoint(), token).unwrap()
}

fn fault(kind: &str) -> Fault {
    Fault {
        kind: kind.parse().unwrap(),
        service: None,
        action: None,
        count: None,
    }
}

fn add(fixture: &Fixture, fault: &Fault) -> FaultId {
    let added = fixture.runtime.block_on(control(fixture).add_fault(fault));
    added.unwrap().id
}

fn state(fixture: &Fixture, id: FaultId) -> FaultState {
    let faults = fixture.runtime.block_on(control(fixture).faults()).unwrap();
    let mut found = faults.into_iter().filter(|fault| fault.id == id);
    found.next().expect("the fault is there")
}

fn clear(fixture: &Fixture) {
    fixture
        .runtime
        .block_on(control(fixture).clear_faults(None))
        .unwrap();
}

fn look_up(client: &Client) -> crate::client::Reply {
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    let headers = [("x-amz-target", target)];
    client.send("cloudtrail", "POST", "/", &headers, b"{}")
}

#[test]
fn throttling_has_each_protocols_own_code() {
    let fixture = Fixture::start();
    let id = add(&fixture, &fault("throttle"));
    let sts = fixture.admin.sts("GetCallerIdentity", &[]);
    assert_eq!(sts.error(), (400, "Throttling".into()));
    assert_eq!(sts.message(), "Rate exceeded");
    let iam = fixture.admin.iam("ListRoles", &[]);
    assert_eq!(iam.error(), (400, "Throttling".into()));
    let s3 = fixture.admin.s3("GET", "/", "");
    assert_eq!(s3.error(), (503, "SlowDown".into()));
    assert_eq!(s3.message(), "Please reduce your request rate.");
    let trail = look_up(&fixture.admin);
    assert_eq!(trail.status, 400);
    assert!(
        trail.body.contains("\"ThrottlingException\""),
        "{}",
        trail.body
    );
    assert_eq!(state(&fixture, id).hits, 4);

    let event = fixture.event(&sts);
    assert_eq!(event.faults, [id.to_string()]);
    assert_eq!(event.action, "GetCallerIdentity");
    let Outcome::Failed { code, .. } = event.outcome else {
        panic!("{event:?}")
    };
    assert_eq!(code, "Throttling");
    clear(&fixture);
    fixture.admin.sts("GetCallerIdentity", &[]).ok();
}

#[test]
fn a_fault_affects_the_calls_it_is_narrowed_to_and_is_over_after_its_count() {
    let fixture = Fixture::start();
    let narrowed = Fault {
        service: Some("iam".into()),
        action: Some("ListRoles".into()),
        count: Some(2),
        ..fault("error=ServiceUnavailable")
    };
    let id = add(&fixture, &narrowed);
    fixture.admin.sts("GetCallerIdentity", &[]).ok();
    fixture.admin.iam("ListUsers", &[]).ok();
    assert_eq!(state(&fixture, id).left, Some(2));
    for _ in 0..2 {
        let reply = fixture.admin.iam("ListRoles", &[]);
        assert_eq!(reply.error(), (503, "ServiceUnavailable".into()));
        assert_eq!(reply.text("Type").as_deref(), Some("Receiver"));
    }
    fixture.admin.iam("ListRoles", &[]).ok();
    let over = state(&fixture, id);
    assert_eq!((over.hits, over.left), (2, Some(0)));
}

#[test]
fn errors_are_the_ones_that_were_asked_for() {
    let fixture = Fixture::start();
    add(&fixture, &fault("error=InternalFailure"));
    let reply = fixture.admin.sts("GetCallerIdentity", &[]);
    assert_eq!(reply.error(), (500, "InternalFailure".into()));
    clear(&fixture);
    add(&fixture, &fault("error=IDPCommunicationError:400"));
    let reply = fixture.assume("x");
    assert_eq!(reply.error(), (400, "IDPCommunicationError".into()));
    // S3 answers in its own form, without the namespace of the others.
    let reply = fixture.admin.s3("GET", "/", "");
    assert!(
        reply
            .body
            .contains("<Error><Code>IDPCommunicationError</Code>")
    );
    assert!(reply.headers.contains_key("x-amz-id-2"));
}

#[test]
fn latency_makes_answers_late_and_nobody_elses() {
    let fixture = Fixture::start();
    let slow = Fault {
        action: Some("GetCallerIdentity".into()),
        count: Some(1),
        ..fault("latency=700ms")
    };
    add(&fixture, &slow);
    let admin = fixture.admin.clone();
    let late = std::thread::spawn(move || {
        let begun = Instant::now();
        admin.sts("GetCallerIdentity", &[]).ok();
        begun.elapsed()
    });
    let begun = Instant::now();
    fixture.admin.iam("ListRoles", &[]).ok();
    assert!(begun.elapsed() < Duration::from_millis(600));
    assert!(late.join().unwrap() >= Duration::from_millis(700));
}

#[test]
fn sts_sees_a_new_role_only_after_the_delay() {
    let fixture = Fixture::start();
    fixture.make_issuer();
    let start = "2026-11-01T10:00:00Z".parse::<Timestamp>().unwrap();
    let clock = fixture.sandbox.clock();
    clock.set(ClockSetting::Fixed(start));
    let id = add(&fixture, &fault("propagation=8s"));
    fixture.make_provider();
    fixture.make_role();
    // IAM itself shows the role at once.
    fixture.admin.iam("GetRole", &[("RoleName", "reader")]).ok();
    let token = || {
        let now = fixture.sandbox.clock().now().as_second();
        mint(&podpass_token::ServiceAccountClaims {
            issued_at: now,
            not_before: now,
            expires_at: now + 3600,
            ..claims()
        })
    };
    for seconds in [0, 4, 7] {
        clock.set(ClockSetting::Fixed(
            start + SignedDuration::from_secs(seconds),
        ));
        let refused = fixture.assume(token().expose());
        assert_eq!(refused.error(), (403, "AccessDenied".into()), "{seconds}");
        assert_eq!(
            refused.message(),
            "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        );
        assert_eq!(fixture.event(&refused).faults, [id.to_string()]);
    }
    clock.set(ClockSetting::Fixed(start + SignedDuration::from_secs(8)));
    let granted = fixture.assume(token().expose()).ok();
    assert!(fixture.event(&granted).faults.is_empty());
    assert!(state(&fixture, id).hits >= 3);

    // A change of permissions is as late: the policy that is taken away counts for eight seconds more.
    let reader = fixture.client_of(&granted);
    reader.s3("GET", "/", "").ok();
    let parameters = [("RoleName", "reader"), ("PolicyName", "read")];
    fixture.admin.iam("DeleteRolePolicy", &parameters).ok();
    reader.s3("GET", "/", "").ok();
    clock.set(ClockSetting::Fixed(start + SignedDuration::from_secs(16)));
    assert_eq!(reader.s3("GET", "/", "").status, 403);
}

#[test]
fn propagation_narrowed_to_sts_lets_others_see_at_once() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let reader = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    let only_sts = Fault {
        service: Some("sts".into()),
        ..fault("propagation=1h")
    };
    add(&fixture, &only_sts);
    let parameters = [("RoleName", "reader"), ("PolicyName", "read")];
    fixture.admin.iam("DeleteRolePolicy", &parameters).ok();
    assert_eq!(reader.s3("GET", "/", "").status, 403);
    let role = [("RoleName", "reader")];
    fixture.admin.iam("DeleteRole", &role).ok();
    fixture.assume(mint(&claims()).expose()).ok();
    clear(&fixture);
    assert_eq!(fixture.assume(mint(&claims()).expose()).status, 403);
}

#[test]
fn stale_keys_are_those_of_the_beginning() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let id = add(&fixture, &fault("stale-jwks"));
    let other = SigningKey::generate(KeySize::Rsa2048).unwrap();
    fixture.put_document("keys.json", &Jwks::of(&[other.public().clone()]).to_json());
    // The old key still counts, the new one does not.
    fixture.assume(mint(&claims()).expose()).ok();
    let refused = fixture.assume(other.mint(&claims()).expose());
    assert_eq!(refused.error(), (400, "InvalidIdentityToken".into()));
    assert_eq!(state(&fixture, id).hits, 2);
    clear(&fixture);
    fixture.assume(other.mint(&claims()).expose()).ok();
    assert_eq!(fixture.assume(mint(&claims()).expose()).status, 400);
}

#[test]
fn sessions_live_as_short_as_the_fault_says() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let id = add(&fixture, &fault("session-life=20s"));
    let token = mint(&claims());
    let parameters = [
        ("RoleArn", ROLE_ARN),
        ("RoleSessionName", "pod"),
        ("WebIdentityToken", token.expose()),
        ("DurationSeconds", "3600"),
    ];
    let before = Timestamp::now();
    let granted = fixture
        .admin
        .anonymous()
        .sts("AssumeRoleWithWebIdentity", &parameters)
        .ok();
    let expires: Timestamp = granted.text("Expiration").unwrap().parse().unwrap();
    let life = expires.duration_since(before).as_secs();
    assert!((18..=20).contains(&life), "{life}");
    let reader = fixture.client_of(&granted);
    reader.sts("GetCallerIdentity", &[]).ok();
    fixture
        .sandbox
        .clock()
        .advance(SignedDuration::from_secs(21));
    let late = reader.sts("GetCallerIdentity", &[]);
    assert_eq!(late.error(), (403, "ExpiredToken".into()));
    assert_eq!(state(&fixture, id).hits, 1);
}

#[test]
fn a_skewed_clock_refuses_signatures_in_each_services_words() {
    let fixture = Fixture::start();
    add(&fixture, &fault("clock-skew=20m"));
    let old = fixture.admin.sts("GetCallerIdentity", &[]);
    assert_eq!(old.error(), (403, "SignatureDoesNotMatch".into()));
    assert!(
        old.message().starts_with("Signature expired: "),
        "{}",
        old.message()
    );
    let skewed = fixture.admin.s3("GET", "/", "");
    assert_eq!(skewed.error(), (403, "RequestTimeTooSkewed".into()));
    // A client that goes by the date of the answer is right again.
    let date = jiff::fmt::rfc2822::parse(&old.headers["date"]).unwrap();
    let ahead = date.timestamp().duration_since(Timestamp::now()).as_secs();
    assert!((1_195..=1_200).contains(&ahead), "{ahead}");
    let corrected = fixture.admin.with_faults(Faults {
        clock: SignedDuration::from_mins(20),
        ..Faults::default()
    });
    corrected.sts("GetCallerIdentity", &[]).ok();
    clear(&fixture);
    add(&fixture, &fault("clock-skew=-20m"));
    let early = fixture.admin.iam("ListRoles", &[]);
    assert!(
        early.message().starts_with("Signature not yet current: "),
        "{}",
        early.message()
    );
}

#[test]
fn a_region_that_is_down_takes_no_other_with_it() {
    let fixture = Fixture::start();
    add(&fixture, &fault("region-down=eu-west-1"));
    let down = fixture.admin.sts("GetCallerIdentity", &[]);
    assert_eq!(down.error(), (503, "ServiceUnavailable".into()));
    assert_eq!(
        fixture.admin.s3("GET", "/", "").error(),
        (503, "ServiceUnavailable".into())
    );
    let elsewhere = Client {
        region: "eu-central-1".into(),
        ..fixture.admin.clone()
    };
    elsewhere.sts("GetCallerIdentity", &[]).ok();
}

#[test]
fn a_held_call_is_done_and_its_answer_never_comes() {
    let fixture = Fixture::start();
    let hold = Fault {
        action: Some("CreateUser".into()),
        ..fault("hold=2")
    };
    let id = add(&fixture, &hold);
    fixture
        .admin
        .iam("CreateUser", &[("UserName", "first")])
        .ok();
    let admin = fixture.admin.clone();
    let held = std::thread::spawn(move || admin.iam("CreateUser", &[("UserName", "second")]));
    let exists = || {
        fixture
            .admin
            .iam("GetUser", &[("UserName", "second")])
            .status
            == 200
    };
    let begun = Instant::now();
    while !exists() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is done");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    assert!(!held.is_finished(), "no answer comes");
    let held_state = state(&fixture, id);
    assert_eq!((held_state.hits, held_state.left), (1, Some(0)));
    // Only the second call is held.
    fixture
        .admin
        .iam("CreateUser", &[("UserName", "third")])
        .ok();
    clear(&fixture);
    let nothing = held.join().unwrap();
    assert_eq!((nothing.status, nothing.body.as_str()), (0, ""));
}

#[test]
fn a_held_call_does_not_keep_the_sandbox_from_ending() {
    let fixture = Fixture::start();
    add(&fixture, &fault("hold=1"));
    let mut stream = TcpStream::connect(fixture.sandbox.address()).unwrap();
    stream
        .write_all(b"GET /bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let Fixture {
        sandbox, runtime, ..
    } = fixture;
    let begun = Instant::now();
    runtime.block_on(sandbox.stop());
    assert!(
        begun.elapsed() < Duration::from_millis(1_500),
        "{:?}",
        begun.elapsed()
    );
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
}

#[test]
fn faults_that_would_affect_nothing_are_refused_by_name() {
    let fixture = Fixture::start();
    for (fault, parts) in [
        (
            Fault {
                service: Some("ec2".into()),
                ..fault("throttle")
            },
            ["`ec2`", "cloudtrail, iam, s3, sts"],
        ),
        (
            Fault {
                service: Some("iam".into()),
                ..fault("session-life=20s")
            },
            ["session-life=20s", "`iam`"],
        ),
        (
            Fault {
                service: Some("sts".into()),
                action: Some("ListRoles".into()),
                ..fault("throttle")
            },
            ["`ListRoles`", "sts"],
        ),
        (
            Fault {
                count: Some(0),
                ..fault("throttle")
            },
            ["count", "0"],
        ),
    ] {
        let refused = fixture
            .runtime
            .block_on(control(&fixture).add_fault(&fault));
        let Err(ControlError::Refused { message, .. }) = refused else {
            panic!("{fault:?}: {refused:?}")
        };
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }
    let absent = "fault-9".parse().unwrap();
    let refused = fixture
        .runtime
        .block_on(control(&fixture).clear_faults(Some(absent)));
    assert!(refused.unwrap_err().to_string().contains("fault-9"));
    for action in [
        "ListObjectsV2",
        "GetBucketVersioning",
        "AssumeRole",
        "LookupEvents",
    ] {
        let known = Fault {
            action: Some(action.into()),
            ..fault("latency=1ms")
        };
        add(&fixture, &known);
    }
}

#[test]
fn a_call_that_names_no_region_is_one_of_us_east_1() {
    let fixture = Fixture::start();
    fixture.make_identity();
    add(&fixture, &fault("region-down=us-east-1"));
    let token = mint(&claims());
    let down = (503, "ServiceUnavailable".into());
    assert_eq!(fixture.assume(token.expose()).error(), down);
    let anonymous = fixture.admin.anonymous();
    assert_eq!(anonymous.s3("GET", "/c1-oidc/keys.json", "").error(), down);
    let named = anonymous.with_faults(Faults {
        host: Some("c1-oidc.s3.eu-west-1.amazonaws.com"),
        ..Faults::default()
    });
    named.s3("GET", "/keys.json", "").ok();
    // A presigned request names its region.
    let what = Presign {
        path: "/c1-oidc/keys.json",
        ..Presign::default()
    };
    let target = fixture.admin.presign(what);
    anonymous.send("s3", "GET", &target, &[], b"").ok();
}

#[test]
fn propagation_is_late_for_all_at_once_and_not_for_providers() {
    let fixture = Fixture::start();
    fixture.make_issuer();
    add(&fixture, &fault("propagation=1h"));
    let unknown = fixture.assume(mint(&claims()).expose());
    assert_eq!(unknown.error(), (400, "InvalidIdentityToken".into()));
    fixture.make_provider();
    // The provider is found; the role is not seen yet.
    fixture.make_role();
    let refused = fixture.assume(mint(&claims()).expose());
    assert_eq!(refused.error(), (403, "AccessDenied".into()));
}
