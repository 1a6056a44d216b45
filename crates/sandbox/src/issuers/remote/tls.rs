//! The certificate of an issuer elsewhere, judged as STS judges it: by public authorities, else by the provider's
//! thumbprints.
//!
//! Source: "Obtain the thumbprint for an OpenID Connect identity provider" in the IAM user guide.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Why the certificate was not trusted; `None` as long as it was not seen, or when it was.
pub(super) type Untrusted = Arc<Mutex<Option<String>>>;

/// TLS to an issuer whose provider has these thumbprints; what is wrong with its certificate is left in `untrusted`.
pub(super) fn client(
    authorities: &Arc<RootCertStore>,
    thumbprints: &[String],
    untrusted: &Untrusted,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier {
        public: verifier_of(authorities, &provider),
        thumbprints: thumbprints.to_vec(),
        provider: Arc::clone(&provider),
        untrusted: Arc::clone(untrusted),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

#[derive(Debug)]
struct Verifier {
    /// `None` where this machine trusts no authority.
    public: Option<Arc<WebPkiServerVerifier>>,
    thumbprints: Vec<String>,
    provider: Arc<CryptoProvider>,
    untrusted: Untrusted,
}

impl Verifier {
    /// Looks for an authority in the chain that the provider lists, and verifies the chain up to it.
    fn verify_by_thumbprint(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, String> {
        let listed = |certificate: &CertificateDer<'_>| {
            let own = thumbprint(certificate);
            self.thumbprints
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(&own))
        };
        let Some(authority) = intermediates.iter().find(|certificate| listed(certificate)) else {
            let what = if listed(end_entity) {
                "the provider's thumbprint is that of the server's own certificate, and STS compares those of its \
                 authorities"
            } else {
                "no authority in its chain is public, and none has a thumbprint that the provider lists"
            };
            return Err(what.to_owned());
        };
        let mut anchors = RootCertStore::empty();
        anchors
            .add(authority.clone().into_owned())
            .map_err(|error| format!("the listed certificate is no authority: {error}"))?;
        let verifier = verifier_of(&Arc::new(anchors), &self.provider)
            .ok_or_else(|| "the listed certificate is no authority".to_owned())?;
        verifier
            .verify_server_cert(end_entity, intermediates, name, &[], now)
            .map_err(|error| error.to_string())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let public = self.public.as_ref();
        let public = public
            .map(|public| public.verify_server_cert(end_entity, intermediates, name, ocsp, now));
        if let Some(Ok(verified)) = public {
            return Ok(verified);
        }
        self.verify_by_thumbprint(end_entity, intermediates, name, now)
            .map_err(|why| {
                let mut told = why;
                if let Some(Err(error)) = public {
                    let _ = write!(told, "; by the public authorities: {error}");
                }
                let _ = write!(told, "; SHA-1 of the chain:");
                for certificate in std::iter::once(end_entity).chain(intermediates) {
                    let _ = write!(told, " {}", thumbprint(certificate));
                }
                *self
                    .untrusted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(told);
                Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn verifier_of(
    authorities: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::clone(authorities), Arc::clone(provider))
        .build()
        .ok()
}

/// SHA-1 of a certificate in lower-case hex, as IAM stores thumbprints.
fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate))
}
