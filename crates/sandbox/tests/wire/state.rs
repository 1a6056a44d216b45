//! A sandbox with a state: what it remembers is there after it ended, however it ended.

mod everything;
mod folder;
mod killed;
mod settings;

use std::path::Path;

use podpass_sandbox::{ControlClient, Settings};

use crate::fixture::{Fixture, two_accounts};

/// The two accounts of the fixture, kept in a folder.
fn kept_in(folder: &Path) -> Settings {
    Settings {
        state: Some(folder.to_owned()),
        ..two_accounts()
    }
}

fn start(folder: &Path) -> Fixture {
    Fixture::start_as(kept_in(folder))
}

fn control_of(fixture: &Fixture) -> ControlClient {
    let sandbox = &fixture.sandbox;
    ControlClient::new(&sandbox.endpoint(), sandbox.control_token().clone()).unwrap()
}
