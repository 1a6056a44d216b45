//! The answer when no session is granted.

use std::fmt;

use podpass_kinds::Reason;

use crate::trace::Trace;

/// AWS's answer, and beside it what AWS does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The error code on the wire, such as `InvalidIdentityToken`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The message in AWS's words.
    pub message: String,
    /// The cause.
    pub reason: Reason,
    /// What was compared; its last step failed.
    pub trace: Trace,
}

/// The error codes of STS that an exchange can end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    AccessDenied,
    ExpiredToken,
    IdpRejectedClaim,
    InternalFailure,
    InvalidIdentityToken,
    MalformedPolicyDocument,
    MissingAuthenticationToken,
    PackedPolicyTooLarge,
    ValidationError,
}

impl Denial {
    pub(crate) fn new(
        code: Code,
        message: impl Into<String>,
        reason: Reason,
        trace: Trace,
    ) -> Self {
        let (code, status) = match code {
            Code::AccessDenied => ("AccessDenied", 403),
            Code::ExpiredToken => ("ExpiredTokenException", 400),
            Code::IdpRejectedClaim => ("IDPRejectedClaim", 403),
            Code::InternalFailure => ("InternalFailure", 500),
            Code::InvalidIdentityToken => ("InvalidIdentityToken", 400),
            Code::MalformedPolicyDocument => ("MalformedPolicyDocument", 400),
            Code::MissingAuthenticationToken => ("MissingAuthenticationToken", 403),
            Code::PackedPolicyTooLarge => ("PackedPolicyTooLarge", 400),
            Code::ValidationError => ("ValidationError", 400),
        };
        Self {
            code,
            status,
            message: message.into(),
            reason,
            trace,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Denial {}
