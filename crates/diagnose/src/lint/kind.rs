//! What a document is, told from its content.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a document of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A policy that says what may be done.
    PermissionsPolicy,
    /// A policy that says who may assume a role.
    TrustPolicy,
    /// A policy that says who may do what with a bucket.
    BucketPolicy,
    /// A CredentialsRequest.
    CredentialsRequest,
    /// A ServiceAccount.
    ServiceAccount,
    /// A Pod.
    Pod,
    /// A Deployment or another kind that makes pods.
    Workload,
    /// A Secret.
    Secret,
    /// An AWS config or credentials file.
    AwsConfig,
    /// PEM blocks.
    Pem,
    /// What `terraform show -json` prints, or Terraform's JSON configuration.
    Terraform,
    /// A request to AWS's API or its answer, with policies in it.
    AwsApi,
    /// Nothing but blanks and comments.
    Empty,
    /// A Kubernetes object of a kind that is not checked.
    OtherObject,
    /// Anything else.
    Unknown,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PermissionsPolicy => "permissions policy",
            Self::TrustPolicy => "trust policy",
            Self::BucketPolicy => "bucket policy",
            Self::CredentialsRequest => "CredentialsRequest",
            Self::ServiceAccount => "ServiceAccount",
            Self::Pod => "Pod",
            Self::Workload => "workload",
            Self::Secret => "Secret",
            Self::AwsConfig => "AWS config file",
            Self::Pem => "PEM file",
            Self::Terraform => "Terraform JSON",
            Self::AwsApi => "AWS API document",
            Self::Empty => "empty",
            Self::OtherObject => "another Kubernetes object",
            Self::Unknown => "unknown",
        })
    }
}

impl Serialize for FileKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
