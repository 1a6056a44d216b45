//! What injection makes of whole pods.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod documents;
mod parameters;
mod pods;
mod properties;
mod support;
