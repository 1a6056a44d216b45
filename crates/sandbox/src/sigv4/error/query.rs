//! The words of STS and IAM for a refused signature.

use jiff::{SignedDuration, Timestamp};

use super::{QUERY_SKEW, Refusal, SEVERAL, SignatureError, basic, not_implemented};

/// The error as STS and IAM word it.
pub(super) fn refusal(error: &SignatureError) -> Refusal {
    match error {
        SignatureError::Missing | SignatureError::UnsupportedAlgorithm => Refusal::new(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ),
        SignatureError::Several => incomplete(SEVERAL.to_owned()),
        SignatureError::MissingParameters { names, header_hash } => {
            let needs: Vec<String> = names
                .iter()
                .map(|name| format!("Authorization header requires '{name}' parameter."))
                .collect();
            incomplete(hashed(&needs.join(" "), header_hash))
        }
        SignatureError::MissingQueryParameters { names } => {
            let needs: Vec<String> = names
                .iter()
                .map(|name| format!("AWS query-string parameters must include '{name}'."))
                .collect();
            incomplete(format!(
                "{} Re-examine the query-string parameters.",
                needs.join(" ")
            ))
        }
        SignatureError::MissingDate { header_hash } => incomplete(hashed(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            header_hash,
        )),
        SignatureError::CredentialElements { got } => incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. \
             keyid/date/region/service/term, got '{got}'"
        )),
        SignatureError::Date { got } => incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{got}'. \
             See http://en.wikipedia.org/wiki/ISO_8601"
        )),
        SignatureError::HeadersNotSigned { names } => incomplete(format!(
            "Every x-amz header must be signed. Header(s) not signed: {}",
            names.join(", ")
        )),
        SignatureError::ScopeDate { .. } => mismatched(
            400,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP.",
        ),
        SignatureError::ScopeService { expected, .. } => mismatched(
            400,
            format!("Credential should be scoped to correct service: '{expected}'."),
        ),
        SignatureError::ScopeRegion { .. } => {
            mismatched(403, "Credential should be scoped to a valid region. ")
        }
        SignatureError::ScopeTerminator { .. } => mismatched(
            403,
            "Credential should be scoped with a valid terminator: 'aws4_request'.",
        ),
        SignatureError::HostNotSigned => mismatched(
            403,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        SignatureError::UnknownKey { .. }
        | SignatureError::InactiveKey { .. }
        | SignatureError::MissingToken { .. }
        | SignatureError::InvalidToken => Refusal::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        SignatureError::ExpiredToken => Refusal::new(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
        SignatureError::Old { request, now } => expired(*request, *now, QUERY_SKEW),
        SignatureError::PresignedExpired { request, now, life } => expired(*request, *now, *life),
        SignatureError::Early { request, now } => {
            let (limit, request, now) = (basic(*now + QUERY_SKEW), basic(*request), basic(*now));
            mismatched(
                403,
                format!(
                    "Signature not yet current: {request} is still later than {limit} \
                     ({now} + 5 min.)"
                ),
            )
        }
        SignatureError::InQuery(error) => refusal(error),
        // Only S3 looks at `X-Amz-Expires` and at a declared hash; elsewhere a changed body shows in the signature.
        SignatureError::Mismatch(_)
        | SignatureError::Expires(_)
        | SignatureError::MissingPayloadHash
        | SignatureError::PayloadHash
        | SignatureError::PayloadMismatch { .. }
        | SignatureError::MalformedChunks
        | SignatureError::SmallChunk(_) => mismatched(
            403,
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        ),
        SignatureError::NotImplemented { what } => {
            Refusal::new(501, "NotImplemented", not_implemented(what))
        }
    }
}

fn expired(request: Timestamp, now: Timestamp, life: SignedDuration) -> Refusal {
    let (limit, minutes) = (basic(now - life), life.as_mins());
    let (request, now) = (basic(request), basic(now));
    mismatched(
        403,
        format!(
            "Signature expired: {request} is now earlier than {limit} ({now} - {minutes} min.)"
        ),
    )
}

fn incomplete(message: String) -> Refusal {
    Refusal::new(400, "IncompleteSignature", message)
}

fn mismatched(status: u16, message: impl Into<String>) -> Refusal {
    Refusal::new(status, "SignatureDoesNotMatch", message)
}

fn hashed(needs: &str, header_hash: &str) -> String {
    format!("{needs} (Hashed with SHA-256 and encoded with Base64) Authorization={header_hash}")
}
