//! Everything a sandbox remembers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use podpass_policy::AccountId;

use crate::gateway::Beginning;
use crate::iam;
use crate::iam::store::{AccessKey, Account};
use crate::issuers::HandedOver;
use crate::random::RandomFailure;
use crate::renaming::Renamed;
use crate::s3::Buckets;

/// Everything a sandbox remembers: accounts, buckets and the issuers that were handed over. Sessions live in their
/// tokens.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) buckets: Buckets,
    pub(crate) handed_over: HandedOver,
}

impl State {
    /// The accounts as they start, each with its administrator and nothing else.
    pub(crate) fn fresh(beginning: &Beginning, now: Timestamp) -> Result<Self, RandomFailure> {
        let mut state = Self::default();
        let controls = beginning.service_controls.iter().cloned();
        for (account, controls) in beginning.accounts.iter().zip(controls) {
            let mut fresh = iam::with_administrator(account, now)?;
            fresh.service_controls = controls;
            state.accounts.insert(account.id.clone(), fresh);
        }
        Ok(state)
    }

    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Lets every policy show a user or role as it is called now.
    pub(crate) fn rename(&mut self, renamed: &Renamed) {
        if renamed.from == renamed.to {
            return;
        }
        let roles = self
            .accounts
            .values_mut()
            .flat_map(|account| account.roles.values_mut());
        for role in roles {
            role.trust.rename(renamed);
        }
        self.buckets.rename(renamed);
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
