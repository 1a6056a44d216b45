//! Each step's answers and boundaries.

use podpass_exchange::{IssuerFailure, IssuerFailureKind};
use podpass_policy::Partition;
use podpass_token::{KeySet, Token};
use serde_json::{Value, json};

use crate::world::{
    AUDIENCE, ISSUER, KEY, NOW, OTHER_KEY, PROVIDER, ROLE, SUBJECT, World, provider, role,
    trust_policy,
};

const NOT_A_JWT: &str = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
     AssumeRoleWithWebIdentity documentation for requirements";

type Change = fn(&mut World);
type Answer = (&'static str, u16, String, &'static str);

fn answer(world: World) -> Answer {
    let denial = world.deny();
    (
        denial.code,
        denial.status,
        denial.message,
        denial.reason.code(),
    )
}

fn invalid(message: impl Into<String>, reason: &'static str) -> Answer {
    ("InvalidIdentityToken", 400, message.into(), reason)
}

fn validation(message: impl Into<String>, reason: &'static str) -> Answer {
    ("ValidationError", 400, message.into(), reason)
}

#[test]
fn grants_a_right_request() {
    let grant = World::new().exchange().unwrap();
    assert_eq!(grant.role.as_str(), ROLE);
    assert_eq!(
        grant.session_arn.as_str(),
        "arn:aws:sts::123456789012:assumed-role/irsa-test/session-1"
    );
    assert_eq!(grant.assumed_role_id, "AROARZPUZDIKAAAAAAAAA:session-1");
    assert_eq!(grant.subject, SUBJECT);
    assert_eq!(grant.audience, AUDIENCE);
    assert_eq!(grant.provider.as_str(), PROVIDER);
    assert_eq!(grant.issuer, ISSUER);
    assert_eq!(grant.duration_seconds, 3600);
    assert_eq!(grant.expires_at.as_second(), NOW + 3600);
    assert_eq!(grant.packed_policy_size, Some(25));
    assert!(grant.trace.failed_step().is_none());
    let value = |key: &str| {
        grant
            .context
            .get(key)
            .map(|value| value.as_slice().join(","))
    };
    for (key, expected) in [
        ("aws:PrincipalArn", ROLE),
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:userid", "AROARZPUZDIKAAAAAAAAA:session-1"),
        ("aws:FederatedProvider", PROVIDER),
        ("aws:TokenIssueTime", "2023-11-14T22:13:20Z"),
        ("aws:MultiFactorAuthPresent", "false"),
        ("irsa-test-oidc.s3.eu-west-1.amazonaws.com:sub", SUBJECT),
        ("irsa-test-oidc.s3.eu-west-1.amazonaws.com:aud", AUDIENCE),
    ] {
        assert_eq!(value(key).as_deref(), Some(expected), "{key}");
    }
}

#[test]
fn the_tokens_end_does_not_cap_the_session() {
    let mut world = World::new().with_claim("exp", json!(NOW + 60));
    world.request.duration_seconds = Some(7200);
    world.role.as_mut().unwrap().max_session_seconds = 43_200;
    assert_eq!(world.exchange().unwrap().duration_seconds, 7200);
}

#[test]
fn constraints_are_worded_as_aws_words_them() {
    let one = "1 validation error detected: ";
    let rule = "failed to satisfy constraint: Member must";
    let cases: Vec<(&str, Change, String)> = vec![
        (
            "short ARN",
            |world| world.request.role_arn = "arn".into(),
            format!("{one}Value 'arn' at 'roleArn' {rule} have length greater than or equal to 20"),
        ),
        (
            "short name",
            |world| world.request.role_session_name = "a".into(),
            format!(
                "{one}Value 'a' at 'roleSessionName' {rule} have length greater than or equal to 2"
            ),
        ),
        (
            "name with a blank",
            |world| world.request.role_session_name = "a b".into(),
            format!(
                "{one}Value 'a b' at 'roleSessionName' {rule} satisfy regular expression pattern: [\\w+=,.@-]*"
            ),
        ),
        (
            "short token",
            |world| world.token = Some(Token::new("abc".into())),
            format!(
                "{one}Value at 'webIdentityToken' {rule} have length greater than or equal to 4"
            ),
        ),
        (
            "long token",
            |world| world.token = Some(Token::new("a".repeat(20_001))),
            format!(
                "{one}Value at 'webIdentityToken' {rule} have length less than or equal to 20000"
            ),
        ),
        (
            "short duration",
            |world| world.request.duration_seconds = Some(899),
            format!(
                "{one}Value '899' at 'durationSeconds' {rule} have value greater than or equal to 900"
            ),
        ),
        (
            "long duration",
            |world| world.request.duration_seconds = Some(43_201),
            format!(
                "{one}Value '43201' at 'durationSeconds' {rule} have value less than or equal to 43200"
            ),
        ),
        (
            "empty policy",
            |world| world.request.policy = Some(String::new()),
            format!("{one}Value at 'policy' {rule} have length greater than or equal to 1"),
        ),
        (
            "policy with other characters",
            |world| world.request.policy = Some("{\u{20ac}}".into()),
            format!(
                "{one}Value at 'policy' {rule} satisfy regular expression pattern: \
                 [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
            ),
        ),
        (
            "eleven policies",
            |world| {
                world.request.policy_arns =
                    vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into(); 11];
            },
            format!("{one}Value at 'policyArns' {rule} have length less than or equal to 10"),
        ),
        (
            "two at once",
            |world| {
                world.request.role_session_name = "a".into();
                world.request.duration_seconds = Some(0);
            },
            format!(
                "2 validation errors detected: Value 'a' at 'roleSessionName' {rule} have length greater than or equal \
                 to 2; Value '0' at 'durationSeconds' {rule} have value greater than or equal to 900"
            ),
        ),
    ];
    for (name, change, message) in cases {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(
            answer(world),
            validation(message, "PARAMETER_INVALID"),
            "{name}"
        );
    }
}

#[test]
fn lengths_at_the_limit_are_accepted() {
    for name in ["ab", &"a".repeat(64), "a_b+=,.@-9"] {
        let mut world = World::new();
        world.request.role_session_name = name.to_owned();
        assert!(world.exchange().is_ok(), "{name}");
    }
    for seconds in [900, 3600, 43_200] {
        let mut world = World::new();
        world.request.duration_seconds = Some(seconds);
        world.role.as_mut().unwrap().max_session_seconds = 43_200;
        assert_eq!(
            i64::from(world.exchange().unwrap().duration_seconds),
            seconds
        );
    }
}

#[test]
fn role_arns_must_be_of_roles_in_the_endpoints_partition() {
    for arn in [
        PROVIDER,
        "arn:aws:acm:eu-west-1:123456789012:certificate/1",
        "arn:aws:iam::12345678901:role/short-account",
        "arn:aws:iam::123456789012:user/somebody",
        "just-the-name-of-a-role",
    ] {
        let mut world = World::new();
        world.request.role_arn = arn.to_owned();
        assert_eq!(
            answer(world),
            validation("Request ARN is invalid", "ROLE_ARN_INVALID"),
            "{arn}"
        );
    }
    let mut world = World::new();
    world.request.partition = Some(Partition::AwsCn);
    assert_eq!(
        answer(world),
        validation("Request ARN is invalid", "ROLE_ARN_INVALID")
    );
    let mut world = World::new();
    world.request.partition = Some(Partition::Aws);
    assert!(world.exchange().is_ok());
}

#[test]
fn provider_id_is_refused_before_the_token_is_looked_at() {
    let cases = [
        (
            "accounts.google.com",
            "AccessDenied",
            403,
            "Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens",
        ),
        (
            "www.amazon.com",
            "InvalidIdentityToken",
            400,
            "Provided Token is not a Login With Amazon token",
        ),
    ];
    for (provider, code, status, message) in cases {
        let mut world = World::new();
        world.token = Some(Token::new("garbage".to_owned()));
        world.request.provider_id = Some(provider.to_owned());
        assert_eq!(
            answer(world),
            (code, status, message.to_owned(), "PROVIDER_ID_GIVEN")
        );
    }
    let mut world = World::new();
    world.request.provider_id = Some("graph.facebook.com".to_owned());
    let denial = world.deny();
    assert_eq!((denial.code, denial.status), ("IDPRejectedClaim", 403));
}

#[test]
fn tokens_that_are_no_jwt_have_one_answer() {
    let claims = World::new().claims.to_string();
    for (header, reason) in [
        (
            json!({ "alg": "HS256", "kid": KEY.kid() }),
            "TOKEN_ALGORITHM_UNSUPPORTED",
        ),
        (json!({ "alg": "none" }), "TOKEN_ALGORITHM_UNSUPPORTED"),
        (
            json!({ "alg": "PS256", "kid": KEY.kid() }),
            "TOKEN_ALGORITHM_UNSUPPORTED",
        ),
        (
            json!({ "alg": "RS256", "kid": KEY.kid(), "crit": ["exp"] }),
            "TOKEN_MALFORMED",
        ),
        (json!({ "kid": KEY.kid() }), "TOKEN_MALFORMED"),
    ] {
        let mut world = World::new();
        world.token = Some(KEY.sign(&header.to_string(), &claims));
        assert_eq!(answer(world), invalid(NOT_A_JWT, reason), "{header}");
    }
}

#[test]
fn required_claims_are_missed_in_order() {
    for claim in ["iss", "sub", "aud", "iat", "exp"] {
        let expected = invalid(
            format!("Missing a required claim: {claim}"),
            "TOKEN_CLAIM_MISSING",
        );
        assert_eq!(answer(World::new().without_claim(claim)), expected);
    }
    let world = World::new().without_claim("exp").without_claim("sub");
    assert_eq!(
        answer(world),
        invalid("Missing a required claim: sub", "TOKEN_CLAIM_MISSING")
    );
    assert!(World::new().without_claim("nbf").exchange().is_ok());
    assert_eq!(
        answer(World::new().with_claim("aud", json!([]))),
        invalid("Claim is not allowed to be empty: aud", "TOKEN_CLAIM_EMPTY")
    );
}

#[test]
fn subjects_are_any_string_or_a_whole_number() {
    let long = "s".repeat(256);
    for (subject, expected, packed) in [
        (json!(""), "", 24),
        (json!("x"), "x", 24),
        (json!(long), long.as_str(), 33),
        (json!(42), "42", 24),
        (json!(-7), "-7", 24),
        (json!(u64::MAX), "18446744073709551615", 24),
    ] {
        let trust = crate::world::trust_with(
            &json!({ "Federated": PROVIDER }),
            &json!("sts:AssumeRoleWithWebIdentity"),
            &json!({ "StringEquals": { "irsa-test-oidc.s3.eu-west-1.amazonaws.com:sub": expected } }),
        );
        let grant = World::new()
            .with_claim("sub", subject)
            .with_trust(&trust)
            .exchange()
            .unwrap();
        assert_eq!(grant.subject, expected);
        assert_eq!(grant.packed_policy_size, Some(packed), "{expected}");
    }
    for subject in [
        Value::Null,
        json!(1.5),
        json!(1e30),
        json!(true),
        json!(["a"]),
    ] {
        let expected = (
            "InternalFailure",
            500,
            "Unknown error validating third-party token".to_owned(),
            "TOKEN_CLAIM_INVALID",
        );
        assert_eq!(
            answer(World::new().with_claim("sub", subject.clone())),
            expected,
            "{subject}"
        );
    }
}

#[test]
fn issuers_are_compared_exactly() {
    let missing =
        |issuer: &str| format!("No OpenIDConnect provider found in your account for {issuer}");
    for (issuer, reason) in [
        (
            "https://irsa-test-oidc.s3.eu-west-1.amazonaws.com/",
            "ISSUER_STRING_MISMATCH",
        ),
        (
            "https://IRSA-test-oidc.s3.eu-west-1.amazonaws.com",
            "ISSUER_STRING_MISMATCH",
        ),
        (
            "http://irsa-test-oidc.s3.eu-west-1.amazonaws.com",
            "ISSUER_STRING_MISMATCH",
        ),
        (
            "irsa-test-oidc.s3.eu-west-1.amazonaws.com",
            "ISSUER_STRING_MISMATCH",
        ),
        (
            "https://irsa-test-oidc.s3.eu-west-1.amazonaws.com:444",
            "OIDC_PROVIDER_MISSING",
        ),
        (
            "https://irsa-test-oidc.s3.eu-west-1.amazonaws.com/id",
            "OIDC_PROVIDER_MISSING",
        ),
        ("", "OIDC_PROVIDER_MISSING"),
    ] {
        let world = World::new().with_claim("iss", json!(issuer));
        assert_eq!(answer(world), invalid(missing(issuer), reason));
    }
    let grant = World::new()
        .with_claim("iss", json!(format!("{ISSUER}:443")))
        .exchange()
        .unwrap();
    assert_eq!(grant.provider.as_str(), PROVIDER);
}

#[test]
fn a_provider_of_another_account_does_not_count() {
    let mut world = World::new();
    world.providers = vec![provider(
        &PROVIDER.replace("123456789012", "210987654321"),
        &[AUDIENCE],
    )];
    let denial = world.deny();
    assert_eq!(denial.reason.code(), "OIDC_PROVIDER_WRONG_ACCOUNT");
    let step = denial.trace.failed_step().unwrap();
    assert_eq!(step.comparisons()[1].expected, ["123456789012"]);
    assert_eq!(
        step.comparisons()[1].actual.as_deref(),
        Some("210987654321")
    );
}

#[test]
fn times_tolerate_three_hundred_seconds_exactly() {
    let expired = |exp: i64| {
        let text = format!(
            "Token expired: current date/time {} must be before the expiration date/time {exp}",
            NOW - 300
        );
        Some(("ExpiredTokenException", text))
    };
    let future = |iat: i64| {
        Some((
            "InvalidIdentityToken",
            format!("Token issued in the future: {iat}"),
        ))
    };
    let early = |nbf: i64| {
        let text = format!(
            "Token not yet valid: current date/time {} must be after or equal to the not-before date/time {nbf}",
            NOW + 300
        );
        Some(("InvalidIdentityToken", text))
    };
    let cases = [
        ("exp", NOW - 299, None),
        ("exp", NOW - 300, expired(NOW - 300)),
        ("exp", NOW - 301, expired(NOW - 301)),
        ("iat", NOW + 300, None),
        ("iat", NOW + 301, future(NOW + 301)),
        ("nbf", NOW + 300, None),
        ("nbf", NOW + 301, early(NOW + 301)),
        ("iat", 0, None),
        ("exp", i64::MAX, None),
    ];
    for (claim, value, expected) in cases {
        for spelled in [json!(value), json!(value.to_string())] {
            let result = World::new().with_claim(claim, spelled.clone()).exchange();
            let actual = result.err().map(|denial| {
                assert_eq!(denial.trace.first_failure().unwrap().what, claim);
                (denial.code, denial.message)
            });
            assert_eq!(actual, expected, "{claim} {spelled}");
        }
    }
}

#[test]
fn timestamps_must_be_whole_seconds() {
    let expected = invalid(
        "Invalid timestamp in token claims.",
        "TOKEN_TIMESTAMP_INVALID",
    );
    for claim in ["exp", "iat", "nbf"] {
        for value in [
            json!(1.5),
            json!("tomorrow"),
            json!(""),
            Value::Null,
            json!([]),
            json!(1e300),
        ] {
            let world = World::new().with_claim(claim, value.clone());
            assert_eq!(answer(world), expected, "{claim} {value}");
        }
    }
}

#[test]
fn the_authorized_party_takes_the_place_of_the_audience() {
    let incorrect = invalid("Incorrect token audience", "AUDIENCE_NOT_IN_CLIENT_IDS");
    let accepted = World::new()
        .with_claim("aud", json!(["a", "b"]))
        .with_claim("azp", json!(AUDIENCE));
    assert_eq!(accepted.exchange().unwrap().audience, AUDIENCE);
    let other = World::new().with_claim("azp", json!("other"));
    assert_eq!(answer(other), incorrect);
    let empty = World::new().with_claim("azp", json!(""));
    assert_eq!(answer(empty), incorrect);
    let several = World::new().with_claim("aud", json!([AUDIENCE, "b"]));
    assert_eq!(
        answer(several),
        invalid(
            "Token audience contains more than one audience while authorized party is not present",
            "AUDIENCE_AMBIGUOUS"
        )
    );
    let text = World::new().with_claim("aud", json!(AUDIENCE));
    assert_eq!(text.exchange().unwrap().audience, AUDIENCE);
}

#[test]
fn times_are_checked_before_the_audience_and_the_provider_before_both() {
    let world = World::new()
        .with_claim("exp", json!(0))
        .with_claim("aud", json!("other"));
    assert_eq!(world.deny().reason.code(), "TOKEN_EXPIRED");
    let world = World::new()
        .with_claim("exp", json!(0))
        .with_claim("iss", json!("https://other.example"));
    assert_eq!(world.deny().reason.code(), "OIDC_PROVIDER_MISSING");
}

#[test]
fn failures_of_the_issuer_have_their_texts() {
    let thumbprint =
        "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint";
    for (kind, message, reason) in [
        (IssuerFailureKind::Unreachable, NO_KEY, "ISSUER_UNREACHABLE"),
        (
            IssuerFailureKind::DocumentInvalid,
            NO_KEY,
            "ISSUER_DOCUMENT_INVALID",
        ),
        (
            IssuerFailureKind::CertificateUntrusted,
            thumbprint,
            "ISSUER_CERTIFICATE_UNTRUSTED",
        ),
    ] {
        let mut world = World::new();
        world.keys = Err(IssuerFailure {
            kind,
            url: format!("{ISSUER}/keys.json"),
            detail: "status 403".to_owned(),
        });
        let denial = world.deny();
        let failure = denial.trace.first_failure().unwrap();
        assert_eq!(failure.what, format!("{ISSUER}/keys.json"));
        assert_eq!(failure.actual.as_deref(), Some("status 403"));
        assert_eq!(denial.code, "InvalidIdentityToken");
        assert_eq!(
            (denial.message.as_str(), denial.reason.code()),
            (message, reason)
        );
    }
}

#[test]
fn a_signature_of_another_key_is_invalid() {
    let mut world = World::new();
    let header = json!({ "alg": "RS256", "kid": KEY.kid() }).to_string();
    world.token = Some(OTHER_KEY.sign(&header, &world.claims.to_string()));
    assert_eq!(
        answer(world),
        invalid("Token signature invalid", "TOKEN_SIGNATURE_INVALID")
    );
}

#[test]
fn a_published_key_without_id_is_named_as_the_cause() {
    let mut world = World::new();
    let mut jwk = serde_json::to_value(KEY.public().jwk()).unwrap();
    jwk.as_object_mut().unwrap().remove("kid");
    world.keys = Ok(KeySet::from_jwks_json(&json!({ "keys": [jwk] }).to_string()).unwrap());
    assert_eq!(answer(world), invalid(NO_KEY, "JWKS_MISSING_KID"));
}

#[test]
fn an_unusable_key_says_why() {
    let mut world = World::new();
    let mut jwk = serde_json::to_value(KEY.public().jwk()).unwrap();
    jwk["use"] = json!("enc");
    world.keys = Ok(KeySet::from_jwks_json(&json!({ "keys": [jwk] }).to_string()).unwrap());
    let denial = world.deny();
    assert_eq!(denial.reason.code(), "ISSUER_KEY_MISSING");
    let actual = denial
        .trace
        .first_failure()
        .unwrap()
        .actual
        .clone()
        .unwrap();
    assert!(
        actual.ends_with("but the key is not usable: its `use` is `enc`"),
        "{actual}"
    );
}

#[test]
fn a_missing_role_is_a_denial_like_any_other() {
    let denied = |reason| {
        let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned();
        ("AccessDenied", 403, message, reason)
    };
    let mut world = World::new();
    world.role = None;
    assert_eq!(answer(world), denied("ROLE_MISSING"));
    let mut world = World::new();
    let mut other = role(&trust_policy());
    other.arn = "arn:aws:iam::123456789012:role/irsa-test".parse().unwrap();
    world.role = Some(other);
    assert_eq!(answer(world), denied("ROLE_MISSING"));
}
