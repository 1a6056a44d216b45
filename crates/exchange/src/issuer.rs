//! Issuer URLs as AWS compares them, and how asking an issuer for its keys can fail.

use std::borrow::Cow;

use podpass_kinds::Reason;
use podpass_token::KeySetError;

use crate::trace::Comparison;

/// Why the keys of an issuer are not at hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at {url}: {detail}")]
pub struct IssuerFailure {
    /// What failed.
    pub kind: IssuerFailureKind,
    /// The URL that was asked.
    pub url: String,
    /// What was found there, for a person.
    pub detail: String,
}

/// The ways in which asking an issuer can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFailureKind {
    /// No connection, no answer in time, or an answer that is not 200.
    #[error("issuer unreachable")]
    Unreachable,
    /// The answer is not the document that is needed, or it is too long.
    #[error("issuer document invalid")]
    DocumentInvalid,
    /// The TLS certificate is neither publicly trusted nor one of the provider's thumbprints.
    #[error("issuer certificate untrusted")]
    CertificateUntrusted,
}

impl IssuerFailure {
    /// Turns the failure to read the JWKS at the URL into an issuer failure.
    pub fn of_jwks(url: impl Into<String>, error: &KeySetError) -> Self {
        Self {
            kind: IssuerFailureKind::DocumentInvalid,
            url: url.into(),
            detail: error.to_string(),
        }
    }

    pub(crate) fn reason(&self) -> Reason {
        match self.kind {
            IssuerFailureKind::Unreachable => Reason::IssuerUnreachable,
            IssuerFailureKind::DocumentInvalid => Reason::IssuerDocumentInvalid,
            IssuerFailureKind::CertificateUntrusted => Reason::IssuerCertificateUntrusted,
        }
    }

    pub(crate) fn message(&self) -> &'static str {
        match self.kind {
            IssuerFailureKind::Unreachable | IssuerFailureKind::DocumentInvalid => {
                NO_VERIFICATION_KEY
            }
            IssuerFailureKind::CertificateUntrusted => {
                "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
            }
        }
    }

    pub(crate) fn comparison(&self) -> Comparison {
        let expected = match self.kind {
            IssuerFailureKind::Unreachable => "status 200 within 5 seconds",
            IssuerFailureKind::DocumentInvalid => {
                "a discovery document or JWKS as OpenID Connect defines it"
            }
            IssuerFailureKind::CertificateUntrusted => {
                "a publicly trusted certificate, or a listed thumbprint"
            }
        };
        Comparison::failing(self.url.clone(), expected, self.detail.clone())
    }
}

/// Returns the URL without its scheme as IAM stores it, or `None` if it is not an https URL.
///
/// The default port is dropped. Everything else counts: case, path and trailing slash.
pub(crate) fn without_scheme(issuer: &str) -> Option<Cow<'_, str>> {
    let url = without_default_port(issuer.strip_prefix("https://")?);
    (!url.is_empty() && !url.starts_with('/')).then_some(url)
}

/// Tells whether two issuers differ only in what people overlook: scheme, case, default port, trailing slashes.
pub(crate) fn look_alike(one: &str, other: &str) -> bool {
    let plain = |issuer: &str| {
        let lower = issuer.to_lowercase();
        let rest = lower
            .strip_prefix("https://")
            .or_else(|| lower.strip_prefix("http://"))
            .unwrap_or(&lower);
        without_default_port(rest).trim_end_matches('/').to_owned()
    };
    plain(one) == plain(other)
}

fn without_default_port(url: &str) -> Cow<'_, str> {
    let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    match host.strip_suffix(":443") {
        Some(host) => Cow::Owned(format!("{host}{path}")),
        None => Cow::Borrowed(url),
    }
}

/// The two blanks after the comma are AWS's.
pub(crate) const NO_VERIFICATION_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please \
    reference AssumeRoleWithWebIdentity documentation for requirements";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_case_path_and_trailing_slash() {
        let cases = [
            ("https://a.example", Some("a.example")),
            ("https://a.example:443", Some("a.example")),
            ("https://a.example:443/x/", Some("a.example/x/")),
            ("https://a.example:8443/x", Some("a.example:8443/x")),
            ("https://a.example/:443", Some("a.example/:443")),
            ("https://A.example/X", Some("A.example/X")),
            ("http://a.example", None),
            ("HTTPS://a.example", None),
            ("a.example", None),
            ("https://", None),
            ("https://:443/x", None),
        ];
        for (issuer, expected) in cases {
            assert_eq!(without_scheme(issuer).as_deref(), expected, "{issuer}");
        }
    }

    #[test]
    fn sees_what_people_overlook() {
        assert!(look_alike("http://A.example/x/", "a.example/x"));
        assert!(look_alike("https://a.example:443/x", "a.example/x"));
        assert!(!look_alike("https://a.example/x", "https://a.example/y"));
        assert!(!look_alike("https://a.example:4430", "https://a.example0"));
        assert!(!look_alike("https://a.example/:443", "https://a.example/"));
    }
}
