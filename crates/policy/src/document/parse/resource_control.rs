//! What is special about resource control policies.
//!
//! The rules are those of AWS Organizations ("RCP syntax"), as wide as measured: it takes any version, and the Principal
//! `{"AWS": "*"}` as well. Which services can be named is not checked, since AWS keeps adding to them.

use super::Fault;
use super::fields::Fields;
use crate::document::{
    Effect, PrincipalClause, PrincipalKind, PrincipalSet, ResourceClause, Statement, Values,
};
use crate::error::PolicyErrorKind;
use crate::json::{Node, Value};

/// Reads the Principal element, which has to be everyone, in one of two spellings.
pub(super) fn read_principal(node: &Node) -> Result<PrincipalClause, Fault> {
    let is_star = |value: &Value| matches!(value, Value::String(text) if text == "*");
    if is_star(&node.value) {
        return Ok(PrincipalClause::everyone());
    }
    match &node.value {
        Value::Object(members) => match members.as_slice() {
            [member]
                if member.name == PrincipalKind::Aws.as_str() && is_star(&member.node.value) =>
            {
                Ok(PrincipalClause::Principal(PrincipalSet::Listed(vec![(
                    PrincipalKind::Aws,
                    Values::one("*"),
                )])))
            }
            _ => Err(Fault::new(
                node.position,
                PolicyErrorKind::PrincipalNotEveryone,
            )),
        },
        _ => Err(Fault::new(
            node.position,
            PolicyErrorKind::PrincipalNotEveryone,
        )),
    }
}

/// Refuses an Allow other than that of `RCPFullAWSAccess`, and a Deny of every action of every service.
pub(super) fn check(statement: &Statement, fields: &Fields<'_>) -> Result<(), Fault> {
    let position = |element| {
        fields
            .find(element)
            .map_or(fields.node.position, |node| node.position)
    };
    let is_all = |values: &Values| matches!(&values[..], [only] if only == "*");
    match statement.effect {
        Effect::Allow => {
            let full_access = is_all(statement.actions.values())
                && matches!(&statement.resources, Some(ResourceClause::Resource(values)) if is_all(values))
                && statement.conditions.is_empty();
            if full_access {
                return Ok(());
            }
            Err(Fault::new(
                position("Effect"),
                PolicyErrorKind::AllowInResourceControl,
            ))
        }
        Effect::Deny => {
            let bare = statement
                .actions
                .values()
                .iter()
                .find(|action| ["*", "*:*"].contains(&action.as_str()));
            match bare {
                Some(value) => Err(Fault::new(
                    position("Action"),
                    PolicyErrorKind::ActionOfEveryService {
                        value: value.clone(),
                    },
                )),
                None => Ok(()),
            }
        }
    }
}
