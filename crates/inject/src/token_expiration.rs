//! The lifetime of a pod's token.

use podpass_kinds::Reason;

use crate::Note;
use crate::settings::{DEFAULT_TOKEN_EXPIRATION, MIN_TOKEN_EXPIRATION};

/// Go's `ParseInt(text, 10, 64)`: a sign, then digits only.
pub(crate) fn parse(
    text: &str,
    pointer: impl FnOnce() -> String,
    notes: &mut Vec<Note>,
) -> Option<i64> {
    let seconds = text.parse().ok();
    if seconds.is_none() {
        let message = format!("`{text}` is not a whole number of seconds and is ignored");
        notes.push(Note::new(
            Reason::TokenExpirationInvalid,
            pointer(),
            message,
        ));
    }
    seconds
}

/// Raises a lifetime that the API server would refuse as too short, and notes one that is too long.
pub(crate) fn floor(seconds: i64, notes: &mut Vec<Note>) -> i64 {
    if seconds < MIN_TOKEN_EXPIRATION {
        let message = format!("{seconds} seconds are raised to {MIN_TOKEN_EXPIRATION}");
        notes.push(Note::new(Reason::TokenExpirationTooShort, "", message));
        return MIN_TOKEN_EXPIRATION;
    }
    if seconds > MAX_TOKEN_EXPIRATION {
        let message = format!(
            "{seconds} seconds are more than the API server accepts, {MAX_TOKEN_EXPIRATION}"
        );
        notes.push(Note::new(Reason::TokenExpirationTooLong, "", message));
    }
    seconds
}

/// Shortens the lifetime of a day, and no other, by up to two hours, as the peer does for container credentials.
pub(crate) fn spread(seconds: i64, draw: u32) -> i64 {
    if seconds != DEFAULT_TOKEN_EXPIRATION {
        return seconds;
    }
    let share = (u64::from(draw) * (SPREAD + 1)) >> 32;
    DEFAULT_TOKEN_EXPIRATION.saturating_sub_unsigned(SPREAD - share)
}

/// The API server's limit for `expirationSeconds`, 2^32.
const MAX_TOKEN_EXPIRATION: i64 = 1 << 32;

/// By how many seconds lifetimes that are spread differ at the most.
const SPREAD: u64 = 7200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_spread_and_nothing_else() {
        // The peer draws from [79200, 86400], both included.
        assert_eq!(spread(86_400, 0), 79_200);
        assert_eq!(spread(86_400, u32::MAX), 86_400);
        assert_eq!(spread(86_400, 1 << 31), 82_800);
        assert_eq!(spread(86_399, 0), 86_399);
    }

    #[test]
    fn expiration_is_parsed_as_go_does() {
        let cases = [
            ("700", Some(700)),
            ("+700", Some(700)),
            ("-5", Some(-5)),
            ("000700", Some(700)),
            ("999999999999", Some(999_999_999_999)),
            (" 700", None),
            ("700 ", None),
            ("1h", None),
            ("1e3", None),
            ("0x400", None),
            ("7_00", None),
            ("", None),
            ("9223372036854775808", None),
        ];
        for (text, expected) in cases {
            let mut notes = Vec::new();
            assert_eq!(parse(text, String::new, &mut notes), expected, "{text:?}");
            let reasons: Vec<Reason> = notes.iter().map(|note| note.reason).collect();
            let expected_reasons: &[Reason] = if expected.is_none() {
                &[Reason::TokenExpirationInvalid]
            } else {
                &[]
            };
            assert_eq!(reasons, expected_reasons, "{text:?}");
        }
    }
}
