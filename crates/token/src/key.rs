//! RSA public keys: reading them from PEM in every dress they come in, printing them, and their key id.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicKey as RsaPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::der::{self, KeyAlgorithm, Shape};
use crate::jwk::Jwk;
use crate::pem::{self, Block};

pub use crate::pem::PemError;

/// An RSA public key of 2048 to 8192 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    pkix: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// Why a text holds no usable key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text has no `-----BEGIN` line at all.
    ///
    /// `ccoctl` publishes an empty JWKS in this case and reports success.
    #[error("no PEM block found")]
    NoPemBlock,
    /// The PEM text is broken.
    #[error("the PEM text is malformed")]
    Pem(#[source] PemError),
    /// There is a key or another object, but not the one that is needed here.
    #[error("expected {expected}, found {found} in the `{label}` block on line {line}")]
    WrongKind {
        /// What is needed, in words.
        expected: &'static str,
        /// What is there.
        found: Found,
        /// The label of the PEM block.
        label: String,
        /// The line of `-----BEGIN`, from 1.
        line: usize,
    },
    /// The key's length is outside of what can be used.
    #[error(
        "the RSA key in the `{label}` block on line {line} has {bits} bits; 2048 to 8192 are accepted"
    )]
    Size {
        /// The length of the modulus in bits.
        bits: usize,
        /// The label of the PEM block.
        label: String,
        /// The line of `-----BEGIN`, from 1.
        line: usize,
    },
    /// The body has the outline of an RSA key, but its numbers are not one.
    #[error("the RSA key in the `{label}` block on line {line} is not valid")]
    Invalid {
        /// The label of the PEM block.
        label: String,
        /// The line of `-----BEGIN`, from 1.
        line: usize,
    },
}

/// What a PEM block holds, told from its content and not from its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// An RSA public key.
    RsaPublicKey,
    /// An RSA private key.
    RsaPrivateKey,
    /// An elliptic-curve public key.
    EcPublicKey,
    /// An elliptic-curve private key.
    EcPrivateKey,
    /// An Ed25519 key, public or private.
    Ed25519Key,
    /// A key of another algorithm.
    OtherKey,
    /// A private key that needs a passphrase.
    EncryptedPrivateKey,
    /// A private key in OpenSSH's own format.
    OpenSshPrivateKey,
    /// An X.509 certificate.
    Certificate,
    /// Nothing that is known here.
    Unknown,
}

impl KeyError {
    /// Says what the user can do about it, as a sentence without a full stop.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::NoPemBlock => {
                "give a PEM file, whose first line reads `-----BEGIN PUBLIC KEY-----` or `-----BEGIN RSA PRIVATE KEY-----`"
            }
            Self::Pem(_) => {
                "copy the file again, with its first and last lines and nothing else between them"
            }
            Self::WrongKind {
                expected, found, ..
            } => found.fix(*expected == PRIVATE_KEY),
            Self::Size { .. } => "create a key pair of 4096 bits: `podpass aws create-key-pair`",
            Self::Invalid { .. } => "the file is damaged: take it again from where it was created",
        }
    }

    pub(crate) fn wrong_kind(block: &Block, expected: &'static str, found: Found) -> Self {
        Self::WrongKind {
            expected,
            found,
            label: block.label.clone(),
            line: block.line,
        }
    }

    pub(crate) fn invalid(block: &Block) -> Self {
        Self::Invalid {
            label: block.label.clone(),
            line: block.line,
        }
    }
}

// === impl Found ===

impl Found {
    pub(crate) fn in_block(block: &Block) -> Self {
        match block.label.as_str() {
            "ENCRYPTED PRIVATE KEY" => return Self::EncryptedPrivateKey,
            "OPENSSH PRIVATE KEY" => return Self::OpenSshPrivateKey,
            // `openssl ecparam -genkey` writes this block before the key itself.
            "EC PARAMETERS" => return Self::EcPrivateKey,
            _ if block.encrypted => return Self::EncryptedPrivateKey,
            _ => {}
        }
        match der::shape(&block.body) {
            Shape::RsaPublicKey | Shape::PublicKeyInfo(KeyAlgorithm::Rsa, _) => Self::RsaPublicKey,
            Shape::RsaPrivateKey | Shape::PrivateKeyInfo(KeyAlgorithm::Rsa, _) => {
                Self::RsaPrivateKey
            }
            Shape::PublicKeyInfo(KeyAlgorithm::EllipticCurve, _) => Self::EcPublicKey,
            Shape::EcPrivateKey | Shape::PrivateKeyInfo(KeyAlgorithm::EllipticCurve, _) => {
                Self::EcPrivateKey
            }
            Shape::PublicKeyInfo(KeyAlgorithm::Ed25519, _)
            | Shape::PrivateKeyInfo(KeyAlgorithm::Ed25519, _) => Self::Ed25519Key,
            Shape::PublicKeyInfo(KeyAlgorithm::Other, _)
            | Shape::PrivateKeyInfo(KeyAlgorithm::Other, _) => Self::OtherKey,
            Shape::Certificate(_) => Self::Certificate,
            Shape::Unknown => Self::Unknown,
        }
    }

    fn fix(self, private_key_needed: bool) -> &'static str {
        match self {
            Self::RsaPublicKey => PRIVATE_KEY_FILE,
            Self::Certificate if private_key_needed => PRIVATE_KEY_FILE,
            Self::RsaPrivateKey => {
                "give the file of the public key: `serviceaccount-signer.public`, or make it with `openssl rsa -pubout`"
            }
            Self::EncryptedPrivateKey if private_key_needed => {
                "remove the passphrase first: `openssl rsa -in FILE -out FILE.plain`"
            }
            Self::OpenSshPrivateKey if private_key_needed => {
                "convert a copy of the file: `ssh-keygen -p -N '' -m PEM -f FILE`"
            }
            Self::Certificate => {
                "take the public key out of the certificate: `openssl x509 -pubkey -noout`"
            }
            Self::EncryptedPrivateKey | Self::OpenSshPrivateKey => {
                "give the file of the public key: `serviceaccount-signer.public`"
            }
            Self::EcPublicKey | Self::EcPrivateKey | Self::Ed25519Key | Self::OtherKey => {
                "use an RSA key pair: `podpass aws create-key-pair` creates one"
            }
            Self::Unknown => {
                "give the file that `create-key-pair` wrote, or the cluster's `bound-sa-token-signing-certs`"
            }
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RsaPublicKey => "an RSA public key",
            Self::RsaPrivateKey => "an RSA private key",
            Self::EcPublicKey => "an elliptic-curve public key",
            Self::EcPrivateKey => "an elliptic-curve private key",
            Self::Ed25519Key => "an Ed25519 key",
            Self::OtherKey => "a key that is not RSA",
            Self::EncryptedPrivateKey => "a private key with a passphrase",
            Self::OpenSshPrivateKey => "a private key in OpenSSH's format",
            Self::Certificate => "a certificate",
            Self::Unknown => "something that is not a key",
        })
    }
}

// === impl PublicKey ===

impl PublicKey {
    /// Reads the first PEM block of the text, as `ccoctl --public-key-file` does.
    ///
    /// The content decides, not the label: OpenShift's `bound-sa-token-signing-certs` labels a PKIX body
    /// `RSA PUBLIC KEY`, which other readers refuse.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = pem::read(text).map_err(KeyError::Pem)?;
        Self::of_block(blocks.first().ok_or(KeyError::NoPemBlock)?)
    }

    /// Reads all PEM blocks of the text, each of which must be a public key; there is at least one.
    ///
    /// A cluster that rotates its signing key has the old and the new one in a bundle, and both must be published.
    pub fn read_pem_bundle(text: &str) -> Result<Vec<Self>, KeyError> {
        let blocks = pem::read(text).map_err(KeyError::Pem)?;
        if blocks.is_empty() {
            return Err(KeyError::NoPemBlock);
        }
        blocks.iter().map(Self::of_block).collect()
    }

    /// Prints the key as PKIX (`-----BEGIN PUBLIC KEY-----`) with a newline at the end.
    pub fn to_pkix_pem(&self) -> String {
        pem::write("PUBLIC KEY", &self.pkix).to_string()
    }

    /// Returns the key id: base64url without padding of SHA-256 over the PKIX DER, as kube-apiserver and `ccoctl`
    /// compute it. It is not the thumbprint of RFC 7638.
    pub fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.pkix))
    }

    /// Returns the key as the JWK that `ccoctl` publishes: `use` is `sig` and `alg` is `RS256`.
    pub fn jwk(&self) -> Jwk {
        Jwk::of_rsa(
            self.kid(),
            URL_SAFE_NO_PAD.encode(&self.modulus),
            URL_SAFE_NO_PAD.encode(&self.exponent),
        )
    }

    /// Returns the length of the modulus in bits.
    pub fn bits(&self) -> usize {
        der::bit_length(&self.modulus)
    }

    pub(crate) fn components(&self) -> (&[u8], &[u8]) {
        (&self.modulus, &self.exponent)
    }

    /// Reads a PKIX or PKCS#1 body; `None` when it is not an RSA key that the library accepts.
    pub(crate) fn of_der(body: &[u8]) -> Option<Self> {
        let key = RsaPublicKey::from_der(body).ok()?;
        let pkix: PublicKeyX509Der<'_> = key.as_der().ok()?;
        Some(Self {
            pkix: pkix.as_ref().to_vec(),
            modulus: key.modulus().big_endian_without_leading_zero().to_vec(),
            exponent: key.exponent().big_endian_without_leading_zero().to_vec(),
        })
    }

    fn of_block(block: &Block) -> Result<Self, KeyError> {
        let pkcs1 = match der::shape(&block.body) {
            Shape::PublicKeyInfo(KeyAlgorithm::Rsa, inside) => inside,
            Shape::RsaPublicKey => &block.body,
            _ => {
                return Err(KeyError::wrong_kind(
                    block,
                    PUBLIC_KEY,
                    Found::in_block(block),
                ));
            }
        };
        check_size(block, pkcs1)?;
        Self::of_der(pkcs1).ok_or_else(|| KeyError::invalid(block))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kid", &self.kid())
            .field("bits", &self.bits())
            .finish()
    }
}

pub(crate) fn check_size(block: &Block, pkcs1: &[u8]) -> Result<(), KeyError> {
    let bits = der::modulus_bits(pkcs1).ok_or_else(|| KeyError::invalid(block))?;
    if ACCEPTED_BITS.contains(&bits) {
        Ok(())
    } else {
        Err(KeyError::Size {
            bits,
            label: block.label.clone(),
            line: block.line,
        })
    }
}

/// The RSA key lengths that can be verified: below is unsafe, above is refused by the library.
pub(crate) const ACCEPTED_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const PRIVATE_KEY_FILE: &str = "give the file of the private key: `serviceaccount-signer.private`";
pub(crate) const PUBLIC_KEY: &str = "an RSA public key";
pub(crate) const PRIVATE_KEY: &str = "an RSA private key";
