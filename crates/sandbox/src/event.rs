//! What happened: one event per request, with the decision and the reason for it, in a ring of bounded size.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use podpass_exchange::Trace;
use podpass_kinds::Reason;
use podpass_policy::{AccountId, PolicyTrace};
use serde::{Serialize, Serializer};

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
    /// What came of it.
    pub outcome: Outcome,
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

/// The newest events, oldest first, bounded in number and in size.
#[derive(Debug)]
pub(crate) struct EventLog {
    ring: Mutex<Ring>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Kept>,
    /// The sum of the events' sizes.
    bytes: usize,
    last: u64,
}

/// An event and the length of its JSON, which stands for the memory it takes.
#[derive(Debug)]
struct Kept {
    event: Event,
    bytes: usize,
}

/// Counts what is written to it.
struct Counter(usize);

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

impl Default for EventLog {
    fn default() -> Self {
        Self::with_max_bytes(MAX_BYTES)
    }
}

impl EventLog {
    fn with_max_bytes(max_bytes: usize) -> Self {
        Self {
            ring: Mutex::default(),
            max_bytes,
        }
    }

    /// Takes the next id; the event itself follows with [`EventLog::record`].
    pub(crate) fn next_id(&self) -> EventId {
        let mut ring = self.lock();
        ring.last += 1;
        EventId(ring.last)
    }

    /// Appends an event, dropping the oldest ones when the ring is full.
    pub(crate) fn record(&self, event: Event) {
        let bytes = size_of_json(&event);
        let mut ring = self.lock();
        while ring.events.len() == CAPACITY || ring.bytes + bytes > self.max_bytes {
            let Some(oldest) = ring.events.pop_front() else {
                break;
            };
            ring.bytes -= oldest.bytes;
        }
        ring.bytes += bytes;
        ring.events.push_back(Kept { event, bytes });
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        let ring = self.lock();
        ring.events.iter().map(|kept| kept.event.clone()).collect()
    }

    pub(crate) fn find(&self, id: EventId) -> Option<Event> {
        self.lock()
            .events
            .iter()
            .rev()
            .find(|kept| kept.event.id == id)
            .map(|kept| kept.event.clone())
    }

    /// The ring is whole between any two calls, so a panic elsewhere does not make it unusable.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn size_of_json(event: &Event) -> usize {
    let mut counter = Counter(0);
    // Neither the counter nor these types can fail; what was counted until then would do.
    let _ = serde_json::to_writer(&mut counter, event);
    counter.0
}

const PREFIX: &str = "ev-";

/// About 10 MB at 1 kB an event: enough to look back on a test run, bounded for a sandbox that runs for days.
const CAPACITY: usize = 10_000;

/// A trace may be a thousand times as large, when a call asks for many actions under long policies.
const MAX_BYTES: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: EventId) -> Event {
        Event {
            id,
            time: Timestamp::UNIX_EPOCH,
            service: "sts".into(),
            action: "GetCallerIdentity".into(),
            principal: "anonymous".into(),
            account: None,
            resource: None,
            outcome: Outcome::Allowed,
            exchange: None,
            policy: Vec::new(),
        }
    }

    #[test]
    fn ring_keeps_the_newest_ten_thousand() {
        let log = EventLog::default();
        let first = log.next_id();
        log.record(event(first));
        for _ in 0..CAPACITY {
            let id = log.next_id();
            log.record(event(id));
        }
        assert_eq!(log.all().len(), 10_000);
        assert!(log.find(first).is_none());
        assert!(log.find(EventId(10_001)).is_some());
    }

    #[test]
    fn large_events_leave_room_for_fewer() {
        let log = EventLog::with_max_bytes(10_000);
        for _ in 0..20 {
            let id = log.next_id();
            let action = "x".repeat(1_000);
            log.record(Event {
                action,
                ..event(id)
            });
        }
        let kept = log.all();
        assert_eq!(kept.len(), 8);
        assert_eq!(kept[7].id, EventId(20));
        assert!(log.find(EventId(12)).is_none());
    }

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
