//! The trace of a grant: few read it, but who does finds everything that was compared.

use podpass_exchange::{Outcome, StepName};
use serde_json::json;

use crate::world::{AUDIENCE, ISSUER, KEY, NOW, PROVIDER, ROLE, SUBJECT, World, trust_policy};

/// Step, what was compared, what it had to be, what it was.
type Row = (StepName, String, Vec<String>, Option<String>);

fn rows(world: World) -> Vec<Row> {
    let grant = world.exchange().unwrap();
    for text in [format!("{grant:?}"), grant.trace.to_string()] {
        assert!(!text.contains("eyJ"), "a token is in: {text}");
    }
    let mut rows = Vec::new();
    for step in &grant.trace.steps {
        assert_eq!(step.outcome, Outcome::Passed);
        for comparison in step.comparisons().iter() {
            assert!(comparison.holds, "{comparison}");
            let (expected, actual) = (comparison.expected.clone(), comparison.actual.clone());
            rows.push((step.name, comparison.what.clone(), expected, actual));
        }
    }
    rows
}

fn row(step: StepName, what: &str, expected: &[&str], actual: &str) -> Row {
    let expected = expected.iter().map(|&text| text.to_owned()).collect();
    (step, what.to_owned(), expected, Some(actual.to_owned()))
}

#[test]
fn says_for_each_step_what_was_compared_with_what() {
    let host = ISSUER.strip_prefix("https://").unwrap();
    let (aud, sub) = (
        format!("{host}:aud (StringEquals, statement 1)"),
        format!("{host}:sub (StringEquals, statement 1)"),
    );
    let action = "sts:AssumeRoleWithWebIdentity";
    let (early, late) = ("2023-11-14T22:08:20Z", "2023-11-14T22:18:20Z");
    let (earliest, latest) = (NOW - 300, NOW + 300);
    let name = "a claim of this name";
    let arn = "arn:<partition>:iam::<12-digit account>:role/<path and name>";
    let expected = [
        row(StepName::Parameters, "RoleArn", &[arn], ROLE),
        row(
            StepName::TokenFormat,
            "alg",
            &["a supported signature algorithm"],
            "RS256",
        ),
        row(
            StepName::TokenFormat,
            "kid",
            &["the id of a published key"],
            KEY.kid(),
        ),
        row(StepName::RequiredClaims, "iss", &[name], ISSUER),
        row(StepName::RequiredClaims, "sub", &[name], SUBJECT),
        row(StepName::RequiredClaims, "aud", &[name], AUDIENCE),
        row(StepName::OidcProvider, "issuer", &[ISSUER], ISSUER),
        row(
            StepName::TokenTimes,
            "exp",
            &[&format!("later than {earliest} ({early})")],
            &format!("{} (2023-11-14T23:13:20Z)", NOW + 3600),
        ),
        row(
            StepName::TokenTimes,
            "iat",
            &[&format!("at or before {latest} ({late})")],
            &format!("{NOW} (2023-11-14T22:13:20Z)"),
        ),
        row(
            StepName::TokenTimes,
            "nbf",
            &[&format!("at or before {latest} ({late})")],
            &format!("{NOW} (2023-11-14T22:13:20Z)"),
        ),
        row(
            StepName::Audience,
            "aud",
            &["openshift", AUDIENCE],
            AUDIENCE,
        ),
        row(
            StepName::Signature,
            "signature",
            &["made with a published key"],
            KEY.kid(),
        ),
        row(StepName::Role, "role", &[ROLE], ROLE),
        row(
            StepName::TrustPolicy,
            "Allow (statement 1)",
            &[action],
            action,
        ),
        row(StepName::TrustPolicy, &aud, &[AUDIENCE], AUDIENCE),
        row(StepName::TrustPolicy, &sub, &[SUBJECT], SUBJECT),
        row(
            StepName::Duration,
            "DurationSeconds",
            &["at most 3600, the role's maximum session duration"],
            "3600",
        ),
        row(
            StepName::SessionPolicy,
            "packed size of policies and tags",
            &["at most 100%"],
            "25%",
        ),
    ];
    assert_eq!(rows(World::new()), expected);
}

#[test]
fn says_which_claim_was_the_audience_and_what_the_session_was_marked_with() {
    let trust = trust_policy().replace(
        "\"sts:AssumeRoleWithWebIdentity\"",
        "[\"sts:AssumeRoleWithWebIdentity\", \"sts:TagSession\", \"sts:SetSourceIdentity\"]",
    );
    let rows = rows(
        World::new()
            .with_trust(&trust)
            .with_claim("iss", json!(format!("{ISSUER}:443")))
            .with_claim("azp", json!(AUDIENCE))
            .with_claim("aud", json!(["a", "b"]))
            .with_claim("https://aws.amazon.com/roles", json!([ROLE]))
            .with_claim("https://aws.amazon.com/source_identity", json!("alice"))
            .with_claim(
                "https://aws.amazon.com/tags",
                json!({ "principal_tags": { "team": ["blue"] } }),
            ),
    );
    for expected in [
        row(
            StepName::RequiredClaims,
            "aud",
            &["a claim of this name"],
            "a, b",
        ),
        row(
            StepName::OidcProvider,
            "issuer",
            &[ISSUER],
            &format!("{ISSUER}:443"),
        ),
        row(
            StepName::Audience,
            "azp",
            &["openshift", AUDIENCE],
            AUDIENCE,
        ),
        row(
            StepName::SessionClaims,
            "https://aws.amazon.com/roles",
            &[ROLE],
            ROLE,
        ),
        row(
            StepName::SessionClaims,
            "session tag team",
            &["a valid tag"],
            "blue",
        ),
        row(
            StepName::SessionClaims,
            "source identity",
            &["a valid name"],
            "alice",
        ),
        row(
            StepName::TrustPolicy,
            "Allow (statement 1)",
            &["sts:TagSession"],
            "sts:TagSession",
        ),
        row(
            StepName::TrustPolicy,
            "Allow (statement 1)",
            &["sts:SetSourceIdentity"],
            "sts:SetSourceIdentity",
        ),
    ] {
        assert!(rows.contains(&expected), "{expected:?} is not in {rows:#?}");
    }
}

#[test]
fn names_the_statement_that_allows() {
    let trust = trust_policy();
    let of_another = trust.replace(SUBJECT, "system:serviceaccount:other:other");
    let mut both: serde_json::Value = serde_json::from_str(&of_another).unwrap();
    let right: serde_json::Value = serde_json::from_str(&trust).unwrap();
    let statements = both["Statement"].as_array_mut().unwrap();
    statements.push(right["Statement"][0].clone());
    let action = "sts:AssumeRoleWithWebIdentity";
    let rows = rows(World::new().with_trust(&both.to_string()));
    let expected = row(
        StepName::TrustPolicy,
        "Allow (statement 2)",
        &[action],
        action,
    );
    assert!(rows.contains(&expected), "{rows:#?}");
}

#[test]
fn keeps_the_statements_of_the_trust_policy_and_can_be_shortened() {
    let mut trace = World::new().exchange().unwrap().grant.trace;
    let same = World::new().exchange().unwrap().grant.trace;
    assert_eq!(trace, same);
    let asked = trace
        .steps
        .iter()
        .find(|step| step.name == StepName::TrustPolicy)
        .unwrap();
    let conditions = &asked.policies[0].statements[0].conditions;
    assert_eq!(conditions.len(), 2);
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["steps"][2]["comparisons"][1]["actual"], SUBJECT);
    assert_eq!(json["steps"][0].get("policies"), None);

    for step in &mut trace.steps {
        step.reword(|comparison| comparison.actual = Some("cut".to_owned()));
    }
    assert_ne!(trace, same);
    let shown = |trace| format!("{trace:?}").contains("made with a published key");
    assert!(shown(&same));
    let text = trace.to_string();
    assert!(
        text.contains("exp: cut") && !text.contains(PROVIDER),
        "{text}"
    );
}
