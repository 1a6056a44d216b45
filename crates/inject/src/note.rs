//! Why something was left out, or what will not work.

use std::fmt;

use podpass_kinds::Reason;
use serde::Serialize;

/// Why a part of a pod was left alone, or what will not work there although it was injected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The reason code.
    pub reason: Reason,
    /// JSON pointer (RFC 6901) to the part of the pod; empty for the pod as a whole and for the service account.
    pub pointer: String,
    /// One clause that names the values compared, lower-case and without a full stop.
    pub message: String,
}

impl Note {
    pub(crate) fn new(
        reason: Reason,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            pointer: pointer.into(),
            message: message.into(),
        }
    }

    /// Makes the note that a part of the pod has the wrong JSON type.
    pub(crate) fn malformed(pointer: impl Into<String>, expected: &str) -> Self {
        let pointer = pointer.into();
        let message = format!("`{pointer}` is not {expected}");
        Self::new(Reason::PodMalformed, pointer, message)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}
