//! Numbers: decimals of any length, compared without loss.

use std::cmp::Ordering;

/// A decimal number, `0.d₁d₂d₃… × 10^point`, with neither leading nor trailing zeros among its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    point: i64,
    digits: Vec<u8>,
}

impl Decimal {
    /// Reads a decimal with optional sign, fraction and exponent; leading zeros and a `+` are fine.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                point: 0,
                digits,
            });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + exponent;
        Some(Self {
            negative,
            point,
            digits,
        })
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .point
                .cmp(&other.point)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_numbers_not_as_texts() {
        for (left, right, expected) in [
            ("1", "1", Ordering::Equal),
            ("+1", "001.0", Ordering::Equal),
            ("0", "-0.00", Ordering::Equal),
            ("9", "10", Ordering::Less),
            ("-9", "-10", Ordering::Greater),
            ("-1", "1", Ordering::Less),
            ("0.1", "0.09", Ordering::Greater),
            ("0.10000000000000000000000001", "0.1", Ordering::Greater),
            (
                "100000000000000000000000001",
                "100000000000000000000000000",
                Ordering::Greater,
            ),
            ("1e3", "1000", Ordering::Equal),
            ("1E-2", ".01", Ordering::Equal),
            ("5.", "5", Ordering::Equal),
            ("1e2000000000", "1e1999999999", Ordering::Greater),
            ("0", "1e-5", Ordering::Less),
            ("0", "-1e-5", Ordering::Greater),
        ] {
            let (a, b) = (Decimal::read(left).unwrap(), Decimal::read(right).unwrap());
            assert_eq!(a.cmp(&b), expected, "{left} and {right}");
            assert_eq!(b.cmp(&a), expected.reverse(), "{right} and {left}");
            assert_eq!(a == b, expected.is_eq(), "{left} and {right}");
            assert_eq!(a.partial_cmp(&b), Some(expected), "{left} and {right}");
        }
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        for text in [
            "", "-", "+", ".", "1a", "0x1", "1,5", " 1", "1e", "1e1.5", "--1", "NaN", "Infinity",
            "١",
        ] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }
}
