//! Faults: what goes wrong on purpose, for which calls, how often it may and how often it did.
//!
//! A fault looks at the calls it affects, not at those that caused it: `propagation` narrowed to `sts` lets STS see
//! changes of IAM late, and everybody else at once.

mod exposure;
mod kind;
mod past;
mod refusal;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use podpass_token::KeySet;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::issuers;
use crate::state::State;

pub(crate) use self::exposure::{Exposure, Target};
pub use self::kind::{FaultKind, ParseFaultKindError};
use self::past::Snapshots;
pub(crate) use self::past::{Accounts, Past};
pub(crate) use self::refusal::Refusal;

/// A fault to be added: its kind, and which calls it affects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only calls of this service: `sts`, `iam`, `s3` or `cloudtrail`.
    pub service: Option<String>,
    /// Only calls of this action, such as `AssumeRoleWithWebIdentity`.
    pub action: Option<String>,
    /// After so many calls it is over. `None` is without end, and for [`FaultKind::Hold`] one call.
    pub count: Option<u64>,
}

/// A fault of a running sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultState {
    /// Its id.
    pub id: FaultId,
    /// What was asked for.
    #[serde(flatten)]
    pub fault: FaultShown,
    /// How many calls it has affected.
    pub hits: u64,
    /// How many more it affects; `None` is without end.
    pub left: Option<u64>,
}

/// [`Fault`] as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultShown {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The service whose calls it affects; `None` is every service.
    pub service: Option<String>,
    /// The action whose calls it affects; `None` is every action.
    pub action: Option<String>,
}

/// The id of a fault: `fault-` and its number, counted from the start of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FaultId(u64);

/// A text that is not a fault's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the id of a fault such as `fault-1`")]
pub struct ParseFaultIdError {
    text: String,
}

/// Why a fault is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The sandbox has no such service.
    #[error("`{service}` is not a service of the sandbox; these are: {}", SERVICES.join(", "))]
    Service {
        /// The service as given.
        service: String,
    },
    /// The kind affects only one service.
    #[error("`{kind}` affects only calls of sts, not of `{service}`")]
    NotThere {
        /// The kind.
        kind: FaultKind,
        /// The service as given.
        service: String,
    },
    /// The service has no such action.
    #[error("`{action}` is not an action that this sandbox has{}", of_service(service.as_ref()))]
    Action {
        /// The action as given.
        action: String,
        /// The service as given.
        service: Option<String>,
    },
    /// It would never affect a call.
    #[error("a count of 0 affects no call; leave it out for a fault without end")]
    NoCount,
}

/// The faults of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    inner: Mutex<Inner>,
    /// How often faults were taken away, for who is held by one.
    cleared: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    active: Vec<Active>,
    snapshots: Snapshots,
}

#[derive(Debug)]
struct Active {
    id: FaultId,
    fault: Fault,
    hits: u64,
    /// How many calls `hold` has counted.
    counted: u64,
    /// The keys that `stale-jwks` keeps, by issuer.
    keys: BTreeMap<String, KeySet>,
}

// === impl Fault ===

impl Fault {
    /// Refuses what would never affect a call.
    pub fn check(&self) -> Result<(), FaultError> {
        if let Some(service) = &self.service {
            if !SERVICES.contains(&service.as_str()) {
                return Err(FaultError::Service {
                    service: service.clone(),
                });
            }
            if self.kind.is_of_sts() && service != "sts" {
                return Err(FaultError::NotThere {
                    kind: self.kind.clone(),
                    service: service.clone(),
                });
            }
        }
        if let Some(action) = &self.action
            && !exposure::is_action(self.service.as_deref(), action)
        {
            return Err(FaultError::Action {
                action: action.clone(),
                service: self.service.clone(),
            });
        }
        if self.count == Some(0) {
            return Err(FaultError::NoCount);
        }
        Ok(())
    }

    fn limit(&self) -> Option<u64> {
        match self.kind {
            FaultKind::Hold(_) => self.count.or(Some(1)),
            _ => self.count,
        }
    }

    fn affects(&self, target: &Target) -> bool {
        let is = |wanted: &Option<String>, actual: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == actual)
        };
        let is_in_region = match &self.kind {
            FaultKind::RegionDown(region) => *region == target.region,
            _ => true,
        };
        is_in_region && is(&self.service, &target.service) && is(&self.action, &target.action)
    }
}

// === impl Faults ===

impl Faults {
    /// Adds a fault; `state` has the keys that `stale-jwks` keeps.
    pub(crate) fn add(&self, fault: Fault, state: &State) -> FaultState {
        let keys = match fault.kind {
            FaultKind::StaleJwks => published_keys(state),
            _ => BTreeMap::new(),
        };
        let mut inner = self.lock();
        inner.last += 1;
        let active = Active {
            id: FaultId(inner.last),
            fault,
            hits: 0,
            counted: 0,
            keys,
        };
        let shown = active.state();
        inner.active.push(active);
        shown
    }

    /// All faults, also those that are over.
    pub(crate) fn list(&self) -> Vec<FaultState> {
        self.lock().active.iter().map(Active::state).collect()
    }

    /// Takes one fault away, or all; tells which there were.
    pub(crate) fn clear(&self, id: Option<FaultId>) -> Vec<FaultState> {
        let mut inner = self.lock();
        let (gone, kept): (Vec<Active>, Vec<Active>) = std::mem::take(&mut inner.active)
            .into_iter()
            .partition(|active| id.is_none_or(|id| active.id == id));
        inner.active = kept;
        if !inner.has_propagation() {
            inner.snapshots.clear();
        }
        drop(inner);
        self.cleared.send_modify(|times| *times += 1);
        gone.iter().map(Active::state).collect()
    }

    /// Waits until a fault was taken away.
    pub(crate) async fn wait_cleared(&self, id: FaultId) {
        let mut cleared = self.cleared.subscribe();
        let is_there = || self.lock().active.iter().any(|active| active.id == id);
        // The sender lives as long as the faults.
        while is_there() && cleared.changed().await.is_ok() {}
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn has_propagation(&self) -> bool {
        let mut active = self.active.iter();
        active.any(|active| matches!(active.fault.kind, FaultKind::Propagation(_)))
    }
}

// === impl Active ===

impl Active {
    fn state(&self) -> FaultState {
        FaultState {
            id: self.id,
            fault: FaultShown {
                kind: self.fault.kind.clone(),
                service: self.fault.service.clone(),
                action: self.fault.action.clone(),
            },
            hits: self.hits,
            left: self.left(),
        }
    }

    fn left(&self) -> Option<u64> {
        let limit = self.fault.limit()?;
        Some(limit.saturating_sub(self.hits))
    }

    fn is_over(&self) -> bool {
        self.left() == Some(0)
    }
}

// === impl FaultId ===

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for FaultId {
    type Err = ParseFaultIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text
            .strip_prefix(PREFIX)
            .and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| ParseFaultIdError {
            text: text.to_owned(),
        })
    }
}

impl From<FaultId> for String {
    fn from(id: FaultId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for FaultId {
    type Error = ParseFaultIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The keys of every issuer that is registered and can be read now.
fn published_keys(state: &State) -> BTreeMap<String, KeySet> {
    let providers = state
        .accounts
        .values()
        .flat_map(|account| account.providers.values());
    let found = providers.filter_map(|provider| {
        let issuer = format!("https://{}", provider.known.arn.issuer_without_scheme());
        let keys = issuers::keys_of(state, &issuer).ok()?;
        Some((issuer, keys.into_owned()))
    });
    found.collect()
}

fn of_service(service: Option<&String>) -> String {
    service.map_or_else(String::new, |service| format!(" in {service}"))
}

const PREFIX: &str = "fault-";

const SERVICES: [&str; 4] = ["cloudtrail", "iam", "s3", "sts"];
