//! An account's rows, as a state keeps them.

use serde_json::Value;

use super::store::{
    AccessKey, Account, Group, InstanceProfile, ManagedPolicy, OidcProvider, Role, User,
};
use crate::state::{Changes, Extent, RowError, Rows, read};

impl Account {
    /// Adds the account's rows to a change.
    pub(crate) fn write_changes(&self, changes: &mut Changes, extent: Extent) {
        let prefix = |kind| ["account", self.id.as_str(), kind];
        changes.of_table(&prefix(USER), self.users.table(), extent);
        changes.of_table(&prefix(GROUP), self.groups.table(), extent);
        changes.of_table(&prefix(ROLE), self.roles.table(), extent);
        changes.of_table(&prefix(PROFILE), self.instance_profiles.table(), extent);
        changes.of_table(&prefix(POLICY), self.policies.table(), extent);
        changes.of_table(&prefix(PROVIDER), &self.providers, extent);
        changes.of_table(&prefix(ACCESS_KEY), &self.access_keys, extent);
    }

    /// Takes a row, whose key is given without the account.
    pub(crate) fn load(&mut self, key: &[&str], value: Value) -> Result<(), RowError> {
        let [kind, key] = key else {
            return Err(RowError::new("an account has no such row"));
        };
        match *kind {
            USER => self.users.insert(key, read::<User>(value)?),
            GROUP => self.groups.insert(key, read::<Group>(value)?),
            ROLE => self.roles.insert(key, read::<Role>(value)?),
            PROFILE => (self.instance_profiles).insert(key, read::<InstanceProfile>(value)?),
            POLICY => self.policies.insert(key, read::<ManagedPolicy>(value)?),
            PROVIDER => (self.providers).insert((*key).to_owned(), read::<OidcProvider>(value)?),
            ACCESS_KEY => (self.access_keys).insert((*key).to_owned(), read::<AccessKey>(value)?),
            _ => return Err(RowError::new("an account has no such row")),
        }
        Ok(())
    }
}

impl Rows for Account {
    fn settle(&mut self) {
        self.users.settle();
        self.groups.settle();
        self.roles.settle();
        self.instance_profiles.settle();
        self.policies.settle();
        self.providers.settle_flat();
        self.access_keys.settle_flat();
    }

    fn undo(&mut self) {
        self.users.undo();
        self.groups.undo();
        self.roles.undo();
        self.instance_profiles.undo();
        self.policies.undo();
        self.providers.undo_flat();
        self.access_keys.undo_flat();
    }
}

const USER: &str = "user";
const GROUP: &str = "group";
const ROLE: &str = "role";
const PROFILE: &str = "instance-profile";
const POLICY: &str = "policy";
const PROVIDER: &str = "oidc-provider";
const ACCESS_KEY: &str = "access-key";
