//! What injection makes of whole pods.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod assignments;
mod chains;
mod container_credentials;
mod control;
mod documents;
mod parameters;
mod pods;
mod properties;
mod support;
