//! What tests share: inputs from outside the project, an environment full of traps, the sandbox as a process.
//!
//! Everything here panics on failure, as a test does.

mod cluster;
mod data;
mod home;
mod sandbox;

pub use cluster::Cluster;
pub use data::{foreign_clients, skipped, test_data};
pub use home::{Home, Trap};
pub use sandbox::SandboxProcess;
