//! The way aside: what would be granted if the signature were the issuer's.

use jiff::Timestamp;
use podpass_exchange::{Denial, Outcome, Rehearsal, StepName, present};
use serde_json::json;

use crate::world::{AUDIENCE, KEY, NOW, OTHER_KEY, PROVIDER, SUBJECT, World};

fn rehearse(world: World, signed_by: &podpass_token::SigningKey) -> Result<Rehearsal, Denial> {
    let header = json!({ "alg": "RS256", "kid": KEY.kid() }).to_string();
    let mut request = world.request;
    request.token = signed_by.sign(&header, &world.claims.to_string());
    present(request, Timestamp::from_second(NOW).unwrap())?
        .at(&world.providers)?
        .suppose_signed()
        .rehearse(world.role.as_ref())
}

#[test]
fn a_rehearsal_says_what_would_be_granted_and_that_nobody_checked() {
    let grant = World::new().exchange().unwrap();
    let rehearsal = rehearse(World::new(), &OTHER_KEY).unwrap();
    assert_eq!(
        (
            rehearsal.subject.as_str(),
            rehearsal.audience.as_str(),
            rehearsal.provider.as_str()
        ),
        (SUBJECT, AUDIENCE, PROVIDER)
    );
    assert_eq!(rehearsal.session_arn, grant.session_arn);
    assert_eq!(rehearsal.context, grant.context);
    assert_eq!(rehearsal.principal(), grant.principal());
    let outcome_of = |trace: &podpass_exchange::Trace| {
        let mut steps = trace.steps.iter();
        steps
            .find(|step| step.name == StepName::Signature)
            .unwrap()
            .outcome
    };
    assert_eq!(outcome_of(&rehearsal.trace), Outcome::NotChecked);
    assert_eq!(outcome_of(&grant.trace), Outcome::Passed);
    assert!(
        rehearsal.trace.to_string().contains("?       signature"),
        "{}",
        rehearsal.trace
    );
    let json = serde_json::to_value(&rehearsal.trace).unwrap();
    let unchecked = json!({ "name": "signature", "outcome": "not-checked" });
    assert!(
        json["steps"].as_array().unwrap().contains(&unchecked),
        "{json}"
    );
}

#[test]
fn a_rehearsal_is_denied_as_the_exchange_is() {
    for world in [
        || World::new().with_claim("sub", json!("system:serviceaccount:a:b")),
        || World::new().with_claim("aud", json!(["someone"])),
        || World::new().with_claim("exp", json!(NOW - 3600)),
    ] {
        let denial = rehearse(world(), &KEY).unwrap_err();
        let real = world().deny();
        assert_eq!(
            (denial.code, denial.reason, denial.message),
            (real.code, real.reason, real.message)
        );
    }
}
