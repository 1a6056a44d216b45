//! Edits that might help. Each is tried on the decision before it is believed, so a proposal may be wrong.

mod conditions;

use podpass_exchange::{Denial, OidcProvider, StepName};
use podpass_kinds::Reason;
use podpass_kinds::spelling::distance;
use podpass_policy::{Effect, StatementOutcome, StatementTrace};
use serde_json::{Value, json};

use super::Scenario;
use super::claims::{Facts, audiences};
use super::edit::Edit;
use super::repair::statements_of;
use super::trust_edits::TrustText;

/// Proposes what may help against a denial that no Allow statement is to blame for.
pub(super) fn before_statements(scenario: &Scenario, facts: &Facts, denial: &Denial) -> Vec<Edit> {
    match denial.reason {
        Reason::ProviderIdGiven => vec![Edit::Parameter {
            name: "ProviderId",
            value: None,
        }],
        Reason::DurationTooLong => vec![Edit::Parameter {
            name: "DurationSeconds",
            value: Some(scenario.max_session_seconds.to_string()),
        }],
        _ if denial.trace.failed_step().map(|step| step.name) == Some(StepName::SessionClaims) => {
            session_claims(scenario, facts)
        }
        Reason::TokenClaimMissing | Reason::TokenClaimEmpty | Reason::TokenClaimInvalid => {
            missing_claims(scenario, facts)
        }
        Reason::OidcProviderMissing
        | Reason::OidcProviderWrongAccount
        | Reason::IssuerStringMismatch => provider(scenario, facts),
        Reason::TokenExpired | Reason::TokenNotYetValid | Reason::TokenTimestampInvalid => {
            times(scenario)
        }
        Reason::AudienceNotInClientIds | Reason::AudienceAmbiguous => audience(scenario, facts),
        Reason::TokenSignatureInvalid
        | Reason::IssuerKeyMissing
        | Reason::JwksMissingKid
        | Reason::IssuerDocumentInvalid => publish_key(scenario),
        Reason::TrustExplicitDeny => deny_statements(scenario, denial),
        _ => Vec::new(),
    }
}

/// Proposes what may make one Allow statement fit.
pub(super) fn for_statement(
    scenario: &Scenario,
    facts: &Facts,
    statement: &StatementTrace,
) -> Vec<Edit> {
    let Some(text) = TrustText::read(scenario.trust.text()) else {
        return Vec::new();
    };
    let index = statement.index;
    let client_ids: Vec<&String> = scenario
        .providers
        .iter()
        .flat_map(|provider| &provider.client_ids)
        .collect();
    match &statement.outcome {
        StatementOutcome::PrincipalDiffers { expected, actual } => {
            principal(&text, index, expected, actual).unwrap_or_default()
        }
        StatementOutcome::ActionDiffers { expected, actual } => {
            action(&text, index, expected, actual).unwrap_or_default()
        }
        StatementOutcome::ConditionFails => statement
            .conditions
            .iter()
            .filter(|condition| !condition.holds)
            .flat_map(|failing| {
                conditions::condition(&text, facts, &client_ids, statement, failing)
            })
            .collect(),
        StatementOutcome::Matches | StatementOutcome::ResourceDiffers { .. } => Vec::new(),
    }
}

/// A statement of its own for the token's subject and audience.
pub(super) fn new_statement(scenario: &Scenario, facts: &Facts) -> Option<Edit> {
    let provider = facts.provider.as_ref()?.as_str();
    let (audience, subject) = (facts.key("aud")?, facts.key("sub")?);
    TrustText::read(scenario.trust.text())?.add_statement(&json!({
        "Effect": "Allow",
        "Principal": { "Federated": provider },
        "Action": ASSUME,
        "Condition": {
            "StringEquals": { audience: facts.audience.as_ref()?, subject: facts.subject },
        },
    }))
}

fn missing_claims(scenario: &Scenario, facts: &Facts) -> Vec<Edit> {
    let now = scenario.now.as_second();
    let known_audience = scenario
        .providers
        .iter()
        .flat_map(|provider| &provider.client_ids)
        .next();
    let issuer = scenario.providers.first().map(issuer_of);
    let mut edits = vec![claim("iat", json!(now)), claim("exp", json!(now + 3600))];
    edits.extend(known_audience.map(|audience| claim("aud", json!([audience]))));
    edits.extend(issuer.map(|issuer| claim("iss", json!(issuer))));
    let trusted = scenario
        .trust
        .document()
        .statements
        .iter()
        .flat_map(|statement| &statement.conditions)
        .filter(|condition| condition.key.ends_with(":sub"))
        .flat_map(|condition| &condition.values);
    edits.extend(trusted.map(|subject| claim("sub", json!(subject))));
    edits.retain(|edit| match edit {
        Edit::TokenClaim { claim, .. } => {
            claim == "aud"
                || facts
                    .claims
                    .get(claim)
                    .is_none_or(|value| !is_text_or_number(value))
        }
        _ => true,
    });
    edits
}

/// AWS's own claims in the form that it takes.
fn session_claims(scenario: &Scenario, facts: &Facts) -> Vec<Edit> {
    let mut edits = vec![claim(ROLES, json!([scenario.request.role_arn]))];
    let Some(tags) = facts.claims.get(TAGS) else {
        return edits;
    };
    let mut corrected = tags.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(tags)) = corrected.get_mut("principal_tags") {
        for value in tags.values_mut() {
            let one = value.as_array().and_then(|values| values.first());
            *value = json!([one.unwrap_or(value)]);
        }
    }
    edits.push(claim(TAGS, Value::Object(corrected)));
    edits
}

fn provider(scenario: &Scenario, facts: &Facts) -> Vec<Edit> {
    let mut edits: Vec<Edit> = scenario
        .providers
        .iter()
        .map(issuer_of)
        .filter(|issuer| {
            distance(issuer, &facts.issuer) <= NEAR && !facts.issuer.starts_with("https://")
        })
        .map(|issuer| claim("iss", json!(issuer)))
        .collect();
    if let Some(arn) = &facts.provider {
        let audience = facts.audience.clone();
        edits.push(Edit::CreateProvider {
            arn: arn.to_string(),
            client_ids: audience.into_iter().collect(),
        });
    }
    if edits.is_empty() {
        edits.extend(
            scenario
                .providers
                .iter()
                .map(|provider| claim("iss", json!(issuer_of(provider)))),
        );
    }
    edits
}

fn times(scenario: &Scenario) -> Vec<Edit> {
    let now = scenario.now.as_second();
    vec![
        claim("exp", json!(now + 3600)),
        claim("iat", json!(now)),
        claim("nbf", json!(now)),
    ]
}

fn audience(scenario: &Scenario, facts: &Facts) -> Vec<Edit> {
    let Some(provider) = scenario
        .providers
        .iter()
        .find(|provider| Some(&provider.arn) == facts.provider.as_ref())
    else {
        return Vec::new();
    };
    let name = if facts.claims.contains_key("azp") {
        "azp"
    } else {
        "aud"
    };
    let add = |client_id: &String| Edit::AddClientId {
        arn: provider.arn.to_string(),
        client_id: client_id.clone(),
    };
    let request = |client_id: &String| {
        let value = if name == "azp" {
            json!(client_id)
        } else {
            json!([client_id])
        };
        claim(name, value)
    };
    match &facts.audience {
        Some(audience) if WELL_KNOWN_AUDIENCES.contains(&audience.as_str()) => vec![add(audience)],
        Some(audience) if provider.client_ids.is_empty() => vec![add(audience)],
        Some(_) => provider.client_ids.iter().map(request).collect(),
        None => {
            let own = audiences(&facts.claims);
            let listed: Vec<_> = own
                .iter()
                .filter(|each| provider.client_ids.contains(each))
                .collect();
            if listed.is_empty() {
                provider.client_ids.iter().map(request).collect()
            } else {
                listed.into_iter().map(request).collect()
            }
        }
    }
}

fn publish_key(scenario: &Scenario) -> Vec<Edit> {
    let jwt = podpass_token::Jwt::decode(&scenario.request.token).ok();
    vec![Edit::PublishKey {
        kid: jwt.and_then(|jwt| jwt.kid().map(str::to_owned)),
    }]
}

fn deny_statements(scenario: &Scenario, denial: &Denial) -> Vec<Edit> {
    let (Some(text), Some(step)) = (
        TrustText::read(scenario.trust.text()),
        denial.trace.failed_step(),
    ) else {
        return Vec::new();
    };
    let denying = statements_of(step).iter().filter(|statement| {
        statement.effect == Effect::Deny && statement.outcome == StatementOutcome::Matches
    });
    let narrow = |statement: &StatementTrace| -> Vec<Edit> {
        let exempted = statement.conditions.iter().filter_map(|condition| {
            let actual = condition.actual.as_ref()?.as_slice().first()?;
            let place = text.condition(statement.index, condition)?;
            condition
                .operator
                .comparison
                .is_negated()
                .then(|| text.add_value(place.values(), actual))?
        });
        exempted
            .chain(text.remove_statement(statement.index))
            .collect()
    };
    denying.flat_map(narrow).collect()
}

fn principal(
    text: &TrustText<'_>,
    index: usize,
    expected: &[String],
    actual: &str,
) -> Option<Vec<Edit>> {
    let element = text.statement(index)?.member("Principal")?;
    let federated = element.node.member("Federated");
    let acts_on_web_identity = text
        .statement(index)?
        .member("Action")?
        .node
        .elements()
        .iter()
        .any(|action| {
            action
                .text()
                .is_some_and(|action| action.eq_ignore_ascii_case(ASSUME))
        });
    Some(match federated {
        Some(federated) => expected
            .iter()
            .filter_map(|old| text.replace_value(&federated.node, old, actual))
            .collect(),
        // A statement for AWS principals is left alone; one that means tokens and names nobody is corrected.
        None if acts_on_web_identity => vec![text.replace_node(
            &element.node,
            &json!({ "Federated": actual }),
            format!("name the federated principal `{actual}`"),
        )],
        None => Vec::new(),
    })
}

fn action(
    text: &TrustText<'_>,
    index: usize,
    expected: &[String],
    actual: &str,
) -> Option<Vec<Edit>> {
    let element = &text.statement(index)?.member("Action")?.node;
    let other_way = |old: &&String| OTHER_WAYS.iter().any(|way| old.eq_ignore_ascii_case(way));
    let mut edits: Vec<Edit> = Vec::new();
    if actual == ASSUME {
        let replaced = expected.iter().filter(other_way);
        edits.extend(replaced.filter_map(|old| text.replace_value(element, old, actual)));
    }
    if edits.is_empty() {
        edits.extend(text.add_value(element, actual));
    }
    Some(edits)
}

fn claim(name: &str, value: Value) -> Edit {
    Edit::TokenClaim {
        claim: name.to_owned(),
        value,
    }
}

fn issuer_of(provider: &OidcProvider) -> String {
    format!("https://{}", provider.arn.issuer_without_scheme())
}

fn is_text_or_number(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// How many characters two texts may differ in and still be taken for slips of one another.
const NEAR: usize = 2;
const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
const OTHER_WAYS: [&str; 2] = ["sts:AssumeRole", "sts:AssumeRoleWithSAML"];
const ROLES: &str = "https://aws.amazon.com/roles";
const TAGS: &str = "https://aws.amazon.com/tags";

/// The audiences that AWS and OpenShift use by default, in each partition.
const WELL_KNOWN_AUDIENCES: [&str; 3] = ["sts.amazonaws.com", "sts.amazonaws.com.cn", "openshift"];
