//! Why a trust policy says no, and which context keys it sees.

use serde_json::{Value, json};

use crate::world::{AUDIENCE, HOST, PROVIDER, SUBJECT, World, trust_with};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

fn federated() -> Value {
    json!({ "Federated": PROVIDER })
}

fn conditions(operator: &str, pairs: &[(&str, &str)]) -> Value {
    let keys: serde_json::Map<_, _> = pairs
        .iter()
        .map(|&(claim, value)| (format!("{HOST}:{claim}"), json!(value)))
        .collect();
    json!({ operator: keys })
}

fn reason(trust: &str) -> (&'static str, String, Vec<String>) {
    let denial = World::new().with_trust(trust).deny();
    assert_eq!(
        denial.message,
        "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    );
    assert_eq!(denial.status, 403);
    let failure = denial.trace.first_failure().unwrap();
    (
        denial.reason.code(),
        failure.what.clone(),
        failure.expected.clone(),
    )
}

#[test]
fn the_reason_is_what_fails_in_the_nearest_statement() {
    let right = conditions("StringEquals", &[("sub", SUBJECT)]);
    let other_provider = PROVIDER.replace("irsa-test", "old-cluster");
    let cases = [
        (
            "subject",
            trust_with(
                &federated(),
                &json!(ACTION),
                &conditions("StringEquals", &[("sub", "other")]),
            ),
            "TRUST_SUB_MISMATCH",
        ),
        (
            "audience",
            trust_with(
                &federated(),
                &json!(ACTION),
                &conditions("StringEquals", &[("sub", SUBJECT), ("aud", "openshift")]),
            ),
            "TRUST_AUD_MISMATCH",
        ),
        (
            "provider",
            trust_with(
                &json!({ "Federated": other_provider }),
                &json!(ACTION),
                &right,
            ),
            "TRUST_WRONG_PROVIDER",
        ),
        (
            "AWS principals do not include web identities",
            trust_with(&json!({ "AWS": "*" }), &json!(ACTION), &right),
            "TRUST_WRONG_PROVIDER",
        ),
        (
            "action",
            trust_with(&federated(), &json!("sts:AssumeRole"), &right),
            "TRUST_ACTION_MISSING",
        ),
        (
            "a role for a service",
            trust_with(
                &json!({ "Service": "ec2.amazonaws.com" }),
                &json!("sts:AssumeRole"),
                &json!({}),
            ),
            "TRUST_ACTION_MISSING",
        ),
        (
            "wildcard in StringEquals",
            trust_with(
                &federated(),
                &json!(ACTION),
                &conditions(
                    "StringEquals",
                    &[("sub", "system:serviceaccount:irsa-test:*")],
                ),
            ),
            "TRUST_WILDCARD_IN_STRINGEQUALS",
        ),
        (
            "wildcard in StringEquals that would not fit either",
            trust_with(
                &federated(),
                &json!(ACTION),
                &conditions("StringEquals", &[("sub", "system:serviceaccount:other:*")]),
            ),
            "TRUST_SUB_MISMATCH",
        ),
        (
            "key with the provider's ARN",
            trust_with(
                &federated(),
                &json!(ACTION),
                &json!({ "StringEquals": { format!("{PROVIDER}:sub"): SUBJECT } }),
            ),
            "TRUST_KEY_HAS_ARN_PREFIX",
        ),
        (
            "key with the ARN of something else",
            trust_with(
                &federated(),
                &json!(ACTION),
                &json!({ "StringEquals": { "arn:aws:iam::123456789012:role/r:sub": SUBJECT } }),
            ),
            "TRUST_CONDITION_MISMATCH",
        ),
        (
            "wildcard in an operator that takes wildcards",
            trust_with(
                &federated(),
                &json!(ACTION),
                &conditions(
                    "StringNotLike",
                    &[("sub", "system:serviceaccount:irsa-test:*")],
                ),
            ),
            "TRUST_SUB_MISMATCH",
        ),
        (
            "a claim that is no condition key",
            trust_with(
                &federated(),
                &json!(ACTION),
                &conditions("StringEquals", &[("namespace", "irsa-test")]),
            ),
            "TRUST_CONDITION_MISMATCH",
        ),
    ];
    for (name, trust, expected) in cases {
        assert_eq!(reason(&trust).0, expected, "{name}");
    }
}

#[test]
fn a_wildcard_is_judged_alone_and_in_the_policys_own_version() {
    let trust = |version: &str, keys: &str| {
        format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"{ACTION}","Condition":{{"StringEquals":{{{keys}}}}}}}}}"#
        )
    };
    let subject = format!(r#""{HOST}:sub":"system:serviceaccount:irsa-test:*""#);
    let with_wrong_audience = format!(r#"{subject},"{HOST}:aud":"other""#);
    // Variables work in the version of 2012 only.
    let variable = format!(r#""{HOST}:sub":"*${{aws:none, 'irsa-test'}}""#);
    for (version, keys, expected) in [
        (
            "2012-10-17",
            &with_wrong_audience,
            "TRUST_WILDCARD_IN_STRINGEQUALS",
        ),
        ("2012-10-17", &variable, "TRUST_WILDCARD_IN_STRINGEQUALS"),
        ("2008-10-17", &variable, "TRUST_SUB_MISMATCH"),
    ] {
        assert_eq!(
            reason(&trust(version, keys)).0,
            expected,
            "{version} {keys}"
        );
    }
}

#[test]
fn a_wrong_principal_and_a_wrong_action_are_shown_with_what_was_wanted() {
    let trust = |principal: Value, action: &str| trust_with(&principal, &json!(action), &json!({}));
    let other = PROVIDER.replace("irsa-test", "old-cluster");
    for (trust, rows) in [
        (
            trust(json!({ "Federated": other }), ACTION),
            vec![(other.as_str(), PROVIDER)],
        ),
        (
            trust(json!({ "Service": "ec2.amazonaws.com" }), "sts:AssumeRole"),
            vec![("sts:AssumeRole", ACTION), ("ec2.amazonaws.com", PROVIDER)],
        ),
    ] {
        let denial = World::new().with_trust(&trust).deny();
        let step = denial.trace.failed_step().unwrap();
        let shown: Vec<_> = step
            .comparisons()
            .iter()
            .map(|shown| (shown.expected.join(", "), shown.actual.clone().unwrap()))
            .collect();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(expected, actual)| (expected.to_owned(), actual.to_owned()))
            .collect();
        assert_eq!(shown, rows);
    }
}

#[test]
fn a_failing_condition_never_shows_equal_sides() {
    let key = |claim: &str| format!("{HOST}:{claim}");
    for (name, condition, expected, actual) in [
        (
            "negated",
            json!({ "StringNotEquals": { key("sub"): ["x", SUBJECT] } }),
            format!("not x, not {SUBJECT}"),
            Some(SUBJECT),
        ),
        (
            "must be absent",
            json!({ "Null": { key("sub"): "true" } }),
            "(absent)".to_owned(),
            Some(SUBJECT),
        ),
        (
            "must be present",
            json!({ "Null": { key("none"): "false" } }),
            "(present)".to_owned(),
            None,
        ),
        (
            "a list that must be absent",
            json!({ "Null": { key("amr"): "true" } }),
            "(absent)".to_owned(),
            Some("pwd"),
        ),
        (
            "a list with a prefix",
            json!({ "ForAnyValue:StringEquals": { key("amr"): "mfa" } }),
            "mfa".to_owned(),
            Some("pwd"),
        ),
        (
            "a list without a prefix",
            json!({ "StringEquals": { key("amr"): "pwd" } }),
            "pwd".to_owned(),
            Some("[pwd], a list, which only ForAnyValue: and ForAllValues: compare"),
        ),
    ] {
        let denial = World::new()
            .with_claim("amr", json!(["pwd"]))
            .with_trust(&trust_with(&federated(), &json!(ACTION), &condition))
            .deny();
        let failure = denial.trace.first_failure().unwrap();
        assert_eq!(failure.expected, [expected], "{name}");
        assert_eq!(failure.actual.as_deref(), actual, "{name}");
    }
}

#[test]
fn a_deny_wins_and_is_named() {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Principal": federated(), "Action": ACTION },
            {
                "Sid": "NotThisOne",
                "Effect": "Deny",
                "Principal": federated(),
                "Action": "sts:*",
                "Condition": conditions("StringEquals", &[("sub", SUBJECT)]),
            },
        ],
    });
    let (reason, what, _) = reason(&trust.to_string());
    assert_eq!(reason, "TRUST_EXPLICIT_DENY");
    assert_eq!(what, "Deny (statement 2 `NotThisOne`)");
}

#[test]
fn of_several_statements_the_nearest_is_explained() {
    let statement = |principal: Value, subject: &str| {
        json!({
            "Effect": "Allow",
            "Principal": principal,
            "Action": ACTION,
            "Condition": conditions("StringEquals", &[("aud", AUDIENCE), ("sub", subject)]),
        })
    };
    let both_wrong = json!({
        "Effect": "Allow",
        "Principal": federated(),
        "Action": ACTION,
        "Condition": conditions("StringEquals", &[("aud", "x"), ("sub", "x")]),
    });
    let old = json!({ "Federated": PROVIDER.replace("irsa-test", "old-cluster") });
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [statement(old, SUBJECT), both_wrong, statement(federated(), "near")],
    });
    let (reason, what, expected) = reason(&trust.to_string());
    assert_eq!(reason, "TRUST_SUB_MISMATCH");
    assert_eq!(what, format!("{HOST}:sub (StringEquals, statement 3)"));
    assert_eq!(expected, ["near"]);
}

#[test]
fn trust_policies_see_the_documented_keys() {
    let cases = [
        ("aws:FederatedProvider", PROVIDER),
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalType", "User"),
        ("aws:userid", PROVIDER),
        ("aws:CurrentTime", "2023-11-14T22:13:20Z"),
        ("aws:EpochTime", "1700000000"),
        ("aws:SourceIp", "203.0.113.7"),
        ("sts:RoleSessionName", "session-1"),
        ("sts:DurationSeconds", "1800"),
        ("sts:RoleAuthorizedByIdp", "false"),
        (&format!("{HOST}:aud"), AUDIENCE),
        (&format!("{HOST}:oaud"), AUDIENCE),
        (&format!("{HOST}:sub"), SUBJECT),
        (&format!("{HOST}:email"), "a@example.com"),
    ];
    for (key, value) in cases {
        for (expected, granted) in [(value, true), ("something else", false)] {
            let trust = trust_with(
                &federated(),
                &json!(ACTION),
                &json!({ "StringEquals": { key: expected } }),
            );
            let mut world = World::new()
                .with_trust(&trust)
                .with_claim("email", json!("a@example.com"));
            world.request.duration_seconds = Some(1800);
            world.request.context.insert("aws:SourceIp", "203.0.113.7");
            assert_eq!(world.exchange().is_ok(), granted, "{key} = {expected}");
        }
    }
    let methods = json!({ "ForAnyValue:StringEquals": { format!("{HOST}:amr"): "mfa" } });
    let world = World::new()
        .with_claim("amr", json!(["pwd", "mfa"]))
        .with_trust(&trust_with(&federated(), &json!(ACTION), &methods));
    assert!(world.exchange().is_ok());
}

#[test]
fn the_request_cannot_overrule_what_the_token_proves() {
    let trust = trust_with(
        &federated(),
        &json!(ACTION),
        &conditions("StringEquals", &[("sub", "admin")]),
    );
    let mut world = World::new().with_trust(&trust);
    world.request.context.insert(format!("{HOST}:sub"), "admin");
    assert_eq!(world.deny().reason.code(), "TRUST_SUB_MISMATCH");
}

#[test]
fn keys_that_do_not_exist_in_web_identity_trust_are_absent() {
    for key in [
        "aws:PrincipalArn",
        "aws:username",
        "sts:SourceIdentity",
        &format!("{HOST}:kubernetes.io"),
    ] {
        let trust = trust_with(
            &federated(),
            &json!(ACTION),
            &json!({ "Null": { key: "true" } }),
        );
        assert!(World::new().with_trust(&trust).exchange().is_ok(), "{key}");
    }
}

#[test]
fn an_absent_duration_is_no_key() {
    let trust = trust_with(
        &federated(),
        &json!(ACTION),
        &json!({ "Null": { "sts:DurationSeconds": "true" } }),
    );
    assert!(World::new().with_trust(&trust).exchange().is_ok());
}
