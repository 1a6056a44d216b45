//! A finding in the making: everything but the file it stands in.

use podpass_kinds::{ReadError, Reason};
use podpass_policy::Position;

use crate::Severity;

/// A finding that does not know its file yet.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) code: Reason,
    pub(super) severity: Severity,
    pub(super) position: Position,
    pub(super) message: String,
    pub(super) expected: Vec<String>,
    pub(super) actual: Option<String>,
    pub(super) fix: String,
}

impl Draft {
    pub(super) fn error(code: Reason, position: Position, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, position, message.into())
    }

    pub(super) fn warning(code: Reason, position: Position, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, position, message.into())
    }

    pub(super) fn note(code: Reason, position: Position, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, position, message.into())
    }

    /// What a reader of `kinds` refused, `first_line` lines further down.
    pub(super) fn read_error(error: &ReadError, first_line: u32) -> Self {
        let mut position = error.place.position;
        position.line = position.line.saturating_add(first_line);
        Self::error(error.reason(), position, error.problem.to_string()).fix(error.fix())
    }

    fn new(code: Reason, severity: Severity, position: Position, message: String) -> Self {
        Self {
            code,
            severity,
            position,
            message,
            expected: Vec::new(),
            actual: None,
            fix: code.fix().to_owned(),
        }
    }

    /// Names a value that would have been right.
    pub(super) fn expected(mut self, value: impl Into<String>) -> Self {
        self.expected.push(value.into());
        self
    }

    /// Names the value that was found; never a secret.
    pub(super) fn actual(mut self, value: impl Into<String>) -> Self {
        self.actual = Some(value.into());
        self
    }

    /// Replaces the fix that the reason code brings along.
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }
}
