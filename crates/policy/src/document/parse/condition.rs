//! The Condition element.

use std::collections::BTreeMap;

use super::{Fault, Rules};
use crate::condition::{Comparison, Condition, ConditionOperator, check_literal};
use crate::document::{DocumentKind, Values};
use crate::error::PolicyErrorKind;
use crate::json::{Member, Node, Value};
use crate::template::{Template, Wildcards};

pub(super) fn read(node: &Node, rules: Rules) -> Result<Vec<Condition>, Fault> {
    let mut conditions = Vec::new();
    for block in read_members(node, "Condition")? {
        let operator: ConditionOperator =
            block
                .name
                .parse()
                .map_err(|error: crate::UnknownOperator| {
                    let kind = PolicyErrorKind::UnknownOperator {
                        value: error.value,
                        suggestion: error.suggestion,
                    };
                    Fault::new(block.position, kind)
                })?;
        let mut seen = BTreeMap::new();
        for member in read_members(&block.node, &block.name)? {
            check_key(member)?;
            if let Some(first) = seen.insert(member.name.to_lowercase(), member.position) {
                let kind = PolicyErrorKind::DuplicateConditionKey {
                    value: member.name.clone(),
                    first,
                };
                return Err(Fault::new(member.position, kind));
            }
            conditions.push(Condition {
                operator,
                key: member.name.clone(),
                values: read_condition_values(&member.node, operator, rules)?,
                position: member.position,
            });
        }
    }
    Ok(conditions)
}

fn read_members<'n>(node: &'n Node, element: &str) -> Result<&'n [Member], Fault> {
    match &node.value {
        Value::Object(members) => Ok(members),
        _ => Err(Fault::wrong_type(node, element, "an object")),
    }
}

fn check_key(member: &Member) -> Result<(), Fault> {
    match member.name.split_once(':') {
        Some((vendor, key)) if !vendor.is_empty() && !key.is_empty() => Ok(()),
        _ => {
            let kind = PolicyErrorKind::ConditionKey {
                value: member.name.clone(),
            };
            Err(Fault::new(member.position, kind))
        }
    }
}

/// Reads the values; IAM also takes bare booleans and numbers for their texts.
fn read_condition_values(
    node: &Node,
    operator: ConditionOperator,
    rules: Rules,
) -> Result<Values, Fault> {
    let read = |node: &Node| {
        let text = match &node.value {
            Value::String(text) | Value::Number(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            _ => {
                let expected = "a string, a number, a boolean or an array of them";
                return Err(Fault::wrong_type(node, operator.to_string(), expected));
            }
        };
        check_value(&text, operator, rules).map_err(|kind| Fault::new(node.position, kind))?;
        Ok(text)
    };
    match &node.value {
        Value::Array(nodes) => Ok(Values::list(
            nodes.iter().map(read).collect::<Result<Vec<_>, _>>()?,
        )),
        _ => Ok(Values::one(read(node)?)),
    }
}

fn check_value(
    text: &str,
    operator: ConditionOperator,
    rules: Rules,
) -> Result<(), PolicyErrorKind> {
    let comparison = operator.comparison;
    if has_variables(comparison) {
        Template::read(text, rules.version, Wildcards::Active).map_err(|error| {
            PolicyErrorKind::Variable {
                value: text.to_owned(),
                problem: error.to_string(),
            }
        })?;
    }
    let lenient = rules.kind == DocumentKind::Session && comparison != Comparison::BinaryEquals;
    match check_literal(comparison, text, rules.version) {
        Err(expected) if !lenient => Err(PolicyErrorKind::ConditionValue {
            value: text.to_owned(),
            operator: operator.to_string(),
            expected,
        }),
        _ => Ok(()),
    }
}

fn has_variables(comparison: Comparison) -> bool {
    let name = comparison.as_str();
    name.starts_with("String") || name.starts_with("Arn")
}
