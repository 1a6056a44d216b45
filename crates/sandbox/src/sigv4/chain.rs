//! Signatures in a body: each chunk's covers the one before it, the first of which is the request's.
//!
//! Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in
//! Multiple Chunks (Chunked Upload)", and the same with trailing headers.

use bytes::Bytes;

use super::canonical::payload_hash;
use super::{Scope, SignatureError};
use crate::aws_chunked::{Chunked, Malformed};

/// What the next signature is computed from, besides the chunk.
pub(super) struct Chain<'a> {
    previous: String,
    date_time: &'a str,
    scope: &'a Scope,
}

impl<'a> Chain<'a> {
    /// The chain that begins with a request's signature.
    pub(super) fn after(signature: &str, date_time: &'a str, scope: &'a Scope) -> Self {
        Self {
            previous: signature.to_owned(),
            date_time,
            scope,
        }
    }

    /// Verifies all of a body; `check` compares a string to sign with the signature that was sent for it.
    pub(super) fn check(
        mut self,
        body: &Bytes,
        has_trailer: bool,
        check: impl Fn(String, &str) -> Result<(), SignatureError>,
    ) -> Result<(), SignatureError> {
        let malformed = || SignatureError::MalformedChunks;
        let chunked = Chunked::read(body).map_err(|error| match error {
            Malformed::Small(chunk) => SignatureError::SmallChunk(chunk),
            Malformed::Chunk | Malformed::Trailer => malformed(),
        })?;
        for chunk in chunked.chunks {
            let signature = chunk.signature.ok_or_else(malformed)?;
            let hashes = format!("{}\n{}", payload_hash(b""), payload_hash(&chunk.data));
            check(self.string_to_sign("PAYLOAD", &hashes), &signature)?;
            self.previous = signature;
        }
        let fields: Vec<String> = chunked
            .trailer
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        match chunked.trailer_signature {
            Some(signature) if has_trailer => {
                let hash = payload_hash(fields.concat().as_bytes());
                check(self.string_to_sign("TRAILER", &hash), &signature)
            }
            // Fields that no signature covers.
            Some(_) => Err(malformed()),
            None if has_trailer || !fields.is_empty() => Err(malformed()),
            None => Ok(()),
        }
    }

    fn string_to_sign(&self, what: &str, hashes: &str) -> String {
        let Self {
            previous,
            date_time,
            scope,
        } = self;
        format!("AWS4-HMAC-SHA256-{what}\n{date_time}\n{scope}\n{previous}\n{hashes}")
    }
}

#[cfg(test)]
mod tests;
