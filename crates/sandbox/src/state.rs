//! Everything a sandbox remembers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use podpass_policy::AccountId;

use crate::iam;
use crate::iam::store::{AccessKey, Account};
use crate::issuers::HandedOver;
use crate::random::RandomFailure;
use crate::retirement::Retired;
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
    pub(crate) fn fresh(
        accounts: &[crate::Account],
        now: Timestamp,
    ) -> Result<Self, RandomFailure> {
        let mut state = Self::default();
        for account in accounts {
            let fresh = iam::with_administrator(account, now)?;
            state.accounts.insert(account.id.clone(), fresh);
        }
        Ok(state)
    }

    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Lets every policy that names the retired user or role forget it.
    pub(crate) fn leave(&mut self, retired: &Retired) {
        let roles = self
            .accounts
            .values_mut()
            .flat_map(|account| account.roles.values_mut());
        for role in roles {
            role.trust.retire(retired);
        }
        self.buckets.retire(retired);
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
