//! Which Kubernetes a cluster runs.

use crate::connect::Cluster;
use crate::error::ClusterError;

/// What the API server says of itself under `/version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// Its version, such as `v1.36.3`.
    pub git_version: String,
    /// Its platform in Go's words, such as `linux/amd64`.
    pub platform: String,
}

impl Cluster {
    /// Asks the API server for its version, which every authenticated user may.
    pub async fn version(&self) -> Result<ServerVersion, ClusterError> {
        let answered = self
            .run("get", "/version", self.client.apiserver_version())
            .await?;
        Ok(ServerVersion {
            git_version: answered.git_version,
            platform: answered.platform,
        })
    }
}
