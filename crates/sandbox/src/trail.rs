//! CloudTrail's event history: a record for each management call of STS, IAM and S3, as `LookupEvents` gives it out.
//!
//! Like AWS's, it does not have calls whose credentials or token were refused; those are only in the sandbox's own
//! events. No secret, session token or web identity token is in a record.
//!
//! Few look events up, so a call is only noted, and its records are written when somebody does look.

mod actor;
mod answer;
mod json;
mod lookup;
mod note;
mod record;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;

use crate::call::Report;
use crate::event::Outcome;
use crate::received::Received;

pub(crate) use self::actor::{Actor, WebIdentity};
pub(crate) use self::answer::{answer, refuse, refuse_with};
pub(crate) use self::lookup::{LOOKUP_EVENTS, Lookup, Place, action_of, authorize};
use self::note::Note;
use self::record::Record;

/// The recorded calls of every account and region, oldest first, bounded in number and in size.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    calls: VecDeque<Recorded>,
    /// The sum of the calls' sizes.
    bytes: usize,
    last: u64,
}

/// A call, and what it takes in bytes.
#[derive(Debug)]
struct Recorded {
    /// The place in the order of recording; newer is higher.
    number: u64,
    bytes: usize,
    writing: Writing,
}

#[derive(Debug)]
enum Writing {
    Noted(Box<Note>),
    /// None for what turned out not to be recorded, one, or one for each of two accounts.
    Written(Vec<Record>),
}

/// A call that was answered, with all that a record says of it.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) request: &'a Received,
    /// Who called and from where goes over into the record.
    pub(crate) report: &'a mut Report,
    pub(crate) response: &'a Response<Bytes>,
    pub(crate) outcome: &'a Outcome,
    pub(crate) now: Timestamp,
}

impl Trail {
    /// Records a call, if it is one that CloudTrail records.
    pub(crate) fn observe(&self, observed: Observed<'_>) {
        if let Some(note) = Note::of(observed) {
            self.lock().push(note);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        kept.calls.clear();
        kept.bytes = 0;
    }

    /// Everything is whole between any two calls, so a panic elsewhere does not make it unusable.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, note: Note) {
        self.last += 1;
        let recorded = Recorded {
            number: self.last,
            bytes: note.size(),
            writing: Writing::Noted(Box::new(note)),
        };
        if self.calls.len() == CAPACITY {
            self.drop_oldest();
        }
        self.bytes += recorded.bytes;
        self.calls.push_back(recorded);
        self.shrink();
    }

    /// Every record there is, oldest first; the calls that were only noted are written now.
    fn records(&mut self) -> impl DoubleEndedIterator<Item = &Record> {
        for call in &mut self.calls {
            let Writing::Noted(note) = &call.writing else {
                continue;
            };
            let records = record::records_of(note, call.number);
            self.bytes -= call.bytes;
            call.bytes = records.iter().map(Record::size).sum();
            self.bytes += call.bytes;
            call.writing = Writing::Written(records);
        }
        self.shrink();
        self.calls.iter().flat_map(|call| match &call.writing {
            Writing::Written(records) => records.as_slice(),
            Writing::Noted(_) => &[],
        })
    }

    fn shrink(&mut self) {
        while self.bytes > MAX_BYTES && self.calls.len() > 1 {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.calls.pop_front() {
            self.bytes -= oldest.bytes;
        }
    }
}

/// As many as there are events; a record has about 2 kB.
const CAPACITY: usize = 10_000;

/// Policies of 128 KiB may be among the parameters.
const MAX_BYTES: usize = 64 * 1024 * 1024;
