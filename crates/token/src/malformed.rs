//! Why a token cannot be decoded.

use std::fmt;

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
