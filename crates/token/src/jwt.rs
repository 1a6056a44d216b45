//! Tokens as they are sent, and decoded but unverified JWTs.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::jws::Jws;

/// A token in its compact form, `header.payload.signature`: a secret, wiped when dropped and redacted in output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

/// A decoded JWT whose signature nobody has checked: its claims are only what the sender says.
#[derive(Clone)]
pub struct Jwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    algorithm: Algorithm,
    kid: Option<String>,
    pub(crate) signing_input: Zeroizing<String>,
    pub(crate) signature: Vec<u8>,
}

/// Why a token is not a JWT that AWS would look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedToken {
    /// A signed JWT has three segments; one means an opaque token, five an encrypted one.
    #[error("the token has {found} segments between dots, expected 3")]
    SegmentCount {
        /// How many there are.
        found: usize,
    },
    /// A segment is not base64url without padding.
    #[error("the {segment} is not base64url without padding")]
    Base64 {
        /// Which one.
        segment: Segment,
    },
    /// A segment is not JSON.
    #[error("the {segment} is not JSON")]
    Json {
        /// Which one.
        segment: Segment,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A segment is JSON, but not an object.
    #[error("the {segment} is not a JSON object")]
    NotAnObject {
        /// Which one.
        segment: Segment,
    },
    /// The header has no `alg`, or it is not a string.
    #[error("the header names no signature algorithm")]
    AlgorithmMissing,
    /// The header's `alg` is not one that AWS accepts.
    #[error("the signature algorithm `{found}` is not supported")]
    AlgorithmUnsupported {
        /// The value of `alg`.
        found: String,
    },
    /// The header has `crit`, which AWS refuses whatever it lists.
    #[error("the header has critical extensions")]
    CriticalExtensions,
    /// The header's `kid` is not a string.
    #[error("the key id in the header is not a string")]
    KidNotAString,
}

/// The segments of a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The first.
    Header,
    /// The second, with the claims.
    Payload,
    /// The third.
    Signature,
}

// === impl Token ===

impl Token {
    /// Wraps a token. One newline at the end, which files have and tokens do not, is removed.
    pub fn new(mut text: String) -> Self {
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Self(Zeroizing::new(text))
    }

    /// Returns the secret itself, to be sent or written, never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({REDACTED})")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

// === impl Jwt ===

impl Jwt {
    /// Decodes the token without verifying it.
    ///
    /// The rules are those of AWS STS: three segments of base64url without padding, JSON objects in the first two (of
    /// duplicate members the last one counts), an accepted `alg`, no `crit`.
    pub fn decode(token: &Token) -> Result<Self, MalformedToken> {
        let jws = Jws::decode(token.expose())?;
        let header = parse_object(Segment::Header, &jws.header)?;
        let claims = parse_object(Segment::Payload, &jws.payload)?;
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
            algorithm,
            kid,
            signing_input: Zeroizing::new(jws.signing_input.to_owned()),
            signature: jws.signature,
            header,
            claims,
        })
    }

    /// Returns the members of the header.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// Returns the claims, which are not proven.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Returns the signature algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the id of the key that the header names.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("iss", &self.claims.get("iss"))
            .field("sub", &self.claims.get("sub"))
            .finish_non_exhaustive()
    }
}

// === impl Segment ===

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

fn parse_object(segment: Segment, json: &[u8]) -> Result<Map<String, Value>, MalformedToken> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(MalformedToken::NotAnObject { segment }),
        Err(source) => Err(MalformedToken::Json { segment, source }),
    }
}

const REDACTED: &str = "redacted";
