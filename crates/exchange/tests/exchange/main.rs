//! The exchange as a whole: AWS's answers step by step, and the traces that explain them.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

mod assume_role;
mod behaviour;
mod breakages;
mod chain;
mod limits;
mod session_claims;
mod steps;
mod supposed;
mod temporary;
mod trace;
mod trust;
mod world;
