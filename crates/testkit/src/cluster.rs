//! The cluster's side of an exchange: a signing key, and tokens with kube-apiserver's claims.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use podpass_token::{ObjectRef, ServiceAccountClaims, SigningKey, Token};

/// A signing key and the issuer under which its public half is published.
#[derive(Debug)]
pub struct Cluster {
    key: SigningKey,
    issuer: String,
}

impl Cluster {
    /// Takes a signing key.
    pub fn of_key(key: SigningKey, issuer: &str) -> Self {
        Self {
            key,
            issuer: issuer.to_owned(),
        }
    }

    /// Reads the key that `create-key-pair` wrote into `output_dir`.
    pub fn with_key_of(output_dir: &Path, issuer: &str) -> Self {
        let pem = fs::read_to_string(output_dir.join("serviceaccount-signer.private"))
            .expect("the key pair was made");
        let key = SigningKey::from_pem(&pem).expect("the private key can be read");
        Self::of_key(key, issuer)
    }

    /// The issuer's URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The claims of a token for `sts.amazonaws.com` that was issued now and lives for an hour.
    pub fn claims(&self, namespace: &str, service_account: &str) -> ServiceAccountClaims {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is past 1970")
            .as_secs();
        let now = i64::try_from(now).expect("seconds fit");
        let object = |name: &str, uid: &str| ObjectRef {
            name: name.to_owned(),
            uid: uid.to_owned(),
        };
        ServiceAccountClaims {
            issuer: self.issuer.clone(),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            namespace: namespace.to_owned(),
            service_account: object(service_account, "65b197d7-1609-433c-825e-b423f622978b"),
            pod: Some(object("pod-1", "cc040630-1e85-4339-9699-7106c2b37a9b")),
            node: None,
            issued_at: now,
            not_before: now,
            expires_at: now + 3600,
            warn_after: None,
            id: Some("0a3a7c55-9a4c-4f5a-8f0e-5a1f6f6f9b1d".to_owned()),
        }
    }

    /// Signs claims.
    pub fn mint(&self, claims: &ServiceAccountClaims) -> Token {
        self.key.mint(claims)
    }

    /// Writes a token of [`Cluster::claims`] to `path`, as the kubelet would.
    pub fn write_token(&self, path: PathBuf, namespace: &str, service_account: &str) -> PathBuf {
        self.write(path, &self.claims(namespace, service_account))
    }

    /// Writes a token with `claims` to `path`.
    pub fn write(&self, path: PathBuf, claims: &ServiceAccountClaims) -> PathBuf {
        fs::write(&path, self.mint(claims).expose()).expect("a token file can be written");
        path
    }
}
