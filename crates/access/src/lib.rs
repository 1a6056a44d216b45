//! One service account's way to a role.
//!
//! [`Binding`] is the cluster's side of `podpass bind`: the service account, its annotation, and a workload that runs as
//! it. The cloud's side is [`podpass_provision::BoundRole`]. [`local`] is what lets a program outside the cluster be a
//! service account.

mod binding;
mod issuer;
pub mod local;

pub use binding::{Binding, BindingPlan, ClusterStep, MADE_FOR, OtherRole, Refused, Unbound};
pub use issuer::issuer;
