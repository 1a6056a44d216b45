//! Dates: ISO 8601 or seconds since 1970, compared at milliseconds.

use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;

/// Reads a date as milliseconds since 1970. A date without a time is midnight UTC, a time without an offset is UTC.
pub(super) fn read(text: &str) -> Option<i64> {
    if let Some(milliseconds) = read_epoch(text) {
        return Some(milliseconds);
    }
    let pieces = Pieces::parse(text).ok()?;
    if pieces.time_zone_annotation().is_some() {
        return None;
    }
    // By hand, since a `Timestamp` ends a day before 9999-12-31T23:59:59Z, which policies use for "never".
    let time = pieces.time().unwrap_or(Time::midnight());
    let since_epoch = DateTime::from_parts(pieces.date(), time).duration_since(EPOCH);
    let offset = pieces
        .to_numeric_offset()
        .map_or(0, |offset| i64::from(offset.seconds()));
    let milliseconds = i64::try_from(since_epoch.as_millis()).ok()?;
    Some(milliseconds - offset * 1_000)
}

/// Reads seconds since 1970, with an optional fraction of which milliseconds count.
fn read_epoch(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (seconds, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let milliseconds = seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(fraction.parse().ok()?)?;
    Some(if negative {
        -milliseconds
    } else {
        milliseconds
    })
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_notations() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1350432000", Some(1_350_432_000_000)),
            ("1350432000.5", Some(1_350_432_000_500)),
            ("-1", Some(-1_000)),
            ("2012-10-17T00:00:00Z", Some(1_350_432_000_000)),
            ("2012-10-17T00:00:00.123456Z", Some(1_350_432_000_123)),
            ("2012-10-17T02:00:00+02:00", Some(1_350_432_000_000)),
            ("2012-10-17T00:00Z", Some(1_350_432_000_000)),
            ("2012-10-17", Some(1_350_432_000_000)),
            ("2012-10-17T00:00:00", Some(1_350_432_000_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
            ("9999-12-31T23:59:59-23:00", Some(253_402_383_599_000)),
            ("1969-12-31T23:59:59.5Z", Some(-500)),
            ("2012-10-17T00:00:00[America/New_York]", None),
            ("", None),
            ("yesterday", None),
            ("2012-13-01", None),
            ("1.", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
