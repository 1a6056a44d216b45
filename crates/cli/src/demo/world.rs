//! The world of the demo: a sandbox, its administrator, and a folder for keys and tokens.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use podpass_aws::Connection;
use podpass_cloud::{Credentials, Session};
use podpass_provision::Region;
use podpass_sandbox::{Event, Running, Sandbox, Settings};
use podpass_token::{ObjectRef, ServiceAccountClaims, SigningKey, Token};

use crate::failure::Failure;
use crate::files;

/// Everything that exists during a demo; all of it ends with this value.
pub(crate) struct World {
    sandbox: Running,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn make() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("podpass-demo-")
            .tempdir()
            .map_err(|error| Failure::failed("cannot make a temporary folder").because(&error))?;
        let sandbox = Sandbox::start(Settings::default())
            .await
            .map_err(|error| Failure::failed("cannot start the sandbox").because(&error))?;
        Ok(Self { sandbox, folder })
    }

    pub(crate) async fn end(self) {
        self.sandbox.stop().await;
    }

    pub(crate) fn sandbox(&self) -> &Running {
        &self.sandbox
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The sandbox's account.
    pub(crate) fn account(&self) -> String {
        self.sandbox
            .accounts()
            .first()
            .map(|account| account.id.to_string())
            .unwrap_or_default()
    }

    /// The production client, as the account's administrator.
    pub(crate) fn administrator(&self, region: &Region) -> Result<Connection, Failure> {
        let account = self.sandbox.accounts().first();
        let account = account.ok_or_else(|| Failure::failed("the sandbox has no account"))?;
        let secret = account.secret_access_key.expose();
        Ok(self.client(
            region,
            Some(&Credentials::long_term(&account.access_key_id, secret)),
        ))
    }

    /// The production client as a pod begins: without credentials.
    pub(crate) fn nobody(&self, region: &Region) -> Connection {
        self.client(region, None)
    }

    /// The production client with a session's credentials.
    pub(crate) fn holder_of(&self, session: &Session, region: &Region) -> Connection {
        self.client(region, Some(&session.credentials))
    }

    fn client(&self, region: &Region, credentials: Option<&Credentials>) -> Connection {
        Connection::isolated(&self.sandbox.endpoint(), region, credentials)
    }

    /// The newest event that tells of an exchange or a decision, for the reason behind AWS's words.
    pub(crate) fn last_event(&self) -> Option<Event> {
        self.sandbox.events().pop()
    }
}

/// A cluster as far as the demo needs one: its issuer and its signing key.
pub(crate) struct Cluster {
    pub(crate) issuer: String,
    pub(crate) key: SigningKey,
}

impl Cluster {
    /// Reads the key that `create-key-pair` wrote.
    pub(crate) fn with_key_of(output_dir: &Path, issuer: &str) -> Result<Self, Failure> {
        let path = output_dir.join("serviceaccount-signer.private");
        let key = SigningKey::from_pem(&files::read_text(&path)?).map_err(|error| {
            Failure::failed(format!("cannot use `{}`", path.display())).because(&error)
        })?;
        Ok(Self {
            issuer: issuer.to_owned(),
            key,
        })
    }

    /// The claims that kube-apiserver puts into the projected token of a pod.
    pub(crate) fn claims(
        &self,
        namespace: &str,
        service_account: &str,
        pod: &str,
        lives: i64,
    ) -> ServiceAccountClaims {
        let now = Timestamp::now().as_second();
        let object = |name: &str, uid: &str| ObjectRef {
            name: name.to_owned(),
            uid: uid.to_owned(),
        };
        ServiceAccountClaims {
            issuer: self.issuer.clone(),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            namespace: namespace.to_owned(),
            service_account: object(service_account, "65b197d7-1609-433c-825e-b423f622978b"),
            pod: Some(object(pod, "cc040630-1e85-4339-9699-7106c2b37a9b")),
            node: None,
            issued_at: now,
            not_before: now,
            expires_at: now + lives,
            warn_after: None,
            id: Some("8f3b1c52-7d5e-4b7c-9d0a-2f6f0f5f3a11".to_owned()),
        }
    }

    pub(crate) fn mint(&self, claims: &ServiceAccountClaims) -> Token {
        self.key.mint(claims)
    }
}

/// Writes a token where the kubelet would project it.
pub(crate) fn project(folder: &Path, name: &str, token: &Token) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    files::write_atomically(&path, token.expose().as_bytes(), 0o600)?;
    Ok(path)
}
