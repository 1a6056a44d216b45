//! String operators.

use crate::context::Context;
use crate::document::Version;
use crate::template::{Resolved, Template, Wildcards};

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
pub(super) struct Text {
    manner: Manner,
    resolved: Resolved,
}

impl Text {
    /// Fills in the variables; `None` when one cannot be, and the value matches nothing.
    pub(super) fn read(
        manner: Manner,
        value: &str,
        version: Version,
        context: &Context,
    ) -> Option<Self> {
        let wildcards = match manner {
            Manner::Like => Wildcards::Active,
            Manner::Exact | Manner::IgnoreCase => Wildcards::Literal,
        };
        let resolved = Template::read(value, version, wildcards)
            .ok()?
            .resolve(context)?;
        Some(Self { manner, resolved })
    }

    /// The value with its variables filled in.
    pub(super) fn shown(&self) -> &str {
        &self.resolved.text
    }

    pub(super) fn matches(&self, actual: &str) -> bool {
        match self.manner {
            Manner::Exact => self.resolved.text == actual,
            // Lower-casing, not case folding: `ß` and `SS` stay different, a final sigma follows its context.
            Manner::IgnoreCase => self.resolved.text.to_lowercase() == actual.to_lowercase(),
            Manner::Like => self.resolved.pattern.matches(actual),
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
