//! The time a sandbox believes in: the system's, a shifted one, or one that stands still until told.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

/// A source of the current time.
///
/// Tokens, sessions and `aws:CurrentTime` follow it. The dates of request signatures do not: clients sign with their
/// own wall clock, so they are always compared with the system's.
pub trait Clock: Send + Sync {
    /// Tells the current time.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A clock that shows the time it was last given.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

/// A clock that runs with the system's, shifted by an offset that may be changed.
#[derive(Debug, Default)]
pub struct OffsetClock {
    offset: Mutex<SignedDuration>,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl ManualClock {
    /// Makes a clock that shows `now` until it is moved.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: Mutex::new(now),
        }
    }

    /// Sets the time shown.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.now) = now;
    }

    /// Moves the time shown by `by`, backwards when it is negative; it stops at the ends of time.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = lock(&self.now);
        *now = shifted(*now, by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }
}

impl OffsetClock {
    /// Makes a clock that is `offset` ahead of the system's, or behind when it is negative.
    pub fn new(offset: SignedDuration) -> Self {
        Self {
            offset: Mutex::new(offset),
        }
    }

    /// Replaces the offset.
    pub fn set_offset(&self, offset: SignedDuration) {
        *lock(&self.offset) = offset;
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        shifted(Timestamp::now(), *lock(&self.offset))
    }
}

fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    time.checked_add(by).unwrap_or(end)
}

/// A clock holds a plain value, so a panic elsewhere cannot have left it half-written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_stands_still_until_it_is_moved() {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let clock = ManualClock::new(start);
        assert_eq!(clock.now(), start);
        clock.advance(SignedDuration::from_hours(-2));
        assert_eq!(clock.now().to_string(), "2026-11-23T08:00:00Z");
        clock.set(start);
        assert_eq!(clock.now(), start);
    }

    #[test]
    fn clocks_stop_at_the_ends_of_time() {
        let clock = ManualClock::new(Timestamp::MAX);
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.now(), Timestamp::MAX);
        let clock = OffsetClock::new(SignedDuration::MIN);
        assert_eq!(clock.now(), Timestamp::MIN);
    }
}
