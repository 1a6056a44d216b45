//! The certificate authority of the proxy front, for names of AWS's only. Its key is in memory, and in the state of a
//! sandbox that has one (`kept`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::tunnel::Tunnel;
use crate::host::aws_suffixes;

/// The authority, and the certificates that it has signed.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// The certificate, as PEM.
    pem: String,
    /// The key of every host's certificate.
    host_key: KeyPair,
    begins_at: Timestamp,
    provider: Arc<CryptoProvider>,
    configs: Mutex<BTreeMap<Tunnel, Arc<ServerConfig>>>,
}

/// A key or certificate of the proxy front cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a certificate of the proxy front cannot be made: {problem}")]
pub struct AuthorityFailure {
    problem: String,
}

/// The certificate of one host, for clients that ask for that host or name none.
struct OneHost {
    host: Tunnel,
    key: Arc<CertifiedKey>,
}

impl Authority {
    /// Makes an authority that is valid for seven days.
    pub(crate) fn new(now: Timestamp) -> Result<Self, AuthorityFailure> {
        let key = new_key()?;
        let pem = ca_params(now)?.self_signed(&key)?.pem();
        Self::of(now, key, pem)
    }

    /// The authority that began then, of its own key and its certificate, as PEM.
    pub(super) fn of(
        begins_at: Timestamp,
        key: KeyPair,
        pem: String,
    ) -> Result<Self, AuthorityFailure> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| AuthorityFailure::new(&error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Refuses a certificate of another key.
        CertifiedKey::from_der(vec![certificate.clone()], private(&key), &provider)?;
        Ok(Self {
            issuer: Issuer::new(ca_params(begins_at)?, key),
            certificate,
            pem,
            host_key: new_key()?,
            begins_at,
            provider,
            configs: Mutex::default(),
        })
    }

    /// The authority's certificate, as PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.pem
    }

    /// The authority's key, as PEM.
    pub(super) fn key(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// When its certificate begins to be valid; whole seconds.
    pub(super) fn begins_at(&self) -> Timestamp {
        self.begins_at
    }

    /// Whether its certificate, and with it every host's, is no longer valid.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.begins_at) >= LIFE
    }

    /// How TLS goes in a tunnel to this host.
    pub(crate) fn config_for(&self, host: &Tunnel) -> Result<Arc<ServerConfig>, AuthorityFailure> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.new_config(host)?);
        if configs.len() >= MAX_HOSTS {
            configs.clear();
        }
        configs.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    fn new_config(&self, host: &Tunnel) -> Result<ServerConfig, AuthorityFailure> {
        let mut params = lasting(self.begins_at, "podpass sandbox")?;
        params.subject_alt_names =
            CertificateParams::new(vec![host.to_string()])?.subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.host_key, &self.issuer)?;
        // With the authority's: ccoctl takes the thumbprint of the last certificate of the chain.
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        let key = private(&self.host_key);
        let key = self.provider.key_provider.load_private_key(key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(OneHost {
                host: host.clone(),
                key: Arc::new(CertifiedKey::new(chain, key)),
            }));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

/// What the authority's own certificate has.
fn ca_params(begins_at: Timestamp) -> Result<CertificateParams, AuthorityFailure> {
    let mut params = lasting(begins_at, "podpass sandbox authority")?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(constraints());
    Ok(params)
}

/// What every certificate here has: the authority's days, and a name that no host has.
fn lasting(begins_at: Timestamp, name: &str) -> Result<CertificateParams, AuthorityFailure> {
    let begin = u64::try_from(begins_at.as_second()).map_err(|_| AuthorityFailure {
        problem: "the system's clock is before 1970".to_owned(),
    })?;
    let mut params = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(begin);
    params.not_after = params.not_before + LIFE.unsigned_abs();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

/// Names under AWS's own suffixes are permitted, and no address at all.
fn constraints() -> NameConstraints {
    let suffixes: BTreeSet<&str> = aws_suffixes().collect();
    let suffixes = suffixes.into_iter().map(str::to_owned);
    NameConstraints {
        permitted_subtrees: suffixes.map(GeneralSubtree::DnsName).collect(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    }
}

impl ResolvesServerCert for OneHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_meant = hello
            .server_name()
            .is_none_or(|name| name.eq_ignore_ascii_case(self.host.host()));
        is_meant.then(|| Arc::clone(&self.key))
    }
}

impl fmt::Debug for OneHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneHost").field(&self.host).finish()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl AuthorityFailure {
    fn new(problem: &dyn fmt::Display) -> Self {
        Self {
            problem: problem.to_string(),
        }
    }
}

impl From<rcgen::Error> for AuthorityFailure {
    fn from(error: rcgen::Error) -> Self {
        Self::new(&error)
    }
}

impl From<rustls::Error> for AuthorityFailure {
    fn from(error: rustls::Error) -> Self {
        Self::new(&error)
    }
}

/// How long an authority is valid, by the system's clock.
pub(super) const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Hosts whose certificates are kept; each bucket may be one.
const MAX_HOSTS: usize = 256;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use rcgen::SanType;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    const BEGIN: &str = "2026-11-23T10:00:00Z";

    fn authority() -> Authority {
        Authority::new(BEGIN.parse().unwrap()).unwrap()
    }

    /// A certificate for `name` that somebody who has the authority's key could make.
    fn forged(authority: &Authority, name: SanType) -> CertificateDer<'static> {
        let mut params = lasting(authority.begins_at, "forged").unwrap();
        params.subject_alt_names = vec![name];
        let certificate = params.signed_by(&authority.host_key, &authority.issuer);
        certificate.unwrap().der().clone()
    }

    /// What a client says that trusts the authority, so many seconds after it began.
    fn verdict(
        authority: &Authority,
        certificate: &CertificateDer<'_>,
        name: &str,
        after: i64,
    ) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let provider = Arc::clone(&authority.provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let begin = authority.begins_at.as_second();
        let at = Duration::from_secs(u64::try_from(begin + after).unwrap());
        let at = UnixTime::since_unix_epoch(at);
        let verifier = verifier.build().unwrap();
        verifier
            .verify_server_cert(certificate, &[], &name, &[], at)
            .map(|_| ())
    }

    #[test]
    fn a_verifier_takes_names_of_aws_only() {
        let authority = authority();
        let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
        for suffix in aws_suffixes() {
            let name = format!("a.b.{suffix}");
            let certificate = forged(&authority, dns(&name));
            assert_eq!(
                verdict(&authority, &certificate, &name, 60),
                Ok(()),
                "{name}"
            );
        }
        for name in [
            "example.com",
            "notamazonaws.com",
            "amazonaws.com.example",
            "aws",
            "localhost",
        ] {
            let certificate = forged(&authority, dns(name));
            let refusal = verdict(&authority, &certificate, name, 60).unwrap_err();
            assert!(
                refusal.to_string().contains("NameConstraint"),
                "{name}: {refusal}"
            );
        }
        let loopback = SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let certificate = forged(&authority, loopback);
        let refusal = verdict(&authority, &certificate, "127.0.0.1", 60).unwrap_err();
        assert!(refusal.to_string().contains("NameConstraint"), "{refusal}");
    }

    #[test]
    fn certificates_are_valid_for_the_seven_days_of_the_authority() {
        const WEEK: i64 = 7 * 24 * 3600;
        let authority = authority();
        let host = "sts.amazonaws.com";
        let dns = SanType::DnsName(host.try_into().unwrap());
        let certificate = forged(&authority, dns);
        let at = |after| verdict(&authority, &certificate, host, after);
        assert_eq!((at(0), at(WEEK)), (Ok(()), Ok(())));
        assert!(at(-1).is_err() && at(WEEK + 1).is_err());
        let is_over =
            |after| authority.is_over(authority.begins_at + SignedDuration::from_secs(after));
        assert!(!is_over(WEEK - 1) && is_over(WEEK));
    }

    #[test]
    fn hosts_certificates_are_kept_and_not_without_bound() {
        let authority = authority();
        let tunnel =
            |number: usize| Tunnel::to(&format!("b{number}.s3.amazonaws.com:443")).unwrap();
        let first = authority.config_for(&tunnel(0)).unwrap();
        assert!(Arc::ptr_eq(
            &first,
            &authority.config_for(&tunnel(0)).unwrap()
        ));
        for number in 0..=MAX_HOSTS {
            authority.config_for(&tunnel(number)).unwrap();
            assert!(authority.configs.lock().unwrap().len() <= MAX_HOSTS);
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let authority = authority();
        let config = authority.config_for(&Tunnel::to("sts.amazonaws.com:443").unwrap());
        assert_eq!(format!("{authority:?}"), "Authority { .. }");
        let shown = format!("{:?}", config.unwrap());
        assert!(!shown.contains("private"), "{shown}");
    }
}
