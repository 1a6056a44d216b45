//! `SimulatePrincipalPolicy` and `SimulateCustomPolicy`: what the policies say to calls that nobody makes.
//!
//! The evaluator is the one that decides real calls. Like AWS's simulator it knows of a request only what it is told, and
//! of the caller what IAM knows.

mod input;
mod outcome;
mod subject;

use podpass_policy::{Context, Position};

use self::input::Input;
use self::outcome::{Outcome, Scene};
use self::subject::Subject;
use super::Answer;
use super::store::Account;
use crate::call::Call;
use crate::query::Xml;

/// `SimulatePrincipalPolicy`: the policies of a user, group or role, and further ones that are sent along.
pub(crate) fn principal(call: &mut Call<'_>, account: &Account) -> Answer {
    let (input, source) = Input::read_principal(call)?;
    call.authorize(
        account,
        "iam:SimulatePrincipalPolicy",
        &source,
        Context::new(),
    )?;
    let subject = Subject::of_entity(account, &source)?;
    answer(call, account, input, subject)
}

/// `SimulateCustomPolicy`: only the policies that are sent.
pub(crate) fn custom(call: &mut Call<'_>, account: &Account) -> Answer {
    let input = Input::read_custom(call)?;
    call.authorize(account, "iam:SimulateCustomPolicy", "*", Context::new())?;
    answer(call, account, input, Subject::nobody(account))
}

fn answer(call: &Call<'_>, account: &Account, input: Input, subject: Subject<'_>) -> Answer {
    let filter = format!("{:?}{}", call.form.text("PolicySourceArn"), input.bound());
    let paging = input.paging();
    let (actions, details) = input.check(subject.is_user)?;
    let scene = Scene::of(account, subject, &details);
    // Order and duplicates of the actions stay; the key only has to rise.
    let keyed = actions
        .iter()
        .enumerate()
        .map(|(index, action)| (format!("{index:08}"), action));
    let page = paging.cut(call, account, &filter, keyed)?;
    let outcomes: Vec<Outcome> = page
        .items
        .iter()
        .flat_map(|action| {
            details
                .resources()
                .map(|resource| scene.simulate(action, resource))
        })
        .collect();
    let is_general = details.resources.is_none();
    Ok(Xml::of(|xml| {
        xml.list("EvaluationResults", &outcomes, |xml, outcome| {
            write(xml, outcome, is_general);
        });
        page.write_end(xml);
    }))
}

/// Writes an outcome; keys that are missing stand beside the resource that they are missing for, if one was named.
fn write(xml: &mut Xml, outcome: &Outcome, is_general: bool) {
    xml.text("EvalActionName", &outcome.action);
    xml.text("EvalResourceName", &outcome.resource);
    xml.text("EvalDecision", outcome.decision);
    write_statements(xml, outcome);
    let missing = |xml: &mut Xml, here: bool| {
        let keys = outcome.missing_keys.iter().filter(|_| here);
        xml.texts("MissingContextValues", keys.map(String::as_str));
    };
    missing(xml, is_general);
    if let Some(allowed) = outcome.allowed_by_organization {
        xml.element("OrganizationsDecisionDetail", |xml| {
            xml.text("AllowedByOrganizations", word(allowed));
        });
    }
    write_boundary(xml, outcome);
    write_details(xml, outcome);
    if !is_general {
        xml.list("ResourceSpecificResults", [outcome], |xml, outcome| {
            xml.text("EvalResourceName", &outcome.resource);
            xml.text("EvalResourceDecision", outcome.decision);
            write_statements(xml, outcome);
            missing(xml, true);
            write_details(xml, outcome);
            write_boundary(xml, outcome);
        });
    }
}

fn write_boundary(xml: &mut Xml, outcome: &Outcome) {
    if let Some(allowed) = outcome.allowed_by_boundary {
        xml.element("PermissionsBoundaryDecisionDetail", |xml| {
            xml.text("AllowedByPermissionsBoundary", word(allowed));
        });
    }
}

fn write_statements(xml: &mut Xml, outcome: &Outcome) {
    xml.list("MatchedStatements", &outcome.statements, |xml, matched| {
        xml.text("SourcePolicyId", &matched.source);
        xml.text("SourcePolicyType", matched.kind);
        write_position(xml, "StartPosition", matched.start);
        write_position(xml, "EndPosition", matched.end);
    });
}

fn write_position(xml: &mut Xml, name: &str, position: Position) {
    xml.element(name, |xml| {
        xml.text("Line", &position.line.to_string());
        xml.text("Column", &position.column.to_string());
    });
}

fn write_details(xml: &mut Xml, outcome: &Outcome) {
    if outcome.by_kind.is_empty() {
        return;
    }
    xml.element("EvalDecisionDetails", |xml| {
        for (kind, decision) in &outcome.by_kind {
            xml.element("entry", |xml| {
                xml.text("key", kind);
                xml.text("value", decision);
            });
        }
    });
}

fn word(allowed: bool) -> &'static str {
    if allowed { "true" } else { "false" }
}
