//! The Kubernetes API as podpass uses it. No other crate has a Kubernetes client.
//!
//! [`Target`] says which cluster is meant, as kubectl's flags do; [`Cluster`] is a connection to it. What is read comes
//! in podpass's own types or as raw JSON, so that no field is lost that this program does not know. Nothing here decides:
//! reading, writing and naming what went wrong is all.

mod access;
mod caller;
mod connect;
mod error;
mod index;
mod issuer;
mod lease;
mod manifest;
mod names;
mod object;
mod openshift;
mod pods;
mod service_account;
mod token;
mod upkeep;
mod version;
mod watch;
mod webhook;
mod workload;

pub use access::Access;
pub use caller::{Answer, Caller};
pub use connect::{Cluster, Target};
pub use error::{ClusterError, ErrorKind};
pub use index::{IndexSize, Indexed, ServiceAccountIndex};
pub use issuer::PublishedIssuer;
pub use lease::{Lease, LeaseLost};
pub use manifest::{Manifest, Standing};
pub use names::KubeconfigNames;
pub use object::{Resource, resources};
pub use openshift::OpenShift;
pub use pods::Eviction;
pub use service_account::{Annotated, ServiceAccount};
pub use token::{BoundPod, TokenRequest};
pub use version::ServerVersion;
pub use watch::{WatchState, WatchedAnnotations};
pub use webhook::{IdentityWebhook, WebhookTarget};
pub use workload::{Workload, WorkloadRef};

/// The name under which podpass writes fields (server-side apply).
pub const FIELD_MANAGER: &str = "podpass";
