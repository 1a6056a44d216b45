//! AWS's own claims in a token: roles, session tags, source identity.

use serde_json::{Value, json};

use crate::world::{PROVIDER, ROLE, World, trust_with};

const ROLES: &str = "https://aws.amazon.com/roles";
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

fn trust(actions: &[&str], condition: &Value) -> String {
    trust_with(
        &json!({ "Federated": PROVIDER }),
        &json!(actions),
        condition,
    )
}

fn all_actions(condition: &Value) -> String {
    let actions = [
        "sts:AssumeRoleWithWebIdentity",
        "sts:TagSession",
        "sts:SetSourceIdentity",
    ];
    trust(&actions, condition)
}

#[test]
fn a_token_that_lists_roles_must_list_this_one() {
    let other = "arn:aws:iam::123456789012:role/other";
    for (claim, granted) in [
        (Value::Null, true),
        (json!([ROLE]), true),
        (json!([other, "not an ARN", ROLE]), true),
        (json!(format!("{other}; {ROLE} ")), true),
        (json!([]), false),
        (json!(""), false),
        (json!([other]), false),
        (json!("not an ARN"), false),
        (json!({ "a": 1 }), false),
    ] {
        let world = World::new().with_claim(ROLES, claim.clone());
        match world.exchange() {
            Ok(_) => assert!(granted, "{claim}"),
            Err(denial) => {
                assert!(!granted, "{claim}: {denial}");
                assert_eq!(denial.code, "InvalidIdentityToken");
            }
        }
    }
    let condition = json!({ "Bool": { "sts:RoleAuthorizedByIdp": "true" } });
    for (claim, granted) in [(Value::Null, false), (json!([ROLE]), true)] {
        let world = World::new()
            .with_trust(&all_actions(&condition))
            .with_claim(ROLES, claim);
        assert_eq!(world.exchange().is_ok(), granted);
    }
}

#[test]
fn tags_of_both_forms_reach_the_session() {
    let nested = json!({ "principal_tags": { "Team": ["a"], "Cost": ["b"] }, "transitive_tag_keys": ["team"] });
    let world = World::new()
        .with_trust(&all_actions(&json!({})))
        .with_claim(TAGS, nested);
    let flat = World::new()
        .with_trust(&all_actions(&json!({})))
        .with_claim(&format!("{TAGS}/principal_tags/Team"), json!("a"))
        .with_claim(&format!("{TAGS}/principal_tags/Cost"), json!("b"))
        .with_claim(&format!("{TAGS}/transitive_tag_keys"), json!(["Team"]));
    for world in [world, flat] {
        let grant = world.exchange().unwrap();
        let mut tags: Vec<_> = grant
            .tags
            .iter()
            .map(|tag| (tag.key.as_str(), tag.value.as_str(), tag.transitive))
            .collect();
        tags.sort_unstable();
        assert_eq!(tags, [("Cost", "b", false), ("Team", "a", true)]);
        assert_eq!(
            grant
                .context
                .get("aws:PrincipalTag/Team")
                .unwrap()
                .as_slice(),
            ["a"]
        );
    }
}

#[test]
fn tags_and_source_identity_need_their_own_permission() {
    let tag = json!({ "principal_tags": { "Team": ["a"] } });
    for (claim, value, action) in [
        (TAGS, tag, "sts:TagSession"),
        (SOURCE_IDENTITY, json!("alice"), "sts:SetSourceIdentity"),
    ] {
        let denial = World::new().with_claim(claim, value.clone()).deny();
        assert_eq!(
            denial.message,
            "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        );
        assert_eq!(denial.reason.code(), "TRUST_ACTION_MISSING", "{claim}");
        let failure = denial.trace.first_failure().unwrap();
        assert_eq!(failure.actual.as_deref(), Some(action));
        let trusting = trust(&["sts:AssumeRoleWithWebIdentity", action], &json!({}));
        assert!(
            World::new()
                .with_claim(claim, value)
                .with_trust(&trusting)
                .exchange()
                .is_ok()
        );
    }
}

/// Measured on AWS: 24 to 25 % for a short subject, 26 % with a source identity (`aws.md` A.3).
#[test]
fn a_source_identity_takes_one_percent_of_the_packed_size() {
    let world = World::new().with_trust(&all_actions(&json!({})));
    assert_eq!(world.exchange().unwrap().packed_policy_size, Some(25));
    let world = World::new()
        .with_trust(&all_actions(&json!({})))
        .with_claim(SOURCE_IDENTITY, json!("alice"));
    assert_eq!(world.exchange().unwrap().packed_policy_size, Some(26));
}

#[test]
fn conditions_see_tags_and_source_identity() {
    let tags = json!({ "principal_tags": { "Team": ["a"] }, "transitive_tag_keys": ["Team"] });
    for (condition, granted) in [
        (
            json!({ "StringEquals": { "aws:RequestTag/team": "a" } }),
            true,
        ),
        (
            json!({ "StringEquals": { "aws:RequestTag/team": "b" } }),
            false,
        ),
        (
            json!({ "ForAllValues:StringEquals": { "aws:TagKeys": ["Team"] } }),
            true,
        ),
        (
            json!({ "ForAnyValue:StringEquals": { "sts:TransitiveTagKeys": ["Team"] } }),
            true,
        ),
        (
            json!({ "StringEquals": { "sts:SourceIdentity": "alice" } }),
            true,
        ),
        (
            json!({ "StringEquals": { "sts:SourceIdentity": "bob" } }),
            false,
        ),
    ] {
        let world = World::new()
            .with_trust(&all_actions(&condition))
            .with_claim(TAGS, tags.clone())
            .with_claim(SOURCE_IDENTITY, json!("alice"));
        assert_eq!(world.exchange().is_ok(), granted, "{condition}");
    }
}

#[test]
fn malformed_claims_are_refused_with_aws_texts() {
    let tags = "Session tags passed in claim are not in correct format.";
    let principal_tags = "principal_tags passed in claim is not in correct format.";
    for (claim, message) in [
        (json!("a=b"), tags),
        (json!([]), tags),
        (json!({ "principal_tags": [] }), principal_tags),
        (json!({ "principal_tags": { "a": "b" } }), principal_tags),
        (json!({ "principal_tags": { "a": [] } }), principal_tags),
        (
            json!({ "principal_tags": { "a": ["b", "c"] } }),
            principal_tags,
        ),
        (json!({ "principal_tags": { "a": [1] } }), principal_tags),
    ] {
        let denial = World::new().with_claim(TAGS, claim.clone()).deny();
        assert_eq!(
            (denial.code, denial.message.as_str()),
            ("InvalidIdentityToken", message),
            "{claim}"
        );
    }
}

#[test]
fn tags_that_break_a_rule_are_refused_not_ignored() {
    let many: serde_json::Map<_, _> = (0..51)
        .map(|index| (format!("k{index}"), json!(["v"])))
        .collect();
    for tags in [
        json!({ "Team": ["a"], "team": ["b"] }),
        json!({ "aws:Team": ["a"] }),
        json!({ "": ["a"] }),
        json!({ "a#b": ["a"] }),
        json!({ "a": ["v".repeat(257)] }),
        Value::Object(many),
    ] {
        let world = World::new()
            .with_trust(&all_actions(&json!({})))
            .with_claim(TAGS, json!({ "principal_tags": tags.clone() }));
        assert_eq!(world.deny().code, "InvalidIdentityToken", "{tags}");
    }
    for identity in [json!("a"), json!("aws:alice"), json!("a b"), json!(1)] {
        let world = World::new()
            .with_trust(&all_actions(&json!({})))
            .with_claim(SOURCE_IDENTITY, identity.clone());
        assert_eq!(world.deny().code, "InvalidIdentityToken", "{identity}");
    }
}
