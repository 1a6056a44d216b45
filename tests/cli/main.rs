//! The binary as a user meets it: what it prints, what it refuses and how, what it leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod ccoctl;
mod claims;
mod completion;
mod config_file;
mod deletion;
mod events;
mod explain;
mod faults;
mod given;
mod inject;
mod lint;
mod man;
mod plugin;
mod provisioning;
mod sandbox;
mod scene;
mod simulate;
mod stand;
mod state;
mod steps;
mod token;
mod traps;
mod usage;
mod version;
