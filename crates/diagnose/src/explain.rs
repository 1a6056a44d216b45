//! `explain`: from an AWS message, in whatever wrapping a client gave it, to its causes, ranked, and what to look at.

mod denied;
mod rows;
mod values;
mod wording;

use podpass_kinds::Reason;
use serde::Serialize;

use crate::simulate::Simulation;

pub use self::rows::{Topic, known};

/// What a message means and what can be behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Which answer it is.
    pub topic: Topic,
    /// The error code, if the text has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The operation that was called, if the text says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What AWS means by it, as one clause.
    pub meaning: &'static str,
    /// What the message carries: issuer, times, action, resource, …
    pub values: Vec<NamedValue>,
    /// The causes, the likeliest first.
    pub causes: Vec<Cause>,
}

/// A value that was read from a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedValue {
    /// What it is.
    pub name: &'static str,
    /// The value as it stands there.
    pub value: String,
    /// What to know about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Something that can be behind a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The reason code, where the cause has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The cause, as one clause.
    pub what: &'static str,
    /// What to look at, as one clause.
    pub look_at: &'static str,
    /// Whether a simulation with the caller's own files shows it.
    pub proven: bool,
}

/// What a simulation says about an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The same answer comes out, for this reason.
    Proven(Reason),
    /// Another answer comes out: these are not the inputs of the call, or another error comes first.
    OtherAnswer {
        /// The code and message that come out.
        answer: String,
        /// Their reason.
        reason: Reason,
    },
    /// With these inputs it is allowed: the cause lies outside them.
    Allowed,
}

/// Explains a text that holds an AWS error message; `None` if none is recognised in it.
pub fn explain(text: &str) -> Option<Explanation> {
    let wording = wording::Wording::of(text);
    if let Some(explanation) = denied::explain(&wording) {
        return Some(explanation);
    }
    let row = rows::find(&wording)?;
    Some(Explanation {
        topic: row.topic,
        code: wording.code(),
        operation: wording.operation(),
        meaning: row.meaning,
        values: values::read(row.topic, &wording),
        causes: row.causes(),
    })
}

impl Explanation {
    /// Compares with what a simulation answers, and puts the cause that it proves first.
    pub fn prove(&mut self, simulation: &Simulation) -> Proof {
        let (Some(answer), Some(reason)) = (&simulation.answer, simulation.reason) else {
            return Proof::Allowed;
        };
        let same = explain(&answer.message).is_some_and(|other| other.topic == self.topic);
        if !same {
            return Proof::OtherAnswer {
                answer: format!("{}: {}", answer.code, answer.message),
                reason,
            };
        }
        for cause in &mut self.causes {
            cause.proven = cause.reason == Some(reason);
        }
        if !self.causes.iter().any(|cause| cause.proven) {
            self.causes.insert(
                0,
                Cause {
                    reason: Some(reason),
                    what: reason.hint(),
                    look_at: reason.fix(),
                    proven: true,
                },
            );
        }
        self.causes.sort_by_key(|cause| !cause.proven);
        Proof::Proven(reason)
    }
}
