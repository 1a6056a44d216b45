//! Which TLS is spoken: versions and cipher suites under Go's names, as Kubernetes components take them.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CipherSuite, SupportedProtocolVersion};
use thiserror::Error;

/// Versions and cipher suites that a server offers. The default is TLS 1.2 and 1.3 with all suites of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    min_version: MinVersion,
    /// Suites of TLS 1.2; empty means all.
    suites: Vec<CipherSuite>,
    /// Names that Go knows and that are too weak to be offered here.
    left_out: Vec<String>,
}

/// The oldest version of TLS that a server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum MinVersion {
    /// TLS 1.2. What asks for 1.0 or 1.1 gets this too: those are not offered.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// A TLS flag that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsOptionError {
    /// No such version.
    #[error("`{0}` is not a version of TLS: write 1.2, 1.3, VersionTLS12 or VersionTLS13")]
    Version(String),
    /// No such suite.
    #[error("`{0}` is not the name of a TLS cipher suite (case counts)")]
    Suite(String),
    /// HTTP/2 cannot be spoken without one of these (RFC 9113, 9.2.2), and API servers speak it to webhooks.
    #[error(
        "HTTP/2 needs TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 among the cipher suites"
    )]
    LacksRequired,
}

impl TlsOptions {
    /// Reads the values of `--tls-min-version` and `--tls-cipher-suites` of Kubernetes components; empty is the default.
    ///
    /// Suites are a comma-separated list of IANA's names. They count for TLS 1.2; those of 1.3 are always offered. A
    /// suite that Go has and this program does not (CBC, RC4, RSA key exchange) is left out, see [`Self::left_out`].
    pub fn parse(min_version: &str, cipher_suites: &str) -> Result<Self, TlsOptionError> {
        let min_version = match min_version {
            "" | "1.0" | "1.1" | "1.2" | "VersionTLS10" | "VersionTLS11" | "VersionTLS12" => {
                MinVersion::Tls12
            }
            "1.3" | "VersionTLS13" => MinVersion::Tls13,
            other => return Err(TlsOptionError::Version(other.to_owned())),
        };
        let mut options = Self {
            min_version,
            ..Self::default()
        };
        let names = cipher_suites.split(',').map(str::trim);
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        for name in &names {
            if let Some((_, suite)) = OFFERED.iter().find(|(offered, _)| offered == name) {
                options.suites.extend(suite);
            } else if LEFT_OUT.contains(name) {
                options.left_out.push((*name).to_owned());
            } else {
                return Err(TlsOptionError::Suite((*name).to_owned()));
            }
        }
        if !names.is_empty() && !names.iter().any(|name| REQUIRED.contains(name)) {
            return Err(TlsOptionError::LacksRequired);
        }
        Ok(options)
    }

    /// The suites that were asked for and are not offered.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    pub(crate) fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = aws_lc_rs::default_provider();
        if !self.suites.is_empty() {
            provider
                .cipher_suites
                .retain(|suite| suite.tls13().is_some() || self.suites.contains(&suite.suite()));
        }
        Arc::new(provider)
    }

    pub(crate) fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        match self.min_version {
            MinVersion::Tls12 => &FROM_TLS12,
            MinVersion::Tls13 => &FROM_TLS13,
        }
    }
}

static FROM_TLS12: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];
static FROM_TLS13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];

const REQUIRED: [&str; 2] = [
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
];

/// What is offered; those of TLS 1.3 cannot be chosen, as in Go.
const OFFERED: &[(&str, Option<CipherSuite>)] = &[
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    // The names that Go had before IANA's.
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_AES_128_GCM_SHA256", None),
    ("TLS_AES_256_GCM_SHA384", None),
    ("TLS_CHACHA20_POLY1305_SHA256", None),
];

/// What Go's `crypto/tls` has beside those, secure or not.
const LEFT_OUT: &[&str] = &[
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_the_peer_reads() {
        for (text, expected) in [
            ("", MinVersion::Tls12),
            ("1.0", MinVersion::Tls12),
            ("VersionTLS11", MinVersion::Tls12),
            ("1.2", MinVersion::Tls12),
            ("VersionTLS13", MinVersion::Tls13),
            ("1.3", MinVersion::Tls13),
        ] {
            let options = TlsOptions::parse(text, "").unwrap();
            assert_eq!(options.min_version, expected, "{text}");
        }
        for text in ["1.4", "tls1.2", "VersionTLS14", " 1.2"] {
            let error = TlsOptions::parse(text, "").unwrap_err();
            assert_eq!(error, TlsOptionError::Version(text.to_owned()));
        }
    }

    #[test]
    fn suites_are_read_by_name_and_restrict_tls_12() {
        let options = TlsOptions::parse(
            "",
            " TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,,TLS_RSA_WITH_RC4_128_SHA ,TLS_AES_128_GCM_SHA256",
        )
        .unwrap();
        assert_eq!(options.left_out(), ["TLS_RSA_WITH_RC4_128_SHA"]);
        let suites = options.provider();
        let tls12: Vec<_> = suites
            .cipher_suites
            .iter()
            .filter(|suite| suite.tls13().is_none())
            .map(rustls::SupportedCipherSuite::suite)
            .collect();
        assert_eq!(tls12, [CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]);
        assert_eq!(suites.cipher_suites.len(), 4);
        // As with the peer, a list of nothing is no list.
        assert_eq!(TlsOptions::parse("", ",").unwrap(), TlsOptions::default());
    }

    #[test]
    fn suites_that_cannot_serve_are_refused() {
        for (text, expected) in [
            (
                "tls_ecdhe_rsa_with_aes_128_gcm_sha256",
                TlsOptionError::Suite("tls_ecdhe_rsa_with_aes_128_gcm_sha256".to_owned()),
            ),
            (
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                TlsOptionError::LacksRequired,
            ),
        ] {
            assert_eq!(TlsOptions::parse("", text).unwrap_err(), expected);
        }
    }
}
