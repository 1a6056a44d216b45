//! The six ways in which people break it, each with AWS's answer, the reason, and what the trace compares.

use podpass_exchange::Denial;
use podpass_token::Token;
use serde_json::{Value, json};

use crate::world::{AUDIENCE, HOST, ISSUER, KEY, NOW, OTHER_KEY, SUBJECT, World, key_set};

struct Explained {
    answer: (&'static str, u16, String),
    reason: &'static str,
    what: String,
    expected: Vec<String>,
    actual: Option<String>,
}

fn check(denial: &Denial, explained: &Explained) {
    let (code, status, message) = &explained.answer;
    assert_eq!(
        (denial.code, denial.status, &denial.message),
        (*code, *status, message)
    );
    assert_eq!(denial.reason.code(), explained.reason);
    let failure = denial.trace.first_failure().unwrap();
    assert_eq!(failure.what, explained.what);
    assert_eq!(failure.expected, explained.expected);
    assert_eq!(failure.actual, explained.actual);
}

#[test]
fn garbage_instead_of_a_token() {
    let mut world = World::new();
    world.token = Some(Token::new("garbage".to_owned()));
    check(
        &world.deny(),
        &Explained {
            answer: (
                "InvalidIdentityToken",
                400,
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)".into(),
            ),
            reason: "TOKEN_MALFORMED",
            what: "segments of the token".into(),
            expected: vec!["3, separated by dots".into()],
            actual: Some("1".into()),
        },
    );
}

#[test]
fn expired_token() {
    let mut world = World::new();
    world.now = NOW + 3600 + 301;
    check(
        &world.deny(),
        &Explained {
            answer: (
                "ExpiredTokenException",
                400,
                "Token expired: current date/time 1700003601 must be before the expiration date/time 1700003600".into(),
            ),
            reason: "TOKEN_EXPIRED",
            what: "exp".into(),
            expected: vec!["later than 1700003601 (2023-11-14T23:13:21Z)".into()],
            actual: Some("1700003600 (2023-11-14T23:13:20Z)".into()),
        },
    );
}

#[test]
fn issuer_without_a_provider() {
    let world = World::new().with_claim("iss", json!("https://other.example/id/1/"));
    check(
        &world.deny(),
        &Explained {
            answer: (
                "InvalidIdentityToken",
                400,
                "No OpenIDConnect provider found in your account for https://other.example/id/1/"
                    .into(),
            ),
            reason: "OIDC_PROVIDER_MISSING",
            what: "issuer".into(),
            expected: vec![ISSUER.into()],
            actual: Some("https://other.example/id/1/".into()),
        },
    );
}

#[test]
fn wrong_audience() {
    let world = World::new().with_claim("aud", json!(["https://kubernetes.default.svc"]));
    check(
        &world.deny(),
        &Explained {
            answer: (
                "InvalidIdentityToken",
                400,
                "Incorrect token audience".into(),
            ),
            reason: "AUDIENCE_NOT_IN_CLIENT_IDS",
            what: "aud".into(),
            expected: vec!["openshift".into(), AUDIENCE.into()],
            actual: Some("https://kubernetes.default.svc".into()),
        },
    );
}

#[test]
fn wrong_subject() {
    let world = World::new().with_claim("sub", json!("system:serviceaccount:irsa-test:other"));
    let denial = world.deny();
    check(
        &denial,
        &Explained {
            answer: (
                "AccessDenied",
                403,
                "Not authorized to perform sts:AssumeRoleWithWebIdentity".into(),
            ),
            reason: "TRUST_SUB_MISMATCH",
            what: format!("{HOST}:sub (StringEquals, statement 1)"),
            expected: vec![SUBJECT.into()],
            actual: Some("system:serviceaccount:irsa-test:other".into()),
        },
    );
    let position = denial.trace.first_failure().unwrap().position.unwrap();
    assert_eq!((position.line, position.column), (11, 11));
}

#[test]
fn key_that_is_not_published() {
    let mut world = World::new();
    world.keys = Ok(key_set(&OTHER_KEY));
    check(
        &world.deny(),
        &Explained {
            answer: (
                "InvalidIdentityToken",
                400,
                "Couldn't retrieve verification key from your identity provider,  please reference \
                 AssumeRoleWithWebIdentity documentation for requirements"
                    .into(),
            ),
            reason: "ISSUER_KEY_MISSING",
            what: "kid".into(),
            expected: vec![OTHER_KEY.kid().to_owned()],
            actual: Some(KEY.kid().to_owned()),
        },
    );
}

#[test]
fn the_trace_of_a_wrong_subject_fits_a_terminal() {
    let world = World::new().with_claim("sub", json!("system:serviceaccount:irsa-test:other"));
    let kid = KEY.kid();
    let expected = format!(
        "\
ok      parameters
        RoleArn: arn:aws:iam::123456789012:role/apps/irsa-test
ok      token format
        alg: RS256
        kid: {kid}
ok      required claims
        iss: {ISSUER}
        sub: system:serviceaccount:irsa-test:other
        aud: sts.amazonaws.com
ok      OIDC provider
        issuer: {ISSUER}
ok      token times
        exp: 1700003600 (2023-11-14T23:13:20Z)
        iat: 1700000000 (2023-11-14T22:13:20Z)
        nbf: 1700000000 (2023-11-14T22:13:20Z)
ok      audience
        aud: sts.amazonaws.com
ok      signature
        signature: {kid}
ok      role
        role: arn:aws:iam::123456789012:role/apps/irsa-test
failed  trust policy
        Allow (statement 1): sts:AssumeRoleWithWebIdentity
        {HOST}:aud (StringEquals, statement 1): sts.amazonaws.com
        {HOST}:sub (StringEquals, statement 1) (line 11, column 11)
          = expected  system:serviceaccount:irsa-test:irsa-test
          = actual    system:serviceaccount:irsa-test:other"
    );
    assert_eq!(world.deny().trace.to_string(), expected);
}

#[test]
fn a_claim_cannot_write_lines_into_the_trace() {
    let denial = World::new()
        .with_claim("sub", json!("x\nok      trust policy\r\u{1b}[2J\u{85}é"))
        .deny();
    let text = denial.trace.to_string();
    assert!(
        text.contains(r"= actual    x\nok      trust policy\r\u{1b}[2J\u{85}é"),
        "{text}"
    );
    assert!(
        !text.lines().any(|line| line.starts_with("ok      trust")),
        "{text}"
    );
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
}

#[test]
fn a_claim_of_another_type_is_named_by_its_type() {
    for (claim, value, expected, actual) in [
        ("iss", json!(5), "a string", "a number"),
        ("iss", json!({}), "a string", "an object"),
        ("azp", json!(true), "a string", "a boolean"),
        ("aud", json!(5), "a string or a list of strings", "a number"),
        (
            "aud",
            json!([null]),
            "a string or a list of strings",
            "null",
        ),
        (
            "aud",
            json!([["a"]]),
            "a string or a list of strings",
            "a list",
        ),
        ("sub", json!([]), "a string or a whole number", "a list"),
    ] {
        let denial = World::new().with_claim(claim, value).deny();
        assert_eq!(denial.reason.code(), "TOKEN_CLAIM_INVALID");
        let failure = denial.trace.first_failure().unwrap();
        assert_eq!(failure.what, claim);
        assert_eq!(failure.expected, [expected]);
        assert_eq!(failure.actual.as_deref(), Some(actual));
    }
}

/// What AWS says to a null issuer or audience is not known; it cannot be a session.
#[test]
fn a_null_issuer_or_audience_is_refused() {
    for claim in ["iss", "aud"] {
        let denial = World::new().with_claim(claim, Value::Null).deny();
        assert_eq!(denial.code, "InvalidIdentityToken", "{claim}");
    }
}

#[test]
fn a_denial_prints_as_aws_answers() {
    let denial = World::new().without_claim("exp").deny();
    assert_eq!(
        denial.to_string(),
        "InvalidIdentityToken: Missing a required claim: exp"
    );
}

#[test]
fn the_trace_serialises_with_stable_names() {
    let denial = World::new().with_claim("sub", json!("x")).deny();
    let trace = serde_json::to_value(&denial.trace).unwrap();
    let steps = trace["steps"].as_array().unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "parameters",
            "token-format",
            "required-claims",
            "oidc-provider",
            "token-times",
            "audience",
            "signature",
            "role",
            "trust-policy"
        ]
    );
    let last = steps.last().unwrap();
    assert_eq!(last["outcome"], "failed");
    assert_eq!(last["comparisons"][2]["holds"], false);
    assert_eq!(last["comparisons"][2]["position"]["line"], 11);
    assert_eq!(last["policies"][0]["statements"][0]["index"], 0);
}
