//! The accounts of a state and those of a start's settings.

use std::path::Path;

use podpass_sandbox::{
    Account, AccountSettings, Sandbox, ServiceControl, Settings, StartError, StateError,
};

use super::kept_in;
use crate::fixture::{ACCOUNT, Fixture, OTHER_ACCOUNT, account, runtime};

/// Starts with these accounts, and tells all that there are.
fn accounts(folder: &Path, given: Vec<AccountSettings>) -> Result<Vec<Account>, StartError> {
    let runtime = runtime();
    let started = runtime.block_on(Sandbox::start(Settings {
        accounts: given,
        ..kept_in(folder)
    }));
    started.map(|sandbox| sandbox.accounts().to_vec())
}

fn unkeyed(id: &str) -> AccountSettings {
    AccountSettings::new(id.parse().unwrap())
}

fn ids(accounts: &[Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.id.as_str()).collect()
}

#[test]
fn the_same_start_has_the_same_keys() {
    let folder = tempfile::tempdir().unwrap();
    let first = accounts(
        folder.path(),
        vec![unkeyed(ACCOUNT), unkeyed(OTHER_ACCOUNT)],
    )
    .unwrap();
    let second = accounts(
        folder.path(),
        vec![unkeyed(ACCOUNT), unkeyed(OTHER_ACCOUNT)],
    )
    .unwrap();
    assert_eq!(first, second);
}

#[test]
fn a_new_state_without_accounts_has_the_default_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = accounts(folder.path(), Vec::new()).unwrap();
    assert_eq!(ids(&first), ["123456789012"]);
    assert_eq!(accounts(folder.path(), Vec::new()).unwrap(), first);
}

#[test]
fn accounts_are_added_and_those_that_are_not_named_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, three) = ("111111111111", "222222222222", "333333333333");
    let first = accounts(folder.path(), vec![unkeyed(two)]).unwrap();
    // What is named comes first.
    let second = accounts(folder.path(), vec![unkeyed(three), unkeyed(one)]).unwrap();
    assert_eq!(ids(&second), [three, one, two]);
    assert_eq!(second[2], first[0]);
    // Without a name they are in the order in which they were made.
    let third = accounts(folder.path(), Vec::new()).unwrap();
    assert_eq!(ids(&third), [two, three, one]);
    assert_eq!(third[0], first[0]);
}

#[test]
fn another_key_for_a_known_account_is_refused_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let first = accounts(folder.path(), vec![account(ACCOUNT, "first_key")]).unwrap();
    let again = accounts(folder.path(), vec![account(ACCOUNT, "first_key")]).unwrap();
    assert_eq!(first, again);
    let error = accounts(folder.path(), vec![account(ACCOUNT, "other_key")]).unwrap_err();
    assert!(
        matches!(&error, StartError::State(StateError::OtherAdminKey { .. })),
        "{error:?}"
    );
    let text = format!("{error} {error:?}");
    for part in [ACCOUNT, "first_key", "other_key"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("admin-secret"), "{text}");
    // Nor is a key given to two.
    let error = accounts(folder.path(), vec![account(OTHER_ACCOUNT, "first_key")]).unwrap_err();
    assert!(
        matches!(&error, StartError::DuplicateAdminKey { id } if id == "first_key"),
        "{error:?}"
    );
    // What was refused has changed nothing.
    assert_eq!(accounts(folder.path(), Vec::new()).unwrap(), first);
}

#[test]
fn service_control_policies_are_those_of_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let deny =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    let limited = || {
        let mut settings = kept_in(folder.path());
        settings.accounts[0].service_controls = vec![ServiceControl::parse("deny", deny).unwrap()];
        // The limit is on a user too, and the administrator of an account is one.
        Fixture::start_as(settings)
    };
    let list = |fixture: &Fixture| fixture.admin.s3("GET", "/", "").status;
    assert_eq!(list(&limited()), 403);
    assert_eq!(list(&Fixture::start_as(kept_in(folder.path()))), 200);
    assert_eq!(list(&limited()), 403);
}
