//! `CredentialsRequest`: which service accounts need which cloud permissions.

use std::collections::BTreeMap;
use std::fmt;

use podpass_policy::{Effect, Position};
use serde_json::Value;

mod decode;

pub use decode::read_credentials_requests;

use crate::{Reason, annotations};

/// One document of a file of CredentialsRequests.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The number of the document in its file, from 1.
    pub index: usize,
    /// Where the document starts.
    pub position: Position,
    /// What it holds.
    pub content: DocumentContent,
}

/// What a document of a file of CredentialsRequests holds.
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentContent {
    /// A request for AWS.
    Request(Box<CredentialsRequest>),
    /// A request for another cloud, whose provider spec is not read.
    OtherCloud(OtherCloud),
    /// A request that the release deletes from the cluster (`release.openshift.io/delete: "true"`); its spec is not
    /// read, since nothing of it is needed.
    MarkedForDeletion(RequestName),
    /// Nothing but comments, or nothing at all.
    Empty,
}

/// A CredentialsRequest of `cloudcredential.openshift.io/v1` for AWS.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialsRequest {
    /// Name, namespace and annotations.
    pub metadata: RequestMetadata,
    /// What is requested.
    pub spec: CredentialsRequestSpec,
    /// Where its fields stand, for those who judge their values.
    pub places: RequestPlaces,
}

/// Where the fields of a CredentialsRequest stand in the file; for an absent field, where the mapping starts that lacks
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPlaces {
    /// `spec.secretRef.namespace`.
    pub secret_namespace: Position,
    /// `spec.secretRef.name`.
    pub secret_name: Position,
    /// `spec.serviceAccountNames`.
    pub service_account_names: Position,
    /// The items of `spec.serviceAccountNames`.
    pub service_accounts: Vec<Position>,
    /// `spec.cloudTokenPath`.
    pub cloud_token_path: Position,
    /// `spec.providerSpec.statementEntries`.
    pub statement_entries: Position,
    /// `spec.providerSpec.permissionsBoundary`.
    pub permissions_boundary: Position,
}

/// The metadata of a CredentialsRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestMetadata {
    /// The namespace, usually `openshift-cloud-credential-operator`; empty when the file has none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What a CredentialsRequest asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialsRequestSpec {
    /// The permissions, in AWS's terms.
    pub provider_spec: AwsProviderSpec,
    /// The Secret that will hold the credentials.
    pub secret_ref: SecretRef,
    /// The service accounts, in the Secret's namespace, that will use them; empty when the file names none, which is an
    /// error only for those who need them.
    pub service_account_names: Vec<String>,
    /// Where the workload mounts its token; `None` means [`DEFAULT_CLOUD_TOKEN_PATH`]. `ccoctl` ignores it on AWS.
    pub cloud_token_path: Option<String>,
}

/// The Secret that will hold the credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef {
    /// The Secret's namespace, which is also the service accounts'.
    pub namespace: String,
    /// The Secret's name.
    pub name: String,
}

/// `AWSProviderSpec`: the statements of the role's permissions policy.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsProviderSpec {
    /// The statements, in the order of the file.
    pub statement_entries: Vec<StatementEntry>,
    /// The role to assume, set by operators installed through OLM; `ccoctl` ignores it.
    pub sts_iam_role_arn: Option<String>,
    /// The ARN of a policy to limit the role by; an extension of ours, the peer knows only the command's flag.
    pub permissions_boundary: Option<String>,
}

/// One statement of an [`AwsProviderSpec`].
#[derive(Clone, Debug, PartialEq)]
pub struct StatementEntry {
    /// Allow or deny.
    pub effect: Effect,
    /// The actions, at least one.
    pub actions: Vec<String>,
    /// The resource, a single pattern.
    pub resource: String,
    /// The condition block as it stands in the file: booleans and numbers stay such, as in `ccoctl`'s policies.
    pub policy_condition: Option<PolicyCondition>,
    /// Where the statement stands in the file.
    pub position: Position,
}

/// A condition block: operator → condition key → value or values.
pub type PolicyCondition = BTreeMap<String, BTreeMap<String, Value>>;

/// A CredentialsRequest for a cloud other than AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherCloud {
    /// The kind of its provider spec, such as `GCPProviderSpec`.
    pub provider_kind: String,
    /// Which request.
    pub request: RequestName,
}

/// Namespace and name of a CredentialsRequest; shown as `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestName {
    /// The namespace; empty when the file has none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// Whether a request is to be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// It is.
    Yes,
    /// It is to be left out, and why.
    Ignored {
        /// The reason code.
        reason: Reason,
        /// The whole sentence as `ccoctl` logs it, with namespace and name.
        text: String,
    },
}

impl CredentialsRequest {
    /// Decides whether the request is to be processed, by `ccoctl`'s filters in `ccoctl`'s order.
    ///
    /// 1. `release.openshift.io/delete: "true"`: ignored.
    /// 2. `release.openshift.io/feature-set`, whatever its value: ignored without `tech_preview` (the flag
    ///    `--enable-tech-preview`), even `Default`, as the peer does. With it, the request is processed when the
    ///    comma-separated list contains `TechPreviewNoUpgrade`. The peer compares the whole value and so never processes
    ///    the list form that releases use today, `CustomNoUpgrade,TechPreviewNoUpgrade`.
    ///
    /// `capability.openshift.io/name` and the `include.` and `exclude.` annotations are not looked at, as in the peer:
    /// `oc adm release extract --included` has applied them. Nor is `release.openshift.io/feature-gate`, see
    /// [`CredentialsRequest::feature_gates`].
    pub fn applies(&self, tech_preview: bool) -> Applicability {
        let name = self.metadata.request_name();
        let annotation = |key| self.metadata.annotations.get(key).map(String::as_str);
        if annotation(annotations::RELEASE_DELETE) == Some("true") {
            return Applicability::Ignored {
                reason: Reason::MarkedForDeletion,
                text: name.marked_for_deletion(),
            };
        }
        let Some(feature_sets) = annotation(annotations::RELEASE_FEATURE_SET) else {
            return Applicability::Yes;
        };
        let text = if !tech_preview {
            format!("Ignoring CredentialsRequest {name} with tech-preview annotation")
        } else if !feature_sets
            .split(',')
            .any(|set| set.trim() == annotations::TECH_PREVIEW_NO_UPGRADE)
        {
            format!("Ignoring CredentialsRequest {name} with tech-preview value {feature_sets}")
        } else {
            return Applicability::Yes;
        };
        Applicability::Ignored {
            reason: Reason::FeatureSetDisabled,
            text,
        }
    }

    /// The feature gates that the request belongs to, as the annotation lists them.
    ///
    /// Which gates are on stands in the cluster and nowhere in a release's files, so that nobody can decide offline
    /// whether such a request applies.
    pub fn feature_gates(&self) -> Option<&str> {
        let annotations = &self.metadata.annotations;
        annotations
            .get(annotations::RELEASE_FEATURE_GATE)
            .map(String::as_str)
    }
}

impl RequestMetadata {
    /// Returns namespace and name.
    pub fn request_name(&self) -> RequestName {
        RequestName {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

impl RequestName {
    /// Returns the sentence that `ccoctl` logs for a request marked for deletion.
    pub fn marked_for_deletion(&self) -> String {
        format!("Ignoring CredentialsRequest {self} as it is marked for in-cluster deletion")
    }
}

impl fmt::Display for RequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl AwsProviderSpec {
    /// The kind of the provider spec.
    pub const KIND: &'static str = "AWSProviderSpec";
}

impl CredentialsRequest {
    /// The apiVersion of the request and of its provider spec.
    pub const API_VERSION: &'static str = "cloudcredential.openshift.io/v1";
    /// The kind.
    pub const KIND: &'static str = "CredentialsRequest";
}

/// Where OpenShift's own operators mount their token.
pub const DEFAULT_CLOUD_TOKEN_PATH: &str = "/var/run/secrets/openshift/serviceaccount/token";

#[cfg(test)]
mod tests;
