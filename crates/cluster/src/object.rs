//! Objects of any kind, as raw JSON.

use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::Value;

use crate::FIELD_MANAGER;
use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};

/// A kind of objects, as the API server names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The plural that stands in URLs and in RBAC.
    pub plural: &'static str,
}

/// The kinds that podpass reads or installs.
pub mod resources {
    use super::Resource;

    macro_rules! resources {
        ($($name:ident $group:literal $version:literal $kind:literal $plural:literal)*) => {
            $(#[doc = concat!("`", $plural, "`.")]
            pub const $name: Resource = Resource {
                group: $group,
                version: $version,
                kind: $kind,
                plural: $plural,
            };)*

            /// All of them.
            pub(crate) const ALL: [Resource; [$($name),*].len()] = [$($name),*];
        };
    }

    resources! {
        NAMESPACE "" "v1" "Namespace" "namespaces"
        SERVICE_ACCOUNT "" "v1" "ServiceAccount" "serviceaccounts"
        POD "" "v1" "Pod" "pods"
        CONFIG_MAP "" "v1" "ConfigMap" "configmaps"
        SECRET "" "v1" "Secret" "secrets"
        SERVICE "" "v1" "Service" "services"
        DEPLOYMENT "apps" "v1" "Deployment" "deployments"
        REPLICA_SET "apps" "v1" "ReplicaSet" "replicasets"
        STATEFUL_SET "apps" "v1" "StatefulSet" "statefulsets"
        DAEMON_SET "apps" "v1" "DaemonSet" "daemonsets"
        JOB "batch" "v1" "Job" "jobs"
        CRON_JOB "batch" "v1" "CronJob" "cronjobs"
        MUTATING_WEBHOOK_CONFIGURATION "admissionregistration.k8s.io" "v1" "MutatingWebhookConfiguration" "mutatingwebhookconfigurations"
        VALIDATING_ADMISSION_POLICY "admissionregistration.k8s.io" "v1" "ValidatingAdmissionPolicy" "validatingadmissionpolicies"
        VALIDATING_ADMISSION_POLICY_BINDING "admissionregistration.k8s.io" "v1" "ValidatingAdmissionPolicyBinding" "validatingadmissionpolicybindings"
        ROLE "rbac.authorization.k8s.io" "v1" "Role" "roles"
        ROLE_BINDING "rbac.authorization.k8s.io" "v1" "RoleBinding" "rolebindings"
        CLUSTER_ROLE "rbac.authorization.k8s.io" "v1" "ClusterRole" "clusterroles"
        CLUSTER_ROLE_BINDING "rbac.authorization.k8s.io" "v1" "ClusterRoleBinding" "clusterrolebindings"
        EVENT "events.k8s.io" "v1" "Event" "events"
        ENDPOINT_SLICE "discovery.k8s.io" "v1" "EndpointSlice" "endpointslices"
        LEASE "coordination.k8s.io" "v1" "Lease" "leases"
        POD_DISRUPTION_BUDGET "policy" "v1" "PodDisruptionBudget" "poddisruptionbudgets"
        NETWORK_POLICY "networking.k8s.io" "v1" "NetworkPolicy" "networkpolicies"
        CERTIFICATE "cert-manager.io" "v1" "Certificate" "certificates"
        ISSUER "cert-manager.io" "v1" "Issuer" "issuers"
        SERVICE_MONITOR "monitoring.coreos.com" "v1" "ServiceMonitor" "servicemonitors"
        PROMETHEUS_RULE "monitoring.coreos.com" "v1" "PrometheusRule" "prometheusrules"
        CLOUD_CREDENTIAL "operator.openshift.io" "v1" "CloudCredential" "cloudcredentials"
        AUTHENTICATION "config.openshift.io" "v1" "Authentication" "authentications"
        INFRASTRUCTURE "config.openshift.io" "v1" "Infrastructure" "infrastructures"
    }
}

impl Resource {
    pub(crate) fn api(self) -> ApiResource {
        let api_version = self.api_version();
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version,
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    /// The apiVersion: `group/version`, or the version alone in the core group.
    pub fn api_version(self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    fn describe(self, namespace: Option<&str>, name: &str) -> String {
        let plural = self.plural;
        match namespace {
            Some(namespace) => format!("{plural} `{namespace}/{name}`"),
            None => format!("{plural} `{name}`"),
        }
    }
}

impl Cluster {
    /// Whether the API server has the kind; that it has objects of it is another question.
    pub async fn serves(&self, resource: Resource) -> Result<bool, ClusterError> {
        let root = if resource.group.is_empty() {
            "/api"
        } else {
            "/apis"
        };
        let listed = self
            .read_text(&format!("{root}/{}", resource.api_version()))
            .await;
        let listed = match listed {
            Err(error) if error.is_not_found() => return Ok(false),
            listed => listed?,
        };
        let listed: Value = serde_json::from_str(&listed).map_err(unreadable)?;
        let names = listed["resources"].as_array().into_iter().flatten();
        Ok(names
            .filter_map(|entry| entry["name"].as_str())
            .any(|name| name == resource.plural))
    }

    /// Reads an object; `None` when it does not exist, or the cluster does not know its kind.
    pub async fn get(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ClusterError> {
        let api = self.api(resource, namespace);
        let what = resource.describe(namespace, name);
        let found = self.run("get", &what, api.get_opt(name)).await;
        let found = found.or_else(without_the_kind)?;
        found.map(|object| to_json(&object)).transpose()
    }

    /// Reads an object's metadata without its content, which for a Secret is what must not be read; `None` as above.
    pub async fn get_metadata(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ClusterError> {
        let api = self.api(resource, namespace);
        let what = resource.describe(namespace, name);
        let found = self.run("get", &what, api.get_metadata_opt(name)).await;
        let found = found.or_else(without_the_kind)?;
        let json = |object| serde_json::to_value(object).map_err(unreadable);
        found.map(json).transpose()
    }

    /// Lists the objects of a namespace, or of all; empty when the cluster does not know the kind.
    ///
    /// `labels` is a label selector in kubectl's form; empty selects all.
    pub async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<Value>, ClusterError> {
        let api = self.api(resource, namespace);
        let mut parameters = ListParams::default().labels(labels).limit(PAGE);
        let mut objects = Vec::new();
        loop {
            let page = self
                .run("list", resource.plural, api.list(&parameters))
                .await;
            let page = match page {
                Err(error) if error.is_not_found() => return Ok(objects),
                page => page?,
            };
            for object in &page.items {
                let mut json = to_json(object)?;
                // Items of a list come without their kind.
                json["apiVersion"] = resource.api_version().into();
                json["kind"] = resource.kind.into();
                objects.push(json);
            }
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => parameters = parameters.continue_token(&next),
                None => return Ok(objects),
            }
        }
    }

    /// Creates an object; one of its name that exists already is left as it is.
    pub(crate) async fn create(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<(), ClusterError> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let what = resource.describe(namespace, name);
        let object: DynamicObject = serde_json::from_value(object.clone()).map_err(unreadable)?;
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let api = self.api(resource, namespace);
        let created = self
            .run("create", &what, api.create(&parameters, &object))
            .await;
        match created {
            Err(error) if *error.kind() == ErrorKind::AlreadyExists => Ok(()),
            created => created.map(drop),
        }
    }

    /// Applies fields to an object as [`FIELD_MANAGER`] (server-side apply), which creates it when it is absent.
    ///
    /// A field that another manager holds with another value is a conflict, unless `force` takes it over.
    pub(crate) async fn apply(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
        fields: &Value,
        force: bool,
    ) -> Result<Value, ClusterError> {
        let mut parameters = PatchParams::apply(FIELD_MANAGER);
        parameters.force = force;
        self.patch(
            resource,
            namespace,
            name,
            &parameters,
            &Patch::Apply(fields),
        )
        .await
    }

    /// Merges fields into an object (RFC 7386); a null removes a member.
    pub(crate) async fn merge(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
        fields: &Value,
    ) -> Result<Value, ClusterError> {
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        self.patch(
            resource,
            namespace,
            name,
            &parameters,
            &Patch::Merge(fields),
        )
        .await
    }

    /// Replaces an object by another version of it, which names the version that was read: one that was changed meanwhile
    /// is a conflict.
    pub(crate) async fn replace(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
        object: &Value,
    ) -> Result<Value, ClusterError> {
        let object: DynamicObject = serde_json::from_value(object.clone()).map_err(unreadable)?;
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let api = self.api(resource, namespace);
        let what = resource.describe(namespace, name);
        let replaced = api.replace(name, &parameters, &object);
        to_json(&self.run("update", &what, replaced).await?)
    }

    pub(crate) async fn patch(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
        parameters: &PatchParams,
        patch: &Patch<&Value>,
    ) -> Result<Value, ClusterError> {
        let api = self.api(resource, namespace);
        let what = resource.describe(namespace, name);
        let patched = self
            .run("patch", &what, api.patch(name, parameters, patch))
            .await?;
        to_json(&patched)
    }

    /// Reads a document of the API server that is no object, by its path.
    pub(crate) async fn read_text(&self, path: &str) -> Result<String, ClusterError> {
        let request = http::Request::get(path).body(Vec::new());
        let request = request.map_err(not_a_path)?;
        self.run("get", path, self.client.request_text(request))
            .await
    }

    pub(crate) fn api(&self, resource: Resource, namespace: Option<&str>) -> Api<DynamicObject> {
        let (client, api) = (self.client.clone(), resource.api());
        match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &api),
            None => Api::all_with(client, &api),
        }
    }
}

/// What a cluster answers that does not know the kind is not found either, but in other words than an object.
fn without_the_kind<T>(error: ClusterError) -> Result<Option<T>, ClusterError> {
    if error.is_not_found() {
        Ok(None)
    } else {
        Err(error)
    }
}

pub(crate) fn to_json(object: &DynamicObject) -> Result<Value, ClusterError> {
    serde_json::to_value(object).map_err(unreadable)
}

pub(crate) fn unreadable(error: serde_json::Error) -> ClusterError {
    ClusterError::new(ErrorKind::Other, "an object is not JSON").because(error)
}

pub(crate) fn not_a_path(error: http::Error) -> ClusterError {
    ClusterError::new(ErrorKind::Other, "the path is not a path").because(error)
}

/// Objects in one page of a list, as kubectl asks for.
pub(crate) const PAGE: u32 = 500;
