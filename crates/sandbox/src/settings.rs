//! What a sandbox is started with: where it listens, its accounts, their administrators' keys and what limits them, its
//! clock.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use podpass_exchange::Behaviour;
use podpass_policy::{AccountId, Document, DocumentKind, PolicyError};
use zeroize::Zeroizing;

use crate::clock::ClockSetting;
use crate::issuers::RemoteIssuers;

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The AWS accounts that exist, at least one, each named once.
    ///
    /// With a state they are added to those that it has, and there may be none: then it has the default account when new.
    pub accounts: Vec<AccountSettings>,
    /// How the clock of tokens, sessions and `aws:CurrentTime` goes; signature dates keep the system's.
    ///
    /// `None` is the system's, or with a state the one to which a control call has set it there.
    pub clock: Option<ClockSetting>,
    /// The folder that keeps everything across restarts, made when it is missing; `None` remembers nothing.
    ///
    /// A change is written there before it is acknowledged, so that no end of the process loses it. It is not flushed to the
    /// disk each time: what a power cut tears off the end is left out at the next start.
    pub state: Option<PathBuf>,
    /// Which issuers outside of the sandbox are asked for their keys; none by default.
    pub remote_issuers: RemoteIssuers,
    /// How STS behaves where AWS was seen to behave in more than one way.
    pub behaviour: Behaviour,
    /// Permits an address other than loopback in `listen`.
    pub allow_remote: bool,
}

/// One AWS account of the sandbox.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// The account's twelve digits.
    pub id: AccountId,
    /// The access key of the account's administrator; a random one is made when absent.
    pub admin_key: Option<AdminKey>,
    /// The service control policies on the account, which limit everybody in it; none limits nothing.
    ///
    /// As in AWS one of them has to allow. As in AWS too, those that only deny leave `FullAWSAccess` beside them in place.
    pub service_controls: Vec<ServiceControl>,
}

/// A service control policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceControl {
    name: String,
    document: Document,
}

/// The long-term access key of an account's administrator, the IAM user `admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminKey {
    id: String,
    secret: Secret,
}

/// Why an administrator's key is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminKeyError {
    /// The id has another length or another character.
    #[error(
        "access key id `{id}` must have {} to {} letters, digits or underscores",
        AdminKey::MIN_ID,
        AdminKey::MAX_ID
    )]
    Id {
        /// The id as given.
        id: String,
    },
    /// The secret is empty.
    #[error("the secret of access key `{id}` is empty")]
    EmptySecret {
        /// The id it was given for.
        id: String,
    },
}

/// A secret text; `Debug` does not show it, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: vec![AccountSettings::new(default_account())],
            clock: None,
            state: None,
            remote_issuers: RemoteIssuers::default(),
            behaviour: Behaviour::default(),
            allow_remote: false,
        }
    }
}

impl AccountSettings {
    /// An account with a random key, and limited by nothing.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            admin_key: None,
            service_controls: Vec::new(),
        }
    }
}

impl AdminKey {
    const MIN_ID: usize = 3;
    const MAX_ID: usize = 128;

    /// Makes a key of an id of 3 to 128 word characters (`A-Z a-z 0-9 _`) and any secret that is not empty.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Result<Self, AdminKeyError> {
        let (id, secret) = (id.into(), Secret::new(secret.into()));
        let well_formed = (Self::MIN_ID..=Self::MAX_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !well_formed {
            return Err(AdminKeyError::Id { id });
        }
        if secret.expose().is_empty() {
            return Err(AdminKeyError::EmptySecret { id });
        }
        Ok(Self { id, secret })
    }

    /// The access key id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret access key.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl ServiceControl {
    /// Reads a policy; `name` is what traces call it.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, PolicyError> {
        Ok(Self {
            name: name.into(),
            document: Document::parse(text, DocumentKind::ServiceControl)?,
        })
    }

    /// What traces call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says.
    pub fn document(&self) -> &Document {
        &self.document
    }
}

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Shows the secret text; the caller must not print it unless the secret is what was asked for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

pub(crate) fn default_account() -> AccountId {
    "123456789012"
        .parse()
        .expect("twelve digits are an account id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_key_takes_word_characters_only() {
        for (case, id, accepted) in [
            ("shortest", "abc", true),
            ("underscore and digits", "my_key_1", true),
            ("longest", &"k".repeat(128), true),
            ("too short", "ab", false),
            ("too long", &"k".repeat(129), false),
            ("hyphen", "my-key", false),
            ("not ASCII", "schlüssel", false),
            ("empty", "", false),
        ] {
            assert_eq!(AdminKey::new(id, "s").is_ok(), accepted, "{case}");
        }
    }

    #[test]
    fn admin_key_takes_any_secret_but_none() {
        assert!(AdminKey::new("test", "p@ss:word/with spaces").is_ok());
        assert_eq!(
            AdminKey::new("test", ""),
            Err(AdminKeyError::EmptySecret { id: "test".into() })
        );
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let key = AdminKey::new("test", "hunter2").unwrap();
        let settings = Settings {
            accounts: vec![AccountSettings {
                admin_key: Some(key),
                ..AccountSettings::new(default_account())
            }],
            ..Settings::default()
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
