//! Whether a condition holds for a request.

use super::Condition;
use super::expected::{Expected, Family, Polarity, Setting};
use super::operator::{Quantifier, WhenMissing};
use crate::context::{Context, ContextValue};
use crate::decision::ConditionTrace;
use crate::document::{Effect, Version};

/// Evaluates one condition of a statement.
pub(crate) fn evaluate(
    condition: &Condition,
    version: Version,
    effect: Effect,
    context: &Context,
) -> ConditionTrace {
    let comparison = condition.operator.comparison;
    let setting = Setting { version, context };
    let expected: Vec<Expected<'_>> = condition
        .values
        .iter()
        .map(|value| Expected::read(comparison, value, setting))
        .collect();
    let shown = expected
        .iter()
        .zip(&condition.values)
        .map(|(expected, value)| expected.shown(value).to_owned());
    let actual = context.get(&condition.key);
    ConditionTrace {
        operator: condition.operator,
        key: condition.key.clone(),
        expected: shown.collect(),
        actual: actual.cloned(),
        holds: holds(condition, effect, &expected, actual),
        position: condition.position,
    }
}

fn holds(
    condition: &Condition,
    effect: Effect,
    expected: &[Expected<'_>],
    actual: Option<&ContextValue>,
) -> bool {
    let operator = condition.operator;
    let family = operator.comparison.family();
    let polarity = operator.comparison.polarity();
    if family == Family::Null {
        let absent = if actual.is_none() { "true" } else { "false" };
        return expected.iter().any(|expected| expected.matches(absent));
    }
    let one = |actual: &String| {
        if family.refuses(actual) {
            return false;
        }
        let decisive = expected.iter().find(|expected| {
            matches!(expected, Expected::MalformedArn) || expected.matches(actual)
        });
        match decisive {
            // Measured on IAM: it ends the comparison, cannot grant, and does contribute to a Deny.
            Some(Expected::MalformedArn) => effect == Effect::Deny,
            other => other.is_some() == (polarity == Polarity::Positive),
        }
    };
    match (actual, operator.quantifier) {
        (None, _) if operator.when_missing == WhenMissing::Pass => true,
        (None, Quantifier::Single) => polarity == Polarity::Negated,
        (None, Quantifier::ForAllValues) => true,
        (Some(ContextValue::One(value)), Quantifier::Single) => one(value),
        // Measured on IAM: a multivalued key needs a prefix, whatever the operator and however many values.
        (None, Quantifier::ForAnyValue) | (Some(ContextValue::Many(_)), Quantifier::Single) => {
            false
        }
        (Some(values), Quantifier::ForAllValues) => values.as_slice().iter().all(one),
        (Some(values), Quantifier::ForAnyValue) => values.as_slice().iter().any(one),
    }
}
