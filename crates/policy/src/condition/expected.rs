//! A value of a condition, ready to be compared with values of the request.

use super::arn::{self, ArnPattern, NoArnPattern};
use super::binary;
use super::date;
use super::ip::{self, Network};
use super::numeric::Decimal;
use super::operator::Comparison;
use super::order::Order;
use super::string::{Manner, Text};
use crate::context::Context;
use crate::document::Version;

/// Whether a comparison asks for a match or for the absence of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    Positive,
    Negated,
}

/// What a comparison compares, once its negation is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    String(Manner),
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// A value of the policy, read as its operator reads it.
#[derive(Clone, Debug)]
pub(super) enum Expected<'a> {
    Text(Text<'a>),
    Number(Order, Decimal),
    Date(Order, i64),
    Bool(bool),
    Bytes(Vec<u8>),
    Network(Network),
    Arn(ArnPattern),
    /// Unreadable, but no ARN, or with an unresolved variable: equal to nothing.
    Nothing,
    /// A text that is no ARN.
    MalformedArn,
}

/// Where a condition stands, as far as it bears on the meaning of its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub(super) version: Version,
    pub(super) context: &'a Context,
}

impl Comparison {
    /// Whether none of the policy's values may match: `StringNotEquals`, `NotIpAddress` and their like.
    pub const fn is_negated(self) -> bool {
        matches!(self.polarity(), Polarity::Negated)
    }

    pub(super) const fn polarity(self) -> Polarity {
        match self {
            Self::StringNotEquals
            | Self::StringNotEqualsIgnoreCase
            | Self::StringNotLike
            | Self::NumericNotEquals
            | Self::DateNotEquals
            | Self::NotIpAddress
            | Self::ArnNotEquals
            | Self::ArnNotLike => Polarity::Negated,
            _ => Polarity::Positive,
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::StringEquals | Self::StringNotEquals => Family::String(Manner::Exact),
            Self::StringEqualsIgnoreCase | Self::StringNotEqualsIgnoreCase => {
                Family::String(Manner::IgnoreCase)
            }
            Self::StringLike | Self::StringNotLike => Family::String(Manner::Like),
            Self::NumericEquals | Self::NumericNotEquals => Family::Numeric(Order::Equal),
            Self::NumericLessThan => Family::Numeric(Order::Less),
            Self::NumericLessThanEquals => Family::Numeric(Order::LessOrEqual),
            Self::NumericGreaterThan => Family::Numeric(Order::Greater),
            Self::NumericGreaterThanEquals => Family::Numeric(Order::GreaterOrEqual),
            Self::DateEquals | Self::DateNotEquals => Family::Date(Order::Equal),
            Self::DateLessThan => Family::Date(Order::Less),
            Self::DateLessThanEquals => Family::Date(Order::LessOrEqual),
            Self::DateGreaterThan => Family::Date(Order::Greater),
            Self::DateGreaterThanEquals => Family::Date(Order::GreaterOrEqual),
            Self::Bool => Family::Bool,
            Self::BinaryEquals => Family::Binary,
            Self::IpAddress | Self::NotIpAddress => Family::Ip,
            Self::ArnEquals | Self::ArnLike | Self::ArnNotEquals | Self::ArnNotLike => Family::Arn,
            Self::Null => Family::Null,
        }
    }
}

impl Family {
    /// Whether a value of the request is so malformed that the condition fails, negated or not: addresses and ARNs.
    pub(super) fn refuses(self, actual: &str) -> bool {
        match self {
            Self::Ip => ip::read_address(actual).is_none(),
            Self::Arn => arn::split(actual).is_none(),
            _ => false,
        }
    }
}

impl<'a> Expected<'a> {
    pub(super) fn read(comparison: Comparison, value: &'a str, setting: Setting<'_>) -> Self {
        let expected = match comparison.family() {
            Family::String(manner) => {
                Text::read(manner, value, setting.version, setting.context).map(Self::Text)
            }
            Family::Numeric(order) => {
                Decimal::read(value).map(|number| Self::Number(order, number))
            }
            Family::Date(order) => date::read(value).map(|date| Self::Date(order, date)),
            Family::Bool | Family::Null => Some(Self::Bool(read_bool(value))),
            Family::Binary => binary::read(value).map(Self::Bytes),
            Family::Ip => Network::read(value).map(Self::Network),
            Family::Arn => match ArnPattern::read(value, setting.version, setting.context) {
                Ok(pattern) => Some(Self::Arn(pattern)),
                Err(NoArnPattern::Unresolved) => None,
                Err(NoArnPattern::Malformed) => Some(Self::MalformedArn),
            },
        };
        expected.unwrap_or(Self::Nothing)
    }

    /// The value with its variables filled in, where that was possible; else the literal that it was read from.
    pub(super) fn shown<'s>(&'s self, literal: &'s str) -> &'s str {
        match self {
            Self::Text(text) => text.shown(),
            Self::Arn(pattern) => pattern.shown(),
            _ => literal,
        }
    }

    /// Whether the policy's value matches a value of the request.
    pub(super) fn matches(&self, actual: &str) -> bool {
        match self {
            Self::Text(text) => text.matches(actual),
            Self::Number(order, number) => {
                Decimal::read(actual).is_some_and(|actual| order.accepts(actual.cmp(number)))
            }
            Self::Date(order, date) => {
                date::read(actual).is_some_and(|actual| order.accepts(actual.cmp(date)))
            }
            Self::Bool(expected) => read_bool(actual) == *expected,
            Self::Bytes(expected) => binary::read(actual).is_some_and(|actual| actual == *expected),
            Self::Network(network) => {
                ip::read_address(actual).is_some_and(|actual| network.contains(actual))
            }
            Self::Arn(pattern) => pattern.matches(actual),
            Self::Nothing | Self::MalformedArn => false,
        }
    }
}

/// Whether a literal can stand in a stored policy for this comparison; what it has to be when it cannot.
pub(crate) fn check_literal(
    comparison: Comparison,
    value: &str,
    version: Version,
) -> Result<(), &'static str> {
    let no_keys = Context::new();
    let (valid, expected) = match comparison.family() {
        // IAM takes any text for a boolean, and for false what is not `true`.
        Family::String(_) | Family::Bool | Family::Null => (true, "a string"),
        Family::Numeric(_) => (Decimal::read(value).is_some(), "a number"),
        Family::Date(_) => (
            date::read(value).is_some(),
            "a date like `2026-01-31T12:00:00Z`, or seconds since 1970",
        ),
        Family::Binary => (binary::read(value).is_some(), "base64"),
        Family::Ip => (
            Network::read(value).is_some(),
            "an IP address or a network like `203.0.113.0/24`",
        ),
        Family::Arn => (
            ArnPattern::read(value, version, &no_keys).err() != Some(NoArnPattern::Malformed),
            "an ARN with six parts separated by `:`",
        ),
    };
    if valid { Ok(()) } else { Err(expected) }
}

/// IAM reads `true` in any case as true and every other text as false.
fn read_bool(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}
