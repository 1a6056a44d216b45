//! The binary as a user meets it: what it prints, what it refuses and how, what it leaves behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod inject;
mod provisioning;
mod sandbox;
mod stand;
mod token;
mod usage;
