//! Duration, session policies and the packed size.

use serde_json::json;

use crate::world::{PROVIDER, World, trust_with};

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

#[test]
fn the_roles_maximum_limits_the_duration() {
    for (seconds, granted) in [(3600, true), (3601, false)] {
        let mut world = World::new();
        world.request.duration_seconds = Some(seconds);
        match world.exchange() {
            Ok(grant) => assert!(granted && grant.duration_seconds == 3600),
            Err(denial) => {
                assert!(!granted);
                assert_eq!((denial.code, denial.status), ("ValidationError", 400));
                assert_eq!(
                    denial.message,
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
                );
                assert_eq!(denial.reason.code(), "DURATION_TOO_LONG");
                assert_eq!(
                    denial.trace.first_failure().unwrap().actual.as_deref(),
                    Some("3601")
                );
            }
        }
    }
}

#[test]
fn without_the_parameter_the_session_lasts_one_hour() {
    let mut world = World::new();
    world.role.as_mut().unwrap().max_session_seconds = 43_200;
    assert_eq!(world.exchange().unwrap().duration_seconds, 3600);
}

#[test]
fn session_policies_are_kept_and_measured() {
    let mut world = World::new();
    world.request.policy = Some(POLICY.to_owned());
    world.request.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()];
    let grant = world.exchange().unwrap();
    assert_eq!(grant.session_policy.as_ref().unwrap().statements.len(), 1);
    assert_eq!(
        grant.session_policy_arns[0].as_str(),
        "arn:aws:iam::aws:policy/ReadOnlyAccess"
    );
    let size = grant.packed_policy_size.unwrap();
    assert!((26..=100).contains(&size), "{size}");
}

#[test]
fn a_policy_of_the_documented_length_fits() {
    let sid = "a".repeat(2048 - POLICY.len() - r#""Sid":"","#.len());
    let policy = POLICY.replace(r#"{"Effect""#, &format!(r#"{{"Sid":"{sid}","Effect""#));
    assert_eq!(policy.len(), 2048);
    let mut world = World::new();
    world.request.policy = Some(policy);
    assert_eq!(world.exchange().unwrap().packed_policy_size, Some(99));
}

#[test]
fn a_malformed_session_policy_is_refused_with_its_place() {
    let mut world = World::new();
    world.request.policy = Some("{\n  \"Version\": \"2012-10-17\",\n  nonsense\n}".to_owned());
    let denial = world.deny();
    assert_eq!(
        (denial.code, denial.status),
        ("MalformedPolicyDocument", 400)
    );
    assert_eq!(denial.reason.code(), "SESSION_POLICY_MALFORMED");
    assert_eq!(
        denial.trace.first_failure().unwrap().position.unwrap().line,
        3
    );
}

#[test]
fn too_much_is_refused_with_the_share_that_it_takes() {
    let arn = |index: usize| {
        format!(
            "arn:aws:iam::123456789012:policy/{}{index}",
            "p".repeat(110)
        )
    };
    let mut world = World::new();
    world.request.policy = Some(POLICY.to_owned());
    world.request.policy_arns = (0..10).map(arn).collect();
    assert!(world.exchange().is_ok());
    let sid = "a".repeat(1500);
    let mut world = World::new();
    world.request.policy =
        Some(POLICY.replace(r#"{"Effect""#, &format!(r#"{{"Sid":"{sid}","Effect""#)));
    world.request.policy_arns = (0..10).map(arn).collect();
    let denial = world.deny();
    assert_eq!((denial.code, denial.status), ("PackedPolicyTooLarge", 400));
    assert_eq!(denial.reason.code(), "PACKED_POLICY_TOO_LARGE");
    assert!(
        denial.message.starts_with("Packed policy consumes 1")
            && denial
                .message
                .ends_with("% of allotted space, please use smaller policy."),
        "{}",
        denial.message
    );
}

fn with_tags(tags: &[(String, String)]) -> World {
    let tags: serde_json::Map<_, _> = tags
        .iter()
        .map(|(key, value)| (key.clone(), json!([value])))
        .collect();
    let trust = trust_with(
        &json!({ "Federated": PROVIDER }),
        &json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]),
        &json!({}),
    );
    World::new().with_trust(&trust).with_claim(
        "https://aws.amazon.com/tags",
        json!({ "principal_tags": tags }),
    )
}

#[test]
fn keys_and_values_of_tags_take_room() {
    let size = |key: usize, value: usize| {
        let world = with_tags(&[("k".repeat(key), "v".repeat(value))]);
        world.exchange().unwrap().packed_policy_size.unwrap()
    };
    let without = World::new().exchange().unwrap().packed_policy_size.unwrap();
    assert!(size(128, 0) > without);
    assert!(size(1, 256) > size(1, 0));
    assert!(size(128, 256) > size(1, 256));
    assert_eq!(size(100, 50), size(50, 100));
}

/// Twenty tags as long as they may be are three times the plaintext that AWS documents.
#[test]
fn tags_alone_can_be_too_much() {
    let tags: Vec<_> = (0..20)
        .map(|index| (format!("{}{index:02}", "k".repeat(126)), "v".repeat(256)))
        .collect();
    let denial = with_tags(&tags).deny();
    assert_eq!((denial.code, denial.status), ("PackedPolicyTooLarge", 400));
    let share = denial
        .message
        .strip_prefix("Packed size of session tags consumes ")
        .and_then(|rest| rest.strip_suffix("% of allotted space."))
        .unwrap();
    assert!(share.parse::<u32>().unwrap() > 100, "{share}");
}

#[test]
fn a_policy_arn_that_is_none_is_refused() {
    let mut world = World::new();
    world.request.policy_arns = vec!["arn:aws:iam::123456789012:role/a-role".to_owned()];
    let denial = world.deny();
    assert_eq!(denial.code, "ValidationError");
    assert_eq!(
        denial.message,
        "ARN arn:aws:iam::123456789012:role/a-role is not valid."
    );
}

#[test]
fn the_trust_policy_is_asked_before_duration_and_session_policy() {
    let mut world = World::new().with_claim("sub", json!("other"));
    world.request.duration_seconds = Some(43_200);
    world.request.policy = Some("nonsense".to_owned());
    assert_eq!(world.deny().code, "AccessDenied");
}
