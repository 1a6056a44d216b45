//! The RSA private key that signs service-account tokens.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeyPair as RsaKeyPair};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use zeroize::Zeroizing;

use crate::claims::ServiceAccountClaims;
use crate::der::{self, KeyAlgorithm, Shape};
use crate::jws;
use crate::key::{Found, KeyError, PRIVATE_KEY, PublicKey, check_size};
use crate::pem::{self, Block};
use crate::token::Token;

/// An RSA private key of 2048 to 8192 bits. Its `Debug` shows the key id only.
pub struct SigningKey {
    pair: RsaKeyPair,
    public: PublicKey,
    kid: String,
    pkcs1: Zeroizing<Vec<u8>>,
}

/// The lengths of new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySize {
    /// 2048 bits: created about six times faster, for tests and demos.
    Rsa2048,
    /// 4096 bits, as `ccoctl create-key-pair` creates.
    Rsa4096,
}

/// The library could not create a key, for example because the system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to generate an RSA key")]
pub struct GenerateError;

impl SigningKey {
    /// Generates a key. 4096 bits take about a second.
    pub fn generate(size: KeySize) -> Result<Self, GenerateError> {
        let size = match size {
            KeySize::Rsa2048 => rsa::KeySize::Rsa2048,
            KeySize::Rsa4096 => rsa::KeySize::Rsa4096,
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| GenerateError)?;
        Self::of_pair(pair).ok_or(GenerateError)
    }

    /// Reads the first PEM block of the text: PKCS#1 (`RSA PRIVATE KEY`) or PKCS#8 (`PRIVATE KEY`), told by content.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = pem::read(text).map_err(KeyError::Pem)?;
        Self::of_block(blocks.first().ok_or(KeyError::NoPemBlock)?)
    }

    /// Prints the key as PKCS#1 (`-----BEGIN RSA PRIVATE KEY-----`) with a newline at the end, as `ccoctl` writes it.
    pub fn to_pkcs1_pem(&self) -> Zeroizing<String> {
        pem::write("RSA PRIVATE KEY", &self.pkcs1)
    }

    /// Returns the public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the key id, see [`PublicKey::kid`].
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Mints a token with the claims, as kube-apiserver's TokenRequest does.
    pub fn mint(&self, claims: &ServiceAccountClaims) -> Token {
        self.sign(&jws::header_json(&self.kid), &claims.to_json())
    }

    /// Signs a header and claims that are given as JSON texts, exactly as they stand.
    ///
    /// This is for tokens that no well-behaved issuer makes. The signature is always RS256, whatever the header says.
    pub fn sign(&self, header: &str, claims: &str) -> Token {
        let signing_input = jws::signing_input(header.as_bytes(), claims.as_bytes());
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signing_input.as_bytes(),
                &mut signature,
            )
            .expect("a checked RSA key and a buffer of the modulus's length can sign");
        Token::new(jws::compact(&signing_input, &signature))
    }

    fn of_block(block: &Block) -> Result<Self, KeyError> {
        let pkcs1 = match (der::shape(&block.body), Found::in_block(block)) {
            (_, found @ Found::EncryptedPrivateKey) => {
                return Err(KeyError::wrong_kind(block, PRIVATE_KEY, found));
            }
            (Shape::PrivateKeyInfo(KeyAlgorithm::Rsa, inside), _) => inside,
            (Shape::RsaPrivateKey, _) => &block.body,
            (_, found) => return Err(KeyError::wrong_kind(block, PRIVATE_KEY, found)),
        };
        check_size(block, pkcs1)?;
        RsaKeyPair::from_der(pkcs1)
            .ok()
            .and_then(Self::of_pair)
            .ok_or_else(|| KeyError::invalid(block))
    }

    fn of_pair(pair: RsaKeyPair) -> Option<Self> {
        let public = PublicKey::of_der(pair.public_key().as_ref())?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let Shape::PrivateKeyInfo(KeyAlgorithm::Rsa, pkcs1) = der::shape(pkcs8.as_ref()) else {
            return None;
        };
        Some(Self {
            pkcs1: Zeroizing::new(pkcs1.to_vec()),
            kid: public.kid(),
            public,
            pair,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}
