//! The Action and NotAction elements.

use super::fields::{Fields, Form};
use super::{Fault, Rules, read_values};
use crate::document::{ActionClause, DocumentKind};
use crate::error::PolicyErrorKind;
use crate::pattern::covers_text;

pub(super) fn read(fields: &Fields<'_>, rules: Rules) -> Result<ActionClause, Fault> {
    let missing = PolicyErrorKind::MissingElement { element: "Action" };
    let check = |action: &str| check_action(action, rules.kind);
    let clause = match fields.find_form("Action", "NotAction")? {
        Some(Form::Not(node)) if rules.kind == DocumentKind::ResourceControl => {
            let kind = PolicyErrorKind::ProhibitedElement {
                element: "NotAction",
                document: rules.kind,
            };
            return Err(Fault::new(node.position, kind));
        }
        None => return Err(Fault::new(fields.node.position, missing)),
        Some(Form::Plain(node)) => ActionClause::Action(read_values(node, "Action", check)?),
        Some(Form::Not(node)) => ActionClause::NotAction(read_values(node, "NotAction", check)?),
    };
    if clause.values().is_empty() {
        return Err(Fault::new(fields.node.position, missing));
    }
    Ok(clause)
}

fn check_action(action: &str, kind: DocumentKind) -> Result<(), PolicyErrorKind> {
    let value = action.to_owned();
    if action != "*" {
        let Some((service, name)) = action.split_once(':') else {
            return Err(PolicyErrorKind::ActionWithoutService { value });
        };
        // `*:*` is common in old policies and means `*`.
        let is_service = !service.is_empty()
            && service
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_service && action != "*:*" {
            let service = service.to_owned();
            return Err(PolicyErrorKind::ActionService { value, service });
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"*?-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(PolicyErrorKind::ActionName { value });
        }
    }
    if kind == DocumentKind::Trust && !assumes_role(action) {
        return Err(PolicyErrorKind::ActionNotForTrust { value });
    }
    Ok(())
}

/// Whether an action of STS, with its wildcards, covers one of those that make a session of a role.
fn assumes_role(action: &str) -> bool {
    action.split_once(':').is_some_and(|(service, name)| {
        let name = name.to_lowercase();
        service.eq_ignore_ascii_case("sts")
            && TRUST_ACTIONS
                .iter()
                .any(|known| covers_text(&name, &known.to_lowercase()))
    })
}

const TRUST_ACTIONS: [&str; 6] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "TagSession",
    "SetSourceIdentity",
    "SetContext",
];
