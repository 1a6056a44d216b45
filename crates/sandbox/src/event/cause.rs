//! The one comparison that decided a denial, picked out of everything that was compared.

use std::cmp::Reverse;

use podpass_exchange::{Comparison, Step, StepName, Trace};
use podpass_policy::{
    ConditionTrace, ContextValue, Decision, Effect, Layer, PolicyTrace, StatementOutcome,
    StatementTrace, Verdict,
};
use serde::{Deserialize, Serialize};

/// The one comparison that decided a denial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// What refused: a kind of policy in AWS's words (`identity-based policy`, `trust policy`), or another step of a
    /// token exchange (`audience`, `token times`), or `request date`.
    pub layer: String,
    /// The policy, such as `inline policy read of role reader`; `None` when the layer has none.
    pub policy: Option<String>,
    /// The statement that denies, or the one that comes nearest to allowing.
    pub statement: Option<StatementPlace>,
    /// What was compared, such as `condition`, `action`, `principal`, or a claim.
    pub compared: Option<String>,
    /// The context key of a condition.
    pub key: Option<String>,
    /// The operator of a condition.
    pub operator: Option<String>,
    /// The values or rules of which one had to be met: at most 32.
    pub expected: Vec<String>,
    /// What was found; `None` when there was nothing.
    pub actual: Option<String>,
}

/// A statement and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementPlace {
    /// The place among the policy's statements, from 0.
    pub index: usize,
    /// The statement's id.
    pub sid: Option<String>,
    /// Its line in the policy's text, or that of what was compared, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

type Found<'a> = (&'a PolicyTrace, &'a StatementTrace);

impl Cause {
    /// A layer that refused, and nothing more to tell of it.
    pub(crate) fn of_layer(layer: impl Into<String>) -> Self {
        Self {
            layer: layer.into(),
            ..Self::default()
        }
    }

    /// The cause of a decision about policies; `None` when it allows.
    pub(crate) fn of_decision(decision: &Decision) -> Option<Self> {
        let (layer, is_explicit) = match decision.verdict {
            Verdict::Allowed => return None,
            Verdict::ExplicitDeny(layer) => (layer, true),
            Verdict::ImplicitDeny(layer) => (layer, false),
        };
        let policies = decision.trace.iter().filter(|policy| policy.layer == layer);
        let found = statements(policies);
        let decisive = if is_explicit {
            denying(found)
        } else {
            nearest(found)
        };
        let cause = Self::of_layer(layer.as_str());
        Some(match decisive {
            None => cause,
            Some(found) => cause.at_statement(found),
        })
    }

    /// The cause of a refused token exchange; `None` when no step failed.
    pub(crate) fn of_exchange(trace: &Trace) -> Option<Self> {
        let step = trace.failed_step()?;
        let failure = trace.first_failure();
        let mut cause = Self::of_layer(step.name.to_string());
        let Some((policy, statement)) = deciding(step, failure) else {
            return Some(cause.comparing(failure));
        };
        if step.name == StepName::TrustPolicy && policy.layer != Layer::Resource {
            cause = Self::of_layer(policy.layer.as_str());
        }
        cause = cause.at_statement((policy, statement));
        Some(cause)
    }

    fn comparing(self, failure: Option<&Comparison>) -> Self {
        let Some(failure) = failure else { return self };
        Self {
            compared: Some(failure.what.clone()),
            expected: failure.expected.clone(),
            actual: failure.actual.clone(),
            ..self
        }
    }

    fn at_statement(self, (policy, statement): Found<'_>) -> Self {
        let failing = statement
            .conditions
            .iter()
            .find(|condition| !condition.holds);
        let position = failing.map_or(statement.position, |condition| condition.position);
        let cause = Self {
            policy: Some(policy.source.clone()),
            statement: Some(StatementPlace {
                index: statement.index,
                sid: statement.sid.clone(),
                line: position.line,
                column: position.column,
            }),
            ..self
        };
        let differs = |what: &str, expected: &[String], actual: &str| Self {
            compared: Some(what.to_owned()),
            expected: expected.to_vec(),
            actual: Some(actual.to_owned()),
            ..cause.clone()
        };
        match (&statement.outcome, failing) {
            (StatementOutcome::PrincipalDiffers { expected, actual }, _) => {
                differs("principal", expected, actual)
            }
            (StatementOutcome::ActionDiffers { expected, actual }, _) => {
                differs("action", expected, actual)
            }
            (StatementOutcome::ResourceDiffers { expected, actual }, _) => {
                differs("resource", expected, actual)
            }
            (_, Some(condition)) => Self {
                compared: Some("condition".to_owned()),
                key: Some(condition.key.clone()),
                operator: Some(condition.operator.to_string()),
                expected: condition.wanted(),
                actual: condition.actual.as_ref().map(text_of),
                ..cause
            },
            _ => differs(
                "statement",
                &["no statement that denies".to_owned()],
                "it matches",
            ),
        }
    }

    /// Cuts what clients and policies wrote, so that a list of causes stays readable.
    pub(crate) fn bounded(mut self, shorten: impl Fn(&mut String)) -> Self {
        self.expected.truncate(MAX_EXPECTED);
        self.expected.iter_mut().for_each(&shorten);
        for text in [&mut self.actual, &mut self.key, &mut self.policy] {
            text.iter_mut().for_each(&shorten);
        }
        self
    }
}

fn statements<'a>(
    policies: impl Iterator<Item = &'a PolicyTrace>,
) -> impl Iterator<Item = Found<'a>> {
    policies.flat_map(|policy| {
        policy
            .statements
            .iter()
            .map(move |statement| (policy, statement))
    })
}

fn denying<'a>(mut statements: impl Iterator<Item = Found<'a>>) -> Option<Found<'a>> {
    statements.find(|(_, statement)| {
        statement.effect == Effect::Deny && statement.outcome == StatementOutcome::Matches
    })
}

/// The statement that comes nearest to allowing: elements are compared in a fixed order, so the later the difference,
/// the nearer.
fn nearest<'a>(statements: impl Iterator<Item = Found<'a>>) -> Option<Found<'a>> {
    let progress = |(_, statement): &Found<'_>| {
        let stage = match &statement.outcome {
            StatementOutcome::PrincipalDiffers { .. } => 0,
            StatementOutcome::ActionDiffers { .. } => 1,
            StatementOutcome::ResourceDiffers { .. } => 2,
            StatementOutcome::ConditionFails => 3,
            StatementOutcome::Matches => 4,
        };
        let failing = statement
            .conditions
            .iter()
            .filter(|condition| !condition.holds);
        Reverse((stage, Reverse(failing.count())))
    };
    // Of several that are as near, the first.
    statements
        .filter(|(_, statement)| statement.effect == Effect::Allow)
        .min_by_key(progress)
}

/// The statement of a failed step that its deciding comparison is about.
fn deciding<'a>(step: &'a Step, failure: Option<&Comparison>) -> Option<Found<'a>> {
    let all = || statements(step.policies.iter());
    let failure = failure?;
    let position = failure.position?;
    let is_condition = |condition: &ConditionTrace| {
        condition.position == position
            && failure
                .what
                .starts_with(&format!("{} ({}", condition.key, condition.operator))
    };
    let of_condition = all().find(|(_, statement)| statement.conditions.iter().any(is_condition));
    of_condition.or_else(|| {
        let mut at = all().filter(|(_, statement)| statement.position == position);
        at.find(|(policy, _)| policy.layer == Layer::Resource)
    })
}

fn text_of(value: &ContextValue) -> String {
    match value {
        ContextValue::One(value) => value.clone(),
        ContextValue::Many(values) => values.join(", "),
    }
}

/// A statement may list a thousand resources.
const MAX_EXPECTED: usize = 32;
