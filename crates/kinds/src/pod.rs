//! Pods and the pod templates of workloads, as raw JSON.

use serde_json::{Map, Value, json};

use crate::object::{Object, read_objects};
use crate::read_error::{Problem, ReadError};
use crate::service_account::{DEFAULT_NAMESPACE, none_found};
use crate::yaml::{Content, DecodeError};

/// An object that is a pod or holds the template of its pods.
///
/// The object stays raw JSON, so that no field is lost that this program does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct PodManifest {
    object: Value,
    /// Member names from the object to the pod; empty for a Pod.
    path: &'static [&'static str],
}

/// Reads the pods and workloads of a YAML or JSON stream; objects of other kinds are left out.
///
/// A file without any of them is an error.
pub fn read_pods(file: &str, text: &str) -> Result<Vec<PodManifest>, ReadError> {
    let mut pods = Vec::new();
    for object in read_objects(file, text)? {
        pods.extend(object.pod()?);
    }
    if pods.is_empty() {
        return Err(none_found(file, "Pod or workload"));
    }
    Ok(pods)
}

impl PodManifest {
    /// Reads an object that an API server gave; of another kind than those of [`read_pods`] is an error.
    pub fn of_json(object: Value) -> Result<Self, ReadError> {
        let mut pods = read_pods("object", &object.to_string())?;
        let mut pod = pods.swap_remove(0);
        pod.object = object;
        Ok(pod)
    }

    /// Returns the whole object.
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// Returns whether the object is a workload, so that its controller makes the pods.
    pub fn is_template(&self) -> bool {
        !self.path.is_empty()
    }

    /// Returns the object's namespace; `default` when it names none.
    pub fn namespace(&self) -> &str {
        self.object
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    /// Returns the object's name.
    pub fn name(&self) -> Option<&str> {
        self.object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
    }

    /// Returns the JSON pointer (RFC 6901) from the object to the pod; empty for a Pod.
    pub fn pod_pointer(&self) -> String {
        self.path.iter().flat_map(|member| ["/", member]).collect()
    }

    /// Returns the name of the service account that the pod runs as.
    ///
    /// Without one it is `default`; the deprecated `serviceAccount` counts, as the API server copies it over.
    pub fn service_account_name(&self) -> &str {
        let spec = self.object.pointer(&format!("{}/spec", self.pod_pointer()));
        let member = |name| {
            spec.and_then(|spec| spec.get(name))
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())
        };
        member("serviceAccountName")
            .or_else(|| member("serviceAccount"))
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    /// Returns the pod: the object itself, or the pod that a workload's controller would make of the template.
    ///
    /// The latter has apiVersion, kind, the workload's namespace and a `generateName` added, and otherwise the template's
    /// fields.
    pub fn pod(&self) -> Value {
        let template = self
            .object
            .pointer(&self.pod_pointer())
            .cloned()
            .unwrap_or_else(|| json!({}));
        let Value::Object(mut pod) = template else {
            return template;
        };
        if self.is_template() {
            pod.insert("apiVersion".to_owned(), json!("v1"));
            pod.insert("kind".to_owned(), json!("Pod"));
            let metadata = pod
                .entry("metadata")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(metadata) = metadata {
                if let Some(namespace) = self.object.pointer("/metadata/namespace") {
                    metadata
                        .entry("namespace")
                        .or_insert_with(|| namespace.clone());
                }
                let generated = format!("{}-", self.name().unwrap_or_default());
                metadata
                    .entry("generateName")
                    .or_insert(Value::String(generated));
            }
        }
        Value::Object(pod)
    }

    /// Returns the object with another pod or pod template in place of its own.
    #[must_use]
    pub fn with_pod(&self, pod: Value) -> Value {
        let mut object = self.object.clone();
        if let Some(place) = object.pointer_mut(&self.pod_pointer()) {
            *place = pod;
        }
        object
    }

    /// Returns the pod or the template exactly as it stands in the object.
    pub fn raw_pod(&self) -> &Value {
        self.object
            .pointer(&self.pod_pointer())
            .unwrap_or(&Value::Null)
    }
}

impl Object {
    /// Reads the object as a pod or a workload; `None` when it is of another kind.
    ///
    /// Workloads are Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob and ReplicationController, and
    /// OpenShift's DeploymentConfig.
    pub fn pod(&self) -> Result<Option<PodManifest>, ReadError> {
        let Some((_, _, path)) = KINDS_WITH_PODS.iter().find(|(api_version, kind, _)| {
            *kind == self.kind() && *api_version == self.api_version()
        }) else {
            let same_kind = KINDS_WITH_PODS
                .iter()
                .find(|(_, kind, _)| *kind == self.kind());
            return match same_kind {
                Some((expected, ..)) => self.expect_api_version(expected).map(|()| None),
                None => Ok(None),
            };
        };
        let mut node = self.node();
        let mut walked: Vec<&str> = Vec::new();
        for member in path.iter().chain(&["spec"]) {
            walked.push(member);
            let Some(next) = node.get(member).filter(|next| !next.is_null()) else {
                return Err(
                    self.field_error(DecodeError::missing(node.position, &walked.join(".")))
                );
            };
            if !matches!(next.content, Content::Mapping(_)) {
                let error = DecodeError::invalid_value(
                    next.position,
                    format!("expected a mapping, found {}", next.type_name()),
                );
                return Err(self.error_at(next, Problem::Field(error.within(walked.join(".")))));
            }
            node = next;
        }
        Ok(Some(PodManifest {
            object: self.to_json(),
            path,
        }))
    }
}

const KINDS_WITH_PODS: &[(&str, &str, &[&str])] = &[
    ("v1", "Pod", &[]),
    ("apps/v1", "Deployment", &["spec", "template"]),
    ("apps/v1", "ReplicaSet", &["spec", "template"]),
    ("apps/v1", "StatefulSet", &["spec", "template"]),
    ("apps/v1", "DaemonSet", &["spec", "template"]),
    ("batch/v1", "Job", &["spec", "template"]),
    (
        "batch/v1",
        "CronJob",
        &["spec", "jobTemplate", "spec", "template"],
    ),
    ("v1", "ReplicationController", &["spec", "template"]),
    (
        "apps.openshift.io/v1",
        "DeploymentConfig",
        &["spec", "template"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: aws-irsa, namespace: irsa-test}\nspec:\n  \
                              futureField: 1\n  template:\n    metadata: {labels: {app: aws}}\n    spec:\n      \
                              serviceAccount: irsa-test\n      containers: [{name: aws}]\n";

    #[test]
    fn pod_of_a_workload_is_its_template() {
        let pods = read_pods("deployment.yaml", DEPLOYMENT).unwrap();
        let [manifest] = &pods[..] else {
            panic!("{pods:?}")
        };
        assert!(manifest.is_template());
        assert_eq!(manifest.pod_pointer(), "/spec/template");
        assert_eq!(manifest.name(), Some("aws-irsa"));
        assert_eq!(manifest.namespace(), "irsa-test");
        assert_eq!(manifest.service_account_name(), "irsa-test");
        let expected = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"labels": {"app": "aws"}, "namespace": "irsa-test", "generateName": "aws-irsa-"},
            "spec": {"serviceAccount": "irsa-test", "containers": [{"name": "aws"}]}
        });
        assert_eq!(manifest.pod(), expected);
        let changed = manifest.with_pod(json!({"spec": {}}));
        assert_eq!(
            changed["spec"],
            json!({"futureField": 1, "template": {"spec": {}}})
        );
    }

    #[test]
    fn pod_is_itself() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [], serviceAccountName: ''}\n";
        let manifest = read_pods("pod.yaml", text).unwrap().remove(0);
        assert!(!manifest.is_template());
        assert_eq!(manifest.pod(), *manifest.object());
        assert_eq!(manifest.raw_pod(), manifest.object());
        assert_eq!(manifest.namespace(), "default");
        assert_eq!(manifest.service_account_name(), "default");
    }

    #[test]
    fn every_workload_kind_is_read() {
        for (api_version, kind, path) in KINDS_WITH_PODS {
            let mut object = json!({"spec": {"containers": []}});
            for member in path.iter().rev() {
                object = json!({*member: object});
            }
            object["apiVersion"] = json!(api_version);
            object["kind"] = json!(kind);
            let pods = read_pods("pods.json", &object.to_string()).unwrap();
            assert_eq!(
                pods[0].raw_pod()["spec"],
                json!({"containers": []}),
                "{kind}"
            );
        }
    }

    #[test]
    fn errors_name_what_is_wrong_and_where() {
        let cases = [
            (
                "apiVersion: extensions/v1beta1\nkind: Deployment\n",
                Reason::FileApiVersionUnexpected,
                (1, 13),
            ),
            (
                "apiVersion: v1\nkind: Pod\n",
                Reason::FileFieldMissing,
                (1, 1),
            ),
            (
                "apiVersion: v1\nkind: Pod\nspec: []\n",
                Reason::FileFieldInvalid,
                (3, 7),
            ),
            (
                "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {}}\n",
                Reason::FileFieldMissing,
                (3, 18),
            ),
            (
                "apiVersion: v1\nkind: Service\n",
                Reason::NothingToDo,
                (1, 1),
            ),
        ];
        for (text, reason, (line, column)) in cases {
            let error = read_pods("pod.yaml", text).unwrap_err();
            let position = error.place.position;
            assert_eq!(
                (error.reason(), position.line, position.column),
                (reason, line, column),
                "{text}: {error}"
            );
        }
    }
}
