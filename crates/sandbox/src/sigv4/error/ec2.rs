//! EC2's words for a refused signature.
//!
//! Source: Amazon EC2 API Reference, "Error codes for the Amazon EC2 API". It tells neither an unknown key from a wrong
//! secret nor a session that is over from a clock that differs.

use super::{Refusal, SignatureError, query};

/// The error as EC2 words it.
pub(super) fn refusal(error: &SignatureError) -> Refusal {
    match error.plain() {
        SignatureError::UnknownKey { .. }
        | SignatureError::InactiveKey { .. }
        | SignatureError::MissingToken { .. }
        | SignatureError::InvalidToken
        | SignatureError::Mismatch(_) => Refusal::new(
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        SignatureError::ExpiredToken
        | SignatureError::Old { .. }
        | SignatureError::Early { .. }
        | SignatureError::PresignedExpired { .. } => {
            Refusal::new(400, "RequestExpired", "Request has expired.")
        }
        error => query::refusal(error),
    }
}
