//! Edits of one condition that might make it hold.

use podpass_kinds::spelling::distance;
use podpass_policy::{Comparison, ConditionOperator, ConditionTrace, Quantifier, StatementTrace};

use super::NEAR;
use crate::simulate::claims::Facts;
use crate::simulate::edit::Edit;
use crate::simulate::trust_edits::{ConditionPlace, TrustText};

/// Proposes another operator, key or value for a condition that fails.
pub(super) fn condition(
    text: &TrustText<'_>,
    facts: &Facts,
    client_ids: &[&String],
    statement: &StatementTrace,
    failing: &ConditionTrace,
) -> Vec<Edit> {
    let Some(place) = text.condition(statement.index, failing) else {
        return Vec::new();
    };
    let operator = failing.operator;
    let mut edits = operators(text, &place, operator, failing);
    edits.extend(keys(text, &place, facts));
    let is_audience = facts
        .key("aud")
        .is_some_and(|key| key.eq_ignore_ascii_case(&failing.key));
    // An audience that is no client id never reaches the trust policy.
    let is_useless = |value: &str| is_audience && !client_ids.iter().any(|id| *id == value);
    edits.extend(values(text, &place, operator, failing, is_useless));
    if failing.actual.is_none() {
        edits.extend(last_resorts(text, &place, facts, statement));
    }
    if operator.comparison.is_negated() {
        edits.extend(text.remove_condition(statement.index, &place));
    }
    edits
}

/// Another operator: wildcards need `StringLike`, lists a prefix.
fn operators(
    text: &TrustText<'_>,
    place: &ConditionPlace<'_>,
    operator: ConditionOperator,
    failing: &ConditionTrace,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let wildcard = failing
        .expected
        .iter()
        .any(|value| value.contains(['*', '?']));
    if wildcard && matches!(operator.comparison, Comparison::StringEquals) {
        let like = ConditionOperator {
            comparison: Comparison::StringLike,
            ..operator
        };
        edits.push(text.rename(place.operator(), &like.to_string()));
    }
    if operator.quantifier == Quantifier::Single && operator.comparison != Comparison::Null {
        let any = ConditionOperator {
            quantifier: Quantifier::ForAnyValue,
            ..operator
        };
        edits.push(text.rename(place.operator(), &any.to_string()));
    }
    edits
}

/// Another key: the provider's ARN instead of its URL, `aud` where `sub` was meant, another issuer's host.
fn keys(text: &TrustText<'_>, place: &ConditionPlace<'_>, facts: &Facts) -> Vec<Edit> {
    CLAIMS
        .iter()
        .filter_map(|claim| Some(text.rename(place.key(), &facts.key(claim)?)))
        .collect()
}

fn values(
    text: &TrustText<'_>,
    place: &ConditionPlace<'_>,
    operator: ConditionOperator,
    failing: &ConditionTrace,
    is_useless: impl Fn(&str) -> bool,
) -> Vec<Edit> {
    if operator.comparison == Comparison::Null {
        let flipped = [("true", "false"), ("false", "true")];
        return flipped
            .iter()
            .filter_map(|(old, new)| text.replace_value(place.values(), old, new))
            .collect();
    }
    let Some(actual) = failing.actual.as_ref() else {
        return Vec::new();
    };
    if operator.comparison.is_negated() {
        let written = place
            .values()
            .elements()
            .iter()
            .filter_map(|value| value.text());
        return written
            .filter_map(|value| text.remove_value(place.values(), value))
            .collect();
    }
    let mut edits = Vec::new();
    for actual in actual.as_slice() {
        for value in place
            .values()
            .elements()
            .iter()
            .filter_map(|value| value.text())
        {
            // Replacing takes a permission from somebody else, unless the value is a slip of this one.
            // Who writes a wildcard means more than this one value.
            let slip = !value.contains(['*', '?'])
                && (distance(value, actual) <= NEAR || value.eq_ignore_ascii_case(actual));
            let sole_bound = is_order(operator.comparison);
            if slip || sole_bound || is_useless(value) || !could_match(value, actual) {
                for new in equal_or_beyond(operator.comparison, actual) {
                    edits.extend(text.replace_value(place.values(), value, &new));
                }
            }
        }
        if !is_order(operator.comparison) {
            edits.extend(text.add_value(place.values(), actual));
        }
    }
    edits
}

/// What no value can satisfy: a key that AWS does not know becomes the subject, or the condition goes.
fn last_resorts(
    text: &TrustText<'_>,
    place: &ConditionPlace<'_>,
    facts: &Facts,
    statement: &StatementTrace,
) -> Vec<Edit> {
    let Some(subject) = facts.key("sub") else {
        return Vec::new();
    };
    let names_subject = statement
        .conditions
        .iter()
        .any(|condition| condition.holds && condition.key.eq_ignore_ascii_case(&subject));
    if names_subject {
        text.remove_condition(statement.index, place)
            .into_iter()
            .collect()
    } else {
        vec![text.replace_condition(place, &subject, &facts.subject)]
    }
}

/// Whether a value could be meant for another caller: a subject has four parts and its own prefix.
fn could_match(value: &str, actual: &str) -> bool {
    let is_subject =
        |text: &str| text.starts_with("system:serviceaccount:") && text.split(':').count() == 4;
    !is_subject(actual) || is_subject(value)
}

fn is_order(comparison: Comparison) -> bool {
    let name = comparison.as_str();
    name.contains("LessThan") || name.contains("GreaterThan")
}

/// The value itself and its neighbours: what a bound has to be so that it lets the value in.
fn equal_or_beyond(comparison: Comparison, actual: &str) -> Vec<String> {
    let mut values = vec![actual.to_owned()];
    if is_order(comparison) {
        if let Ok(number) = actual.parse::<i64>() {
            values.extend(
                [number.saturating_add(1), number.saturating_sub(1)].map(|each| each.to_string()),
            );
        } else if let Ok(time) = actual.parse::<jiff::Timestamp>() {
            let second = time.as_second();
            values.extend([second + 1, second - 1].map(|each| each.to_string()));
        }
    }
    values
}

/// The claims that conditions can be on, beside `oaud`.
const CLAIMS: [&str; 4] = ["sub", "aud", "amr", "email"];
