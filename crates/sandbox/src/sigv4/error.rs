//! Why a request's credentials or signature are refused, and the words of each protocol for it.

use std::fmt;

use http::StatusCode;
use jiff::Timestamp;

use super::Dialect;

/// Why a request's credentials or signature are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// There is no signature at all.
    Missing,
    /// The header names another way of signing.
    UnsupportedAlgorithm,
    /// The header lacks parameters.
    MissingParameters {
        names: Vec<&'static str>,
        header_hash: String,
    },
    /// The credential has not five parts.
    CredentialElements { got: String },
    /// Neither `x-amz-date` nor `date` was sent.
    MissingDate { header_hash: String },
    /// The date is in another format.
    Date { got: String },
    /// The scope's date is not the request's.
    ScopeDate,
    /// The scope is for another region than the host name's.
    ScopeRegion { got: String, expected: String },
    /// The scope is for another service than the host name's.
    ScopeService { got: String, expected: String },
    /// The scope does not end with `aws4_request`.
    ScopeTerminator { got: String },
    /// The `host` header is not among the signed ones.
    HostNotSigned,
    /// Headers that must be signed are not.
    HeadersNotSigned { names: Vec<String> },
    /// No such access key.
    UnknownKey { id: String },
    /// The access key has been made inactive.
    InactiveKey { id: String },
    /// A temporary key came without its session token.
    MissingToken { id: String },
    /// The session token is not one of this sandbox's, belongs to another key, or its role is gone.
    InvalidToken,
    /// The session is over.
    ExpiredToken,
    /// The request is older than the clocks may differ.
    Old { request: Timestamp, now: Timestamp },
    /// The request is from further ahead than the clocks may differ.
    Early { request: Timestamp, now: Timestamp },
    /// The signature is not the one the secret gives.
    Mismatch(Box<Mismatch>),
    /// S3: the header `x-amz-content-sha256` is missing.
    MissingPayloadHash,
    /// S3: the header `x-amz-content-sha256` has a value S3 does not know.
    PayloadHash,
    /// S3: the body is not the one that was hashed.
    PayloadMismatch { declared: String, computed: String },
    /// A way of signing that this sandbox does not verify.
    NotImplemented { what: &'static str },
}

/// The recomputed texts of a wrong signature; no secret is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) access_key_id: String,
    pub(crate) string_to_sign: String,
    pub(crate) signature: String,
    /// The canonical request without its session token.
    pub(crate) canonical_request: String,
}

/// An error in the terms of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// S3's further elements, in its order.
    pub(crate) details: Vec<(&'static str, String)>,
}

impl SignatureError {
    /// The error as the service of that dialect words it.
    pub(crate) fn refusal(&self, dialect: Dialect) -> Refusal {
        match dialect {
            Dialect::Query => self.query_refusal(),
            Dialect::S3 => self.s3_refusal(),
        }
    }

    fn query_refusal(&self) -> Refusal {
        let invalid_token = "The security token included in the request is invalid.";
        let (status, code, message) = match self {
            Self::Missing | Self::UnsupportedAlgorithm => {
                (403, "MissingAuthenticationToken", "Request is missing Authentication Token".to_owned())
            }
            Self::MissingParameters { names, header_hash } => {
                let needs: String =
                    names.iter().map(|name| format!("Authorization header requires '{name}' parameter. ")).collect();
                (400, "IncompleteSignature", format!("{needs}{HASHED} Authorization={header_hash}"))
            }
            Self::CredentialElements { got } => (
                400,
                "IncompleteSignature",
                format!(
                    "Credential must have exactly 5 slash-delimited elements, e.g. \
                     keyid/date/region/service/term, got '{got}'"
                ),
            ),
            Self::MissingDate { header_hash } => (
                400,
                "IncompleteSignature",
                format!(
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
                     {HASHED} Authorization={header_hash}"
                ),
            ),
            Self::Date { got } => (
                400,
                "IncompleteSignature",
                format!(
                    "Date must be in ISO-8601 'basic format'. Got '{got}'. See http://en.wikipedia.org/wiki/ISO_8601"
                ),
            ),
            Self::ScopeDate => (
                400,
                "SignatureDoesNotMatch",
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.".to_owned(),
            ),
            Self::ScopeRegion { .. } => {
                (403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. ".to_owned())
            }
            Self::ScopeService { expected, .. } => (
                400,
                "SignatureDoesNotMatch",
                format!("Credential should be scoped to correct service: '{expected}'."),
            ),
            Self::ScopeTerminator { .. } => (
                403,
                "SignatureDoesNotMatch",
                "Credential should be scoped with a valid terminator: 'aws4_request'.".to_owned(),
            ),
            Self::HostNotSigned => (
                403,
                "SignatureDoesNotMatch",
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
            ),
            Self::HeadersNotSigned { names } => (
                400,
                "IncompleteSignature",
                format!("Every x-amz header must be signed. Header(s) not signed: {}", names.join(", ")),
            ),
            Self::UnknownKey { .. } | Self::InactiveKey { .. } | Self::MissingToken { .. } | Self::InvalidToken => {
                (403, "InvalidClientTokenId", invalid_token.to_owned())
            }
            Self::ExpiredToken => {
                (403, "ExpiredToken", "The security token included in the request is expired".to_owned())
            }
            Self::Old { request, now } => {
                let (request, now, limit) = (basic(*request), basic(*now), basic(*now - QUERY_SKEW));
                (
                    403,
                    "SignatureDoesNotMatch",
                    format!("Signature expired: {request} is now earlier than {limit} ({now} - 5 min.)"),
                )
            }
            Self::Early { request, now } => {
                let (request, now, limit) = (basic(*request), basic(*now), basic(*now + QUERY_SKEW));
                (
                    403,
                    "SignatureDoesNotMatch",
                    format!("Signature not yet current: {request} is still later than {limit} ({now} + 5 min.)"),
                )
            }
            Self::Mismatch(_)
            | Self::MissingPayloadHash
            | Self::PayloadHash
            | Self::PayloadMismatch { .. } => (
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details."
                    .to_owned(),
            ),
            Self::NotImplemented { what } => (501, "NotImplemented", not_implemented(what)),
        };
        Refusal::new(status, code, message)
    }

    fn s3_refusal(&self) -> Refusal {
        let malformed = |message: String| {
            Refusal::new(
                400,
                "AuthorizationHeaderMalformed",
                format!("The authorization header is malformed; {message}"),
            )
        };
        match self {
            Self::Missing => Refusal::new(403, "AccessDenied", "Access Denied"),
            Self::UnsupportedAlgorithm => Refusal::new(
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            Self::MissingParameters { .. } => malformed(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature."
                    .to_owned(),
            ),
            Self::CredentialElements { .. } => malformed(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                    .to_owned(),
            ),
            Self::MissingDate { .. } | Self::Date { .. } => Refusal::new(
                403,
                "AccessDenied",
                "AWS authentication requires a valid Date or x-amz-date header",
            ),
            Self::ScopeDate => malformed("the date in the credential is not the date of the request.".to_owned()),
            Self::ScopeRegion { got, expected } => {
                malformed(format!("the region '{got}' is wrong; expecting '{expected}'"))
                    .with("Region", expected.clone())
            }
            Self::ScopeService { got, expected } => {
                malformed(format!("incorrect service \"{got}\". This endpoint belongs to \"{expected}\"."))
            }
            Self::ScopeTerminator { got } => {
                malformed(format!("incorrect terminator \"{got}\". This endpoint uses \"aws4_request\"."))
            }
            Self::HostNotSigned => unsigned_headers("host"),
            Self::HeadersNotSigned { names } => unsigned_headers(&names.join(", ")),
            Self::UnknownKey { id } | Self::InactiveKey { id } | Self::MissingToken { id } => Refusal::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
            .with("AWSAccessKeyId", id.clone()),
            Self::InvalidToken => {
                Refusal::new(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            Self::ExpiredToken => Refusal::new(400, "ExpiredToken", "The provided token has expired."),
            Self::Old { request, now } | Self::Early { request, now } => Refusal::new(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )
            .with("RequestTime", basic(*request).to_string())
            .with("ServerTime", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            .with("MaxAllowedSkewMilliseconds", S3_SKEW.as_millis().to_string()),
            Self::Mismatch(mismatch) => mismatch.s3_refusal(),
            Self::MissingPayloadHash => Refusal::new(
                400,
                "InvalidRequest",
                "Missing required header for this request: x-amz-content-sha256",
            ),
            Self::PayloadHash => Refusal::new(
                400,
                "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid \
                 sha256 value.",
            ),
            Self::PayloadMismatch { declared, computed } => Refusal::new(
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
            .with("ClientComputedContentSHA256", declared.clone())
            .with("S3ComputedContentSHA256", computed.clone()),
            Self::NotImplemented { what } => Refusal::new(501, "NotImplemented", not_implemented(what)),
        }
    }
}

impl Mismatch {
    fn s3_refusal(&self) -> Refusal {
        let bytes = |text: &str| {
            text.bytes()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        Refusal::new(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and \
             signing method.",
        )
        .with("AWSAccessKeyId", self.access_key_id.clone())
        .with("StringToSign", self.string_to_sign.clone())
        .with("SignatureProvided", self.signature.clone())
        .with("StringToSignBytes", bytes(&self.string_to_sign))
        .with("CanonicalRequest", self.canonical_request.clone())
        .with("CanonicalRequestBytes", bytes(&self.canonical_request))
    }
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            message: message.into(),
            details: Vec::new(),
        }
    }

    fn with(mut self, element: &'static str, value: String) -> Self {
        self.details.push((element, value));
        self
    }
}

/// The ISO-8601 basic format of signature dates, `YYYYMMDDThhmmssZ`.
pub(crate) fn basic(time: Timestamp) -> impl fmt::Display {
    time.strftime("%Y%m%dT%H%M%SZ")
}

fn unsigned_headers(names: &str) -> Refusal {
    Refusal::new(
        403,
        "AccessDenied",
        "There were headers present in the request which were not signed",
    )
    .with("HeadersNotSigned", names.to_owned())
}

fn not_implemented(what: &str) -> String {
    format!("This sandbox does not implement {what}.")
}

const HASHED: &str = "(Hashed with SHA-256 and encoded with Base64)";

/// How far the client's clock may differ at STS and IAM.
pub(crate) const QUERY_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// How far the client's clock may differ at S3.
pub(crate) const S3_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);
