//! One service account's way to a role.
//!
//! [`Binding`] is the cluster's side of `podpass bind`: the service account, its annotation, and a workload that runs as
//! it. The cloud's side is [`podpass_provision::BoundRole`]. [`injected`] compares pods with
//! what they should have been given, [`verify`] goes the whole way, [`status`] is how a whole cluster stands, and
//! [`local`] is what lets a program outside the cluster be a service account.

mod binding;
pub mod injected;
mod issuer;
pub mod local;
pub mod status;
pub mod verify;

pub use binding::{Binding, BindingPlan, ClusterStep, MADE_FOR, OtherRole, Refused, Unbound};
pub use issuer::issuer;
