//! Starting and stopping: the first accounts, the address, and the handle that keeps a sandbox alive.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use podpass_policy::AccountId;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::connections;
use crate::event::{Event, EventId};
use crate::gateway::{Beginning, Gateway};
use crate::ids::{self, IdKind};
use crate::issuers::{AddIssuerError, Change, Issuer, Remote};
use crate::random::RandomFailure;
use crate::service_controls::ServiceControls;
use crate::settings::{self, AccountSettings, Secret, Settings};
use crate::state::{BeginError, Opening, StateError};

/// The embedded AWS; [`Sandbox::start`] runs it.
#[derive(Debug)]
pub struct Sandbox;

/// A sandbox that accepts connections; it stops when dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    accepting: Option<JoinHandle<()>>,
}

/// An account of a running sandbox and its administrator's access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's twelve digits.
    pub id: AccountId,
    /// The access key id of the IAM user `admin`.
    pub access_key_id: String,
    /// The secret access key of the IAM user `admin`.
    pub secret_access_key: Secret,
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is reachable from other machines, and that was not asked for.
    #[error("refusing to listen on `{listen}`, which is not a loopback address")]
    NotLoopback {
        /// The address as given.
        listen: SocketAddr,
    },
    /// Another process listens there.
    #[error("address `{listen}` is already in use")]
    InUse {
        /// The address as given.
        listen: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The address cannot be bound for another cause.
    #[error("cannot listen on `{listen}`")]
    Bind {
        /// The address as given.
        listen: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The settings name no account.
    #[error("a sandbox needs at least one account")]
    NoAccount,
    /// The settings name an account twice.
    #[error("account `{id}` is given twice")]
    DuplicateAccount {
        /// The repeated account.
        id: AccountId,
    },
    /// Two accounts have the same access key id.
    #[error("access key id `{id}` is given to two accounts")]
    DuplicateAdminKey {
        /// The repeated access key id.
        id: String,
    },
    /// The state folder is not used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The operating system gave no random numbers.
    #[error("no random numbers for keys")]
    Random,
}

impl Sandbox {
    /// Starts a sandbox and returns once it accepts connections.
    ///
    /// It needs a Tokio runtime with I/O and time enabled, on which its connections are served.
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        let listen = settings.listen;
        if !listen.ip().is_loopback() && !settings.allow_remote {
            return Err(StartError::NotLoopback { listen });
        }
        let opening = settings.state.as_deref().map(Opening::of).transpose()?;
        let limits = settings.accounts.iter().map(|account| {
            let controls = ServiceControls::on(&account.id, &account.service_controls);
            (account.id.clone(), controls)
        });
        let beginning = Beginning {
            accounts: accounts_of(&settings, opening.as_ref())?,
            service_controls: limits.collect(),
            clock: settings.clock,
            behaviour: settings.behaviour,
        };
        let remote = Remote::new(&settings.remote_issuers);
        let gateway = Gateway::new(beginning, remote, opening)?;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| match source.kind() {
                io::ErrorKind::AddrInUse => StartError::InUse { listen, source },
                _ => StartError::Bind { listen, source },
            })?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Bind { listen, source })?;
        let gateway = Arc::new(gateway);
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(connections::accept(listener, Arc::clone(&gateway), stopped));
        Ok(Running {
            address,
            gateway,
            stop: Some(stop),
            accepting: Some(accepting),
        })
    }
}

impl Running {
    /// The base URL for AWS clients, such as `http://127.0.0.1:4566`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that accepts connections.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The accounts in the order of the settings, then those that only the state has, with their administrators' keys.
    pub fn accounts(&self) -> &[Account] {
        &self.gateway.controlled().beginning.accounts
    }

    /// The sandbox's clock, to look at and to move. A state keeps what control calls set, and not what is set here.
    pub fn clock(&self) -> &Clock {
        self.gateway.controlled().clock
    }

    /// Hands the keys of an issuer over that the sandbox cannot reach. They win over what a bucket publishes.
    ///
    /// An issuer of the same URL is replaced. One that a bucket of the sandbox is already is refused.
    pub fn add_issuer(&self, issuer: Issuer) -> Result<Change, AddIssuerError> {
        Ok(self.gateway.controlled().add_issuer(issuer)??)
    }

    /// The bearer for [`ControlClient`](crate::ControlClient); each run of a sandbox has its own.
    pub fn control_token(&self) -> &Secret {
        self.gateway.control().token()
    }

    /// The newest events, oldest first: up to 10 000, and fewer when their traces are large.
    pub fn events(&self) -> Vec<Event> {
        self.gateway.events().all()
    }

    /// The event of that id, while it is kept.
    pub fn event(&self, id: EventId) -> Option<Event> {
        self.gateway.events().find(id)
    }

    /// Stops accepting, lets requests in progress finish for up to two seconds, and closes every connection.
    pub async fn stop(mut self) {
        self.signal_stop();
        if let Some(accepting) = self.accepting.take() {
            // A join error is a panic of the task, and then nothing is left to stop.
            let _ = accepting.await;
        }
    }

    fn signal_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only when the task has ended.
            let _ = stop.send(());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal_stop();
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// The accounts that the settings name, with the keys that they do not, and those that the state has besides.
fn accounts_of(settings: &Settings, opening: Option<&Opening>) -> Result<Vec<Account>, StartError> {
    let kept = opening.map(Opening::accounts).unwrap_or_default();
    let mut named = settings.accounts.clone();
    if named.is_empty() && kept.is_empty() {
        if opening.is_none() {
            return Err(StartError::NoAccount);
        }
        named.push(AccountSettings::new(settings::default_account()));
    }
    let mut accounts: Vec<Account> = Vec::new();
    for AccountSettings { id, admin_key, .. } in &named {
        if accounts.iter().any(|account| account.id == *id) {
            return Err(StartError::DuplicateAccount { id: id.clone() });
        }
        if let (Some(account), Some(opening)) = (kept.iter().find(|kept| kept.id == *id), opening) {
            opening.check_key(account, admin_key.as_ref())?;
            accounts.push(account.clone());
            continue;
        }
        let account = Account {
            id: id.clone(),
            access_key_id: match admin_key {
                Some(key) => key.id().to_owned(),
                None => ids::new_id(IdKind::LongTermKey, id)?,
            },
            secret_access_key: match admin_key {
                Some(key) => key.secret().clone(),
                None => ids::new_secret()?,
            },
        };
        let key = &account.access_key_id;
        let is_given = accounts.iter().any(|other| other.access_key_id == *key);
        if is_given || opening.is_some_and(|opening| opening.has_access_key(key)) {
            return Err(StartError::DuplicateAdminKey { id: key.clone() });
        }
        accounts.push(account);
    }
    let named = accounts.len();
    for account in kept {
        if accounts[..named].iter().all(|known| known.id != account.id) {
            accounts.push(account.clone());
        }
    }
    Ok(accounts)
}

impl From<BeginError> for StartError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::State(error) => Self::State(error),
            BeginError::Random => Self::Random,
        }
    }
}

impl From<RandomFailure> for StartError {
    fn from(_: RandomFailure) -> Self {
        Self::Random
    }
}
