//! The cloud port on the AWS SDK for Rust; the only crate that names it.
//!
//! A [`Connection`] is made either from the environment, with every credential source of the AWS CLI, or from nothing
//! but its arguments, so that demo and tests can never reach anybody's account. It implements
//! [`Observe`](podpass_cloud::Observe), [`Apply`](podpass_cloud::Apply) and [`Exchange`](podpass_cloud::Exchange).

mod answer;
mod apply;
mod calls;
mod connection;
mod error;
mod exchange;
mod http_client;
mod instance;
mod observe;
mod profile;

pub use connection::{Connection, EnvironmentSettings};
pub use instance::{InstanceIdentity, InstanceIdentityError, instance_identity};
pub use profile::profile_settings;
