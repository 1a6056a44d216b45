//! What an administrator sets for all pods.

use podpass_kinds::annotations::DEFAULT_PREFIX;

/// What an administrator sets for all pods; the defaults are those of the peer's flags.
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
    /// The region for containers that set none (`--aws-default-region`); `None` or empty sets none.
    pub default_region: Option<String>,
    /// Whether SDKs use the regional STS endpoint unless the service account says otherwise (`--sts-regional-endpoint`).
    pub sts_regional_endpoints: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            annotation_prefix: DEFAULT_PREFIX.to_owned(),
            token_audience: "sts.amazonaws.com".to_owned(),
            token_mount_path: "/var/run/secrets/eks.amazonaws.com/serviceaccount".to_owned(),
            token_expiration: 86_400,
            default_region: None,
            sts_regional_endpoints: false,
        }
    }
}

/// The shortest lifetime in seconds that the API server accepts for a projected token.
pub const MIN_TOKEN_EXPIRATION: i64 = 600;
