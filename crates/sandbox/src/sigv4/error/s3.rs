//! S3's words for a refused signature.

use jiff::Timestamp;

use super::{
    ExpiresFault, Mismatch, Refusal, S3_SKEW, SEVERAL, SignatureError, basic, not_implemented,
};
use crate::aws_chunked::SmallChunk;

/// The error as S3 words it.
pub(super) fn refusal(error: &SignatureError) -> Refusal {
    match error {
        SignatureError::Missing => denied("Access Denied"),
        SignatureError::UnsupportedAlgorithm => Refusal::new(
            400,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use \
             AWS4-HMAC-SHA256.",
        ),
        SignatureError::Several => Refusal::new(400, "InvalidArgument", SEVERAL)
            .with("ArgumentName", "Authorization".to_owned()),
        SignatureError::MissingParameters { .. } => malformed(
            "the authorization header requires three components: Credential, SignedHeaders, and \
             Signature.",
        ),
        SignatureError::MissingQueryParameters { .. } => query_parameters(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
             X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ),
        SignatureError::PresignedExpired { request, now, life } => denied("Request has expired")
            .with("X-Amz-Expires", life.as_secs().to_string())
            .with("Expires", iso(*request + *life))
            .with("ServerTime", iso(*now)),
        SignatureError::Expires(fault) => query_parameters(match fault {
            ExpiresFault::NotANumber => "X-Amz-Expires should be a number",
            ExpiresFault::Negative => "X-Amz-Expires must be non-negative",
            ExpiresFault::TooLong => {
                "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                 X-Amz-Expires must be less than 604800 seconds"
            }
        }),
        SignatureError::InQuery(error) => refusal_in_query(error),
        SignatureError::CredentialElements { .. }
        | SignatureError::ScopeDate { .. }
        | SignatureError::ScopeRegion { .. }
        | SignatureError::ScopeService { .. }
        | SignatureError::ScopeTerminator { .. } => {
            with_region(malformed(&credential_fault(error)), error)
        }
        SignatureError::MissingDate { .. } | SignatureError::Date { .. } => {
            denied("AWS authentication requires a valid Date or x-amz-date header")
        }
        SignatureError::HostNotSigned => unsigned_headers("host".to_owned()),
        SignatureError::HeadersNotSigned { names } => unsigned_headers(names.join(", ")),
        SignatureError::UnknownKey { id }
        | SignatureError::InactiveKey { id }
        | SignatureError::MissingToken { id } => Refusal::new(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )
        .with("AWSAccessKeyId", id.clone()),
        SignatureError::InvalidToken => Refusal::new(
            400,
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
        ),
        SignatureError::ExpiredToken => {
            Refusal::new(400, "ExpiredToken", "The provided token has expired.")
        }
        SignatureError::Old { request, now } | SignatureError::Early { request, now } => {
            Refusal::new(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )
            .with("RequestTime", basic(*request).to_string())
            .with("ServerTime", iso(*now))
            .with(
                "MaxAllowedSkewMilliseconds",
                S3_SKEW.as_millis().to_string(),
            )
        }
        SignatureError::Mismatch(mismatch) => mismatch_refusal(mismatch),
        SignatureError::MissingPayloadHash => Refusal::new(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        ),
        SignatureError::PayloadHash => Refusal::new(
            400,
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or \
             a valid sha256 value.",
        ),
        SignatureError::PayloadMismatch { declared, computed } => Refusal::new(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
        .with("ClientComputedContentSHA256", declared.clone())
        .with("S3ComputedContentSHA256", computed.clone()),
        SignatureError::MalformedChunks => Refusal::new(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        SignatureError::SmallChunk(chunk) => chunk.details().into_iter().fold(
            Refusal::new(403, SmallChunk::CODE, SmallChunk::MESSAGE),
            |refusal, (element, value)| refusal.with(element, value),
        ),
        SignatureError::NotImplemented { what } => {
            Refusal::new(501, "NotImplemented", not_implemented(what))
        }
    }
}

/// The errors that S3 words in another way when the signature stands in the query.
fn refusal_in_query(error: &SignatureError) -> Refusal {
    match error {
        SignatureError::UnsupportedAlgorithm => query_parameters(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        ),
        SignatureError::MissingDate { .. } | SignatureError::Date { .. } => query_parameters(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        ),
        SignatureError::ScopeDate { .. } => query_parameters(&credential_fault(error)),
        SignatureError::CredentialElements { .. }
        | SignatureError::ScopeRegion { .. }
        | SignatureError::ScopeService { .. }
        | SignatureError::ScopeTerminator { .. } => {
            let fault = credential_fault(error);
            let message = format!("Error parsing the X-Amz-Credential parameter; {fault}");
            with_region(query_parameters(&message), error)
        }
        SignatureError::Early { .. } => denied("Request is not yet valid"),
        error => refusal(error),
    }
}

/// What is wrong with the credential, in the words that follow the name of its place.
fn credential_fault(error: &SignatureError) -> String {
    match error {
        SignatureError::ScopeDate { got, request } => {
            let date = request.get(.."YYYYMMDD".len()).unwrap_or(request);
            format!(
                "Invalid credential date \"{got}\". This date is not the same as X-Amz-Date: \"{date}\"."
            )
        }
        SignatureError::ScopeRegion { got, expected } => {
            format!("the region '{got}' is wrong; expecting '{expected}'")
        }
        SignatureError::ScopeService { got, expected } => {
            format!("incorrect service \"{got}\". This endpoint belongs to \"{expected}\".")
        }
        SignatureError::ScopeTerminator { got } => {
            format!("incorrect terminal \"{got}\". This endpoint uses \"aws4_request\".")
        }
        _ => "the Credential is mal-formed; expecting \
              \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
            .to_owned(),
    }
}

/// Clients read the right region from this element.
fn with_region(refusal: Refusal, error: &SignatureError) -> Refusal {
    match error {
        SignatureError::ScopeRegion { expected, .. } => refusal.with("Region", expected.clone()),
        _ => refusal,
    }
}

/// S3 shows what it signed, so that a client's author can compare.
fn mismatch_refusal(mismatch: &Mismatch) -> Refusal {
    let bytes = |text: &str| {
        let bytes: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        bytes.join(" ")
    };
    Refusal::new(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your \
         key and signing method.",
    )
    .with("AWSAccessKeyId", mismatch.access_key_id.clone())
    .with("StringToSign", mismatch.string_to_sign.clone())
    .with("SignatureProvided", mismatch.signature.clone())
    .with("StringToSignBytes", bytes(&mismatch.string_to_sign))
    .with("CanonicalRequest", mismatch.canonical_request.clone())
    .with("CanonicalRequestBytes", bytes(&mismatch.canonical_request))
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(
        400,
        "AuthorizationHeaderMalformed",
        format!("The authorization header is malformed; {what}"),
    )
}

fn query_parameters(message: &str) -> Refusal {
    Refusal::new(400, "AuthorizationQueryParametersError", message)
}

fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn unsigned_headers(names: String) -> Refusal {
    denied("There were headers present in the request which were not signed")
        .with("HeadersNotSigned", names)
}

fn denied(message: &str) -> Refusal {
    Refusal::new(403, "AccessDenied", message)
}
