//! Names of condition operators.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::suggestion::nearest;

/// A condition operator with its prefix and suffix, such as `ForAnyValue:StringLikeIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConditionOperator {
    /// The prefix, which says how a multivalued key is treated.
    pub quantifier: Quantifier,
    /// The comparison.
    pub comparison: Comparison,
    /// The suffix, which says what a missing key means.
    pub when_missing: WhenMissing,
}

/// How the values of a multivalued key are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Quantifier {
    /// No prefix: the key has one value.
    #[default]
    Single,
    /// `ForAllValues:`, each value of the request must match; true when there is none.
    ForAllValues,
    /// `ForAnyValue:`, at least one value of the request must match.
    ForAnyValue,
}

/// What a condition says when the request does not have the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum WhenMissing {
    /// No suffix: a positive comparison fails, a negated one holds.
    #[default]
    Compare,
    /// `IfExists`: the condition holds.
    Pass,
}

macro_rules! comparisons {
    ($($name:ident),* $(,)?) => {
        /// A comparison of the IAM policy language, by its own name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are the documentation: they are IAM's own")]
        pub enum Comparison { $($name),* }

        impl Comparison {
            /// Every comparison.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in a policy.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

comparisons! {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnLike,
    ArnNotEquals,
    ArnNotLike,
    Null,
}

/// A text that is not a condition operator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{value}` is not a condition operator")]
pub struct UnknownOperator {
    /// The text that was refused.
    pub value: String,
    /// The operator that was probably meant.
    pub suggestion: Option<String>,
}

impl From<Comparison> for ConditionOperator {
    fn from(comparison: Comparison) -> Self {
        Self {
            quantifier: Quantifier::Single,
            comparison,
            when_missing: WhenMissing::Compare,
        }
    }
}

impl fmt::Display for ConditionOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match self.when_missing {
            WhenMissing::Compare => "",
            WhenMissing::Pass => IF_EXISTS,
        };
        write!(
            f,
            "{}{}{suffix}",
            self.quantifier.prefix(),
            self.comparison.as_str()
        )
    }
}

impl Serialize for ConditionOperator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for ConditionOperator {
    type Err = UnknownOperator;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (quantifier, rest) = [Quantifier::ForAllValues, Quantifier::ForAnyValue]
            .into_iter()
            .find_map(|quantifier| Some((quantifier, text.strip_prefix(quantifier.prefix())?)))
            .unwrap_or((Quantifier::Single, text));
        let (name, when_missing) = match rest.strip_suffix(IF_EXISTS) {
            Some(name) => (name, WhenMissing::Pass),
            None => (rest, WhenMissing::Compare),
        };
        let known = |name: &str| {
            Comparison::ALL
                .iter()
                .copied()
                .find(|comparison| comparison.as_str() == name)
        };
        match known(name) {
            // Null asks whether the key is there at all, so neither prefix nor suffix has a meaning for it.
            Some(Comparison::Null) if name != text => Err(UnknownOperator {
                value: text.to_owned(),
                suggestion: Some(Comparison::Null.as_str().to_owned()),
            }),
            Some(comparison) => Ok(Self {
                quantifier,
                comparison,
                when_missing,
            }),
            None => Err(UnknownOperator {
                value: text.to_owned(),
                suggestion: suggest(text),
            }),
        }
    }
}

impl Quantifier {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Single => "",
            Self::ForAllValues => "ForAllValues:",
            Self::ForAnyValue => "ForAnyValue:",
        }
    }
}

/// The nearest operator; its prefix and suffix are looked at without regard to case.
fn suggest(text: &str) -> Option<String> {
    let (prefix, rest) = match text.split_once(':') {
        Some((prefix, rest)) => {
            let prefixes =
                [Quantifier::ForAllValues, Quantifier::ForAnyValue].map(Quantifier::prefix);
            (nearest(&format!("{prefix}:"), prefixes)?, rest)
        }
        None => ("", text),
    };
    let names = || Comparison::ALL.iter().map(|comparison| comparison.as_str());
    let cut = rest.len().saturating_sub(IF_EXISTS.len());
    let (name, suffix) = match rest.get(cut..) {
        Some(tail) if tail.eq_ignore_ascii_case(IF_EXISTS) => (&rest[..cut], IF_EXISTS),
        _ => (rest, ""),
    };
    nearest(name, names()).map(|name| format!("{prefix}{name}{suffix}"))
}

const IF_EXISTS: &str = "IfExists";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_reads_back() {
        for comparison in Comparison::ALL {
            for quantifier in [
                Quantifier::Single,
                Quantifier::ForAllValues,
                Quantifier::ForAnyValue,
            ] {
                for when_missing in [WhenMissing::Compare, WhenMissing::Pass] {
                    let operator = ConditionOperator {
                        quantifier,
                        comparison: *comparison,
                        when_missing,
                    };
                    let plain = operator == ConditionOperator::from(*comparison);
                    let read = operator.to_string().parse::<ConditionOperator>();
                    if *comparison == Comparison::Null && !plain {
                        assert!(read.is_err(), "{operator}");
                    } else {
                        assert_eq!(read, Ok(operator), "{operator}");
                    }
                }
            }
        }
    }

    #[test]
    fn operators_are_negated_when_their_name_says_not() {
        for comparison in Comparison::ALL {
            let says_not = comparison.as_str().contains("Not");
            assert_eq!(comparison.is_negated(), says_not, "{}", comparison.as_str());
        }
    }

    #[test]
    fn unknown_operators_get_the_nearest_as_suggestion() {
        for (text, suggestion) in [
            ("StringEqual", Some("StringEquals")),
            ("stringLike", Some("StringLike")),
            ("StringLikeIfexists", Some("StringLikeIfExists")),
            ("ForAnyValues:StringLike", Some("ForAnyValue:StringLike")),
            (
                "ForAllValues:StringEqualIfExists",
                Some("ForAllValues:StringEqualsIfExists"),
            ),
            ("NullIfExists", Some("Null")),
            ("IPAddress", Some("IpAddress")),
            ("DateLessThen", Some("DateLessThan")),
            ("Contains", None),
            ("", None),
            ("größe", None),
        ] {
            let error = text.parse::<ConditionOperator>().unwrap_err();
            assert_eq!(error.suggestion.as_deref(), suggestion, "{text}");
        }
    }
}
