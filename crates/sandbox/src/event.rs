//! What happened: one event per request, with the decision and the reason for it, in a ring of bounded size.

mod cause;
mod log;
mod looked_at;
mod summary;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use podpass_exchange::Trace;
use podpass_kinds::Reason;
use podpass_policy::{AccountId, PolicyTrace};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::cause::{Cause, StatementPlace};
pub(crate) use self::log::EventLog;
pub use self::log::EventsPage;
pub use self::summary::{EventSummary, EventTold, Verdict};

/// One request, what was decided about it, and why. Nothing secret is in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The event's id, which the response carried in the header `x-podpass-event`.
    pub id: EventId,
    /// When the request was answered, by the sandbox's clock.
    pub time: Timestamp,
    /// The service's name in a credential scope: `sts`, `iam`, `s3`.
    pub service: String,
    /// The API action, such as `AssumeRoleWithWebIdentity`; empty when the request was refused before it was known.
    pub action: String,
    /// Who called: an ARN, `anonymous`, or the access key id of a call whose credentials were refused.
    pub principal: String,
    /// The account the call was made for, when known.
    pub account: Option<AccountId>,
    /// The ARN the call was about, when there was one.
    pub resource: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What came of it.
    pub outcome: Outcome,
    /// The comparison that decided, for a denial.
    pub cause: Option<Cause>,
    /// The ids of the faults that affected it, such as `fault-1`.
    pub faults: Vec<String>,
    /// The steps of a token exchange, for the calls that are one.
    pub exchange: Option<Trace>,
    /// The statements that were looked at, layer by layer, and why each did or did not apply.
    pub policy: Vec<PolicyTrace>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "verdict"
)]
pub enum Outcome {
    /// It was permitted and done.
    Allowed,
    /// It was refused: credentials, token, trust or permissions.
    Denied {
        /// AWS's error code.
        code: String,
        /// AWS's words, as the client got them.
        message: String,
        /// The reason behind AWS's words, when they do not tell it.
        reason: Option<Reason>,
    },
    /// It was permitted but could not be done: bad input, something missing, a conflict.
    Failed {
        /// AWS's error code.
        code: String,
        /// AWS's words, as the client got them.
        message: String,
    },
}

/// The id of an [`Event`]: `ev-` and its number, counted from the start of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u64);

/// A text that is not an event id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an event id such as `ev-17`")]
pub struct ParseEventIdError {
    text: String,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for EventId {
    type Err = ParseEventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(PREFIX)
            .and_then(|number| number.parse().ok())
            .map(Self)
            .ok_or_else(|| ParseEventIdError {
                text: text.to_owned(),
            })
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

const PREFIX: &str = "ev-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_read_what_they_print() {
        assert_eq!("ev-17".parse(), Ok(EventId(17)));
        assert_eq!(EventId(17).to_string(), "ev-17");
        assert!("17".parse::<EventId>().is_err());
        assert!("ev-x".parse::<EventId>().is_err());
    }

    #[test]
    fn outcome_is_tagged_by_its_verdict() {
        let outcome = Outcome::Failed {
            code: "NoSuchEntity".into(),
            message: "m".into(),
        };
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"verdict":"failed","code":"NoSuchEntity","message":"m"}"#
        );
    }
}
