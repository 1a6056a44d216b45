//! What the cluster itself publishes as its issuer.

use serde_json::Value;

use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};

/// The issuer's documents as the API server serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedIssuer {
    /// The issuer that the API server signs with.
    pub issuer: String,
    /// The JWKS as the API server serves it.
    pub jwks: String,
}

impl Cluster {
    /// Reads the API server's discovery document and JWKS.
    ///
    /// Needs the cluster role `system:service-account-issuer-discovery`, which a cluster gives to its service accounts.
    pub async fn published_issuer(&self) -> Result<PublishedIssuer, ClusterError> {
        let discovery = self.read_text(DISCOVERY_PATH).await?;
        let document: Value = serde_json::from_str(&discovery).map_err(|error| {
            ClusterError::new(ErrorKind::Other, "the discovery document is not JSON").because(error)
        })?;
        let Some(issuer) = document["issuer"].as_str() else {
            let message = "the API server's discovery document names no issuer";
            return Err(ClusterError::new(ErrorKind::Other, message));
        };
        Ok(PublishedIssuer {
            issuer: issuer.to_owned(),
            jwks: self.read_text(JWKS_PATH).await?,
        })
    }
}

const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";
/// The API server's own path; the `jwks_uri` of its discovery document is for others.
const JWKS_PATH: &str = "/openid/v1/jwks";
