//! The permissions policy of a role, written from the statements of a CredentialsRequest.

use podpass_kinds::{PolicyCondition, StatementEntry};
use serde::Serialize;

use crate::documents::RawDocument;

/// The policy document as compact JSON, members in ccoctl's order; a condition's booleans stay booleans.
pub fn permissions_policy(entries: &[StatementEntry]) -> String {
    let statements: Vec<Statement<'_>> = entries.iter().map(Statement::of).collect();
    RawDocument::new(&statements).to_json()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'a str,
    action: &'a [String],
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a PolicyCondition>,
}

impl<'a> Statement<'a> {
    fn of(entry: &'a StatementEntry) -> Self {
        Self {
            effect: entry.effect.as_str(),
            action: &entry.actions,
            resource: &entry.resource,
            condition: entry.policy_condition.as_ref(),
        }
    }
}
