//! What a plain scalar means: go-yaml v2's resolution, as kubectl applies it.

use serde_json::Number;

use super::Content;

/// Resolves a plain (unquoted, untagged) scalar; `None` when it is a number that JSON cannot hold.
pub(super) fn resolve_plain(text: &str) -> Option<Content> {
    if let Some(content) = resolve_word(text) {
        return Some(content);
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF")
        || matches!(
            text,
            "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF"
        )
    {
        return None;
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => parse_float(text),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let digits = text.replace('_', "");
            parse_integer(&digits).or_else(|| parse_float(&digits))
        }
        _ => return Some(Content::String(text.to_owned())),
    };
    match number {
        Some(Parsed::Number(number)) => Some(Content::Number(number)),
        Some(Parsed::OutOfRange) => None,
        None => Some(Content::String(text.to_owned())),
    }
}

/// Returns whether a string must be quoted in order to be read back as a string.
///
/// Covers the rules above and those of YAML 1.1 and 1.2 readers that differ from them.
pub(super) fn reads_as_other_type(text: &str) -> bool {
    !matches!(resolve_plain(text), Some(Content::String(_))) || looks_like_number_elsewhere(text)
}

fn resolve_word(text: &str) -> Option<Content> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Content::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Content::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Content::Bool(false))
        }
        _ => None,
    }
}

enum Parsed {
    Number(Number),
    OutOfRange,
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: a leading zero means octal.
fn parse_integer(text: &str) -> Option<Parsed> {
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits, prefixed) = match magnitude.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &magnitude[2..], true),
        [b'0', b'o' | b'O', ..] => (8, &magnitude[2..], true),
        [b'0', b'b' | b'B', ..] => (2, &magnitude[2..], true),
        [b'0', digit, ..] if digit.is_ascii_digit() => (8, &magnitude[1..], false),
        _ => (10, magnitude, false),
    };
    // `from_str_radix` would accept a second sign.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = u64::from_str_radix(digits, radix).ok().and_then(|value| {
        if negative {
            0_i64.checked_sub_unsigned(value).map(Number::from)
        } else {
            Some(Number::from(value))
        }
    });
    match number {
        Some(number) => Some(Parsed::Number(number)),
        None if prefixed => Some(Parsed::OutOfRange),
        // Digits only: too long for an integer, still a float.
        None => None,
    }
}

fn parse_float(text: &str) -> Option<Parsed> {
    if !has_float_shape(text) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // Go prints an integral float below 1e21 without exponent or fraction, so JSON readers see an integer.
    if value.fract() == 0.0 && value.abs() < LARGEST_EXACT_INTEGER {
        #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
        return Some(Parsed::Number(Number::from(value as i64)));
    }
    Some(Number::from_f64(value).map_or(Parsed::OutOfRange, Parsed::Number))
}

/// Matches `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn has_float_shape(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            all_digits(whole) && all_digits(fraction) && (!whole.is_empty() || !fraction.is_empty())
        }
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    mantissa_fits
        && exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !digits.is_empty() && all_digits(digits)
        })
}

/// Dates and base-60 numbers are strings to go-yaml but not to every reader of YAML 1.1.
fn looks_like_number_elsewhere(text: &str) -> bool {
    let starts_like_number = text
        .trim_start_matches(['-', '+'])
        .starts_with(|c: char| c.is_ascii_digit());
    starts_like_number
        && (text.contains(':') || is_date_like(text))
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "+-_.:tTzZ ".contains(c))
}

fn is_date_like(text: &str) -> bool {
    text.len() >= 8
        && text.as_bytes()[..4].iter().all(u8::is_ascii_digit)
        && text.as_bytes()[4] == b'-'
}

/// 2^53: below it each integer has its own `f64`.
const LARGEST_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
