//! The keys that verify tokens, chosen from an issuer's JWKS by the rules that AWS STS was seen to follow.

mod material;

use std::fmt;
use std::ops::Deref;

use serde_json::{Map, Value};

use self::material::Material;
use crate::algorithm::Algorithm;
use crate::jws::Jws;
use crate::jwt::Jwt;

pub use self::material::Unusable;

/// The usable verification keys of one issuer, parsed once.
///
/// A key needs a key id; of several keys with one id the last one counts; `use: "enc"` and any `key_ops` make a key
/// unusable; the JWK's own `alg` is not looked at; more than 100 RSA keys disable all RSA keys, and more than 100 EC
/// keys all EC keys. The rest of a broken set stays usable.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<UsableKey>,
    unusable: Vec<UnusableKey>,
}

/// A key of a JWKS that cannot verify anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableKey {
    /// The place in the set, from 1.
    pub position: usize,
    /// The key id, when there is one.
    pub kid: Option<String>,
    /// Why it is not usable.
    pub why: Unusable,
}

/// Why a document is not a JWKS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The document is not JSON.
    #[error("the JWKS is not JSON (line {line}, column {column})")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was found there.
        #[source]
        source: serde_json::Error,
    },
    /// The document has no list `keys`.
    #[error("the JWKS has no list `keys`")]
    NoKeys,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The set has no key for the token. AWS answers "Couldn't retrieve verification key from your identity provider".
    #[error("no usable key for kid `{}` ({algorithm}); the JWKS has {}", kid.as_deref().unwrap_or("none"), list(available))]
    NoUsableKey {
        /// The key id in the token's header.
        kid: Option<String>,
        /// The algorithm in the token's header.
        algorithm: Algorithm,
        /// The key ids of the usable keys.
        available: Vec<String>,
        /// The reason when the key is there, but not usable.
        unusable: Option<Unusable>,
    },
    /// The key is there and it did not make this signature. AWS answers "Token signature invalid".
    #[error("the signature was not made with the key `{kid}`")]
    Invalid {
        /// The id of the key that was tried.
        kid: String,
    },
}

/// A JWT whose signature was verified. Only [`KeySet::verify`] makes one; it dereferences to the claims.
#[derive(Clone, Debug)]
pub struct VerifiedJwt<C = Map<String, Value>> {
    jwt: Jwt<C>,
    key_id: String,
}

// === impl KeySet ===

impl KeySet {
    /// Chooses the usable keys of a JWKS document. A set without any is valid and verifies nothing.
    pub fn from_jwks_json(text: &str) -> Result<Self, KeySetError> {
        let document: Value = serde_json::from_str(text).map_err(|source| KeySetError::Json {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        let Some(Value::Array(entries)) = document.get("keys") else {
            return Err(KeySetError::NoKeys);
        };
        let mut set = Self {
            keys: Vec::new(),
            unusable: Vec::new(),
        };
        let count = |family: &str| {
            let of_family =
                |entry: &&Value| entry.get("kty").and_then(Value::as_str) == Some(family);
            entries.iter().filter(of_family).count()
        };
        let too_many = [RSA, EC].map(|family| (family, count(family) > MAX_KEYS_PER_FAMILY));
        for (index, entry) in entries.iter().enumerate() {
            let family = entry.get("kty").and_then(Value::as_str);
            let crowded = too_many
                .iter()
                .any(|&(name, crowded)| crowded && family == Some(name));
            let chosen = if crowded {
                Err(Unusable::TooManyKeys)
            } else {
                UsableKey::of_jwk(entry)
            };
            match chosen {
                Ok(key) => {
                    set.keys.retain(|earlier| earlier.kid != key.kid);
                    set.keys.push(key);
                }
                Err(why) => set.unusable.push(UnusableKey {
                    position: index + 1,
                    kid: entry.get("kid").and_then(Value::as_str).map(str::to_owned),
                    why,
                }),
            }
        }
        Ok(set)
    }

    /// Returns the key ids of the usable keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.kid.as_str())
    }

    /// Returns the keys that were left out, and why.
    pub fn unusable(&self) -> &[UnusableKey] {
        &self.unusable
    }

    /// Verifies the signature with the key that the token names.
    ///
    /// A token that names none is verified only if the set has exactly one usable key.
    pub fn verify<C>(&self, jwt: Jwt<C>) -> Result<VerifiedJwt<C>, SignatureError> {
        let key_id = self.verify_jws(jwt.jws())?.to_owned();
        Ok(VerifiedJwt { jwt, key_id })
    }

    /// Verifies the signature of a JWS, whatever its payload is, and returns the id of the key that made it.
    pub fn verify_jws(&self, jws: &Jws) -> Result<&str, SignatureError> {
        let key = self.find(jws.kid(), jws.algorithm())?;
        if key
            .material
            .verifies(jws.algorithm(), jws.signing_input(), jws.signature())
        {
            Ok(&key.kid)
        } else {
            Err(SignatureError::Invalid {
                kid: key.kid.clone(),
            })
        }
    }

    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&UsableKey, SignatureError> {
        let key = match (kid, self.keys.as_slice()) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid == kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        match key {
            Some(key) if key.material.serves(algorithm) => Ok(key),
            _ => Err(SignatureError::NoUsableKey {
                unusable: match key {
                    Some(_) => Some(Unusable::OtherAlgorithm),
                    None => self.why_unusable(kid),
                },
                kid: kid.map(str::to_owned),
                algorithm,
                available: self.key_ids().map(str::to_owned).collect(),
            }),
        }
    }

    fn why_unusable(&self, kid: Option<&str>) -> Option<Unusable> {
        let kid = kid?;
        let named = |key: &&UnusableKey| key.kid.as_deref() == Some(kid);
        self.unusable
            .iter()
            .rev()
            .find(named)
            .map(|key| key.why.clone())
    }
}

// === impl VerifiedJwt ===

impl<C> VerifiedJwt<C> {
    /// Returns the id of the key that verified the signature.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Returns the decoded token.
    pub fn jwt(&self) -> &Jwt<C> {
        &self.jwt
    }

    /// Returns the proven claims.
    pub fn claims(&self) -> &C {
        self.jwt.claims()
    }

    /// Gives the proven claims away, and the id of the key that proved them.
    pub fn into_parts(self) -> (C, String) {
        (self.jwt.into_claims(), self.key_id)
    }
}

impl<C> Deref for VerifiedJwt<C> {
    type Target = C;

    fn deref(&self) -> &Self::Target {
        self.claims()
    }
}

// === impl UnusableKey ===

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.position)?;
        if let Some(kid) = &self.kid {
            write!(f, " (kid {kid})")?;
        }
        write!(f, ": {}", self.why)
    }
}

#[derive(Clone, Debug)]
struct UsableKey {
    kid: String,
    material: Material,
}

impl UsableKey {
    fn of_jwk(jwk: &Value) -> Result<Self, Unusable> {
        let Some(jwk) = jwk.as_object() else {
            return Err(Unusable::NotAnObject);
        };
        let kid = match jwk.get("kid") {
            Some(Value::String(kid)) if !kid.is_empty() => kid.clone(),
            _ => return Err(Unusable::NoKid),
        };
        if jwk.get("use").is_some_and(|usage| usage == "enc") {
            return Err(Unusable::ForEncryption);
        }
        if jwk.contains_key("key_ops") {
            return Err(Unusable::KeyOperations);
        }
        let material = Material::of_jwk(jwk)?;
        Ok(Self { kid, material })
    }
}

fn list(key_ids: &[String]) -> String {
    if key_ids.is_empty() {
        "no usable key".to_owned()
    } else {
        format!("`{}`", key_ids.join("`, `"))
    }
}

/// AWS's documented limit for each of the two families.
const MAX_KEYS_PER_FAMILY: usize = 100;
const RSA: &str = "RSA";
const EC: &str = "EC";
