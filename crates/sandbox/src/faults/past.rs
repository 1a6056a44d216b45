//! IAM as it was a while ago: what services see until a change has spread.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Deref;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use jiff::{SignedDuration, Timestamp};
use podpass_policy::AccountId;

use crate::iam::store::Account;
use crate::state::State;

/// Every account's IAM.
pub(crate) type Accounts = BTreeMap<AccountId, Account>;

/// The accounts as they were before each of the last changes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Snapshots(VecDeque<(Timestamp, Accounts)>);

/// A state whose accounts are those of a while ago, until this value is dropped.
#[derive(Debug)]
pub(crate) struct Past<'a> {
    state: RwLockWriteGuard<'a, State>,
    /// The accounts of the present.
    present: Accounts,
}

impl Snapshots {
    /// Keeps the accounts as they are, before they are changed at `now`; forgets what nobody sees any more.
    pub(super) fn keep(&mut self, accounts: &Accounts, now: Timestamp, longest: SignedDuration) {
        while self
            .0
            .front()
            .is_some_and(|(changed, _)| now.duration_since(*changed) >= longest)
        {
            self.0.pop_front();
        }
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back((now, accounts.clone()));
    }

    /// The accounts as they are seen at `now`; `None` when every change has spread.
    pub(super) fn seen(
        &self,
        present: &Accounts,
        now: Timestamp,
        delay: SignedDuration,
    ) -> Option<Accounts> {
        // Before the oldest change that has not spread.
        let (_, accounts) = self
            .0
            .iter()
            .find(|(changed, _)| now.duration_since(*changed) < delay)?;
        let mut seen = accounts.clone();
        for (id, account) in &mut seen {
            // AWS answers AccessDenied for a new role of a new provider, not that the provider is missing.
            if let Some(present) = present.get(id) {
                account.providers.clone_from(&present.providers);
            }
        }
        Some(seen)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl<'a> Past<'a> {
    /// Puts `accounts` in the place of the present ones.
    pub(crate) fn enter(state: &'a RwLock<State>, accounts: Accounts) -> Self {
        let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
        let present = std::mem::replace(&mut state.accounts, accounts);
        Self { state, present }
    }
}

impl Deref for Past<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl Drop for Past<'_> {
    fn drop(&mut self) {
        std::mem::swap(&mut self.state.accounts, &mut self.present);
    }
}

/// So many changes may be on their way; of more, the oldest is seen early.
const CAPACITY: usize = 256;
