//! The world of the demo: a sandbox with two accounts, their administrators, and a folder for keys and tokens.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use podpass_aws::Connection;
use podpass_cloud::{Credentials, Secret, Session};
use podpass_provision::Region;
use podpass_sandbox::{AccountSettings, ClockSetting, Event, Running, Sandbox, Settings};
use podpass_token::{ObjectRef, ServiceAccountClaims, SigningKey, Token};

use crate::failure::Failure;
use crate::files;

/// Everything that exists during a demo; all of it ends with this value.
pub(crate) struct World {
    sandbox: Running,
    folder: tempfile::TempDir,
    /// The private key of the first cluster, as PEM.
    key: OnceLock<Secret>,
}

/// The accounts of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// That of the clusters.
    Clusters,
    /// Another team's, with something that a workload needs.
    Other,
}

impl Account {
    /// Its twelve digits.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Clusters => "123456789012",
            Self::Other => "210987654321",
        }
    }
}

impl World {
    pub(crate) async fn make() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("podpass-demo-")
            .tempdir()
            .map_err(|error| Failure::failed("cannot make a temporary folder").because(&error))?;
        let accounts = [Account::Clusters, Account::Other].map(|account| {
            AccountSettings::new(
                account
                    .id()
                    .parse()
                    .expect("twelve digits are an account id"),
            )
        });
        let settings = Settings {
            accounts: accounts.to_vec(),
            ..Settings::default()
        };
        let sandbox = Sandbox::start(settings)
            .await
            .map_err(|error| Failure::failed("cannot start the sandbox").because(&error))?;
        Ok(Self {
            sandbox,
            folder,
            key: OnceLock::new(),
        })
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

    /// The private key of the tour's first cluster, once there is one: the later ones sign with it too, because making
    /// a key of 4096 bits takes seconds.
    pub(crate) fn key(&self) -> &OnceLock<Secret> {
        &self.key
    }

    /// The time by the sandbox's clock, which the clusters share.
    pub(crate) fn now(&self) -> Timestamp {
        self.sandbox.clock().now()
    }

    /// Lets time pass for tokens, sessions and `aws:CurrentTime`.
    pub(crate) fn let_pass(&self, time: SignedDuration) {
        self.sandbox.clock().advance(time);
    }

    /// Puts the sandbox's clock right again.
    pub(crate) fn back_to_now(&self) {
        self.sandbox.clock().set(ClockSetting::default());
    }

    /// The production client, as the administrator of the clusters' account.
    pub(crate) fn administrator(&self, region: &Region) -> Result<Connection, Failure> {
        self.administrator_of(Account::Clusters, region)
    }

    /// The production client, as an account's administrator.
    pub(crate) fn administrator_of(
        &self,
        account: Account,
        region: &Region,
    ) -> Result<Connection, Failure> {
        let id = account.id();
        let mut accounts = self.sandbox.accounts().iter();
        let account = accounts
            .find(|account| account.id.as_str() == id)
            .ok_or_else(|| Failure::failed(format!("the sandbox has no account {id}")))?;
        let secret = account.secret_access_key.expose();
        Ok(self.client(
            region,
            Some(&Credentials::long_term(&account.access_key_id, secret)),
        ))
    }

    /// The production client with one profile of an AWS config file and nothing else, as the SDK of a pod that starts.
    pub(crate) async fn with_config_file(
        &self,
        region: &Region,
        file: &Path,
        profile: &str,
    ) -> Connection {
        Connection::of_config_file(&self.sandbox.endpoint(), region, file, profile).await
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

    /// The claims that kube-apiserver puts into the projected token of a pod, for `sts.amazonaws.com`.
    pub(crate) fn claims(
        &self,
        now: Timestamp,
        namespace: &str,
        service_account: &str,
        pod: &str,
        lives: i64,
    ) -> ServiceAccountClaims {
        let now = now.as_second();
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
