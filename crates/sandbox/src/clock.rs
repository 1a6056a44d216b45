//! The time a sandbox believes in: the system's, shifted, or one that stands still.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The clock of a sandbox, which may be moved while it runs.
///
/// Tokens, sessions and `aws:CurrentTime` follow it. The dates of request signatures do not: clients sign with their
/// own wall clock, so they are always compared with the system's.
#[derive(Debug, Default)]
pub struct Clock {
    setting: Mutex<ClockSetting>,
}

/// How a clock goes.
///
/// As JSON: `{"offset":"PT1H10M"}` or `{"fixed":"2026-11-23T10:00:00Z"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockSetting {
    /// With the system's, so far ahead of it, or behind when negative.
    Offset(SignedDuration),
    /// Not at all: it shows this time until it is set again.
    Fixed(Timestamp),
}

// === impl Clock ===

impl Clock {
    /// Makes a clock.
    pub fn new(setting: ClockSetting) -> Self {
        Self {
            setting: Mutex::new(setting),
        }
    }

    /// Tells the current time.
    pub fn now(&self) -> Timestamp {
        self.setting().now()
    }

    /// Tells how the clock goes.
    pub fn setting(&self) -> ClockSetting {
        *self.lock()
    }

    /// Lets the clock go otherwise from now on.
    pub fn set(&self, setting: ClockSetting) {
        *self.lock() = setting;
    }

    /// Moves the time shown by `by`, backwards when it is negative; a clock that stands still goes on standing.
    pub fn advance(&self, by: SignedDuration) {
        let mut setting = self.lock();
        *setting = match *setting {
            ClockSetting::Offset(offset) => ClockSetting::Offset(offset.saturating_add(by)),
            ClockSetting::Fixed(now) => ClockSetting::Fixed(shifted(now, by)),
        };
    }

    /// A setting is a plain value, so a panic elsewhere cannot have left it half-written.
    fn lock(&self) -> MutexGuard<'_, ClockSetting> {
        self.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl ClockSetting ===

impl ClockSetting {
    fn now(self) -> Timestamp {
        match self {
            Self::Offset(offset) => shifted(Timestamp::now(), offset),
            Self::Fixed(now) => now,
        }
    }
}

impl Default for ClockSetting {
    fn default() -> Self {
        Self::Offset(SignedDuration::ZERO)
    }
}

/// Stops at the ends of time.
fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    time.checked_add(by).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn a_fixed_clock_stands_still_until_it_is_moved() {
        let clock = Clock::new(ClockSetting::Fixed(at("2026-11-23T10:00:00Z")));
        assert_eq!(clock.now(), at("2026-11-23T10:00:00Z"));
        clock.advance(SignedDuration::from_hours(-2));
        assert_eq!(clock.now(), at("2026-11-23T08:00:00Z"));
        clock.set(ClockSetting::default());
        assert!(clock.now() > at("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn an_offset_clock_goes_on() {
        let clock = Clock::default();
        clock.advance(SignedDuration::from_hours(1));
        clock.advance(SignedDuration::from_mins(10));
        let ahead = clock.now().duration_since(Timestamp::now());
        assert!((4_199..=4_200).contains(&ahead.as_secs()), "{ahead}");
    }

    #[test]
    fn clocks_stop_at_the_ends_of_time() {
        for (case, setting, by, expected) in [
            (
                "fixed, forwards",
                ClockSetting::Fixed(Timestamp::MAX),
                SignedDuration::from_hours(1),
                Timestamp::MAX,
            ),
            (
                "offset, forwards",
                ClockSetting::Offset(SignedDuration::MAX),
                SignedDuration::MAX,
                Timestamp::MAX,
            ),
            (
                "offset, backwards",
                ClockSetting::default(),
                SignedDuration::MIN,
                Timestamp::MIN,
            ),
        ] {
            let clock = Clock::new(setting);
            clock.advance(by);
            assert_eq!(clock.now(), expected, "{case}");
        }
    }

    #[test]
    fn settings_read_what_they_print() {
        for (setting, json) in [
            (
                ClockSetting::Offset(SignedDuration::from_mins(70)),
                r#"{"offset":"PT1H10M"}"#,
            ),
            (
                ClockSetting::Fixed(at("2026-11-23T10:00:00Z")),
                r#"{"fixed":"2026-11-23T10:00:00Z"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&setting).unwrap(), json);
            assert_eq!(serde_json::from_str::<ClockSetting>(json).unwrap(), setting);
        }
    }
}
