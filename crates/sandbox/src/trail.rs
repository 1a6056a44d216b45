//! CloudTrail's event history: a record for each management call of STS, IAM and S3, as `LookupEvents` gives it out.
//!
//! Like AWS's, it does not have calls whose credentials or token were refused; those are only in the sandbox's own
//! events. No secret, session token or web identity token is in a record.

mod actor;
mod answer;
mod json;
mod lookup;
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
use self::record::Record;

/// The records of every account and region, oldest first, bounded in number and in size.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<Record>,
    /// The sum of the records' lengths.
    bytes: usize,
    last: u64,
}

/// A call that was answered, with all that a record says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) request: &'a Received,
    pub(crate) report: &'a Report,
    pub(crate) response: &'a Response<Bytes>,
    pub(crate) outcome: &'a Outcome,
    pub(crate) now: Timestamp,
}

impl Trail {
    /// Records a call, if it is one that CloudTrail records.
    pub(crate) fn observe(&self, observed: &Observed<'_>) {
        for record in record::records_of(observed) {
            self.push(record);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        kept.records.clear();
        kept.bytes = 0;
    }

    fn push(&self, record: Record) {
        let mut kept = self.lock();
        while kept.records.len() == CAPACITY || kept.bytes + record.size() > MAX_BYTES {
            let Some(oldest) = kept.records.pop_front() else {
                break;
            };
            kept.bytes -= oldest.size();
        }
        kept.last += 1;
        kept.bytes += record.size();
        let number = kept.last;
        kept.records.push_back(Record { number, ..record });
    }

    /// Everything is whole between any two calls, so a panic elsewhere does not make it unusable.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many as there are events; a record has about 2 kB.
const CAPACITY: usize = 10_000;

/// Policies of 128 KiB may be among the parameters.
const MAX_BYTES: usize = 64 * 1024 * 1024;
