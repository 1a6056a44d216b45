//! What the messages of an exchange carry.

use jiff::Timestamp;

use super::NamedValue;
use super::rows::Topic;
use super::wording::Wording;

/// Reads the values of a message.
pub(super) fn read(topic: Topic, wording: &Wording) -> Vec<NamedValue> {
    match topic {
        Topic::ProviderMissing => named(
            "issuer",
            wording.word_after("in your account for "),
            Some(
                "compared exactly with each OIDC provider of the role's account: scheme, case, path and trailing slash count",
            ),
        ),
        Topic::ClaimMissing => {
            let claim = wording
                .word_after("required claim: ")
                .or_else(|| wording.word_after("allowed to be empty: "));
            named("claim", claim, None)
        }
        Topic::TokenExpired => {
            let mut values = time(
                "compared time",
                number_after(wording, "current date/time"),
                Some(TOLERANCE),
                Some("AWS's clock minus the tolerance of 300 s"),
            );
            // Until about 2023 no blank stood before the time.
            let expires = number_after(wording, "the expiration date/time");
            values.extend(time("expiration", expires, None, Some("the token's exp")));
            values.extend(age(wording));
            values
        }
        Topic::TokenNotYetValid => {
            let issued = number_after(wording, "issued in the future:");
            let mut values = time("issued at", issued, None, Some("the token's iat"));
            let compared = number_after(wording, "current date/time");
            values.extend(time(
                "compared time",
                compared,
                Some(-TOLERANCE),
                Some("AWS's clock plus the tolerance of 300 s"),
            ));
            let not_before = number_after(wording, "not-before date/time");
            values.extend(time(
                "not before",
                not_before,
                None,
                Some("the token's nbf"),
            ));
            values
        }
        _ => Vec::new(),
    }
}

fn age(wording: &Wording) -> Vec<NamedValue> {
    let seconds = number_after(wording, "token too old:").map(|seconds| seconds.to_string());
    named("age in seconds", seconds.as_deref(), None)
}

fn number_after(wording: &Wording, phrase: &str) -> Option<i64> {
    let rest = wording.after(phrase)?.trim_start();
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn time(
    name: &'static str,
    seconds: Option<i64>,
    to_clock: Option<i64>,
    remark: Option<&str>,
) -> Vec<NamedValue> {
    let Some(seconds) = seconds else {
        return Vec::new();
    };
    let shown = |seconds: i64| {
        Timestamp::from_second(seconds)
            .map(|time| time.to_string())
            .ok()
    };
    let value = match shown(seconds) {
        Some(time) => format!("{seconds} ({time})"),
        None => seconds.to_string(),
    };
    let clock = to_clock
        .and_then(|by| shown(seconds.saturating_add(by)))
        .map(|time| format!("; AWS's clock said {time}"));
    let remark = remark.map(|remark| format!("{remark}{}", clock.unwrap_or_default()));
    vec![NamedValue {
        name,
        value,
        remark,
    }]
}

fn named(name: &'static str, value: Option<&str>, remark: Option<&str>) -> Vec<NamedValue> {
    let named = value.map(|value| NamedValue {
        name,
        value: value.to_owned(),
        remark: remark.map(str::to_owned),
    });
    named.into_iter().collect()
}

/// How far STS lets clocks differ, in seconds.
const TOLERANCE: i64 = 300;
