//! Everything a sandbox remembers.

use std::collections::BTreeMap;

use podpass_policy::AccountId;

use crate::iam::store::{AccessKey, Account};
use crate::s3::Buckets;

/// Everything a sandbox remembers: accounts and buckets. Sessions live in their tokens.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) buckets: Buckets,
}

impl State {
    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The access key of that id and its account.
    pub(crate) fn access_key(&self, id: &str) -> Option<(&Account, &AccessKey)> {
        self.accounts
            .values()
            .find_map(|account| Some((account, account.access_keys.get(id)?)))
    }
}
