//! String operators.

use std::borrow::Cow;

use crate::context::Context;
use crate::document::Version;
use crate::pattern::{Pattern, covers_text};
use crate::template::{Resolved, Template, Wildcards, is_plain};

/// How two texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Equal to the last character.
    Exact,
    /// Equal when both are in lower case.
    IgnoreCase,
    /// With `*` and `?`.
    Like,
}

/// A value of the policy, ready to be compared.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    manner: Manner,
    /// What the policy says, with its variables filled in.
    value: Cow<'a, str>,
    /// The same as a pattern; `None` when it had no variables, and is the pattern itself.
    pattern: Option<Pattern>,
}

impl<'a> Text<'a> {
    /// Fills in the variables; `None` when one cannot be, and the value matches nothing.
    pub(super) fn read(
        manner: Manner,
        value: &'a str,
        version: Version,
        context: &Context,
    ) -> Option<Self> {
        if is_plain(value, version) {
            return Some(Self {
                manner,
                value: Cow::Borrowed(value),
                pattern: None,
            });
        }
        let wildcards = match manner {
            Manner::Like => Wildcards::Active,
            Manner::Exact | Manner::IgnoreCase => Wildcards::Literal,
        };
        let Resolved { text, pattern } = Template::read(value, version, wildcards)
            .ok()?
            .resolve(context)?;
        Some(Self {
            manner,
            value: Cow::Owned(text),
            pattern: Some(pattern),
        })
    }

    /// The value with its variables filled in.
    pub(super) fn shown(&self) -> &str {
        &self.value
    }

    pub(super) fn matches(&self, actual: &str) -> bool {
        match self.manner {
            Manner::Exact => self.value == actual,
            // Lower-casing, not case folding: `ß` and `SS` stay different, a final sigma follows its context.
            Manner::IgnoreCase => self.value.to_lowercase() == actual.to_lowercase(),
            Manner::Like => match &self.pattern {
                Some(pattern) => pattern.matches(actual),
                None => covers_text(&self.value, actual),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_manner_compares_in_its_own_way() {
        for (manner, value, actual, expected) in [
            (Manner::Exact, "a", "a", true),
            (Manner::Exact, "a", "A", false),
            (Manner::Exact, "a*", "ab", false),
            (Manner::Exact, "a*", "a*", true),
            (Manner::Exact, "", "", true),
            (Manner::IgnoreCase, "ÄB", "äb", true),
            (Manner::IgnoreCase, "ß", "SS", false),
            (Manner::IgnoreCase, "ΟΔΟΣ", "οδος", true),
            (Manner::IgnoreCase, "a*", "AB", false),
            (Manner::Like, "a*", "ab", true),
            (Manner::Like, "a*", "AB", false),
            (Manner::Like, "a?c", "abc", true),
            (Manner::Like, "a${*}", "ab", false),
            (Manner::Like, "a${*}", "a*", true),
        ] {
            let text = Text::read(manner, value, Version::V2012, &Context::new()).unwrap();
            assert_eq!(
                text.matches(actual),
                expected,
                "{manner:?} {value} on {actual}"
            );
        }
    }
}
