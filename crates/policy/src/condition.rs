//! Conditions: an operator, a context key and the values to compare with.

mod arn;
mod binary;
mod date;
mod evaluate;
mod expected;
mod ip;
mod numeric;
mod operator;
mod order;
mod string;

pub use arn::covers_arn;
pub(crate) use arn::{ArnPattern, NoArnPattern};
pub(crate) use evaluate::evaluate;
pub(crate) use expected::check_literal;
pub(crate) use ip::Network;
pub use operator::{Comparison, ConditionOperator, Quantifier, UnknownOperator, WhenMissing};

use crate::document::{Values, Version};
use crate::position::Position;
use crate::template;
use expected::Family;

/// One operator on one key of a Condition element. Equality ignores the position.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The operator.
    pub operator: ConditionOperator,
    /// The context key, as written.
    pub key: String,
    /// The values: one of them must match, or, for a negated operator, none.
    pub values: Values,
    /// Where the key stands in its text.
    pub position: Position,
}

impl Condition {
    /// A condition that stands in no text.
    pub fn new(
        operator: impl Into<ConditionOperator>,
        key: impl Into<String>,
        values: impl Into<Values>,
    ) -> Self {
        Self {
            operator: operator.into(),
            key: key.into(),
            values: values.into(),
            position: Position::START,
        }
    }

    /// Whether the condition is on a key; the case does not count.
    pub fn has_key(&self, key: &str) -> bool {
        self.key.to_lowercase() == key.to_lowercase()
    }

    /// The keys of the policy variables in its values, which only texts and ARNs have.
    pub(crate) fn variables(&self, version: Version) -> Vec<String> {
        match self.operator.comparison.family() {
            Family::String(_) | Family::Arn => self
                .values
                .iter()
                .flat_map(|value| template::variables(value, version))
                .collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_on(&self, operator: ConditionOperator, key: &str) -> bool {
        self.operator == operator && self.has_key(key)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            operator,
            key,
            values,
            position: _,
        } = self;
        *operator == other.operator && *key == other.key && *values == other.values
    }
}

impl Eq for Condition {}
