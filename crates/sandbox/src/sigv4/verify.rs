//! The checks of a signed request, in the order in which AWS reports them.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use http::HeaderMap;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::canonical::{self, CanonicalRequest, Parts};
use super::chain::Chain;
use super::error::{Mismatch, QUERY_SKEW, S3_SKEW};
use super::{Authorization, Dialect, SignatureError};

/// A request and what it says about its signature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedRequest<'a> {
    pub(crate) method: &'a str,
    /// The path as received, still percent-encoded.
    pub(crate) path: &'a str,
    /// The query as received, without `?`.
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    pub(crate) authorization: &'a Authorization,
    pub(crate) dialect: Dialect,
}

/// What a host name under AWS's own suffixes says about the scope; an address says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) service: Option<String>,
    pub(crate) region: Option<String>,
}

/// The time a request was signed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestTime {
    time: Timestamp,
    /// `YYYYMMDDThhmmssZ`, as it is signed.
    basic: String,
}

impl RequestTime {
    /// How long ago that was.
    pub(crate) fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.time)
    }

    fn of(request: &SignedRequest<'_>) -> Result<Self, SignatureError> {
        let text = |name: &str| {
            request
                .headers
                .get(name)
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
        };
        if let Some(presigned) = &request.authorization.presigned {
            return Self::from_basic(&presigned.date);
        }
        if let Some(text) = text("x-amz-date") {
            return Self::from_basic(&text);
        }
        let text = text("date").ok_or_else(|| SignatureError::MissingDate {
            header_hash: request.authorization.header_hash.clone(),
        })?;
        // The plain `Date` header may be in either format.
        match jiff::fmt::rfc2822::parse(&text) {
            Ok(time) => Ok(Self {
                time: time.timestamp(),
                basic: super::error::basic(time.timestamp()).to_string(),
            }),
            Err(_) => Self::from_basic(&text),
        }
    }

    fn from_basic(text: &str) -> Result<Self, SignatureError> {
        let refused = || SignatureError::Date {
            got: text.to_owned(),
        };
        if text.len() != "YYYYMMDDThhmmssZ".len() || !text.is_ascii() {
            return Err(refused());
        }
        let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text)
            .and_then(|time| time.to_zoned(TimeZone::UTC))
            .map_err(|_| refused())?;
        Ok(Self {
            time: time.timestamp(),
            basic: text.to_owned(),
        })
    }
}

impl SignedRequest<'_> {
    /// Checks what needs no secret: the date, the scope, and that the host is signed.
    pub(crate) fn check_scope(&self, expected: &Expected) -> Result<RequestTime, SignatureError> {
        let time = RequestTime::of(self)?;
        let scope = &self.authorization.scope;
        if !self
            .authorization
            .signed_headers
            .iter()
            .any(|name| name == "host")
        {
            return Err(SignatureError::HostNotSigned);
        }
        if scope.terminator != "aws4_request" {
            return Err(SignatureError::ScopeTerminator {
                got: scope.terminator.clone(),
            });
        }
        if let Some(service) = expected
            .service
            .as_ref()
            .filter(|service| **service != scope.service)
        {
            return Err(SignatureError::ScopeService {
                got: scope.service.clone(),
                expected: service.clone(),
            });
        }
        let global =
            || (self.dialect == Dialect::S3 && !is_region(&scope.region)).then_some(GLOBAL);
        let region = expected.region.as_deref().or_else(global);
        if let Some(region) = region.filter(|region| *region != scope.region) {
            return Err(SignatureError::ScopeRegion {
                got: scope.region.clone(),
                expected: region.to_owned(),
            });
        }
        if !time.basic.starts_with(&scope.date) || scope.date.len() != "YYYYMMDD".len() {
            return Err(SignatureError::ScopeDate {
                got: scope.date.clone(),
                request: time.basic,
            });
        }
        Ok(time)
    }

    /// Checks the age, the signature under `secret`, and that every `x-amz-*` header is covered by it.
    pub(crate) fn check_signature(
        &self,
        secret: &str,
        time: &RequestTime,
        wall_clock: Timestamp,
    ) -> Result<(), SignatureError> {
        self.check_age(time, wall_clock)?;
        let hash = self.payload_hash()?;
        let authorization = self.authorization;
        let canonical = CanonicalRequest::of(
            Parts {
                method: self.method,
                path: self.path.as_bytes(),
                query: self.query.as_bytes(),
                headers: self.headers,
                signed_headers: &authorization.signed_headers,
                payload_hash: hash.signed(),
            },
            self.dialect,
        );
        let string_to_sign = canonical.string_to_sign(&time.basic, &authorization.scope);
        let check = |string_to_sign: String, signature: &str| {
            let expected = canonical::signature(secret, &authorization.scope, &string_to_sign);
            verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).map_err(|_| {
                SignatureError::Mismatch(Box::new(Mismatch {
                    access_key_id: authorization.access_key_id.clone(),
                    string_to_sign,
                    signature: signature.to_owned(),
                    canonical_request: canonical.redacted(),
                }))
            })
        };
        check(string_to_sign, &authorization.signature)?;
        self.check_headers_signed()?;
        match hash {
            PayloadHash::Computed(_) | PayloadHash::Unchecked(_) => Ok(()),
            PayloadHash::Declared(declared) => check_body(self.body, declared),
            PayloadHash::Chunks { has_trailer, .. } => {
                let chain =
                    Chain::after(&authorization.signature, &time.basic, &authorization.scope);
                chain.check(self.body, has_trailer, check)
            }
        }
    }

    fn check_age(&self, time: &RequestTime, now: Timestamp) -> Result<(), SignatureError> {
        let skew = match self.dialect {
            Dialect::S3 | Dialect::Ec2 => S3_SKEW,
            Dialect::Query | Dialect::Json => QUERY_SKEW,
        };
        let (request, age) = (time.time, time.age(now));
        if let Some(presigned) = &self.authorization.presigned {
            let life = presigned.life;
            if age > life {
                return Err(SignatureError::PresignedExpired { request, now, life });
            }
        } else if age > skew {
            return Err(SignatureError::Old { request, now });
        }
        if age < -skew {
            return Err(SignatureError::Early { request, now });
        }
        Ok(())
    }

    fn check_headers_signed(&self) -> Result<(), SignatureError> {
        let names: Vec<String> = self
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| name.starts_with("x-amz-"))
            .filter(|name| {
                !self
                    .authorization
                    .signed_headers
                    .iter()
                    .any(|signed| signed == name)
            })
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            Ok(())
        } else {
            Err(SignatureError::HeadersNotSigned { names })
        }
    }

    fn payload_hash(&self) -> Result<PayloadHash, SignatureError> {
        if self.dialect != Dialect::S3 {
            return Ok(PayloadHash::Computed(canonical::payload_hash(self.body)));
        }
        let in_header = match self.headers.get("x-amz-content-sha256") {
            Some(value) => Some(value.to_str().map_err(|_| SignatureError::PayloadHash)?),
            None => None,
        };
        let declared = match &self.authorization.presigned {
            None => in_header.ok_or(SignatureError::MissingPayloadHash)?,
            // Whoever presigns a request need not know its body.
            Some(presigned) => {
                let in_query = presigned.payload_hash.as_deref();
                in_query.or(in_header).unwrap_or("UNSIGNED-PAYLOAD")
            }
        };
        match declared {
            "UNSIGNED-PAYLOAD" | "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => {
                Ok(PayloadHash::Unchecked(declared.to_owned()))
            }
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                Ok(PayloadHash::Chunks {
                    has_trailer: declared.ends_with("-TRAILER"),
                    marker: declared.to_owned(),
                })
            }
            streaming if streaming.starts_with("STREAMING-AWS4-ECDSA-") => {
                Err(SignatureError::NotImplemented {
                    what: "chunks with an ECDSA signature each (STREAMING-AWS4-ECDSA-*)",
                })
            }
            hex if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(PayloadHash::Declared(hex.to_owned()))
            }
            _ => Err(SignatureError::PayloadHash),
        }
    }
}

/// Whether a text is built as the names of regions are: `us-east-1`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    parts.pop().is_some_and(is_number) && parts.len() >= 2 && parts.iter().all(is_word)
}

/// The region of S3's global endpoint. s3cmd asks with the region `US` first, and learns from the refusal.
const GLOBAL: &str = "us-east-1";

/// What stands for the body in the canonical request.
#[derive(Debug)]
enum PayloadHash {
    /// Computed here, so it holds.
    Computed(String),
    /// Sent by the client, to be compared with the body.
    Declared(String),
    /// A marker: the body is not covered by the signature.
    Unchecked(String),
    /// A marker: the signature is the first of a chain that goes on in the body.
    Chunks { marker: String, has_trailer: bool },
}

impl PayloadHash {
    fn signed(&self) -> &str {
        match self {
            Self::Computed(text)
            | Self::Declared(text)
            | Self::Unchecked(text)
            | Self::Chunks { marker: text, .. } => text,
        }
    }
}

fn check_body(body: &[u8], declared: String) -> Result<(), SignatureError> {
    let computed = canonical::payload_hash(body);
    if computed.eq_ignore_ascii_case(&declared) {
        return Ok(());
    }
    Err(SignatureError::PayloadMismatch { declared, computed })
}
