//! What a simulation found out, in the shape that `-o json` prints.

use podpass_exchange::{Comparison, Outcome, StepName, Trace};
use podpass_kinds::Reason;
use podpass_kinds::spelling::distance;
use podpass_policy::Position;
use serde::Serialize;

use super::edit::Edit;
use super::repair::{statements_of, trust_step};
use super::{Attempt, Bearer, Scenario};
use crate::nearness::first_difference;
use crate::{Finding, Severity};

/// The verdict about a token, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    /// Whether STS would grant the session.
    pub verdict: Verdict,
    /// What is known of the signature.
    pub signature: Signature,
    /// What STS would answer, in its own words, where it denies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The cause of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The session that would be granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// Each condition of the trust policy that was reached.
    pub conditions: Vec<ConditionRow>,
    /// The comparison that decided against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest_miss: Option<NearMiss>,
    /// The smallest known change that would allow; empty if it is allowed, or if no change of these inputs would.
    pub edits: Vec<Edit>,
    /// Each step with what it compared.
    pub trace: Trace,
}

/// Whether it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Allow,
    /// It is not.
    Deny,
}

/// What is known of a token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// The issuer's key made it.
    Valid,
    /// It does not count.
    Invalid,
    /// Nobody looked: the keys were not given, or there is no token.
    NotChecked,
    /// The decision fell before.
    NotReached,
}

/// An error of STS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The code on the wire.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The message.
    pub message: String,
}

/// The session that would be granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its ARN.
    pub arn: String,
    /// The role.
    pub role: String,
    /// The token's subject.
    pub subject: String,
    /// The effective audience.
    pub audience: String,
    /// The OIDC provider.
    pub provider: String,
}

/// One condition of the trust policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionRow {
    /// The statement's place, from 1.
    pub statement: usize,
    /// The statement's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The context key as written.
    pub key: String,
    /// The operator as written.
    pub operator: String,
    /// The values of the policy.
    pub expected: Vec<String>,
    /// The values of the request; `None` when it does not have the key.
    pub actual: Option<Vec<String>>,
    /// Whether it holds.
    pub result: bool,
    /// Where the key stands.
    pub position: Position,
}

/// The comparison that decided, and where its two sides part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// The step that failed.
    pub step: StepName,
    /// What was compared.
    pub what: String,
    /// What it should have been.
    pub expected: Vec<String>,
    /// What it was.
    pub actual: Option<String>,
    /// Where the expected values stand in the trust policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The nearest of the expected values and where the actual one leaves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// Where two texts part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The expected value that comes nearest.
    pub nearest: String,
    /// The first character that differs, from 1.
    pub character: usize,
}

impl Simulation {
    pub(super) fn of(scenario: &Scenario, attempt: Attempt, edits: Vec<Edit>) -> Self {
        let conditions = condition_rows(&attempt);
        let mut simulation = match attempt.outcome {
            Ok(held) => Self {
                verdict: Verdict::Allow,
                signature: signature(&held.trace),
                answer: None,
                reason: None,
                session: Some(Session {
                    arn: held.session_arn,
                    role: held.role.to_string(),
                    subject: held.subject,
                    audience: held.audience,
                    provider: held.provider,
                }),
                conditions,
                nearest_miss: None,
                edits,
                trace: held.trace,
            },
            Err(denial) => Self {
                verdict: Verdict::Deny,
                signature: signature(&denial.trace),
                answer: Some(Answer {
                    code: denial.code,
                    status: denial.status,
                    message: denial.message,
                }),
                reason: Some(denial.reason),
                session: None,
                conditions,
                nearest_miss: near_miss(&denial.trace),
                edits,
                trace: denial.trace,
            },
        };
        if scenario.bearer == Bearer::Described {
            // Form and times are ours, not the token's: to print them would be to prove something by itself.
            let made_up = [StepName::TokenFormat, StepName::TokenTimes];
            simulation
                .trace
                .steps
                .retain(|step| step.outcome == Outcome::Failed || !made_up.contains(&step.name));
        }
        simulation
    }

    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    /// The denial as a finding about the trust policy's file; `None` if it is allowed.
    pub fn finding(&self, trust_file: &str) -> Option<Finding> {
        let (reason, answer) = (self.reason?, self.answer.as_ref()?);
        let miss = self.nearest_miss.as_ref();
        let edits: Vec<String> = self.edits.iter().map(ToString::to_string).collect();
        let position = miss.and_then(|miss| miss.position);
        Some(Finding {
            code: reason,
            severity: Severity::Error,
            file: Some(trust_file.to_owned()),
            position: position.or_else(|| self.edits.iter().find_map(Edit::position)),
            message: match miss {
                Some(miss) => format!("STS answers {}: {}", answer.code, miss.what),
                None => format!("STS answers {}", answer.code),
            },
            expected: miss.map(|miss| miss.expected.clone()).unwrap_or_default(),
            actual: miss.and_then(|miss| miss.actual.clone()),
            fix: if edits.is_empty() {
                reason.fix().to_owned()
            } else {
                edits.join("; then ")
            },
        })
    }
}

fn signature(trace: &Trace) -> Signature {
    let step = trace
        .steps
        .iter()
        .find(|step| step.name == StepName::Signature);
    match step.map(|step| step.outcome) {
        None => Signature::NotReached,
        Some(Outcome::Passed) => Signature::Valid,
        Some(Outcome::NotChecked) => Signature::NotChecked,
        Some(Outcome::Failed) => Signature::Invalid,
    }
}

fn condition_rows(attempt: &Attempt) -> Vec<ConditionRow> {
    let statements = trust_step(attempt).map_or(&[][..], statements_of);
    let of_statement = statements.iter().flat_map(|statement| {
        statement.conditions.iter().map(|condition| ConditionRow {
            statement: statement.index + 1,
            sid: statement.sid.clone(),
            key: condition.key.clone(),
            operator: condition.operator.to_string(),
            expected: condition.expected.clone(),
            actual: condition
                .actual
                .as_ref()
                .map(|actual| actual.as_slice().to_vec()),
            result: condition.holds,
            position: condition.position,
        })
    });
    of_statement.collect()
}

fn near_miss(trace: &Trace) -> Option<NearMiss> {
    let step = trace.failed_step()?.name;
    let Comparison {
        what,
        expected,
        actual,
        position,
        ..
    } = trace.first_failure()?.clone();
    let difference = actual.as_ref().and_then(|actual| {
        let nearest = expected
            .iter()
            .min_by_key(|value| distance(value, actual))?;
        Some(Difference {
            nearest: nearest.clone(),
            character: first_difference(nearest, actual)?,
        })
    });
    Some(NearMiss {
        step,
        what,
        expected,
        actual,
        position,
        difference,
    })
}
