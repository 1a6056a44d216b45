//! What of a state and what of a start's settings counts: accounts, clock, limits; and what is of one run only.

use std::path::Path;

use jiff::SignedDuration;
use podpass_sandbox::{
    Account, AccountSettings, ClockSetting, Sandbox, ServiceControl, Settings, StartError,
    StateError,
};

use super::{control_of, kept_in, start};
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

#[test]
fn a_clock_that_was_moved_goes_on_so_unless_another_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let ahead = ClockSetting::Offset(SignedDuration::from_hours(3));
    let first = start(folder.path());
    assert_eq!(first.sandbox.clock().setting(), ClockSetting::default());
    let control = control_of(&first);
    first.runtime.block_on(control.set_clock(ahead)).unwrap();
    drop(first);

    let second = start(folder.path());
    assert_eq!(second.sandbox.clock().setting(), ahead);
    drop(second);
    let fixed = ClockSetting::Fixed("2026-01-01T00:00:00Z".parse().unwrap());
    let third = Fixture::start_as(Settings {
        clock: Some(fixed),
        ..kept_in(folder.path())
    });
    assert_eq!(third.sandbox.clock().setting(), fixed);
    drop(third);
    let fourth = start(folder.path());
    assert_eq!(fourth.sandbox.clock().setting(), ahead);
    fourth
        .runtime
        .block_on(control_of(&fourth).reset())
        .unwrap();
    assert_eq!(fourth.sandbox.clock().setting(), ClockSetting::default());
    drop(fourth);
    let fifth = start(folder.path());
    assert_eq!(fifth.sandbox.clock().setting(), ClockSetting::default());
}

#[test]
fn a_state_keeps_neither_history_nor_faults() {
    let folder = tempfile::tempdir().unwrap();
    let look_up = |fixture: &Fixture| {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            (
                "x-amz-target",
                "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
            ),
        ];
        let reply = fixture
            .admin
            .send("cloudtrail", "POST", "/", &headers, b"{}");
        reply.ok().body
    };
    let first = start(folder.path());
    first.make_bucket("kept");
    assert!(look_up(&first).contains("CreateBucket"));
    let throttle = podpass_sandbox::Fault {
        kind: "throttle".parse().unwrap(),
        service: Some("iam".into()),
        action: None,
        count: None,
    };
    let control = control_of(&first);
    let added = first.runtime.block_on(control.add_fault(&throttle));
    added.unwrap();
    assert_ne!(first.admin.iam("ListRoles", &[]).status, 200);
    drop(first);
    let second = start(folder.path());
    second.admin.iam("ListRoles", &[]).ok();
    second.admin.s3("GET", "/kept?policyStatus", "");
    let history = look_up(&second);
    assert!(history.contains("GetBucketPolicyStatus"), "{history}");
    assert!(!history.contains("CreateBucket"), "{history}");
}
