//! The compact serialisation of a JWS (RFC 7515), whatever its payload is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::malformed::{MalformedToken, Segment};
use crate::token::Token;

/// A decoded JWS whose signature nobody has checked. A [`Jwt`](crate::Jwt) is one whose payload is a set of claims.
#[derive(Clone)]
pub struct Jws {
    header: Map<String, Value>,
    algorithm: Algorithm,
    kid: Option<String>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    token: Token,
    /// How much of the token is signed: the first two segments and the dot between them.
    signed: usize,
}

impl Jws {
    /// Decodes the token without verifying it.
    ///
    /// The rules are those of AWS STS: three segments of base64url without padding, a JSON object as the header (of
    /// duplicate members the last one counts), an accepted `alg`, no `crit`.
    pub fn decode(token: &Token) -> Result<Self, MalformedToken> {
        let [header, payload, signature] = split(token.expose())?;
        let signed = header.len() + 1 + payload.len();
        let header: Map<String, Value> =
            parse_object(Segment::Header, &decode(Segment::Header, header)?)?;
        let payload = decode(Segment::Payload, payload)?;
        let signature = decode(Segment::Signature, signature)?;
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => {
                Algorithm::of_name(name).ok_or_else(|| MalformedToken::AlgorithmUnsupported {
                    found: name.clone(),
                })?
            }
            _ => return Err(MalformedToken::AlgorithmMissing),
        };
        if header.contains_key("crit") {
            return Err(MalformedToken::CriticalExtensions);
        }
        let kid = match header.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(MalformedToken::KidNotAString),
        };
        Ok(Self {
            header,
            algorithm,
            kid,
            payload,
            signature,
            token: token.clone(),
            signed,
        })
    }

    /// Returns the members of the header.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// Returns the signature algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the id of the key that the header names.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns the decoded second segment, which is not proven.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the first two segments and the dot between them, exactly as received: what the signature covers.
    pub(crate) fn signing_input(&self) -> &[u8] {
        &self.token.expose().as_bytes()[..self.signed]
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Parses a segment that has to be a JSON object.
pub(crate) fn parse_object<T: DeserializeOwned>(
    segment: Segment,
    json: &[u8],
) -> Result<T, MalformedToken> {
    let first = json.iter().find(|byte| !byte.is_ascii_whitespace());
    let error = if first == Some(&b'{') {
        // Checked as a whole, which is quicker than string by string.
        let object = match std::str::from_utf8(json) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(json),
        };
        match object {
            Ok(object) => return Ok(object),
            Err(error) => Some(error),
        }
    } else {
        serde_json::from_slice::<Value>(json).err()
    };
    Err(match error {
        Some(source) => MalformedToken::Json { segment, source },
        None => MalformedToken::NotAnObject { segment },
    })
}

/// Returns the header of kube-apiserver's tokens.
pub(crate) fn header_json(kid: &str) -> String {
    serde_json::json!({ "alg": "RS256", "kid": kid }).to_string()
}

pub(crate) fn signing_input(header: &[u8], payload: &[u8]) -> String {
    let mut input = URL_SAFE_NO_PAD.encode(header);
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut input);
    input
}

pub(crate) fn compact(signing_input: &str, signature: &[u8]) -> String {
    // The exact capacity keeps the token from being copied, unwiped, while it grows.
    let mut compact =
        String::with_capacity(signing_input.len() + 1 + signature.len().div_ceil(3) * 4);
    compact.push_str(signing_input);
    compact.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut compact);
    compact
}

fn split(compact: &str) -> Result<[&str; 3], MalformedToken> {
    let mut segments = compact.split('.');
    match std::array::from_fn(|_| segments.next()) {
        [Some(header), Some(payload), Some(signature), None] => Ok([header, payload, signature]),
        _ => Err(MalformedToken::SegmentCount {
            found: compact.split('.').count(),
        }),
    }
}

fn decode(segment: Segment, text: &str) -> Result<Vec<u8>, MalformedToken> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| MalformedToken::Base64 { segment })
}
