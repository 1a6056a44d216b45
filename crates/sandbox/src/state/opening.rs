//! The start of a state: the folder is taken, its rows become a state again, and accounts that are new are added.

use std::path::Path;

use jiff::Timestamp;
use podpass_policy::AccountId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::changes::{Changes, Kept, RowError, read};
use super::keeper::Keeper;
use super::table::{Extent, Rows, Watched};
use super::{State, StateError, StateFolder, secret_text};
use crate::gateway::Beginning;
use crate::iam::store::Account;
use crate::random::RandomFailure;
use crate::settings::{AdminKey, Secret};

/// A state folder that was taken and read.
#[derive(Debug)]
pub(crate) struct Opening {
    state: State,
    keeper: Keeper,
}

/// Why a state does not begin.
#[derive(Debug)]
pub(crate) enum BeginError {
    State(StateError),
    Random,
}

/// The row of an account: its administrator's key as it was made, and the account's place among the others.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Administrator {
    position: usize,
    access_key_id: String,
    #[serde(with = "secret_text")]
    secret_access_key: Secret,
}

impl Opening {
    /// Takes a folder, a new one too, and reads what is in it.
    pub(crate) fn of(path: &Path) -> Result<Self, StateError> {
        let (mut keeper, kept) = Keeper::open(path)?;
        let mut state = load(kept, &mut keeper)?;
        state.settle();
        keeper.sweep()?;
        Ok(Self { state, keeper })
    }

    /// The accounts of the state, in the order in which they were made.
    pub(crate) fn accounts(&self) -> &[crate::Account] {
        &self.state.administrators
    }

    /// The folder, for what else is kept in it.
    pub(crate) fn folder(&self) -> &StateFolder {
        self.keeper.folder()
    }

    /// The state itself.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Whether somebody in the state has the access key of that id.
    pub(crate) fn has_access_key(&self, id: &str) -> bool {
        super::access_key(&self.state.accounts, id).is_some()
    }

    /// Refuses another administrator's key than an account was made with.
    pub(crate) fn check_key(
        &self,
        account: &crate::Account,
        given: Option<&AdminKey>,
    ) -> Result<(), StateError> {
        let is_same = |given: &AdminKey| {
            given.id() == account.access_key_id && *given.secret() == account.secret_access_key
        };
        match given {
            Some(given) if !is_same(given) => Err(StateError::OtherAdminKey {
                path: self.folder().path().into(),
                account: account.id.clone(),
                kept: account.access_key_id.clone(),
                given: given.id().to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Reads the key of that name, or makes it.
    pub(crate) fn keep_key(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, BeginError> {
        let made: [u8; 32] = crate::random::bytes()?;
        let key = self.folder().keep_secret(name, || made.to_vec())?;
        let key = <[u8; 32]>::try_from(key.as_slice()).map_err(|_| StateError::Damaged {
            path: self.folder().file(name),
            place: format!("{} bytes", key.len()),
            problem: "a key has 32".to_owned(),
        })?;
        Ok(Zeroizing::new(key))
    }

    /// Adds the accounts that are new, keeps them, and gives the state.
    pub(crate) fn begin(self, beginning: &Beginning, now: Timestamp) -> Result<State, BeginError> {
        let Self {
            mut state,
            mut keeper,
        } = self;
        let mut is_new = keeper.is_new();
        for account in &beginning.accounts {
            if !state.accounts.contains_key(&account.id) {
                state.add_account(account, now)?;
                is_new = true;
            }
        }
        state.limit(beginning);
        if is_new {
            keeper
                .replace(&state.changes(Extent::Whole))
                .map_err(StateError::from)?;
        } else if keeper.is_long() {
            keeper.compact(&state.changes(Extent::Whole));
        }
        state.settle();
        state.keeper = Some(keeper);
        Ok(state)
    }
}

/// Adds the rows of the accounts themselves to a change.
pub(super) fn write_administrators(accounts: &[crate::Account], changes: &mut Changes) {
    for (position, account) in accounts.iter().enumerate() {
        let row = Administrator {
            position,
            access_key_id: account.access_key_id.clone(),
            secret_access_key: account.secret_access_key.clone(),
        };
        changes.put(&["account", account.id.as_str()], &row);
    }
}

fn load(kept: Kept, keeper: &mut Keeper) -> Result<State, StateError> {
    let mut state = State::default();
    let mut administrators: Vec<(usize, crate::Account)> = Vec::new();
    for (key, value) in kept {
        let texts: Vec<&str> = key.iter().map(String::as_str).collect();
        let loaded = match texts.as_slice() {
            ["account", id] => load_account(id, value).map(|(position, account)| {
                let made = Account::new(account.id.clone());
                state.accounts.insert(account.id.clone(), made);
                administrators.push((position, account));
            }),
            ["account", id, key @ ..] => {
                let id = id.parse::<AccountId>().ok();
                id.and_then(|id| state.accounts.get_mut(&id))
                    .ok_or_else(|| RowError::new("its account is missing"))
                    .and_then(|account| account.load(key, value))
            }
            ["bucket", key @ ..] => {
                let mut contents = |digest| Ok(keeper.contents.load(digest)?);
                state.buckets.load(key, value, &mut contents)
            }
            ["clock"] => read(value).map(|setting| state.clock = Watched::new(Some(setting))),
            ["issuer", url] => state.handed_over.load(url, &value),
            _ => Err(RowError::new("there is no such kind of row")),
        };
        loaded.map_err(|error| match error {
            RowError::State(error) => error,
            RowError::Unreadable(problem) => {
                keeper.damaged(format!("row `{}`", key.join("/")), problem)
            }
        })?;
    }
    administrators.sort_by_key(|(position, _)| *position);
    state.administrators = administrators
        .into_iter()
        .map(|(_, account)| account)
        .collect();
    Ok(state)
}

fn load_account(id: &str, value: serde_json::Value) -> Result<(usize, crate::Account), RowError> {
    let id = id
        .parse()
        .map_err(|_| RowError::new("its account id has not twelve digits"))?;
    let Administrator {
        position,
        access_key_id,
        secret_access_key,
    } = read(value)?;
    let account = crate::Account {
        id,
        access_key_id,
        secret_access_key,
    };
    Ok((position, account))
}

impl From<StateError> for BeginError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<RandomFailure> for BeginError {
    fn from(_: RandomFailure) -> Self {
        Self::Random
    }
}
