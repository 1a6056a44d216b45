//! The ring of the newest events, bounded in number and in size, and who waits for the next one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use podpass_exchange::Outcome as StepOutcome;
use podpass_policy::{PolicyTrace, StatementOutcome};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Event, EventId, EventSummary, Outcome};
use crate::call::shorten_actual;

/// The newest events, oldest first, bounded in number and in size.
#[derive(Debug)]
pub(crate) struct EventLog {
    ring: Mutex<Ring>,
    max_bytes: usize,
    progress: watch::Sender<Progress>,
}

/// What followers wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    recorded: u64,
    ended: bool,
}

/// Some of the events, oldest first, and where to go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventsPage {
    /// The events, oldest first.
    pub events: Vec<EventSummary>,
    /// How many events were recorded up to here. Ids would not do: they are given when a request comes in, and a
    /// slow one is recorded after a later one.
    pub cursor: u64,
    /// How many events between the last page and this one were dropped before they were read.
    pub missed: u64,
    /// More are there already.
    pub more: bool,
    /// The sandbox is stopping; nothing follows.
    pub ended: bool,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Kept>,
    /// The sum of the events' sizes.
    bytes: usize,
    last: u64,
    /// How many events there were, those included that were dropped.
    recorded: u64,
}

/// An event, and about how much memory it takes.
#[derive(Debug)]
struct Kept {
    event: Event,
    bytes: usize,
}

/// Counts what is written to it.
struct Counter(usize);

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
            progress: watch::Sender::default(),
        }
    }

    /// Takes the next id; the event itself follows with [`EventLog::record`].
    pub(crate) fn next_id(&self) -> EventId {
        let mut ring = self.lock();
        ring.last += 1;
        EventId(ring.last)
    }

    /// Appends an event, dropping the oldest ones when the ring is full.
    ///
    /// `held` is how many bytes of the request its trace holds on to at most.
    pub(crate) fn record(&self, event: Event, held: usize) {
        let bytes = held + size_of(&event);
        let mut ring = self.lock();
        while ring.events.len() == CAPACITY || ring.bytes + bytes > self.max_bytes {
            let Some(oldest) = ring.events.pop_front() else {
                break;
            };
            ring.bytes -= oldest.bytes;
        }
        ring.bytes += bytes;
        ring.events.push_back(Kept { event, bytes });
        ring.recorded += 1;
        let recorded = ring.recorded;
        self.progress
            .send_modify(|progress| progress.recorded = recorded);
    }

    /// Tells followers that the sandbox stops.
    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    /// The events after `cursor`, of them the `newest` so many; one page of them.
    pub(crate) fn page(&self, cursor: Option<u64>, newest: Option<usize>) -> EventsPage {
        let ring = self.lock();
        let recorded = ring.recorded;
        let dropped = recorded - ring.events.len() as u64;
        let seen = cursor.unwrap_or_default().min(recorded);
        let wanted = newest.map_or(0, |newest| recorded.saturating_sub(newest as u64));
        let start = seen.max(dropped).max(wanted);
        let skipped = usize::try_from(start - dropped).unwrap_or(usize::MAX);
        let events: Vec<EventSummary> = ring
            .events
            .iter()
            .skip(skipped)
            .take(PAGE)
            .map(|kept| EventSummary::of(&kept.event))
            .collect();
        let end = start + events.len() as u64;
        EventsPage {
            events,
            cursor: end,
            missed: cursor.map_or(0, |_| dropped.saturating_sub(seen)),
            more: end < recorded,
            ended: self.progress.borrow().ended,
        }
    }

    /// Waits until there are events after `cursor`, the sandbox stops, or the time is over.
    pub(crate) async fn wait_past(&self, cursor: u64, longest: Duration) {
        let mut progress = self.progress.subscribe();
        let news = progress.wait_for(|progress| progress.ended || progress.recorded > cursor);
        // In each case the page tells what there is.
        let _ = tokio::time::timeout(longest, news).await;
    }

    /// Waits until the sandbox stops.
    pub(crate) async fn wait_end(&self) {
        // The sender lives as long as the log.
        let _ = self
            .progress
            .subscribe()
            .wait_for(|progress| progress.ended)
            .await;
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        let ring = self.lock();
        ring.events.iter().map(Kept::told).collect()
    }

    pub(crate) fn find(&self, id: EventId) -> Option<Event> {
        self.lock()
            .events
            .iter()
            .rev()
            .find(|kept| kept.event.id == id)
            .map(Kept::told)
    }

    /// The ring is whole between any two calls, so a panic elsewhere does not make it unusable.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The event as it is handed out: with words, each of bounded length, for the steps that passed.
    fn told(&self) -> Event {
        let mut event = self.event.clone();
        let steps = event.exchange.iter_mut().flat_map(|trace| &mut trace.steps);
        steps.for_each(|step| step.reword(shorten_actual));
        event
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

/// About how many bytes an event takes. The words of a passed step do not exist yet, and are not counted.
fn size_of(event: &Event) -> usize {
    let error = match &event.outcome {
        Outcome::Allowed => 0,
        Outcome::Denied { message, .. } | Outcome::Failed { message, .. } => message.len(),
    };
    let steps = event.exchange.iter().flat_map(|trace| &trace.steps);
    let steps = steps.map(|step| match step.outcome {
        StepOutcome::Failed => json_length(step),
        _ => step.policies.iter().map(size_of_policy).sum::<usize>(),
    });
    ROOM + event.action.len()
        + event.principal.len()
        + event.resource.as_ref().map_or(0, String::len)
        + error
        + event.cause.as_ref().map_or(0, json_length)
        + steps.sum::<usize>()
        + event.policy.iter().map(size_of_policy).sum::<usize>()
}

/// The words of a policy's trace, and the rest of it as if each number were as long as a word.
fn size_of_policy(policy: &PolicyTrace) -> usize {
    let statements = policy.statements.iter().map(|statement| {
        let differs = match &statement.outcome {
            StatementOutcome::PrincipalDiffers { expected, actual }
            | StatementOutcome::ActionDiffers { expected, actual }
            | StatementOutcome::ResourceDiffers { expected, actual } => {
                actual.len() + texts(expected)
            }
            StatementOutcome::Matches | StatementOutcome::ConditionFails => 0,
        };
        let conditions = statement.conditions.iter().map(|condition| {
            let actual = condition
                .actual
                .as_ref()
                .map(|value| texts(value.as_slice()));
            PLACE + condition.key.len() + texts(&condition.expected) + actual.unwrap_or_default()
        });
        PLACE + differs + conditions.sum::<usize>()
    });
    PLACE + policy.source.len() + statements.sum::<usize>()
}

fn texts(texts: &[String]) -> usize {
    texts.iter().map(|text| WORD + text.len()).sum()
}

fn json_length(value: &(impl Serialize + ?Sized)) -> usize {
    let mut counter = Counter(0);
    // Neither the counter nor these types can fail; what was counted until then would do.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

/// Bytes: an event's own, and its short texts.
const ROOM: usize = 500;

/// Bytes of a policy, statement or condition beside its texts.
const PLACE: usize = 120;

/// Bytes of a text beside its characters.
const WORD: usize = 24;

/// About 10 MB at 1 kB an event: enough to look back on a test run, bounded for a sandbox that runs for days.
const CAPACITY: usize = 10_000;

/// Events in one answer: about 200 kB.
const PAGE: usize = 200;

/// A trace may be a thousand times as large, when a call asks for many actions under long policies.
const MAX_BYTES: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

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
            status: 200,
            outcome: Outcome::Allowed,
            cause: None,
            faults: Vec::new(),
            exchange: None,
            policy: Vec::new(),
        }
    }

    #[test]
    fn ring_keeps_the_newest_ten_thousand() {
        let log = EventLog::default();
        let first = log.next_id();
        log.record(event(first), 0);
        for _ in 0..CAPACITY {
            let id = log.next_id();
            log.record(event(id), 0);
        }
        assert_eq!(log.all().len(), 10_000);
        assert!(log.find(first).is_none());
        assert!(log.find(EventId(10_001)).is_some());
    }

    #[test]
    fn pages_go_on_where_the_last_one_ended() {
        let log = EventLog::default();
        assert_eq!(log.page(None, None).cursor, 0);
        for _ in 0..=2 * PAGE {
            let id = log.next_id();
            log.record(event(id), 0);
        }
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let page = log.page(cursor, None);
            seen.extend(page.events.iter().map(|event| event.id.0));
            cursor = Some(page.cursor);
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, (1..=401).collect::<Vec<u64>>());
        let newest = log.page(None, Some(2));
        assert_eq!(
            newest
                .events
                .iter()
                .map(|event| event.id.0)
                .collect::<Vec<_>>(),
            [400, 401]
        );
        assert!(log.page(Some(9_999), None).events.is_empty());
    }

    #[test]
    fn a_reader_is_told_how_much_was_dropped_before_it_came_back() {
        let log = EventLog::default();
        for _ in 0..CAPACITY + 7 {
            let id = log.next_id();
            log.record(event(id), 0);
        }
        let page = log.page(Some(2), None);
        assert_eq!((page.missed, page.events[0].id), (5, EventId(8)));
        assert_eq!(log.page(None, None).missed, 0, "nothing was read before");
    }

    #[test]
    fn a_slow_request_that_began_earlier_is_not_left_out() {
        let log = EventLog::default();
        let (slow, quick) = (log.next_id(), log.next_id());
        log.record(event(quick), 0);
        let page = log.page(None, None);
        log.record(event(slow), 0);
        assert_eq!(log.page(Some(page.cursor), None).events[0].id, slow);
    }

    #[test]
    fn large_events_leave_room_for_fewer() {
        let log = EventLog::with_max_bytes(10_000);
        for _ in 0..20 {
            let id = log.next_id();
            let action = "x".repeat(1_000);
            let large = Event {
                action,
                ..event(id)
            };
            log.record(large, 0);
        }
        let kept = log.all();
        assert_eq!(kept.len(), 6);
        assert_eq!(kept[5].id, EventId(20));
        assert!(log.find(EventId(14)).is_none());
    }

    #[test]
    fn what_a_trace_holds_on_to_counts() {
        let log = EventLog::with_max_bytes(10_000);
        for _ in 0..20 {
            let id = log.next_id();
            log.record(event(id), 4_000);
        }
        assert_eq!(log.all().len(), 2);
    }
}
