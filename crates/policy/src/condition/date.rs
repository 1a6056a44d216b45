//! Dates: ISO 8601 or seconds since 1970, compared at milliseconds.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a date as milliseconds since 1970. A date without a time is midnight UTC, a time without an offset is UTC.
pub(super) fn read(text: &str) -> Option<i64> {
    if let Some(milliseconds) = read_epoch(text) {
        return Some(milliseconds);
    }
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => text
            .parse::<DateTime>()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp(),
    };
    Some(timestamp.as_millisecond())
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
