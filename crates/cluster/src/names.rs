//! Names alone, for whoever has to choose one: of objects, and of what a kubeconfig has.

use kube::api::ListParams;
use kube::config::Kubeconfig;

use crate::connect::{Cluster, Target};
use crate::error::ClusterError;
use crate::object::Resource;

/// What a kubeconfig has, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeconfigNames {
    /// Its contexts.
    pub contexts: Vec<String>,
    /// Its clusters.
    pub clusters: Vec<String>,
    /// Its users.
    pub users: Vec<String>,
}

impl Cluster {
    /// Lists the names of a namespace's objects, or of all. Only metadata is read, and only what the API server gives
    /// in one answer.
    pub async fn names(
        &self,
        resource: Resource,
        namespace: Option<&str>,
    ) -> Result<Vec<String>, ClusterError> {
        let api = self.api(resource, namespace);
        let all = ListParams::default();
        let found = self
            .run("list", resource.plural, api.list_metadata(&all))
            .await?;
        let names = found.items.into_iter();
        Ok(names.filter_map(|object| object.metadata.name).collect())
    }
}

impl Target {
    /// The names in the kubeconfig that is meant; empty where it cannot be read. No cluster is asked.
    pub fn kubeconfig_names(&self) -> KubeconfigNames {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let Ok(kubeconfig) = read else {
            return KubeconfigNames::default();
        };
        KubeconfigNames {
            contexts: kubeconfig.contexts.into_iter().map(|it| it.name).collect(),
            clusters: kubeconfig.clusters.into_iter().map(|it| it.name).collect(),
            users: kubeconfig
                .auth_infos
                .into_iter()
                .map(|it| it.name)
                .collect(),
        }
    }
}
