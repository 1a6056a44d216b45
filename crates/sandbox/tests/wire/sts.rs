//! AssumeRoleWithWebIdentity and GetCallerIdentity.

use jiff::SignedDuration;
use podpass_kinds::Reason;
use podpass_sandbox::Outcome;
use podpass_token::{KeySize, SigningKey};

use crate::client::Keys;
use crate::fixture::{
    ACCOUNT, Fixture, PROVIDER_ARN, ROLE_ARN, claims, keys_of, mint, trust_policy,
};

#[test]
fn a_good_token_becomes_a_session() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let reply = fixture.assume(mint(&claims()).expose()).ok();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/reader/pod");
    assert_eq!(reply.text("Arn").as_deref(), Some(arn.as_str()));
    assert_eq!(reply.text("Provider").as_deref(), Some(PROVIDER_ARN));
    assert_eq!(reply.text("Audience").as_deref(), Some("sts.amazonaws.com"));
    assert_eq!(
        reply.text("SubjectFromWebIdentityToken").as_deref(),
        Some("system:serviceaccount:default:reader")
    );
    assert!(reply.text("PackedPolicySize").is_some());
    let keys = keys_of(&reply);
    assert!(keys.id.starts_with("ASIARZPUZDIK") && keys.secret.len() == 40);
    assert!(
        keys.token
            .as_ref()
            .is_some_and(|token| token.len() >= 300 && token.starts_with("IQoJb3JpZ2lu"))
    );

    let identity = fixture.client_of(&reply).sts("GetCallerIdentity", &[]).ok();
    assert_eq!(identity.text("Arn").as_deref(), Some(arn.as_str()));
    assert_eq!(identity.text("Account").as_deref(), Some(ACCOUNT));
    assert_eq!(identity.text("UserId"), reply.text("AssumedRoleId"));
    assert!(
        identity
            .text("UserId")
            .is_some_and(|id| id.starts_with("AROARZPUZDIK") && id.ends_with(":pod"))
    );
}

#[test]
fn the_six_ways_to_break_it_answer_in_aws_words() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let mut expired = claims();
    (expired.issued_at, expired.not_before, expired.expires_at) =
        (1_700_000_000, 1_700_000_000, 1_700_003_600);
    let mut elsewhere = claims();
    elsewhere.issuer = "https://other-oidc.s3.eu-west-1.amazonaws.com".into();
    let mut audience = claims();
    audience.audiences = vec!["https://kubernetes.default.svc".into()];
    let mut subject = claims();
    subject.service_account.name = "writer".into();
    let stranger = SigningKey::generate(KeySize::Rsa2048).unwrap();
    let cases = [
        (
            "garbage",
            "garbage".to_owned(),
            (400, "InvalidIdentityToken"),
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            Reason::TokenMalformed,
        ),
        (
            "expired",
            mint(&expired).expose().to_owned(),
            (400, "ExpiredTokenException"),
            "must be before the expiration date/time 1700003600",
            Reason::TokenExpired,
        ),
        (
            "unknown issuer",
            mint(&elsewhere).expose().to_owned(),
            (400, "InvalidIdentityToken"),
            "No OpenIDConnect provider found in your account for https://other-oidc.s3.eu-west-1.amazonaws.com",
            Reason::OidcProviderMissing,
        ),
        (
            "wrong audience",
            mint(&audience).expose().to_owned(),
            (400, "InvalidIdentityToken"),
            "Incorrect token audience",
            Reason::AudienceNotInClientIds,
        ),
        (
            "wrong subject",
            mint(&subject).expose().to_owned(),
            (403, "AccessDenied"),
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            Reason::TrustSubMismatch,
        ),
        (
            "key not published",
            stranger.mint(&claims()).expose().to_owned(),
            (400, "InvalidIdentityToken"),
            "Couldn't retrieve verification key from your identity provider",
            Reason::IssuerKeyMissing,
        ),
    ];
    for (case, token, (status, code), part, expected) in cases {
        let reply = fixture.assume(&token);
        assert_eq!(
            reply.error(),
            (status, code.to_owned()),
            "{case}: {}",
            reply.body
        );
        assert!(
            reply.message().contains(part),
            "{case}: {}",
            reply.message()
        );
        let event = fixture.event(&reply);
        let Outcome::Denied { reason, .. } = &event.outcome else {
            panic!("{case}: {event:?}")
        };
        assert_eq!(*reason, Some(expected), "{case}");
        let trace = event.exchange.as_ref().expect("an exchange has a trace");
        assert!(
            trace.first_failure().is_some() || trace.failed_step().is_some(),
            "{case}: {trace:?}"
        );
        let json = serde_json::to_string(&event).unwrap();
        assert!(
            token == "garbage" || !json.contains(&token),
            "{case}: the token is in the event"
        );
    }
}

#[test]
fn a_missing_role_is_denied_in_the_same_words_as_one_that_does_not_trust() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    let call = |role: &str| {
        let parameters = [
            ("RoleArn", role),
            ("RoleSessionName", "pod"),
            ("WebIdentityToken", token.expose()),
        ];
        fixture
            .admin
            .anonymous()
            .sts("AssumeRoleWithWebIdentity", &parameters)
    };
    for role in [
        "arn:aws:iam::123456789012:role/absent",
        "arn:aws:iam::123456789012:role/a/path/reader",
    ] {
        let reply = call(role);
        assert_eq!(reply.error(), (403, "AccessDenied".to_owned()), "{role}");
        assert_eq!(
            reply.message(),
            "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        );
    }
    let reply = call("arn:aws:iam::123456789012:user/admin");
    assert_eq!(
        (reply.error(), reply.message()),
        (
            (400, "ValidationError".to_owned()),
            "Request ARN is invalid".to_owned()
        )
    );
}

#[test]
fn sessions_end_by_the_sandboxs_clock() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let session = fixture.client_of(&fixture.assume(mint(&claims()).expose()).ok());
    session.sts("GetCallerIdentity", &[]).ok();
    fixture
        .sandbox
        .clock()
        .advance(SignedDuration::from_secs(3590));
    session.sts("GetCallerIdentity", &[]).ok();
    fixture
        .sandbox
        .clock()
        .advance(SignedDuration::from_secs(11));
    let reply = session.sts("GetCallerIdentity", &[]);
    assert_eq!(reply.error(), (403, "ExpiredToken".to_owned()));
    assert_eq!(
        reply.message(),
        "The security token included in the request is expired"
    );
    assert_eq!(
        session.s3("GET", "/", "").error(),
        (400, "ExpiredToken".to_owned())
    );
    // The administrator's signature is dated by the wall clock, which was not moved.
    fixture.admin.sts("GetCallerIdentity", &[]).ok();
}

#[test]
fn a_session_belongs_to_its_key_and_to_its_role() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let (one, other) = (
        fixture.assume(mint(&claims()).expose()).ok(),
        fixture.assume(mint(&claims()).expose()).ok(),
    );
    let (one, other) = (keys_of(&one), keys_of(&other));
    let mixed = Keys {
        token: other.token,
        ..one.clone()
    };
    assert_eq!(
        fixture
            .admin
            .with_keys(mixed)
            .sts("GetCallerIdentity", &[])
            .error(),
        (403, "InvalidClientTokenId".to_owned())
    );

    let session = fixture.admin.with_keys(one);
    session.s3("GET", "/", "").ok();
    fixture
        .admin
        .iam(
            "DeleteRolePolicy",
            &[("RoleName", "reader"), ("PolicyName", "read")],
        )
        .ok();
    assert_eq!(
        session.s3("GET", "/", "").error(),
        (403, "AccessDenied".to_owned())
    );
    fixture
        .admin
        .iam("DeleteRole", &[("RoleName", "reader")])
        .ok();
    assert_eq!(
        session.sts("GetCallerIdentity", &[]).error(),
        (403, "InvalidClientTokenId".to_owned())
    );
    fixture.make_role();
    assert_eq!(
        session.sts("GetCallerIdentity", &[]).error(),
        (403, "InvalidClientTokenId".to_owned())
    );
    assert_eq!(
        session.s3("GET", "/", "").error(),
        (400, "InvalidToken".to_owned())
    );
}

#[test]
fn session_policies_limit_the_session() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}"#;
    let parameters = [
        ("RoleArn", ROLE_ARN),
        ("RoleSessionName", "pod"),
        ("WebIdentityToken", token.expose()),
        ("Policy", policy),
        ("DurationSeconds", "900"),
    ];
    let reply = fixture
        .admin
        .anonymous()
        .sts("AssumeRoleWithWebIdentity", &parameters)
        .ok();
    let session = fixture.client_of(&reply);
    session.s3("GET", "/c1-oidc?list-type=2", "").ok();
    let denied = session.s3("GET", "/", "");
    assert_eq!(denied.error(), (403, "AccessDenied".to_owned()));
    assert!(
        denied
            .message()
            .ends_with("because no session policy allows the s3:ListAllMyBuckets action"),
        "{}",
        denied.message()
    );
}

#[test]
fn duration_is_bounded_by_the_role() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    let with = |seconds: &str| {
        let parameters = [
            ("RoleArn", ROLE_ARN),
            ("RoleSessionName", "pod"),
            ("WebIdentityToken", token.expose()),
            ("DurationSeconds", seconds),
        ];
        fixture
            .admin
            .anonymous()
            .sts("AssumeRoleWithWebIdentity", &parameters)
    };
    with("3600").ok();
    let reply = with("3601");
    assert_eq!(reply.error(), (400, "ValidationError".to_owned()));
    assert_eq!(
        reply.message(),
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
    let changed = fixture
        .admin
        .iam(
            "UpdateRole",
            &[("RoleName", "reader"), ("MaxSessionDuration", "7200")],
        )
        .ok();
    // IAM's model has an empty result here, and clients look for it.
    assert_eq!(changed.text("UpdateRoleResult").as_deref(), Some(""));
    with("7200").ok();
    assert_eq!(with("899").error(), (400, "ValidationError".to_owned()));
    assert_eq!(with("9e2").error(), (400, "MalformedInput".to_owned()));
}

#[test]
fn web_identity_is_open_to_unsigned_calls_and_nothing_else_is() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    let target = format!(
        "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName=pod&WebIdentityToken={}",
        crate::client::encode(ROLE_ARN),
        token.expose()
    );
    fixture
        .admin
        .anonymous()
        .send("sts", "GET", &target, &[], b"")
        .ok();
    for action in ["GetCallerIdentity", "AssumeRole", "NoSuchAction"] {
        let reply = fixture.admin.anonymous().sts(action, &[]);
        assert_eq!(
            reply.error(),
            (403, "MissingAuthenticationToken".to_owned()),
            "{action}"
        );
    }
    let reply = fixture.admin.sts("NoSuchAction", &[]);
    assert_eq!(reply.error(), (400, "InvalidAction".to_owned()));
    assert_eq!(
        reply.message(),
        "Could not find operation NoSuchAction for version 2011-06-15"
    );
    assert!(
        reply
            .body
            .contains("http://webservices.amazon.com/AWSFault/2005-15-09")
    );
}

#[test]
fn a_changed_trust_policy_counts_at_once() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    fixture.assume(token.expose()).ok();
    let other = trust_policy("system:serviceaccount:default:other");
    fixture
        .admin
        .iam(
            "UpdateAssumeRolePolicy",
            &[("RoleName", "reader"), ("PolicyDocument", &other)],
        )
        .ok();
    assert_eq!(fixture.assume(token.expose()).status, 403);
    let own = trust_policy("system:serviceaccount:default:reader");
    fixture
        .admin
        .iam(
            "UpdateAssumeRolePolicy",
            &[("RoleName", "reader"), ("PolicyDocument", &own)],
        )
        .ok();
    fixture.assume(token.expose()).ok();
}

#[test]
fn parameters_that_are_absent_are_null() {
    let fixture = Fixture::start();
    let null = |name: &str| {
        format!("Value null at '{name}' failed to satisfy constraint: Member must not be null")
    };
    let anonymous = fixture.admin.anonymous();
    for (case, reply, names) in [
        (
            "web identity without anything",
            anonymous.sts("AssumeRoleWithWebIdentity", &[]),
            &["roleArn", "roleSessionName", "webIdentityToken"][..],
        ),
        (
            "web identity without token",
            anonymous.sts(
                "AssumeRoleWithWebIdentity",
                &[("RoleArn", ROLE_ARN), ("RoleSessionName", "pod")],
            ),
            &["webIdentityToken"],
        ),
        (
            "a signed call without anything",
            fixture.admin.sts("AssumeRole", &[]),
            &["roleArn", "roleSessionName"],
        ),
    ] {
        assert_eq!(reply.error(), (400, "ValidationError".to_owned()), "{case}");
        let (count, errors) = match names.len() {
            1 => (1, "error"),
            count => (count, "errors"),
        };
        let breaches: Vec<String> = names.iter().map(|name| null(name)).collect();
        let expected = format!(
            "{count} validation {errors} detected: {}",
            breaches.join("; ")
        );
        assert_eq!(reply.message(), expected, "{case}");
    }
}

#[test]
fn answers_are_xml_whatever_is_accepted() {
    let fixture = Fixture::start();
    let headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = b"Action=GetCallerIdentity&Version=2011-06-15";
    let reply = fixture.admin.send("sts", "POST", "/", &headers, body).ok();
    assert_eq!(reply.headers["content-type"], "text/xml");
    assert!(reply.body.contains("<GetCallerIdentityResponse"));
}
