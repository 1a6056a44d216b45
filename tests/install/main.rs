//! The webhook's manifests: the chart beside the crate, and both installed on a real control plane.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepted;
mod canary;
mod chart;
mod helm;
mod permissions;
mod podpass;
mod stand;
