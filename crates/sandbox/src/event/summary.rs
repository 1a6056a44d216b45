//! An event in one glance, as control calls hand it out.

use jiff::Timestamp;
use podpass_kinds::Reason;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, Event, EventId, Outcome};

/// An event in one glance: what was called, by whom, what came of it, and for a denial what decided. Nothing secret is
/// in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventSummary {
    /// The event's id, which the response carried in the header `x-podpass-event`.
    pub id: EventId,
    /// When the request was answered, by the sandbox's clock.
    pub time: Timestamp,
    /// The service's name in a credential scope: `sts`, `iam`, `s3`.
    pub service: String,
    /// The API action; empty when the request was refused before it was known.
    pub action: String,
    /// Who called: an ARN, `anonymous`, or the access key id of a call whose credentials were refused.
    pub principal: String,
    /// The account the call was made for, when known.
    pub account: Option<String>,
    /// The ARN the call was about, when there was one.
    pub resource: Option<String>,
    /// What came of it.
    pub decision: Verdict,
    /// The HTTP status of the answer.
    pub status: u16,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's words, as the client got them.
    pub message: Option<String>,
    /// The comparison that decided, for a denial.
    pub cause: Option<Cause>,
    /// The ids of the faults that affected it, such as `fault-1`.
    pub faults: Vec<String>,
    /// The reason code, such as `TRUST_SUB_MISMATCH`.
    pub reason: Option<String>,
    /// What is wrong, for that reason.
    pub hint: Option<String>,
    /// What to change, for that reason.
    pub fix: Option<String>,
}

/// What came of a request, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was permitted and done.
    Allowed,
    /// It was refused: credentials, token, trust or permissions.
    Denied,
    /// It was permitted but could not be done.
    Failed,
}

/// An event with all that was compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTold {
    /// The event in one glance.
    pub summary: EventSummary,
    /// What was looked at, a line each, for people.
    pub looked_at: Vec<String>,
    /// The steps of a token exchange, or `null`: see [`Event::exchange`].
    pub exchange: Value,
    /// The statements of every layer that was asked: see [`Event::policy`].
    pub policy: Value,
}

impl Verdict {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl EventSummary {
    /// Sums an event up.
    pub fn of(event: &Event) -> Self {
        let (decision, error, reason) = match &event.outcome {
            Outcome::Allowed => (Verdict::Allowed, None, None),
            Outcome::Denied {
                code,
                message,
                reason,
            } => (Verdict::Denied, Some((code, message)), *reason),
            Outcome::Failed { code, message } => (Verdict::Failed, Some((code, message)), None),
        };
        let words = |of: fn(Reason) -> &'static str| reason.map(|reason| of(reason).to_owned());
        Self {
            id: event.id,
            time: event.time,
            service: event.service.clone(),
            action: event.action.clone(),
            principal: event.principal.clone(),
            account: event.account.as_ref().map(ToString::to_string),
            resource: event.resource.clone(),
            decision,
            status: event.status,
            code: error.map(|(code, _)| code.clone()),
            message: error.map(|(_, message)| message.clone()),
            cause: event.cause.clone(),
            faults: event.faults.clone(),
            reason: words(Reason::code),
            hint: words(Reason::hint),
            fix: words(Reason::fix),
        }
    }
}

impl EventTold {
    /// Tells all of an event.
    pub fn of(event: &Event) -> Self {
        let json = |value| serde_json::to_value(value).unwrap_or_default();
        Self {
            summary: EventSummary::of(event),
            looked_at: event.looked_at(),
            exchange: event.exchange.as_ref().map_or(Value::Null, json),
            policy: serde_json::to_value(&event.policy).unwrap_or_default(),
        }
    }
}
