//! Everything a sandbox remembers, and how it is kept on disk.
//!
//! Who changes something does so inside of [`State::change`]: what it touched is written before anybody sees it, or taken
//! back. Without a folder nothing is written, and the rest is the same.

mod changes;
mod content;
mod contents;
mod error;
mod folder;
mod keeper;
mod log;
mod opening;
pub(crate) mod secret_text;
mod table;

use std::collections::BTreeMap;

use jiff::Timestamp;
use podpass_policy::AccountId;

use crate::clock::ClockSetting;
use crate::gateway::Beginning;
use crate::iam;
use crate::iam::store::{AccessKey, Account};
use crate::issuers::HandedOver;
use crate::random::RandomFailure;
use crate::renaming::Renamed;
use crate::s3::Buckets;

pub(crate) use self::changes::{Changes, RowError, read};
pub(crate) use self::content::{Content, Digest};
pub(crate) use self::error::NotKept;
pub use self::error::StateError;
pub(crate) use self::folder::StateFolder;
use self::keeper::Keeper;
pub(crate) use self::opening::{BeginError, Opening};
pub(crate) use self::table::{Extent, Rows, Table, Watched};

/// Everything a sandbox remembers: accounts, buckets, the issuers that were handed over, and the clock if it was moved.
/// Sessions live in their tokens.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) buckets: Buckets,
    pub(crate) handed_over: HandedOver,
    /// As a control call set it last.
    pub(crate) clock: Watched<Option<ClockSetting>>,
    /// Every account with its administrator's key, as it was made, in the order in which they were.
    administrators: Vec<crate::Account>,
    /// `None` for a sandbox that remembers only as long as it runs.
    keeper: Option<Keeper>,
}

impl State {
    /// The accounts as they start, each with its administrator and nothing else.
    pub(crate) fn fresh(beginning: &Beginning, now: Timestamp) -> Result<Self, RandomFailure> {
        let mut state = Self::default();
        for account in &beginning.accounts {
            state.add_account(account, now)?;
        }
        state.limit(beginning);
        state.settle();
        Ok(state)
    }

    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Makes a change, keeps it, and only then lets it stand. When it is refused or cannot be kept, nothing has changed.
    pub(crate) fn change<T, E>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Result<T, E>, NotKept> {
        // A change that panicked has left its half behind.
        self.undo();
        let changed = change(self);
        match &changed {
            Err(_) => self.undo(),
            Ok(_) => {
                self.keep().inspect_err(|error| {
                    tracing::error!(path = %error.path.display(), error = %error.source, "Cannot keep a change");
                    self.undo();
                })?;
            }
        }
        Ok(changed)
    }

    /// Puts another state in the place of this one, also on disk.
    pub(crate) fn replace(&mut self, mut other: Self) -> Result<(), NotKept> {
        other.administrators.clone_from(&self.administrators);
        if let Some(keeper) = &mut self.keeper {
            keeper.replace(&other.changes(Extent::Whole))?;
        }
        other.keeper = self.keeper.take();
        *self = other;
        Ok(())
    }

    /// Lets every policy show a user or role as it is called now.
    pub(crate) fn rename(&mut self, renamed: &Renamed) {
        if renamed.from == renamed.to {
            return;
        }
        for account in self.accounts.values_mut() {
            let naming = account
                .roles
                .values()
                .filter(|role| renamed.is_named_in(&role.trust.document));
            let naming: Vec<String> = naming.map(|role| role.arn.name().to_string()).collect();
            for name in &naming {
                if let Some(role) = account.roles.find_mut(name) {
                    role.trust.rename(renamed);
                }
            }
        }
        self.buckets.rename(renamed);
    }

    /// Adds an account that has its administrator and nothing else.
    fn add_account(
        &mut self,
        account: &crate::Account,
        now: Timestamp,
    ) -> Result<(), RandomFailure> {
        let made = iam::with_administrator(account, now)?;
        self.accounts.insert(account.id.clone(), made);
        self.administrators.push(account.clone());
        Ok(())
    }

    /// Puts the service control policies on the accounts. They are settings of a start and nobody's state.
    fn limit(&mut self, beginning: &Beginning) {
        for (id, controls) in &beginning.service_controls {
            if let Some(account) = self.accounts.get_mut(id) {
                account.service_controls = controls.clone();
            }
        }
    }

    fn keep(&mut self) -> Result<(), NotKept> {
        if self.keeper.is_some() {
            let changes = self.changes(Extent::Touched);
            if let Some(keeper) = &mut self.keeper {
                keeper.keep(&changes)?;
            }
        }
        self.settle();
        if self.keeper.as_ref().is_some_and(Keeper::is_long) {
            let whole = self.changes(Extent::Whole);
            if let Some(keeper) = &mut self.keeper {
                keeper.compact(&whole);
            }
        }
        Ok(())
    }

    /// The rows that the change under way has touched, or all.
    fn changes(&self, extent: Extent) -> Changes {
        let mut changes = Changes::default();
        if extent == Extent::Whole {
            opening::write_administrators(&self.administrators, &mut changes);
        }
        match self.clock.touched(extent) {
            Some(Some(setting)) => changes.put(&["clock"], setting),
            Some(None) if extent == Extent::Touched => changes.delete(&["clock"]),
            _ => {}
        }
        for account in self.accounts.values() {
            account.write_changes(&mut changes, extent);
        }
        self.buckets.write_changes(&mut changes, extent);
        self.handed_over.write_changes(&mut changes, extent);
        changes
    }
}

impl Rows for State {
    fn settle(&mut self) {
        self.accounts.values_mut().for_each(Rows::settle);
        self.buckets.settle();
        self.handed_over.settle();
        self.clock.settle();
    }

    fn undo(&mut self) {
        self.accounts.values_mut().for_each(Rows::undo);
        self.buckets.undo();
        self.handed_over.undo();
        self.clock.undo();
    }
}

/// The access key of that id and its account.
pub(crate) fn access_key<'a>(
    accounts: &'a BTreeMap<AccountId, Account>,
    id: &str,
) -> Option<(&'a Account, &'a AccessKey)> {
    accounts
        .values()
        .find_map(|account| Some((account, account.access_keys.get(id)?)))
}
