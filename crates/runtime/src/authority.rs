//! An authority for one certificate: made, used once and forgotten.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;

/// A serving certificate with its key, and the certificate of the authority that signed it. `Debug` shows no key.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The authority's certificate, PEM. Its key is gone: it never signs anything else.
    pub authority: String,
    /// The serving certificate, PEM.
    pub certificate: String,
    /// The key of the serving certificate, PEM (PKCS #8).
    pub key: String,
}

/// A certificate that cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A name that no certificate can have.
    #[error("`{0}` is not a name for a certificate")]
    Name(String),
    /// The cryptography failed.
    #[error("the certificate cannot be made")]
    Crypto(#[source] rcgen::Error),
}

/// Makes an authority (ECDSA P-256) and lets it sign one serving certificate for these DNS names and addresses; both are
/// valid for `life` from `now` on, and for a little before.
pub fn issue(
    names: &[String],
    addresses: &[IpAddr],
    life: Duration,
    now: SystemTime,
) -> Result<Issued, IssueError> {
    // The clock of an API server may be behind.
    let not_before = (now - SKEW.min(life / 10)).into();
    let not_after = (now + life).into();
    let authority_key = KeyPair::generate().map_err(IssueError::Crypto)?;
    let mut authority = CertificateParams::default();
    authority.not_before = not_before;
    authority.not_after = not_after;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // A name of its own, so that whoever holds two of them finds the right one at once.
    let mut serial = [0; 8];
    serial.copy_from_slice(&authority_key.public_key_raw()[1..9]);
    let serial = u64::from_be_bytes(serial);
    authority.distinguished_name = named(&format!("podpass webhook authority {serial:016x}"));
    let signed = authority.self_signed(&authority_key);
    let signed = signed.map_err(IssueError::Crypto)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().map_err(IssueError::Crypto)?;
    let mut leaf = CertificateParams::default();
    leaf.not_before = not_before;
    leaf.not_after = not_after;
    leaf.distinguished_name = named("podpass webhook");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    for name in names {
        let dns = name.as_str().try_into();
        let dns = dns.map_err(|_| IssueError::Name(name.clone()))?;
        leaf.subject_alt_names.push(SanType::DnsName(dns));
    }
    let addresses = addresses.iter().map(|address| SanType::IpAddress(*address));
    leaf.subject_alt_names.extend(addresses);
    let certificate = leaf.signed_by(&key, &issuer).map_err(IssueError::Crypto)?;
    Ok(Issued {
        authority: signed,
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// Whether a client that trusts this one authority takes a serving certificate (both PEM) for a name or an address at a time.
pub fn is_trusted(authority: &str, certificate: &str, name: &str, at: SystemTime) -> bool {
    let verified = || {
        let authority = CertificateDer::from_pem_slice(authority.as_bytes()).ok()?;
        let leaf = CertificateDer::from_pem_slice(certificate.as_bytes()).ok()?;
        let mut roots = RootCertStore::empty();
        roots.add(authority).ok()?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().ok()?;
        let name = ServerName::try_from(name).ok()?;
        let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).ok()?);
        let verified = verifier.verify_server_cert(&leaf, &[], &name, &[], at);
        verified.ok()
    };
    verified().is_some()
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

/// What clocks may differ by; of short lives less, so that it stays a small part of them.
const SKEW: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_hours(24);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn issued() -> Issued {
        let names = ["svc.ns.svc".to_owned()];
        issue(&names, &["127.0.0.1".parse().unwrap()], LIFE, now()).unwrap()
    }

    #[test]
    fn a_client_trusts_the_certificate_by_its_own_authority_alone() {
        let (one, other) = (issued(), issued());
        let trusts = |who: &Issued, name| is_trusted(&who.authority, &one.certificate, name, now());
        assert!(trusts(&one, "svc.ns.svc") && trusts(&one, "127.0.0.1"));
        assert!(!trusts(&other, "svc.ns.svc"));
        assert!(!trusts(&one, "other.ns.svc") && !trusts(&one, "127.0.0.2"));
        assert!(!is_trusted("", &one.certificate, "svc.ns.svc", now()));
        assert_ne!(one.key, other.key);
    }

    #[test]
    fn it_is_valid_for_its_life_and_a_little_before() {
        let one = issued();
        let at = |time| is_trusted(&one.authority, &one.certificate, "svc.ns.svc", time);
        assert!(at(now() - Duration::from_mins(4)));
        assert!(at(now() + LIFE - Duration::from_secs(1)));
        assert!(!at(now() - Duration::from_mins(6)));
        assert!(!at(now() + LIFE + Duration::from_secs(1)));
    }

    #[test]
    fn what_is_no_name_is_refused_and_the_key_stays_hidden() {
        let names = ["n\u{f6}.example".to_owned()];
        let error = issue(&names, &[], LIFE, now()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`n\u{f6}.example` is not a name for a certificate"
        );
        assert_eq!(format!("{:?}", issued()), "Issued { .. }");
    }
}
