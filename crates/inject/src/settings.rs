//! What an administrator sets for all pods.

use podpass_kinds::annotations::DEFAULT_PREFIX;
use podpass_policy::{AccountId, Partition};

use crate::EndpointUrl;

/// What an administrator sets for all pods; the defaults are those of the peer's flags, and what it does not know is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The domain of all annotations (`--annotation-prefix`).
    pub annotation_prefix: String,
    /// The token's audience unless the service account names one (`--token-audience`); empty leaves the choice to the
    /// API server.
    pub token_audience: String,
    /// Where containers find the token (`--token-mount-path`).
    pub token_mount_path: String,
    /// The token's lifetime in seconds unless service account or pod name one (`--token-expiration`); below
    /// [`MIN_TOKEN_EXPIRATION`] counts as that.
    pub token_expiration: i64,
    /// Whether tokens that live exactly a day live up to two hours less, by [`Identity::draw`](crate::Identity), in pods
    /// with a role too (`--irsa-expiration-jitter`); with container credentials they always do.
    pub irsa_expiration_jitter: bool,
    /// The region for containers that set none, unless pod or service account name one (`--aws-default-region`); `None`
    /// or empty sets none.
    pub default_region: Option<String>,
    /// Whether SDKs use the regional STS endpoint unless the service account says otherwise (`--sts-regional-endpoint`).
    pub sts_regional_endpoints: bool,
    /// Where the roles live that annotations name without an ARN (`--compose-role-arn`, `--aws-account-id`); `None` takes
    /// such a name for a malformed ARN.
    pub compose_role_arn: Option<RoleHome>,
    /// What injected containers talk to in place of AWS (`--inject-endpoint-url`), unless they set `AWS_ENDPOINT_URL`.
    pub endpoint_url: Option<EndpointUrl>,
    /// What pods with container credentials get.
    pub container_credentials: ContainerCredentialsSettings,
}

/// The partition and account of roles that are named without an ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHome {
    /// The partition.
    pub partition: Partition,
    /// The account.
    pub account: AccountId,
}

/// What pods with container credentials (EKS Pod Identity) get; the defaults are those of the peer's flags
/// `--container-credentials-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerCredentialsSettings {
    /// The token's audience; empty leaves the choice to the API server.
    pub audience: String,
    /// Where containers find the token.
    pub token_mount_path: String,
    /// The name of the volume that holds the token.
    pub token_volume_name: String,
    /// The token's file name in that volume.
    pub token_path: String,
    /// The endpoint that gives credentials for the token.
    pub full_uri: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            annotation_prefix: DEFAULT_PREFIX.to_owned(),
            token_audience: "sts.amazonaws.com".to_owned(),
            token_mount_path: "/var/run/secrets/eks.amazonaws.com/serviceaccount".to_owned(),
            token_expiration: DEFAULT_TOKEN_EXPIRATION,
            irsa_expiration_jitter: false,
            default_region: None,
            sts_regional_endpoints: false,
            compose_role_arn: None,
            endpoint_url: None,
            container_credentials: ContainerCredentialsSettings::default(),
        }
    }
}

impl Default for ContainerCredentialsSettings {
    fn default() -> Self {
        Self {
            audience: "pods.eks.amazonaws.com".to_owned(),
            token_mount_path: "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount".to_owned(),
            token_volume_name: "eks-pod-identity-token".to_owned(),
            token_path: "eks-pod-identity-token".to_owned(),
            full_uri: "http://169.254.170.23/v1/credentials".to_owned(),
        }
    }
}

impl RoleHome {
    /// Makes the ARN of a role named in an annotation, whose path may stand before the name.
    pub(crate) fn role_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:role/{name}", self.partition, self.account)
    }
}

/// The shortest lifetime in seconds that the API server accepts for a projected token.
pub const MIN_TOKEN_EXPIRATION: i64 = 600;

/// A token's lifetime in seconds where nothing says otherwise: a day.
pub(crate) const DEFAULT_TOKEN_EXPIRATION: i64 = 86_400;
