//! Why a request's credentials or signature are refused. The words for it are each protocol's own.

mod ec2;
mod json;
mod query;
mod s3;

use std::fmt;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::Dialect;
use crate::aws_chunked::SmallChunk;

/// Why a request's credentials or signature are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// There is no signature at all.
    Missing,
    /// The header names another way of signing.
    UnsupportedAlgorithm,
    /// There are several signatures, of which only one could be looked at.
    Several,
    /// The header lacks parameters.
    MissingParameters {
        names: Vec<&'static str>,
        header_hash: String,
    },
    /// The query of a presigned request lacks parameters.
    MissingQueryParameters { names: Vec<&'static str> },
    /// The credential has not five parts.
    CredentialElements { got: String },
    /// Neither `x-amz-date` nor `date` was sent.
    MissingDate { header_hash: String },
    /// The date is in another format.
    Date { got: String },
    /// The scope's date is not the request's.
    ScopeDate { got: String, request: String },
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
    /// A presigned request is older than it is good for.
    PresignedExpired {
        request: Timestamp,
        now: Timestamp,
        life: SignedDuration,
    },
    /// S3: the parameter `X-Amz-Expires` of a presigned request says nothing that it may.
    Expires(ExpiresFault),
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
    /// S3: the body is not in chunks as it says, or one of them has no signature.
    MalformedChunks,
    /// S3: a chunk that is not the last is too small.
    SmallChunk(SmallChunk),
    /// A way of signing that this sandbox does not verify.
    NotImplemented { what: &'static str },
    /// One of the others in a presigned request, for which S3 has words of its own.
    InQuery(Box<Self>),
}

/// What is wrong with `X-Amz-Expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiresFault {
    NotANumber,
    Negative,
    /// More than a week.
    TooLong,
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
            Dialect::Query => query::refusal(self),
            Dialect::Json => json::refusal(self),
            Dialect::S3 => s3::refusal(self),
            Dialect::Ec2 => ec2::refusal(self),
        }
    }

    /// The same error in a presigned request.
    pub(crate) fn in_query(self) -> Self {
        Self::InQuery(Box::new(self))
    }

    /// The error wherever the signature stood.
    pub(crate) fn plain(&self) -> &Self {
        match self {
            Self::InQuery(error) => error.plain(),
            error => error,
        }
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

const SEVERAL: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
    string parameter or the Authorization header should be specified";

fn not_implemented(what: &str) -> String {
    format!("This sandbox does not implement {what}.")
}

/// How far the client's clock may differ at STS and IAM.
pub(crate) const QUERY_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How long a presigned request is good at STS, whatever its `X-Amz-Expires` says (aws-iam-authenticator `pkg/token`).
pub(crate) const PRESIGNED_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// How far the client's clock may differ at S3 and EC2.
pub(crate) const S3_SKEW: SignedDuration = SignedDuration::from_mins(15);
