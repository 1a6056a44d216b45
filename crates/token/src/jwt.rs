//! Decoded but unverified JWTs.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::jws::{self, Jws};
use crate::malformed::{MalformedToken, Segment};
use crate::token::Token;

/// A decoded JWT whose signature nobody has checked: its claims are only what the sender says.
///
/// The claims are those of the JSON object, unless the reader has a type of its own for them.
#[derive(Clone)]
pub struct Jwt<C = Map<String, Value>> {
    jws: Jws,
    claims: C,
}

impl Jwt {
    /// Decodes the token without verifying it.
    ///
    /// The rules are those of [`Jws::decode`], and the payload has to be a JSON object; of duplicate members the last
    /// one counts.
    pub fn decode(token: &Token) -> Result<Self, MalformedToken> {
        Self::decode_as(token)
    }
}

impl<C: DeserializeOwned> Jwt<C> {
    /// Decodes the token without verifying it, and reads the claims into the type that the caller has for them.
    ///
    /// The rules are those of [`Jwt::decode`], except that the type decides about duplicate members.
    pub fn decode_as(token: &Token) -> Result<Self, MalformedToken> {
        let jws = Jws::decode(token)?;
        let claims = jws::parse_object(Segment::Payload, jws.payload())?;
        Ok(Self { jws, claims })
    }
}

impl<C> Jwt<C> {
    /// Returns the members of the header.
    pub fn header(&self) -> &Map<String, Value> {
        self.jws.header()
    }

    /// Returns the claims, which are not proven.
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// Gives the claims away, which are not proven.
    pub fn into_claims(self) -> C {
        self.claims
    }

    /// Returns the signature algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.jws.algorithm()
    }

    /// Returns the id of the key that the header names.
    pub fn kid(&self) -> Option<&str> {
        self.jws.kid()
    }

    /// Returns the JWS that carries the claims.
    pub fn jws(&self) -> &Jws {
        &self.jws
    }
}

impl<C> fmt::Debug for Jwt<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
