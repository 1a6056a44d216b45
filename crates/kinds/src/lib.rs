//! Kubernetes and OpenShift kinds as podpass reads them, their annotations, and the reason codes.
//!
//! Everything here is pure: text comes in, typed values or errors with file, line and column come out.
//!
//! - [`Reason`]: why something was denied, refused or left alone.
//! - [`read_credentials_requests`]: files of `CredentialsRequest`s, as `ccoctl` takes them.
//! - [`read_objects`]: any manifests; [`ServiceAccountView`] and [`PodManifest`] are what injection needs of them.
//! - [`spelling`]: which word was probably meant.
//! - [`placeholder()`]: what somebody was to replace and did not.
//! - [`yaml`]: positioned nodes, and values printed as kubectl prints them.

mod account_ref;
pub mod annotations;
mod boolean;
mod cloud_credential;
mod credentials_request;
mod object;
mod placeholder;
mod pod;
mod read_error;
mod reason;
mod service_account;
pub mod spelling;
pub mod yaml;

pub use account_ref::{InvalidServiceAccount, ServiceAccountRef};
pub use podpass_policy::{Effect, Position};

pub use boolean::parse_bool;
pub use cloud_credential::CloudCredentialSpec;
pub use credentials_request::{
    Applicability, AwsProviderSpec, CredentialsRequest, CredentialsRequestSpec,
    DEFAULT_CLOUD_TOKEN_PATH, Document, DocumentContent, OtherCloud, PolicyCondition,
    RequestMetadata, RequestName, RequestPlaces, SecretRef, StatementEntry,
    read_credentials_requests,
};
pub use object::{Object, read_objects};
pub use placeholder::placeholder;
pub use pod::{PodManifest, read_pods};
pub use read_error::{Place, Problem, ReadError};
pub use reason::{Reason, UnknownReason};
pub use service_account::{ServiceAccountView, read_service_accounts};
