//! A service account's way to a role, end to end: a real kube-apiserver, and the sandbox as AWS.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bind;
mod completion;
mod interruptions;
mod refusals;
mod stand;
