//! The reason codes: why something was denied, refused or left alone.
//!
//! One table gives every code its condition name, its explanation and its remedy, so that the command line, the
//! sandbox's trace, Kubernetes events and the reference page can never disagree.

mod codes;

use std::fmt;
use std::str::FromStr;

use podpass_policy::{Layer, Verdict};
use serde::{Serialize, Serializer};

pub use codes::Reason;

impl Reason {
    /// Returns why policies denied something: by which layer, or explicitly; `None` when they allowed it.
    pub fn of_verdict(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Allowed => None,
            Verdict::ExplicitDeny(_) => Some(Self::ExplicitDeny),
            Verdict::ImplicitDeny(Layer::Identity) => Some(Self::PermissionDeniedIdentity),
            Verdict::ImplicitDeny(Layer::Resource) => Some(Self::PermissionDeniedResource),
            Verdict::ImplicitDeny(Layer::Boundary) => Some(Self::PermissionDeniedBoundary),
            Verdict::ImplicitDeny(Layer::Session) => Some(Self::PermissionDeniedSession),
            Verdict::ImplicitDeny(Layer::ServiceControl) => {
                Some(Self::PermissionDeniedServiceControl)
            }
            Verdict::ImplicitDeny(Layer::ResourceControl) => {
                Some(Self::PermissionDeniedResourceControl)
            }
        }
    }

    /// Returns where the reference page explains this reason, such as `docs/reasons.md#trust_sub_mismatch`.
    pub fn docs_anchor(self) -> String {
        format!("docs/reasons.md#{}", self.code().to_ascii_lowercase())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    /// Reads a code, such as `TRUST_SUB_MISMATCH`.
    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        let known = Self::ALL.iter().find(|reason| reason.code() == code);
        known.copied().ok_or_else(|| UnknownReason(code.to_owned()))
    }
}

/// A text that is no reason code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown reason code: `{0}`")]
pub struct UnknownReason(pub String);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }

    #[test]
    fn code_and_condition_are_the_same_words() {
        for reason in Reason::ALL {
            let words: String = reason
                .code()
                .split('_')
                .map(|word| {
                    let (head, tail) = word.split_at(1);
                    head.to_owned() + &tail.to_ascii_lowercase()
                })
                .collect();
            assert_eq!(words, reason.condition());
        }
    }

    #[test]
    fn hint_and_fix_are_clauses() {
        for reason in Reason::ALL {
            for text in [reason.hint(), reason.fix()] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{reason}: {text}");
            }
            assert_ne!(reason.hint(), reason.fix(), "{reason}");
        }
    }

    #[test]
    fn code_reads_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse(), Ok(*reason));
        }
        assert_eq!(
            "TRUST_SUB".parse::<Reason>(),
            Err(UnknownReason("TRUST_SUB".to_owned()))
        );
    }

    #[test]
    fn serialises_as_its_code() {
        let json = serde_json::to_string(&Reason::TrustSubMismatch).unwrap();
        assert_eq!(json, r#""TRUST_SUB_MISMATCH""#);
    }

    #[test]
    fn docs_anchor_is_the_code_in_lower_case() {
        assert_eq!(
            Reason::TrustSubMismatch.docs_anchor(),
            "docs/reasons.md#trust_sub_mismatch"
        );
    }
}
