//! Service accounts: reading, creating, annotating.

use std::collections::BTreeMap;

use jiff::Timestamp;
use podpass_kinds::ServiceAccountView;
use serde_json::{Value, json};

use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};
use crate::object::resources::{NAMESPACE, SERVICE_ACCOUNT};

/// A service account as it stands in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// What injection needs of it.
    pub view: ServiceAccountView,
    /// The version that was read.
    pub resource_version: String,
    /// Which manager wrote each annotation, and when, as far as the API server says so.
    pub annotated: BTreeMap<String, Annotated>,
}

/// Who wrote an annotation last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// The field manager, such as `kubectl-annotate`.
    pub manager: String,
    /// When that manager wrote last.
    pub time: Option<Timestamp>,
}

impl Cluster {
    /// Reads a service account; `None` when it does not exist.
    pub async fn service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ServiceAccount>, ClusterError> {
        let found = self.get(SERVICE_ACCOUNT, Some(namespace), name).await?;
        Ok(found.as_ref().map(ServiceAccount::of_json))
    }

    /// Lists the service accounts of a namespace, or of all.
    pub async fn service_accounts(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<ServiceAccount>, ClusterError> {
        let found = self.list(SERVICE_ACCOUNT, namespace, "").await?;
        Ok(found.iter().map(ServiceAccount::of_json).collect())
    }

    /// Whether the namespace exists.
    pub async fn has_namespace(&self, namespace: &str) -> Result<bool, ClusterError> {
        Ok(self.get(NAMESPACE, None, namespace).await?.is_some())
    }

    /// Creates a namespace; one that exists already is left as it is.
    pub async fn create_namespace(&self, namespace: &str) -> Result<(), ClusterError> {
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        self.create(NAMESPACE, None, &object).await
    }

    /// Creates a service account; one that exists already is left as it is.
    pub async fn create_service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<(), ClusterError> {
        let object = manifest(namespace, name, &json!({}));
        self.create(SERVICE_ACCOUNT, Some(namespace), &object).await
    }

    /// Sets annotations of a service account that exists. Annotations of podpass's that are not among them are removed.
    ///
    /// An annotation that another manager holds with another value is a conflict, unless `adopt` takes it over.
    pub async fn annotate_service_account(
        &self,
        account: &ServiceAccount,
        annotations: &BTreeMap<String, String>,
        adopt: bool,
    ) -> Result<(), ClusterError> {
        let (namespace, name) = (&account.view.namespace, &account.view.name);
        let mut object = manifest(namespace, name, &json!(annotations));
        // The uid keeps the call from creating an account that is gone by now.
        object["metadata"]["uid"] = json!(account.view.uid);
        self.apply(SERVICE_ACCOUNT, Some(namespace), name, &object, adopt)
            .await
            .map(drop)
    }

    /// Removes annotations of the version of a service account that was read, whoever wrote them.
    pub async fn remove_annotations(
        &self,
        account: &ServiceAccount,
        names: &[String],
    ) -> Result<(), ClusterError> {
        let removed: BTreeMap<&String, Value> =
            names.iter().map(|name| (name, Value::Null)).collect();
        let fields = json!({"metadata": {
            "resourceVersion": account.resource_version,
            "annotations": removed,
        }});
        let (namespace, name) = (&account.view.namespace, &account.view.name);
        self.merge(SERVICE_ACCOUNT, Some(namespace), name, &fields)
            .await
            .map(drop)
    }

    /// Reads a service account that has to be there.
    pub async fn existing_service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<ServiceAccount, ClusterError> {
        let found = self.service_account(namespace, name).await?;
        found.ok_or_else(|| {
            let message = format!("there is no service account `{namespace}/{name}`");
            ClusterError::new(ErrorKind::NotFound, message)
        })
    }
}

fn manifest(namespace: &str, name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
    })
}

impl ServiceAccount {
    fn of_json(object: &Value) -> Self {
        let metadata = &object["metadata"];
        let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
        let annotations = metadata["annotations"].as_object();
        let annotations = annotations.into_iter().flatten();
        let annotations = annotations
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Self {
            view: ServiceAccountView {
                namespace: text("namespace"),
                name: text("name"),
                uid: metadata["uid"].as_str().map(str::to_owned),
                annotations: annotations.collect(),
            },
            resource_version: text("resourceVersion"),
            annotated: annotated(metadata),
        }
    }
}

/// Reads from managedFields who wrote which annotation. Where several did, the last counts.
fn annotated(metadata: &Value) -> BTreeMap<String, Annotated> {
    let mut all: BTreeMap<String, Annotated> = BTreeMap::new();
    let entries = metadata["managedFields"].as_array();
    for entry in entries.into_iter().flatten() {
        let written = Annotated {
            manager: entry["manager"].as_str().unwrap_or_default().to_owned(),
            time: entry["time"].as_str().and_then(|time| time.parse().ok()),
        };
        let fields = entry.pointer("/fieldsV1/f:metadata/f:annotations");
        let names = fields.and_then(Value::as_object).into_iter().flatten();
        for name in names.filter_map(|(name, _)| name.strip_prefix("f:")) {
            let is_later = all.get(name).is_none_or(|known| known.time <= written.time);
            if is_later {
                all.insert(name.to_owned(), written.clone());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_tell_who_wrote_an_annotation_last() {
        let role =
            json!({"f:metadata": {"f:annotations": {".": {}, "f:eks.amazonaws.com/role-arn": {}}}});
        let object = json!({"metadata": {
            "namespace": "ns", "name": "sa", "uid": "u", "resourceVersion": "7",
            "annotations": {"eks.amazonaws.com/role-arn": "r"},
            "managedFields": [
                {"manager": "helm", "time": "2026-11-24T10:00:00Z", "fieldsV1": role},
                {"manager": "kubectl-annotate", "time": "2026-11-25T10:00:00Z", "fieldsV1": role},
                {"manager": "other", "time": "2026-11-26T10:00:00Z", "fieldsV1": {"f:secrets": {}}}
            ]
        }});
        let account = ServiceAccount::of_json(&object);
        let written = &account.annotated["eks.amazonaws.com/role-arn"];
        assert_eq!(written.manager, "kubectl-annotate");
        assert_eq!(written.time, "2026-11-25T10:00:00Z".parse().ok());
        assert_eq!(account.annotated.len(), 1);
        assert_eq!(account.view.subject(), "system:serviceaccount:ns:sa");
    }
}
