//! The commands that look at a cluster (status, get, verify), on a real kube-apiserver and the sandbox.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod get;
mod own_rules;
mod stand;
mod status;
mod verify;
