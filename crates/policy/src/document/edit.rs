//! Looking into a statement and adding to it: how a trust policy is kept up to date without losing what others wrote.

use super::principal::{PrincipalClause, PrincipalKind};
use super::statement::Statement;
use super::values::Values;
use crate::condition::{Condition, ConditionOperator};

/// Whether an edit changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was already so.
    Unchanged,
    /// It is so now.
    Changed,
}

impl Statement {
    /// The federated principals (ARNs of OIDC and SAML providers, names of built-in ones) of the Principal element.
    pub fn federated_principals(&self) -> &[String] {
        match &self.principal {
            Some(PrincipalClause::Principal(set)) => set.of_kind(PrincipalKind::Federated),
            _ => &[],
        }
    }

    /// The condition with an operator and a key; the key's case does not count.
    pub fn condition(
        &self,
        operator: impl Into<ConditionOperator>,
        key: &str,
    ) -> Option<&Condition> {
        let operator = operator.into();
        self.conditions
            .iter()
            .find(|condition| condition.is_on(operator, key))
    }

    /// The conditions on a key, whatever their operator; the key's case does not count.
    pub fn conditions_on<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'s Condition> {
        self.conditions
            .iter()
            .filter(move |condition| condition.has_key(key))
    }

    /// Adds values to the condition with an operator and a key, which is made when it is not there.
    ///
    /// More values in a positive condition let more requests through; a new condition lets fewer through.
    pub fn add_condition_values<'v>(
        &mut self,
        operator: impl Into<ConditionOperator>,
        key: &str,
        values: impl IntoIterator<Item = &'v str>,
    ) -> Change {
        let operator = operator.into();
        if let Some(condition) = self
            .conditions
            .iter_mut()
            .find(|condition| condition.is_on(operator, key))
        {
            let mut change = Change::Unchanged;
            for value in values {
                if condition.values.add(value) {
                    change = Change::Changed;
                }
            }
            return change;
        }
        let mut fresh = Values::list(Vec::<String>::new());
        for value in values {
            fresh.add(value);
        }
        if fresh.is_empty() {
            return Change::Unchanged;
        }
        self.conditions.push(Condition::new(operator, key, fresh));
        Change::Changed
    }
}
