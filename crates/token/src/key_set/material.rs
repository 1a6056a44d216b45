//! The cryptographic part of a JWK.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{EC, RSA};
use crate::algorithm::Algorithm;
use crate::der::{self, Shape};
use crate::key::{ACCEPTED_BITS, PublicKey};
use crate::roca;

/// Why a JWK cannot verify a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// The entry is not a JSON object.
    NotAnObject,
    /// It has no key id, or one that is empty or not a string.
    NoKid,
    /// Its `use` is `enc`.
    ForEncryption,
    /// It has `key_ops`.
    KeyOperations,
    /// Its family is neither RSA nor EC.
    KeyType(Option<String>),
    /// Its numbers are missing or not base64url, or they are no key.
    Malformed,
    /// It is an RSA key of a length that is not accepted.
    Bits(usize),
    /// It is an RSA key whose private half can be computed (CVE-2017-15361). What AWS does with one is not known.
    Factorable,
    /// It is an EC key on a curve that no accepted algorithm uses.
    Curve(Option<String>),
    /// Its certificate is for another key, or not readable.
    CertificateDiffers,
    /// The set has more than 100 keys of its family.
    TooManyKeys,
    /// It is of another family or curve than the token's algorithm needs.
    OtherAlgorithm,
}

/// A parsed key for each algorithm that it serves.
#[derive(Clone, Debug)]
pub(super) struct Material(Vec<(Algorithm, ParsedPublicKey)>);

impl Material {
    pub(super) fn of_jwk(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        match jwk.get("kty").and_then(Value::as_str) {
            Some(RSA) => Self::of_rsa(jwk),
            Some(EC) => Self::of_ec(jwk),
            other => Err(Unusable::KeyType(other.map(str::to_owned))),
        }
    }

    pub(super) fn serves(&self, algorithm: Algorithm) -> bool {
        self.key(algorithm).is_some()
    }

    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.key(algorithm)
            .is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }

    fn key(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        let (_, key) = self.0.iter().find(|(served, _)| *served == algorithm)?;
        Some(key)
    }

    fn of_rsa(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let components = PublicKeyComponents {
            n: number(jwk, "n")?,
            e: number(jwk, "e")?,
        };
        let bits = der::bit_length(&components.n);
        if !ACCEPTED_BITS.contains(&bits) {
            return Err(Unusable::Bits(bits));
        }
        if roca::is_fingerprinted(&components.n) {
            return Err(Unusable::Factorable);
        }
        if let Some(chain) = jwk.get("x5c") {
            let agrees = certified_key(chain)
                .is_some_and(|key| key.components() == (&components.n, &components.e));
            if !agrees {
                return Err(Unusable::CertificateDiffers);
            }
        }
        let algorithms = [
            (Algorithm::Rs256, &signature::RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::Rs384, &signature::RSA_PKCS1_2048_8192_SHA384),
            (Algorithm::Rs512, &signature::RSA_PKCS1_2048_8192_SHA512),
        ];
        let parse = |(algorithm, parameters)| {
            let key = components.to_parsed_public_key(parameters);
            key.map(|key| (algorithm, key))
                .map_err(|_| Unusable::Malformed)
        };
        algorithms
            .into_iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn of_ec(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let (algorithm, parameters, length): (_, &'static dyn VerificationAlgorithm, _) =
            match jwk.get("crv").and_then(Value::as_str) {
                Some("P-256") => (Algorithm::Es256, &signature::ECDSA_P256_SHA256_FIXED, 32),
                Some("P-384") => (Algorithm::Es384, &signature::ECDSA_P384_SHA384_FIXED, 48),
                Some("P-521") => (Algorithm::Es512, &signature::ECDSA_P521_SHA512_FIXED, 66),
                other => return Err(Unusable::Curve(other.map(str::to_owned))),
            };
        let mut point = vec![UNCOMPRESSED_POINT];
        for member in ["x", "y"] {
            let coordinate = octets(jwk, member)?;
            if coordinate.len() != length {
                return Err(Unusable::Malformed);
            }
            point.extend(coordinate);
        }
        let key = ParsedPublicKey::new(parameters, point).map_err(|_| Unusable::Malformed)?;
        Ok(Self(vec![(algorithm, key)]))
    }
}

// === impl Unusable ===

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("it is not a JSON object"),
            Self::NoKid => f.write_str("its `kid` is missing, empty or not a string"),
            Self::ForEncryption => f.write_str("its `use` is `enc`"),
            Self::KeyOperations => f.write_str("it has `key_ops`, which AWS does not accept"),
            Self::KeyType(Some(kty)) => write!(f, "its `kty` is `{kty}`, neither `RSA` nor `EC`"),
            Self::KeyType(None) => f.write_str("it has no `kty`"),
            Self::Malformed => f.write_str("its numbers are missing or malformed"),
            Self::Bits(bits) => write!(f, "it has {bits} bits; 2048 to 8192 are accepted"),
            Self::Factorable => f.write_str("its private half can be computed (CVE-2017-15361)"),
            Self::Curve(Some(curve)) => write!(
                f,
                "its `crv` is `{curve}`, which no accepted algorithm uses"
            ),
            Self::Curve(None) => f.write_str("it has no `crv`"),
            Self::CertificateDiffers => {
                f.write_str("its certificate (`x5c`) does not hold the same key")
            }
            Self::TooManyKeys => f.write_str("the JWKS has more than 100 keys of its family"),
            Self::OtherAlgorithm => f.write_str("it does not fit the token's `alg`"),
        }
    }
}

fn octets(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>, Unusable> {
    let text = jwk
        .get(member)
        .and_then(Value::as_str)
        .ok_or(Unusable::Malformed)?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Unusable::Malformed)
}

/// Reads a big-endian number. Leading zero bytes, which some issuers print, are dropped.
fn number(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>, Unusable> {
    let octets = octets(jwk, member)?;
    Ok(octets.into_iter().skip_while(|&byte| byte == 0).collect())
}

fn certified_key(chain: &Value) -> Option<PublicKey> {
    let leaf = STANDARD.decode(chain.get(0)?.as_str()?).ok()?;
    match der::shape(&leaf) {
        Shape::Certificate(public_key_info) => PublicKey::of_der(public_key_info),
        _ => None,
    }
}

const UNCOMPRESSED_POINT: u8 = 0x04;
