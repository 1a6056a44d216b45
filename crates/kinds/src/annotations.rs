//! Annotation names, as today's tools spell them, and those that were meant to be one of them.

mod misnamed;

pub use misnamed::{Carrier, Misnamed};

/// The domain of the pod identity webhook's annotations unless `--annotation-prefix` says otherwise.
pub const DEFAULT_PREFIX: &str = "eks.amazonaws.com";

/// Suffix on service accounts: the ARN of the IAM role.
pub const ROLE_ARN: &str = "role-arn";

/// Suffix on service accounts: the token's audience; present but empty means the API server's own.
pub const AUDIENCE: &str = "audience";

/// Suffix on service accounts: whether `AWS_STS_REGIONAL_ENDPOINTS=regional` is set.
pub const STS_REGIONAL_ENDPOINTS: &str = "sts-regional-endpoints";

/// Suffix on service accounts and pods: the token's lifetime in seconds.
pub const TOKEN_EXPIRATION: &str = "token-expiration";

/// Suffix on pods and service accounts: comma-separated names of containers that get nothing. The peer reads it on pods
/// only.
pub const SKIP_CONTAINERS: &str = "skip-containers";

/// Suffix on pods and service accounts: comma-separated names of the only containers that get something; the pod's list
/// stands in place of the account's. The peer does not know it.
pub const INCLUDE_CONTAINERS: &str = "include-containers";

/// Suffix on pods and service accounts: the region for SDKs. The peer does not know it.
pub const REGION: &str = "region";

/// On namespaces: patterns of the ARNs of the roles that pods may get there, with `*` and `?`, separated by commas or
/// blanks.
pub const ALLOWED_ROLES: &str = "podpass.dev/allowed-roles";

/// On service accounts: the ARNs, separated by commas, of the roles that a pod takes on after its own, one after the
/// other; its SDKs end as the last one.
pub const ASSUME_ROLE_CHAIN: &str = "podpass.dev/assume-role-chain";

/// On pods, written by the injection: the AWS configuration file that takes on a chain of roles.
pub const AWS_CONFIG: &str = "podpass.dev/aws-config";

/// On pods and service accounts: what names the pod's sessions, `uid`, `name` or `serviceaccount`.
pub const SESSION_NAME: &str = "podpass.dev/session-name";

/// On a CredentialsRequest, `"true"`: the release removes the request from the cluster.
pub const RELEASE_DELETE: &str = "release.openshift.io/delete";

/// On a CredentialsRequest: comma-separated feature sets that the request belongs to.
pub const RELEASE_FEATURE_SET: &str = "release.openshift.io/feature-set";

/// On a CredentialsRequest: comma-separated feature gates that all have to be on for it to be of use.
pub const RELEASE_FEATURE_GATE: &str = "release.openshift.io/feature-gate";

/// The feature set that `--enable-tech-preview` stands for.
pub const TECH_PREVIEW_NO_UPGRADE: &str = "TechPreviewNoUpgrade";

/// Returns the full name of an annotation: `<prefix>/<suffix>`.
pub fn name(prefix: &str, suffix: &str) -> String {
    format!("{prefix}/{suffix}")
}
