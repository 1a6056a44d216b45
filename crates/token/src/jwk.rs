//! JSON web keys and sets of them, for publishing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::key::PublicKey;

/// One public key of a JWKS. Members that are not known here are kept, so that a foreign key survives a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// What the key is for: `sig` or `enc`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// The family of the key: `RSA`, `EC`, …
    #[serde(rename = "kty")]
    pub key_type: String,
    /// The key id that a token's header refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The algorithm that the key is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// The RSA modulus, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// The RSA exponent, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// All other members, in alphabetical order.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A JSON web key set, the content of `keys.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "JwksObject")]
pub struct Jwks {
    /// The keys in the order of the document.
    pub keys: Vec<Jwk>,
}

/// What is read: an object. Without the flattened member serde would take the list `[[…]]` for a set, too.
#[derive(Deserialize)]
struct JwksObject {
    keys: Vec<Jwk>,
    #[serde(flatten)]
    _other: BTreeMap<String, Value>,
}

/// Why a text is not a JWKS that may be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// The text is not JSON or does not have the form of a JWKS.
    #[error("the JWKS is malformed at line {line}, column {column}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was found there.
        #[source]
        source: serde_json::Error,
    },
    /// A key carries its private half, which must never be published.
    #[error(
        "key {position} of the JWKS (kid {kid}) is a private key: it has the member `{member}`"
    )]
    PrivateKey {
        /// The place of the key in the set, from 1.
        position: usize,
        /// The key id, or `none`.
        kid: String,
        /// The member that gives it away.
        member: &'static str,
    },
}

impl From<JwksObject> for Jwks {
    fn from(object: JwksObject) -> Self {
        Self { keys: object.keys }
    }
}

impl Jwk {
    pub(crate) fn of_rsa(kid: String, n: String, e: String) -> Self {
        Self {
            usage: Some("sig".to_owned()),
            key_type: "RSA".to_owned(),
            kid: Some(kid),
            alg: Some("RS256".to_owned()),
            n: Some(n),
            e: Some(e),
            other: BTreeMap::new(),
        }
    }

    fn private_member(&self) -> Option<&'static str> {
        PRIVATE_MEMBERS
            .into_iter()
            .find(|member| self.other.contains_key(*member))
    }
}

impl Jwks {
    /// Builds the set of the keys, in their order; a key that comes twice is in it once.
    pub fn of(keys: &[PublicKey]) -> Self {
        let mut jwks = Self::default();
        for key in keys {
            jwks.put(key.jwk());
        }
        jwks
    }

    /// Parses a published set. Keys of unknown kinds are kept; a private key is an error.
    pub fn parse(text: &str) -> Result<Self, JwksError> {
        let jwks: Self = serde_json::from_str(text).map_err(|source| JwksError::Malformed {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        for (index, key) in jwks.keys.iter().enumerate() {
            if let Some(member) = key.private_member() {
                return Err(JwksError::PrivateKey {
                    position: index + 1,
                    kid: key.kid.clone().unwrap_or_else(|| "none".to_owned()),
                    member,
                });
            }
        }
        Ok(jwks)
    }

    /// Prints the set as `ccoctl` does: four spaces of indentation, members in the order `use`, `kty`, `kid`, `alg`,
    /// `n`, `e`, no newline at the end.
    pub fn to_json(&self) -> String {
        to_indented_json(self)
    }

    /// Returns the keys of both sets, those of `self` first. Where both have a key id, the key of `other` stays,
    /// because AWS uses the last key of an id.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for key in &other.keys {
            union.put(key.clone());
        }
        union
    }

    /// Finds the key that AWS would use for the key id: the last one.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys
            .iter()
            .rev()
            .find(|key| key.kid.as_deref() == Some(kid))
    }

    fn put(&mut self, key: Jwk) {
        let same = self.keys.iter_mut().find(|present| match &key.kid {
            Some(kid) => present.kid.as_ref() == Some(kid),
            None => *present == &key,
        });
        match same {
            Some(present) => *present = key,
            None => self.keys.push(key),
        }
    }
}

pub(crate) fn to_indented_json(document: &impl Serialize) -> String {
    let mut json = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, formatter);
    document
        .serialize(&mut serializer)
        .expect("documents of strings and lists always serialise");
    String::from_utf8(json).expect("serde_json writes UTF-8")
}

/// The private exponent of RSA and EC keys, the secret of a symmetric key, and the other private numbers of an RSA key
/// (RFC 7518, 6.3.2): one prime alone gives the key away.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];
