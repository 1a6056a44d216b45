//! The sandbox's own calls: who may make them, issuers that are handed over, and the clock.

use jiff::{SignedDuration, Timestamp};
use podpass_kinds::Reason;
use podpass_sandbox::{
    Change, ClockSetting, ControlClient, ControlError, HostedIssuer, Issuer, Outcome, Secret,
};
use podpass_token::{Jwks, KeySize, ServiceAccountClaims, SigningKey};

use crate::client::{Faults, Reply, exchange};
use crate::fixture::{ACCOUNT, Fixture, KEY, claims, issuer, mint};

/// The issuer of every kind and minikube cluster that was not told another one.
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
const READER: &str = "arn:aws:iam::123456789012:role/cluster-reader";

/// A control call, written by hand.
struct Call<'a> {
    method: &'a str,
    path: &'a str,
    host: &'a str,
    headers: Vec<String>,
    body: &'a str,
}

impl Call<'_> {
    fn send(&self, fixture: &Fixture) -> Reply {
        let headers = self.headers.iter().map(|header| format!("{header}\r\n"));
        let request = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\n{}Connection: close\r\nContent-Length: {}\r\n\r\n{}",
            self.method,
            self.path,
            self.host,
            headers.collect::<String>(),
            self.body.len(),
            self.body
        );
        exchange(fixture.sandbox.address(), request.as_bytes())
    }
}

/// A call that the sandbox takes.
fn good_call(fixture: &Fixture) -> Call<'static> {
    Call {
        method: "PUT",
        path: "/_podpass/clock",
        host: "127.0.0.1:4566",
        headers: vec![format!(
            "Authorization: Bearer {}",
            fixture.sandbox.control_token().expose()
        )],
        body: r#"{"offset":"PT1H"}"#,
    }
}

fn client(fixture: &Fixture) -> ControlClient {
    let token = fixture.sandbox.control_token().clone();
    ControlClient::new(&fixture.sandbox.endpoint(), token).unwrap()
}

fn jwks(keys: &[&SigningKey]) -> String {
    let public: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
    Jwks::of(&public).to_json()
}

fn cluster_issuer(key: &SigningKey) -> Issuer {
    Issuer::new(CLUSTER, &jwks(&[key])).unwrap()
}

fn cluster_claims() -> ServiceAccountClaims {
    ServiceAccountClaims {
        issuer: CLUSTER.to_owned(),
        ..claims()
    }
}

/// What a user makes in IAM for a cluster of their own.
fn register_cluster(fixture: &Fixture) {
    let host = CLUSTER.strip_prefix("https://").unwrap();
    let provider = [
        ("Url", CLUSTER),
        ("ClientIDList.member.1", "sts.amazonaws.com"),
    ];
    fixture
        .admin
        .iam("CreateOpenIDConnectProvider", &provider)
        .ok();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{host}:sub":"system:serviceaccount:default:reader"}}}}}}]}}"#
    );
    let role = [
        ("RoleName", "cluster-reader"),
        ("AssumeRolePolicyDocument", &trust),
    ];
    fixture.admin.iam("CreateRole", &role).ok();
}

fn assume_reader(fixture: &Fixture, token: &str) -> Reply {
    let parameters = [
        ("RoleArn", READER),
        ("RoleSessionName", "pod"),
        ("WebIdentityToken", token),
    ];
    let anonymous = fixture.admin.anonymous();
    anonymous.sts("AssumeRoleWithWebIdentity", &parameters)
}

fn reason(fixture: &Fixture, reply: &Reply) -> Option<Reason> {
    match fixture.event(reply).outcome {
        Outcome::Denied { reason, .. } => reason,
        Outcome::Allowed | Outcome::Failed { .. } => None,
    }
}

#[test]
fn calls_need_the_bearer_and_the_sandboxs_own_address() {
    let fixture = Fixture::start();
    let token = fixture.sandbox.control_token().expose().to_owned();
    let authorization = |value: &str| format!("Authorization: {value}");
    for (case, headers, host, status) in [
        ("no bearer", vec![], "127.0.0.1", 401),
        ("empty", vec![authorization("Bearer ")], "127.0.0.1", 401),
        (
            "one letter less",
            vec![authorization(&format!("Bearer {}", &token[1..]))],
            "127.0.0.1",
            401,
        ),
        (
            "one letter more",
            vec![authorization(&format!("Bearer {token}A"))],
            "127.0.0.1",
            401,
        ),
        (
            "another scheme",
            vec![authorization(&format!("Basic {token}"))],
            "127.0.0.1",
            401,
        ),
        ("no scheme", vec![authorization(&token)], "127.0.0.1", 401),
        (
            "twice",
            vec![
                authorization("Bearer x"),
                authorization(&format!("Bearer {token}")),
            ],
            "127.0.0.1",
            401,
        ),
        (
            "a rebound name",
            vec![authorization(&format!("Bearer {token}"))],
            "evil.example",
            403,
        ),
        (
            "a rebound name without bearer",
            vec![],
            "evil.example:4566",
            403,
        ),
    ] {
        let call = Call {
            host,
            headers,
            ..good_call(&fixture)
        };
        let reply = call.send(&fixture);
        assert_eq!(reply.status, status, "{case}: {}", reply.body);
        assert!(
            reply.body.contains(r#"{"message":""#),
            "{case}: {}",
            reply.body
        );
        assert!(!reply.body.contains(&token), "{case}");
        let challenged = reply.headers.get("www-authenticate").map(String::as_str);
        assert_eq!(challenged, (status == 401).then_some("Bearer"), "{case}");
    }
    assert_eq!(fixture.sandbox.clock().setting(), ClockSetting::default());
    for host in ["127.0.0.1:4566", "localhost:4566", "[::1]:4566"] {
        let call = Call {
            host,
            ..good_call(&fixture)
        };
        assert_eq!(call.send(&fixture).status, 200, "{host}");
    }
    assert!(
        fixture.sandbox.events().is_empty(),
        "control calls are none of AWS's"
    );
}

#[test]
fn an_administrator_of_aws_is_nobody_to_control_calls() {
    let fixture = Fixture::start();
    let reply = fixture
        .admin
        .s3("PUT", "/_podpass/clock", r#"{"offset":"PT1H"}"#);
    assert_eq!(reply.status, 401, "{}", reply.body);
    // At a name of S3 the path is a key or a bucket like any other, and no bucket has that name.
    let at_s3 = fixture.admin.with_faults(Faults {
        host: Some("s3.eu-west-1.amazonaws.com"),
        ..Faults::default()
    });
    let reply = at_s3.s3("GET", "/_podpass/clock", "");
    assert_eq!(
        reply.error(),
        (400, "InvalidBucketName".to_owned()),
        "{}",
        reply.body
    );
}

#[test]
fn malformed_calls_get_a_clear_answer() {
    let fixture = Fixture::start();
    let large = format!(r#"{{"issuer":"{}","jwks":{{}}}}"#, "a".repeat(300_000));
    for (case, method, path, body, status, part) in [
        ("another method", "GET", "/_podpass/clock", "", 405, "PUT"),
        (
            "unknown call",
            "PUT",
            "/_podpass/weather",
            "{}",
            404,
            "no such control call",
        ),
        (
            "no call",
            "PUT",
            "/_podpass/",
            "{}",
            404,
            "no such control call",
        ),
        ("not JSON", "PUT", "/_podpass/clock", "{", 400, "line 1"),
        (
            "no setting",
            "PUT",
            "/_podpass/clock",
            "{}",
            400,
            "the request",
        ),
        (
            "no time",
            "PUT",
            "/_podpass/clock",
            r#"{"fixed":"noon"}"#,
            400,
            "the request",
        ),
        (
            "no issuer",
            "PUT",
            "/_podpass/issuers",
            r#"{"jwks":{"keys":[]}}"#,
            400,
            "issuer",
        ),
        (
            "http",
            "PUT",
            "/_podpass/issuers",
            r#"{"issuer":"http://a","jwks":{"keys":[]}}"#,
            400,
            "https://",
        ),
        (
            "no keys",
            "PUT",
            "/_podpass/issuers",
            r#"{"issuer":"https://a","jwks":{"keys":[]}}"#,
            400,
            "no key",
        ),
        (
            "too large",
            "PUT",
            "/_podpass/issuers",
            &large,
            413,
            "262144",
        ),
    ] {
        let call = Call {
            method,
            path,
            body,
            ..good_call(&fixture)
        };
        let reply = call.send(&fixture);
        assert_eq!(reply.status, status, "{case}: {}", reply.body);
        assert!(reply.body.contains(part), "{case}: {}", reply.body);
        assert_eq!(reply.headers["content-type"], "application/json", "{case}");
    }
    assert_eq!(fixture.sandbox.clock().setting(), ClockSetting::default());
}

#[test]
fn the_client_tells_a_stale_bearer_from_a_sandbox_that_is_gone() {
    let fixture = Fixture::start();
    let endpoint = fixture.sandbox.endpoint();
    let stale = ControlClient::new(&endpoint, Secret::new("stale".to_owned())).unwrap();
    let issuer = cluster_issuer(&KEY);
    let error = fixture
        .runtime
        .block_on(stale.add_issuer(&issuer))
        .unwrap_err();
    assert!(
        matches!(error, ControlError::NotAuthorised { .. }),
        "{error:?}"
    );
    let client = client(&fixture);
    assert!(!format!("{client:?}").contains(fixture.sandbox.control_token().expose()));
    let Fixture {
        sandbox, runtime, ..
    } = fixture;
    runtime.block_on(sandbox.stop());
    let error = runtime.block_on(client.add_issuer(&issuer)).unwrap_err();
    assert!(matches!(error, ControlError::Connect { .. }), "{error:?}");
    for endpoint in [
        "https://127.0.0.1:1",
        "http://sandbox.example:1",
        "127.0.0.1:1",
    ] {
        let made = ControlClient::new(endpoint, Secret::new(String::new()));
        assert!(
            matches!(made, Err(ControlError::Endpoint { .. })),
            "{endpoint}"
        );
    }
}

#[test]
fn tokens_of_a_cluster_elsewhere_count_once_its_keys_are_handed_over() {
    let fixture = Fixture::start();
    register_cluster(&fixture);
    let token = mint(&cluster_claims());
    let refused = assume_reader(&fixture, token.expose());
    assert_eq!(refused.error(), (400, "InvalidIdentityToken".to_owned()));
    assert_eq!(reason(&fixture, &refused), Some(Reason::IssuerUnreachable));

    let client = client(&fixture);
    let hand_over = |issuer: &Issuer| fixture.runtime.block_on(client.add_issuer(issuer)).unwrap();
    let with_slash = Issuer::new(format!("{CLUSTER}/"), &jwks(&[&KEY])).unwrap();
    assert_eq!(hand_over(&with_slash), Change::Created);
    let refused = assume_reader(&fixture, token.expose());
    assert_eq!(
        reason(&fixture, &refused),
        Some(Reason::IssuerUnreachable),
        "the URL is compared exactly"
    );
    assert_eq!(hand_over(&cluster_issuer(&KEY)), Change::Created);
    let granted = assume_reader(&fixture, token.expose()).ok();
    assert_eq!(
        granted.text("SubjectFromWebIdentityToken").as_deref(),
        Some("system:serviceaccount:default:reader")
    );
    assert_eq!(hand_over(&cluster_issuer(&KEY)), Change::Unchanged);

    let next = SigningKey::generate(KeySize::Rsa2048).unwrap();
    assert_eq!(hand_over(&cluster_issuer(&next)), Change::Configured);
    let refused = assume_reader(&fixture, token.expose());
    assert_eq!(reason(&fixture, &refused), Some(Reason::IssuerKeyMissing));
    assume_reader(&fixture, next.mint(&cluster_claims()).expose()).ok();
    // Another cluster's key under this issuer proves nothing.
    let forged = KEY.mint(&cluster_claims());
    assert_eq!(assume_reader(&fixture, forged.expose()).status, 400);
}

#[test]
fn an_issuer_is_either_a_bucket_here_or_handed_over_first() {
    let fixture = Fixture::start();
    let other = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let handed = |key: &SigningKey| Issuer::new(issuer(), &jwks(&[key])).unwrap();
    fixture.make_identity();
    let hosted = HostedIssuer {
        issuer: issuer(),
        bucket: "c1-oidc".to_owned(),
    };
    assert_eq!(
        fixture.sandbox.add_issuer(handed(&other)),
        Err(hosted.into())
    );
    let client = client(&fixture);
    let refused = fixture.runtime.block_on(client.add_issuer(&handed(&other)));
    assert!(
        matches!(&refused, Err(ControlError::Conflict { message }) if message.contains("c1-oidc")),
        "{refused:?}"
    );
    fixture.assume(mint(&claims()).expose()).ok();
    let elsewhere = Issuer::new(
        "https://c2-oidc.s3.eu-west-1.amazonaws.com",
        &jwks(&[&other]),
    );
    assert_eq!(
        fixture.sandbox.add_issuer(elsewhere.unwrap()),
        Ok(Change::Created)
    );

    let fixture = Fixture::start();
    assert_eq!(
        fixture.sandbox.add_issuer(handed(&other)),
        Ok(Change::Created)
    );
    fixture.make_identity();
    fixture.assume(other.mint(&claims()).expose()).ok();
    assert_eq!(
        fixture.assume(mint(&claims()).expose()).status,
        400,
        "the bucket's keys do not count"
    );
    assert_eq!(
        fixture.sandbox.add_issuer(handed(&KEY)),
        Ok(Change::Configured)
    );
    fixture.assume(mint(&claims()).expose()).ok();
}

#[test]
fn the_clock_moves_tokens_sessions_and_the_current_time_but_no_signature() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let until = Timestamp::now() + SignedDuration::from_mins(30);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{"DateLessThan":{{"aws:CurrentTime":"{}"}}}}}}]}}"#,
        until.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    let parameters = [
        ("RoleName", "reader"),
        ("PolicyName", "read"),
        ("PolicyDocument", policy.as_str()),
    ];
    fixture.admin.iam("PutRolePolicy", &parameters).ok();
    let token = mint(&claims());
    let session = fixture.client_of(&fixture.assume(token.expose()).ok());
    session.s3("GET", "/", "").ok();

    let client = client(&fixture);
    let set = |setting| fixture.runtime.block_on(client.set_clock(setting)).unwrap();
    let shown = set(ClockSetting::Offset(SignedDuration::from_mins(40)));
    let ahead = shown.duration_since(Timestamp::now()).as_secs();
    assert!((2_395..=2_400).contains(&ahead), "{ahead}");
    assert_eq!(
        session.s3("GET", "/", "").error(),
        (403, "AccessDenied".to_owned())
    );
    session.sts("GetCallerIdentity", &[]).ok();

    set(ClockSetting::Offset(SignedDuration::from_mins(70)));
    assert_eq!(
        session.sts("GetCallerIdentity", &[]).error(),
        (403, "ExpiredToken".to_owned())
    );
    let expired = fixture.assume(token.expose());
    assert_eq!(expired.error(), (400, "ExpiredTokenException".to_owned()));

    let fixed: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    assert_eq!(set(ClockSetting::Fixed(fixed)), fixed);
    let reply = fixture.admin.sts("GetCallerIdentity", &[]).ok();
    assert_eq!(fixture.event(&reply).time, fixed);
    set(ClockSetting::default());
    session.s3("GET", "/", "").ok();
}

#[test]
fn reset_brings_back_the_start_with_the_same_keys() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    session.sts("GetCallerIdentity", &[]).ok();
    let user = [("UserName", "bob")];
    fixture.other_admin().iam("CreateUser", &user).ok();
    fixture.sandbox.add_issuer(cluster_issuer(&KEY)).unwrap();
    fixture
        .sandbox
        .clock()
        .advance(SignedDuration::from_hours(5));
    let client = client(&fixture);
    let throttle = podpass_sandbox::Fault {
        kind: "throttle".parse().unwrap(),
        service: Some("iam".into()),
        action: Some("ListRoles".into()),
        count: None,
    };
    fixture
        .runtime
        .block_on(client.add_fault(&throttle))
        .unwrap();
    let events = fixture.sandbox.events().len();

    let accounts = fixture.runtime.block_on(client.reset()).unwrap();
    assert_eq!(accounts, [ACCOUNT, "210987654321"]);
    let roles = fixture.admin.iam("ListRoles", &[]).ok();
    assert!(roles.texts("RoleName").is_empty(), "{}", roles.body);
    let buckets = fixture.admin.s3("GET", "/", "").ok();
    assert!(buckets.texts("Name").is_empty(), "{}", buckets.body);
    let users = fixture.other_admin().iam("ListUsers", &[]).ok();
    assert_eq!(users.texts("UserName"), ["admin"]);
    assert!(
        fixture
            .runtime
            .block_on(client.faults())
            .unwrap()
            .is_empty()
    );
    let ahead = fixture
        .sandbox
        .clock()
        .now()
        .duration_since(Timestamp::now());
    assert!(ahead.as_secs().abs() <= 1, "{ahead}");
    // A session of a role that is gone is none, and the issuer's keys have to be handed over again.
    let gone = session.sts("GetCallerIdentity", &[]);
    assert_eq!(gone.error(), (403, "InvalidClientTokenId".into()));
    assert_eq!(
        fixture.sandbox.add_issuer(cluster_issuer(&KEY)),
        Ok(Change::Created)
    );
    // What happened before can still be looked at.
    assert!(fixture.sandbox.events().len() > events);
    fixture.make_identity();
    fixture.assume(mint(&claims()).expose()).ok();
}
