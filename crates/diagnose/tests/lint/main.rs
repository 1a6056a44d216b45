//! Lint, shown by files: each mistake in its smallest surrounding, and files in which nothing is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod correct;
mod fixes;
mod formats;
mod healthy;
mod robustness;
mod stand;
mod table;
