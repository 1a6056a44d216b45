//! Service-account tokens and everything their verification needs: signing keys, key ids, JWKS, the discovery
//! document, and the JWS itself.
//!
//! The crate does no I/O and knows no clock. The only effect is the randomness of [`SigningKey::generate`].
//!
//! A token passes through three types: [`Token`] is what was sent, [`Jwt`] is decoded but proves nothing, and
//! [`VerifiedJwt`] can be made only by [`KeySet::verify`].

mod algorithm;
mod claims;
mod der;
mod discovery;
mod jwk;
mod jws;
mod jwt;
mod key;
mod key_set;
mod malformed;
mod pem;
mod roca;
mod signing_key;
mod token;

pub use algorithm::Algorithm;
pub use claims::{ObjectRef, ServiceAccountClaims};
pub use discovery::discovery_document;
pub use jwk::{Jwk, Jwks, JwksError};
pub use jws::Jws;
pub use jwt::Jwt;
pub use key::{Found, KeyError, PemError, PublicKey};
pub use key_set::{KeySet, KeySetError, SignatureError, Unusable, UnusableKey, VerifiedJwt};
pub use malformed::{MalformedToken, Segment};
pub use signing_key::{GenerateError, KeySize, SigningKey};
pub use token::Token;
