//! `podpass webhook` as a process: called by a real kube-apiserver, and by clients of HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod before_the_watch;
mod client;
mod command_line;
mod control;
mod controller;
mod guardrail;
mod http;
mod manifests;
mod printed;
mod reinvocation;
mod restarts;
mod serving_secret;
mod stand;
mod steps;
