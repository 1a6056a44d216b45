//! The clock from the command line: `--clock TIME` or `--clock ±DURATION`.

use jiff::{SignedDuration, Timestamp};
use podpass_sandbox::ClockSetting;

use crate::duration::parse_duration;

/// Reads `2026-01-01T00:00:00Z` as a clock that stands still, `+2h` and `-30m` as one that is ahead or behind.
pub(crate) fn parse_clock(text: &str) -> Result<ClockSetting, String> {
    let refused = |problem: &str| {
        format!(
            "{problem}: write a time such as 2026-01-01T00:00:00Z, or an offset such as +2h or -30m"
        )
    };
    let Some((sign, duration)) = text.split_at_checked(1).filter(|(sign, _)| is_sign(sign)) else {
        return text
            .parse::<Timestamp>()
            .map(ClockSetting::Fixed)
            .map_err(|_| refused(&format!("`{text}` is no time with its zone and no offset")));
    };
    let duration = parse_duration(duration).map_err(|_| {
        refused(&format!(
            "`{duration}` after the sign is not a duration like 90s, 1m30s or 1h"
        ))
    })?;
    let ahead = SignedDuration::try_from(duration)
        .map_err(|_| refused(&format!("`{text}` is further than any time")))?;
    let offset = if sign == "-" { -ahead } else { ahead };
    if Timestamp::now().checked_add(offset).is_err() {
        return Err(refused(&format!("`{text}` is further than any time")));
    }
    Ok(ClockSetting::Offset(offset))
}

fn is_sign(text: &str) -> bool {
    text == "+" || text == "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_a_time_or_an_offset() {
        let fixed = |text: &str| ClockSetting::Fixed(text.parse().unwrap());
        let offset = |seconds| ClockSetting::Offset(SignedDuration::from_secs(seconds));
        for (text, expected) in [
            ("2026-01-01T00:00:00Z", fixed("2026-01-01T00:00:00Z")),
            ("2026-01-01T01:00:00+01:00", fixed("2026-01-01T00:00:00Z")),
            ("2026-01-01 00:00:00Z", fixed("2026-01-01T00:00:00Z")),
            ("+2h", offset(7_200)),
            ("-30m", offset(-1_800)),
            ("+1h10m", offset(4_200)),
            ("+90", offset(90)),
            ("-0s", offset(0)),
        ] {
            assert_eq!(parse_clock(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_both_forms() {
        for (text, part) in [
            ("", "`` is no time"),
            ("2h", "`2h` is no time with its zone"),
            ("2026-01-01T00:00:00", "no time with its zone"),
            ("2026-13-01T00:00:00Z", "no time"),
            ("tomorrow", "`tomorrow`"),
            ("+", "`` after the sign"),
            ("+2 h", "`2 h` after the sign"),
            ("--2h", "`-2h` after the sign"),
            ("+99999999999h", "further than any time"),
            ("ü2h", "`ü2h` is no time"),
        ] {
            let refused = parse_clock(text).unwrap_err();
            assert!(refused.contains(part), "{text}: {refused}");
            assert!(refused.contains("+2h or -30m"), "{text}: {refused}");
        }
    }
}
