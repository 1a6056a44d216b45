//! The certificate that a server shows, and how it follows what is renewed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use crate::{FileStamp, TlsOptions};

/// The certificate of a server. It may come later than the server, and may change at any time; connections that are
/// open keep the one they began with.
#[derive(Debug)]
pub struct Certificates {
    options: TlsOptions,
    files: Option<Files>,
    current: RwLock<Option<Arc<Served>>>,
}

/// A certificate with its key, ready to be served.
pub struct Served {
    config: Arc<ServerConfig>,
    /// DER.
    leaf: CertificateDer<'static>,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// A certificate that cannot be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The text holds no certificate.
    #[error("there is no certificate in PEM")]
    NoCertificate,
    /// The text holds no private key.
    #[error("there is no private key in PEM")]
    NoKey,
    /// The certificate is not one of X.509.
    #[error("the certificate cannot be read")]
    Malformed,
    /// Key and certificate do not go together, or are of a kind that cannot be served.
    #[error("certificate and key cannot be used together")]
    Unusable(#[source] rustls::Error),
}

/// The two files that a certificate comes from.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    stamps: [FileStamp; 2],
    /// Whether what was seen could not be served.
    failed: bool,
}

// === impl Certificates ===

impl Certificates {
    /// Has none until [`Self::replace`] brings one.
    pub fn empty(options: TlsOptions) -> Self {
        Self {
            options,
            files: None,
            current: RwLock::new(None),
        }
    }

    /// Reads certificate chain and key (PEM) from files, and reads them anew whenever they were changed: written in
    /// place, replaced, or swapped behind a symbolic link as the kubelet does. Each new connection looks.
    ///
    /// Files that cannot be used are an error now; later on, what was read before stays in use.
    pub fn of_files(
        certificate: &Path,
        key: &Path,
        options: TlsOptions,
    ) -> Result<Self, CertificateError> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: Mutex::new(Seen {
                stamps: [FileStamp::of(certificate), FileStamp::of(key)],
                failed: false,
            }),
        };
        let served = files.read(&options)?;
        Ok(Self {
            options,
            files: Some(files),
            current: RwLock::new(Some(Arc::new(served))),
        })
    }

    /// Takes on a certificate chain and its key (PEM); what cannot be served is refused, and the old one stays.
    pub fn replace(&self, certificate: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        let served = Served::of_pem(certificate, key, &self.options)?;
        self.set(served);
        Ok(())
    }

    /// What is served to a connection that begins now.
    pub fn current(&self) -> Option<Arc<Served>> {
        if let Some(files) = &self.files {
            self.follow(files);
        }
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, served: Served) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(served));
    }

    fn follow(&self, files: &Files) {
        let mut seen = files.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = [FileStamp::of(&files.certificate), FileStamp::of(&files.key)];
        let changed = stamps != seen.stamps;
        // Between the replacement of one file and of the other the two do not fit: it is tried again until they do.
        if !changed && !seen.failed {
            return;
        }
        let read = files.read(&self.options);
        if changed && let Err(error) = &read {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "The new serving certificate is not used");
        }
        *seen = Seen {
            stamps,
            failed: read.is_err(),
        };
        if let Ok(served) = read {
            tracing::info!("Serving certificate read anew");
            self.set(served);
        }
    }
}

impl Files {
    fn read(&self, options: &TlsOptions) -> Result<Served, CertificateError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| CertificateError::Read {
                path: path.to_owned(),
                error,
            })
        };
        Served::of_pem(&read(&self.certificate)?, &read(&self.key)?, options)
    }
}

// === impl Served ===

impl Served {
    /// Reads a certificate chain and its key, PEM.
    pub fn of_pem(
        certificate: &[u8],
        key: &[u8],
        options: &TlsOptions,
    ) -> Result<Self, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_| CertificateError::NoCertificate)?;
        let leaf = chain
            .first()
            .ok_or(CertificateError::NoCertificate)?
            .clone();
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
        let (not_before, not_after) = validity(&leaf)?;
        let mut config = ServerConfig::builder_with_provider(options.provider())
            .with_protocol_versions(options.versions())
            .map_err(CertificateError::Unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(CertificateError::Unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            leaf,
            not_before,
            not_after,
        })
    }

    /// Whether the certificate is valid at a time.
    pub fn is_valid_at(&self, time: SystemTime) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    /// When the certificate begins to be valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// When the certificate expires.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether a chain in PEM begins with this certificate.
    pub fn is_of(&self, chain: &[u8]) -> bool {
        CertificateDer::from_pem_slice(chain).is_ok_and(|leaf| leaf == self.leaf)
    }

    /// The certificate itself, in DER.
    pub fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration holds the key.
        f.debug_struct("Served")
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn validity(leaf: &CertificateDer<'_>) -> Result<(SystemTime, SystemTime), CertificateError> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(leaf).map_err(|_| CertificateError::Malformed)?;
    let time = |seconds: i64| {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        };
        time.ok_or(CertificateError::Malformed)
    };
    let validity = parsed.validity();
    Ok((
        time(validity.not_before.timestamp())?,
        time(validity.not_after.timestamp())?,
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A self-signed certificate and its key, PEM.
    fn pair(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn shown(certificates: &Certificates) -> Vec<u8> {
        certificates.current().unwrap().leaf().to_vec()
    }

    fn der(pem: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(pem.as_bytes())
            .unwrap()
            .to_vec()
    }

    #[test]
    fn files_are_followed_however_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let [cert, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
        let write = |(certificate, secret): &(String, String)| {
            fs::write(&cert, certificate).unwrap();
            fs::write(&key, secret).unwrap();
        };
        let [first, second, third, fourth] = ["a", "b", "c", "d"].map(pair);
        write(&first);
        let certificates = Certificates::of_files(&cert, &key, TlsOptions::default()).unwrap();
        assert_eq!(shown(&certificates), der(&first.0));

        // In place, and in between the two files do not fit.
        fs::write(&cert, &second.0).unwrap();
        assert_eq!(shown(&certificates), der(&first.0));
        fs::write(&key, &second.1).unwrap();
        assert_eq!(shown(&certificates), der(&second.0));

        // Garbage, then gone, then there again: the old one until then.
        fs::write(&cert, "garbage").unwrap();
        assert_eq!(shown(&certificates), der(&second.0));
        fs::remove_file(&cert).unwrap();
        assert_eq!(shown(&certificates), der(&second.0));
        write(&third);
        assert_eq!(shown(&certificates), der(&third.0));

        // The kubelet's way: a link to a folder is replaced.
        let versions = ["1", "2"].map(|version| folder.path().join(version));
        for (version, (certificate, secret)) in versions.iter().zip([&third, &fourth]) {
            fs::create_dir(version).unwrap();
            fs::write(version.join("tls.crt"), certificate).unwrap();
            fs::write(version.join("tls.key"), secret).unwrap();
        }
        let data = folder.path().join("..data");
        symlink(&versions[0], &data).unwrap();
        for (file, name) in [(&cert, "tls.crt"), (&key, "tls.key")] {
            fs::remove_file(file).unwrap();
            symlink(data.join(name), file).unwrap();
        }
        assert_eq!(shown(&certificates), der(&third.0));
        let next = folder.path().join("..next");
        symlink(&versions[1], &next).unwrap();
        fs::rename(&next, &data).unwrap();
        assert_eq!(shown(&certificates), der(&fourth.0));
    }

    #[test]
    fn what_cannot_be_served_is_refused_and_the_old_one_stays() {
        let certificates = Certificates::empty(TlsOptions::default());
        assert!(certificates.current().is_none());
        let (first, second) = (pair("a"), pair("b"));
        let put = |certificate: &str, key: &str| {
            certificates.replace(certificate.as_bytes(), key.as_bytes())
        };
        put(&first.0, &first.1).unwrap();
        for (certificate, key) in [
            ("", ""),
            ("garbage", first.1.as_str()),
            (first.0.as_str(), "garbage"),
            (first.0.as_str(), first.0.as_str()),
            (first.0.as_str(), second.1.as_str()),
        ] {
            put(certificate, key).unwrap_err();
            assert_eq!(shown(&certificates), der(&first.0));
        }
        put(&second.0, &second.1).unwrap();
        assert_eq!(shown(&certificates), der(&second.0));
        let served = certificates.current().unwrap();
        assert!(served.is_of(second.0.as_bytes()));
        assert!(!served.is_of(first.0.as_bytes()) && !served.is_of(b""));
    }

    #[test]
    fn times_come_from_the_certificate_and_the_key_stays_hidden() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 3);
        let certificate = params.self_signed(&key).unwrap().pem();
        let certificates = Certificates::empty(TlsOptions::default());
        let secret = key.serialize_pem();
        certificates
            .replace(certificate.as_bytes(), secret.as_bytes())
            .unwrap();
        let served = certificates.current().unwrap();
        let at = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs((18_262 + days) * 86_400);
        assert_eq!(served.not_after(), at(2));
        assert!(served.is_valid_at(at(1)));
        assert!(!served.is_valid_at(at(3)));
        assert!(!served.is_valid_at(at(0) - Duration::from_secs(1)));
        let debug = format!("{certificates:?}");
        assert!(!debug.contains("key:"), "{debug}");
    }
}
