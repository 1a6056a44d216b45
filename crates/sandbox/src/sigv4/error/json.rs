//! The words of services that speak JSON for a refused signature: those of the Query protocol under names of their own,
//! all with status 400.

use http::StatusCode;

use super::{Refusal, SignatureError, query};

/// The error as a JSON service words it.
pub(super) fn refusal(error: &SignatureError) -> Refusal {
    let refusal = query::refusal(error);
    let (code, message) = match refusal.code {
        "MissingAuthenticationToken" => (
            "MissingAuthenticationTokenException",
            "Missing Authentication Token".to_owned(),
        ),
        "InvalidClientTokenId" => ("UnrecognizedClientException", refusal.message),
        "ExpiredToken" => ("ExpiredTokenException", refusal.message),
        "SignatureDoesNotMatch" => ("InvalidSignatureException", refusal.message),
        "IncompleteSignature" => ("IncompleteSignatureException", refusal.message),
        _ => return refusal,
    };
    Refusal {
        status: StatusCode::BAD_REQUEST,
        code,
        message,
        ..refusal
    }
}
