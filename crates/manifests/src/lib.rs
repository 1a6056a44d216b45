//! The objects that deploy the pod identity webhook: options in, Kubernetes objects out.
//!
//! Everything here is pure. [`WebhookOptions::render`] gives the objects in the order in which they are applied; in
//! reverse they are deleted. [`to_yaml`] prints them. The Helm chart in `deploy/chart` is written by hand and a test
//! compares it with this, object by object; the files in `deploy/manifests` and `deploy/openshift` are printed by it.
//!
//! What somebody else fills in is never rendered, so that applying again takes nothing back: the certificate in the
//! Secret, `caBundle` of the webhook, the holder of the Lease.

mod access;
mod admission;
mod canary;
mod certificates;
mod monitoring;
mod network;
mod options;
mod presets;
mod webhook;
mod workload;

pub use options::{FailurePolicy, InvalidOption, Platform, Tls, WebhookOptions};
pub use presets::{PRESETS, Preset};

use podpass_kinds::yaml;
use serde_json::Value;

/// The label that says who installed an object, and its value for what podpass itself installs.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "podpass");

/// Prints objects as one stream of YAML documents, each in kubectl's layout.
pub fn to_yaml(objects: &[Value]) -> String {
    let documents: Vec<String> = objects.iter().map(yaml::to_string).collect();
    documents.join("---\n")
}
