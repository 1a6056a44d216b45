//! Manifests, applied and deleted as kubectl does it, but never over what somebody else installed.

use std::fmt;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::Value;

use crate::FIELD_MANAGER;
use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};
use crate::object::{Resource, resources};

/// An object that is to be in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    resource: Resource,
    namespace: Option<String>,
    name: String,
    object: Value,
}

/// How a manifest and the cluster stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The API server does not know the kind.
    Unserved,
    /// There is no such object.
    Absent,
    /// Applying changes nothing.
    Same,
    /// Applying changes something.
    Differs,
    /// Somebody else installed the object; what its label says of whom.
    Foreign(Option<String>),
}

impl Manifest {
    /// Reads kind, namespace and name; `None` for a kind that this program does not install.
    pub fn of(object: Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (version, kind) = (text("/apiVersion")?, text("/kind")?);
        let resource = resources::ALL
            .into_iter()
            .find(|resource| resource.kind == kind && resource.api_version() == version)?;
        Some(Self {
            resource,
            namespace: text("/metadata/namespace").map(str::to_owned),
            name: text("/metadata/name")?.to_owned(),
            object,
        })
    }

    /// The kind.
    pub fn resource(&self) -> Resource {
        self.resource
    }

    /// Whether both are about the same object.
    pub fn is_of(&self, other: &Self) -> bool {
        (self.resource, &self.namespace, &self.name)
            == (other.resource, &other.namespace, &other.name)
    }

    /// Whether it is the namespace of this name.
    pub fn is_namespace(&self, name: &str) -> bool {
        self.resource == resources::NAMESPACE && self.name == name
    }
}

/// As kubectl names it: `deployment.apps/web`.
impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.resource.kind.to_ascii_lowercase();
        match self.resource.group {
            "" => write!(f, "{kind}/{}", self.name),
            group => write!(f, "{kind}.{group}/{}", self.name),
        }
    }
}

impl Cluster {
    /// Compares a manifest with the cluster; nothing is changed. An object is ours when it carries the label `ours`.
    ///
    /// Whether applying changes something, the API server says, in a dry run: only it knows its defaults.
    pub async fn standing(
        &self,
        manifest: &Manifest,
        ours: (&str, &str),
        force: bool,
    ) -> Result<Standing, ClusterError> {
        let (resource, namespace) = (manifest.resource, manifest.namespace.as_deref());
        let Some(live) = self.get(resource, namespace, &manifest.name).await? else {
            let served = self.serves(resource).await?;
            return Ok(if served {
                Standing::Absent
            } else {
                Standing::Unserved
            });
        };
        let label = live["metadata"]["labels"][ours.0].as_str();
        if label != Some(ours.1) {
            return Ok(Standing::Foreign(label.map(str::to_owned)));
        }
        let mut parameters = PatchParams::apply(FIELD_MANAGER).dry_run();
        parameters.force = force;
        let applied = self.patch_manifest(manifest, &parameters).await?;
        Ok(if content(applied) == content(live) {
            Standing::Same
        } else {
            Standing::Differs
        })
    }

    /// Applies a manifest (server-side apply), which creates the object when it is absent.
    ///
    /// A field that another manager holds with another value is a conflict, unless `force` takes it over.
    pub async fn apply_manifest(
        &self,
        manifest: &Manifest,
        force: bool,
    ) -> Result<(), ClusterError> {
        let mut parameters = PatchParams::apply(FIELD_MANAGER);
        parameters.force = force;
        self.patch_manifest(manifest, &parameters).await.map(drop)
    }

    /// Deletes the object of a manifest; `false` when it is gone already.
    pub async fn delete_manifest(&self, manifest: &Manifest) -> Result<bool, ClusterError> {
        let (resource, namespace) = (manifest.resource, manifest.namespace.as_deref());
        let api = self.api(resource, namespace);
        // As kubectl: what an object owns is collected after it.
        let parameters = DeleteParams::background();
        let deleted = api.delete(&manifest.name, &parameters);
        match self.run("delete", &manifest.to_string(), deleted).await {
            Ok(_) => Ok(true),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn patch_manifest(
        &self,
        manifest: &Manifest,
        parameters: &PatchParams,
    ) -> Result<Value, ClusterError> {
        let (resource, namespace) = (manifest.resource, manifest.namespace.as_deref());
        self.patch(
            resource,
            namespace,
            &manifest.name,
            parameters,
            &Patch::Apply(&manifest.object),
        )
        .await
    }
}

/// An object without what every write changes.
fn content(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for written in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(written);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn manifests_are_named_as_kubectl_names_them() {
        for (version, kind, expected) in [
            ("v1", "ServiceAccount", "serviceaccount/x"),
            ("apps/v1", "Deployment", "deployment.apps/x"),
            (
                "rbac.authorization.k8s.io/v1",
                "ClusterRole",
                "clusterrole.rbac.authorization.k8s.io/x",
            ),
        ] {
            let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
            assert_eq!(Manifest::of(object).unwrap().to_string(), expected);
        }
        let unknown = json!({"apiVersion": "v2", "kind": "Secret", "metadata": {"name": "x"}});
        assert_eq!(Manifest::of(unknown), None);
    }
}
