//! The compact serialisation of a JWS (RFC 7515), without any meaning of its parts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jwt::{MalformedToken, Segment};

/// The decoded parts of a compact JWS.
pub(crate) struct Jws<'a> {
    /// The first two segments and the dot between them, exactly as received: what the signature covers.
    pub(crate) signing_input: &'a str,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub(crate) fn decode(compact: &'a str) -> Result<Self, MalformedToken> {
        let segments = compact.split('.').count();
        let (Some((signing_input, signature)), 3) = (compact.rsplit_once('.'), segments) else {
            return Err(MalformedToken::SegmentCount { found: segments });
        };
        let (header, payload) = signing_input
            .split_once('.')
            .ok_or(MalformedToken::SegmentCount { found: segments })?;
        Ok(Self {
            signing_input,
            header: decode(Segment::Header, header)?,
            payload: decode(Segment::Payload, payload)?,
            signature: decode(Segment::Signature, signature)?,
        })
    }
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

fn decode(segment: Segment, text: &str) -> Result<Vec<u8>, MalformedToken> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| MalformedToken::Base64 { segment })
}
