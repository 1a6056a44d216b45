//! The permissions policy of a role, written from the statements of a CredentialsRequest.

use podpass_kinds::{PolicyCondition, StatementEntry};
use podpass_policy::RoleArn;
use serde::Serialize;

use crate::documents::{RawDocument, VERSION};

/// The policy document as compact JSON, members in ccoctl's order; a condition's booleans stay booleans.
pub fn permissions_policy(entries: &[StatementEntry]) -> String {
    let statements: Vec<Statement<'_>> = entries.iter().map(Statement::of).collect();
    RawDocument::new(&statements).to_json()
}

/// The permissions policy that lets a role take on `target`, and nothing else.
pub fn assume_role_policy(target: &RoleArn) -> String {
    let statement = Statement {
        effect: "Allow",
        action: &[ASSUME_ROLE.to_owned()],
        resource: target.as_str(),
        condition: None,
    };
    RawDocument::new(&[statement]).to_json()
}

/// The trust policy by which a role lets another role take it on, indented.
///
/// It names the role and no session of it, so that it holds whatever the sessions are called. IAM refuses it as long as
/// `principal` does not exist.
pub fn assume_role_trust(principal: &RoleArn) -> String {
    let statement = TrustStatement {
        effect: "Allow",
        principal: AwsPrincipal {
            arn: principal.as_str(),
        },
        action: ASSUME_ROLE,
    };
    let document = Trust {
        version: VERSION,
        statement: [statement],
    };
    serde_json::to_string_pretty(&document)
        .unwrap_or_else(|error| unreachable!("our structs can be printed: {error}"))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trust<'a> {
    version: &'static str,
    statement: [TrustStatement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrustStatement<'a> {
    effect: &'static str,
    principal: AwsPrincipal<'a>,
    action: &'static str,
}

#[derive(Serialize)]
struct AwsPrincipal<'a> {
    #[serde(rename = "AWS")]
    arn: &'a str,
}

const ASSUME_ROLE: &str = "sts:AssumeRole";

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
