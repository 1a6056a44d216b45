//! From document to JSON.

use super::principal::{PrincipalClause, PrincipalSet};
use super::statement::{ActionClause, ResourceClause, Statement};
use super::values::Values;
use super::{Document, Version};
use crate::condition::{Condition, ConditionOperator};
use crate::json::{Member, Node, Value};

/// The document as a JSON object, members in the order of AWS's documentation.
pub(super) fn print(document: &Document) -> Value {
    let mut members = vec![Member::of(
        "Version",
        Node::string(document.version.as_str()),
    )];
    if let Some(id) = &document.id {
        members.push(Member::of("Id", Node::string(id)));
    }
    let statements = document.statements.iter().map(print_statement).collect();
    members.push(Member::of("Statement", Node::of(Value::Array(statements))));
    Value::Object(members)
}

fn print_statement(statement: &Statement) -> Node {
    let mut members = Vec::new();
    if let Some(sid) = &statement.sid {
        members.push(Member::of("Sid", Node::string(sid)));
    }
    members.push(Member::of(
        "Effect",
        Node::string(statement.effect.as_str()),
    ));
    if let Some(clause) = &statement.principal {
        let name = match clause {
            PrincipalClause::Principal(_) => "Principal",
            PrincipalClause::NotPrincipal(_) => "NotPrincipal",
        };
        members.push(Member::of(name, print_principals(clause.set())));
    }
    let name = match &statement.actions {
        ActionClause::Action(_) => "Action",
        ActionClause::NotAction(_) => "NotAction",
    };
    members.push(Member::of(name, print_values(statement.actions.values())));
    if let Some(clause) = &statement.resources {
        let name = match clause {
            ResourceClause::Resource(_) => "Resource",
            ResourceClause::NotResource(_) => "NotResource",
        };
        members.push(Member::of(name, print_values(clause.values())));
    }
    if !statement.conditions.is_empty() {
        members.push(Member::of(
            "Condition",
            print_conditions(&statement.conditions),
        ));
    }
    Node::of(Value::Object(members))
}

fn print_principals(set: &PrincipalSet) -> Node {
    match set {
        PrincipalSet::Everyone => Node::string("*"),
        PrincipalSet::Listed(kinds) => Node::of(Value::Object(
            kinds
                .iter()
                .map(|(kind, values)| Member::of(kind.as_str(), print_values(values)))
                .collect(),
        )),
    }
}

/// Gathers the conditions by operator, in the order in which each operator first stands.
fn print_conditions(conditions: &[Condition]) -> Node {
    let mut blocks: Vec<(ConditionOperator, Vec<Member>)> = Vec::new();
    for condition in conditions {
        let member = Member::of(&condition.key, print_values(&condition.values));
        match blocks
            .iter_mut()
            .find(|(operator, _)| *operator == condition.operator)
        {
            Some((_, members)) => members.push(member),
            None => blocks.push((condition.operator, vec![member])),
        }
    }
    Node::of(Value::Object(
        blocks
            .into_iter()
            .map(|(operator, members)| {
                Member::of(operator.to_string(), Node::of(Value::Object(members)))
            })
            .collect(),
    ))
}

fn print_values(values: &Values) -> Node {
    match values.as_single() {
        Some(only) => Node::string(only),
        None => Node::of(Value::Array(values.iter().map(Node::string).collect())),
    }
}

impl Version {
    /// The text of the element.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}
