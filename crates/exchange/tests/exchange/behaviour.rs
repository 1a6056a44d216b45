//! Where AWS behaves in more than one way (`aws.md` A.4, steps 6 and 7).

use std::time::Duration;

use podpass_exchange::{AudienceAnswer, Behaviour, StepName};
use serde_json::json;

use crate::world::{NOW, World};

fn world(behaviour: Behaviour) -> World {
    let mut world = World::new();
    world.request.behaviour = behaviour;
    world
}

#[test]
fn a_wrong_audience_has_two_wordings() {
    let general = "The web identity token provided could not be validated. See the \
         AssumeRoleWithWebIdentity documentation for requirements.";
    assert_eq!(
        Behaviour::default().audience_answer,
        AudienceAnswer::Specific
    );
    for (audience_answer, message) in [
        (AudienceAnswer::Specific, "Incorrect token audience"),
        (AudienceAnswer::General, general),
    ] {
        for claim in ["aud", "azp"] {
            let behaviour = Behaviour {
                audience_answer,
                ..Behaviour::default()
            };
            let denial = world(behaviour).with_claim(claim, json!("other")).deny();
            assert_eq!((denial.code, denial.status), ("InvalidIdentityToken", 400));
            assert_eq!(denial.message, message);
            assert_eq!(denial.reason.code(), "AUDIENCE_NOT_IN_CLIENT_IDS");
        }
    }
    // Several audiences have a wording of their own, which did not change.
    let behaviour = Behaviour {
        audience_answer: AudienceAnswer::General,
        ..Behaviour::default()
    };
    let several = world(behaviour).with_claim("aud", json!(["a", "b"]));
    assert_eq!(
        several.deny().message,
        "Token audience contains more than one audience while authorized party is not present"
    );
}

/// The numbers are those of the refusals that users reported (mozilla-iam/mozilla-aws-cli, issues 146 and 155).
#[test]
fn a_token_can_be_too_old_where_that_is_asked_for() {
    let strict = Behaviour {
        oldest_token: Some(Behaviour::OLD_TOKEN),
        ..Behaviour::default()
    };
    for age in [86_401, 153_938, 441_398] {
        let denial = world(strict).with_claim("iat", json!(NOW - age)).deny();
        assert_eq!((denial.code, denial.status), ("ExpiredTokenException", 400));
        assert_eq!(denial.message, format!("Token too old: {age}"));
        let step = denial.trace.failed_step().unwrap();
        assert_eq!(step.name, StepName::TokenTimes);
        let failure = denial.trace.first_failure().unwrap();
        assert_eq!(failure.what, "iat");
        assert_eq!(
            failure.expected,
            ["at or after 1699913600 (2023-11-13T22:13:20Z)"]
        );
    }
    for age in [-300, 0, 86_400] {
        let young = world(strict).with_claim("iat", json!(NOW - age));
        assert!(young.exchange().is_ok(), "{age}");
    }
    let ancient = World::new().with_claim("iat", json!(i64::MIN));
    assert!(ancient.exchange().is_ok());
    let endless = Behaviour {
        oldest_token: Some(Duration::MAX),
        ..Behaviour::default()
    };
    assert!(
        world(endless)
            .with_claim("iat", json!(0))
            .exchange()
            .is_ok()
    );
}

#[test]
fn a_token_that_is_expired_is_not_also_too_old() {
    let strict = Behaviour {
        oldest_token: Some(Behaviour::OLD_TOKEN),
        ..Behaviour::default()
    };
    let both = world(strict)
        .with_claim("iat", json!(0))
        .with_claim("exp", json!(1));
    let message = both.deny().message;
    assert!(message.starts_with("Token expired: "), "{message}");
}
