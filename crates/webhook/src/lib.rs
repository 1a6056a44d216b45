//! The pod identity webhook: an admission server that gives each new pod what the identity of its service account needs.
//!
//! It is a drop-in for the Amazon EKS pod identity webhook (v0.6.17): the same paths, answers, annotations and metrics.
//! What is decided about a pod stands in `podpass-inject`; here is how the server knows whom a pod belongs to, and that it
//! never answers before it knows. A review that comes before the first sync, or for a service account that the watch has not
//! told of yet, reads the account from the API server while the pod waits.
//!
//! Beside it runs the controller ([`run_controller`]), which keeps the certificate and looks for pods that were missed.

mod admission;
mod causes;
mod controller;
mod credentials_file;
mod debug;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod identities;
mod metrics;
mod namespaces;
mod options;
mod reads;
mod review;
mod routes;
mod server;
mod serving_secret;
mod watches;

pub use controller::{ControllerOptions, run_controller};
pub use options::{CertificateSource, Options};
pub use server::{StartError, run};
