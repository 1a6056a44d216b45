//! Workloads and the pods they make.

use std::fmt;
use std::str::FromStr;

use podpass_kinds::{PodManifest, ReadError};
use serde_json::{Value, json};

use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};
use crate::object::Resource;
use crate::object::resources::{
    CRON_JOB, DAEMON_SET, DEPLOYMENT, JOB, POD, REPLICA_SET, STATEFUL_SET,
};

/// A pod or a workload by kind and name, as kubectl names it: `pod/x`, `deploy/x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadRef {
    /// Its kind.
    pub resource: Resource,
    /// Its name.
    pub name: String,
}

/// A pod or a workload as it stands in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub resource: Resource,
    /// The object with its pod or pod template.
    pub manifest: PodManifest,
}

/// A text that names no workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a workload: write one of pod/NAME, deploy/NAME, sts/NAME, ds/NAME, rs/NAME, job/NAME, cronjob/NAME"
)]
pub struct NotAWorkload {
    text: String,
}

impl WorkloadRef {
    /// The kinds, each with kubectl's shortest name for it.
    pub fn kinds() -> impl Iterator<Item = (&'static str, Resource)> {
        KINDS.iter().filter_map(|(names, resource)| {
            let shortest = names.iter().min_by_key(|name| name.len())?;
            Some((*shortest, *resource))
        })
    }
}

impl FromStr for WorkloadRef {
    type Err = NotAWorkload;

    /// Reads `KIND/NAME` with kubectl's singular, plural and short names.
    fn from_str(text: &str) -> Result<Self, NotAWorkload> {
        let refused = || NotAWorkload {
            text: text.to_owned(),
        };
        let (kind, name) = text.split_once('/').ok_or_else(refused)?;
        let kind = kind.to_ascii_lowercase();
        let (_, resource) = KINDS
            .iter()
            .find(|(names, resource)| names.contains(&kind.as_str()) || resource.plural == kind)
            .ok_or_else(refused)?;
        if name.is_empty() || name.contains('/') {
            return Err(refused());
        }
        Ok(Self {
            resource: *resource,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource.kind.to_lowercase(), self.name)
    }
}

impl Cluster {
    /// Reads a pod or workload; `None` when it does not exist.
    pub async fn workload(
        &self,
        namespace: &str,
        reference: &WorkloadRef,
    ) -> Result<Option<Workload>, ClusterError> {
        let found = self
            .get(reference.resource, Some(namespace), &reference.name)
            .await?;
        found
            .map(|object| Workload::of_json(reference.resource, object))
            .transpose()
    }

    /// Lists the pods of a namespace, or of all.
    ///
    /// `labels` is a label selector in kubectl's form; empty selects all.
    pub async fn pods(
        &self,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<Workload>, ClusterError> {
        let found = self.list(POD, namespace, labels).await?;
        found
            .into_iter()
            .map(|object| Workload::of_json(POD, object))
            .collect()
    }

    /// Lists the pods that a workload's selector selects, those of a CronJob's jobs, or the pod itself.
    pub async fn pods_of(&self, workload: &Workload) -> Result<Vec<Workload>, ClusterError> {
        let namespace = workload.manifest.namespace();
        if workload.resource == POD {
            return Ok(vec![workload.clone()]);
        }
        let selector = if workload.resource == CRON_JOB {
            self.jobs_of(workload).await?
        } else {
            workload.selector()
        };
        match selector {
            Some(selector) => self.pods(Some(namespace), &selector).await,
            None => Ok(Vec::new()),
        }
    }

    /// The label selector of the pods of a CronJob's jobs.
    async fn jobs_of(&self, cron_job: &Workload) -> Result<Option<String>, ClusterError> {
        let uid = &cron_job.manifest.object()["metadata"]["uid"];
        let namespace = cron_job.manifest.namespace();
        let jobs = self.list(JOB, Some(namespace), "").await?;
        let is_owned = |job: &&Value| {
            let owners = job["metadata"]["ownerReferences"].as_array();
            owners
                .into_iter()
                .flatten()
                .any(|owner| owner["uid"] == *uid)
        };
        let names = jobs.iter().filter(is_owned);
        let names: Vec<&str> = names
            .filter_map(|job| job["metadata"]["name"].as_str())
            .collect();
        Ok((!names.is_empty()).then(|| format!("{JOB_NAME} in ({})", names.join(","))))
    }

    /// Lets a workload's pods run as another service account, which makes its controller replace them.
    pub async fn set_service_account(
        &self,
        workload: &Workload,
        service_account: &str,
    ) -> Result<(), ClusterError> {
        let mut fields = json!({"spec": {
            "serviceAccountName": service_account,
            // The deprecated name has to agree; the API server copies it only when it is absent.
            "serviceAccount": service_account,
        }});
        let pointer = workload.manifest.pod_pointer();
        for member in pointer
            .split('/')
            .skip(1)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            fields = json!({ member: fields });
        }
        let version = workload
            .manifest
            .object()
            .pointer("/metadata/resourceVersion");
        fields["metadata"] = json!({"resourceVersion": version});
        let name = workload.manifest.name().unwrap_or_default();
        let namespace = workload.manifest.namespace();
        self.merge(workload.resource, Some(namespace), name, &fields)
            .await
            .map(drop)
    }
}

impl Workload {
    fn of_json(resource: Resource, mut object: Value) -> Result<Self, ClusterError> {
        object["apiVersion"] = resource.api_version().into();
        object["kind"] = resource.kind.into();
        let manifest = PodManifest::of_json(object).map_err(|error: ReadError| {
            ClusterError::new(ErrorKind::Other, "the workload has no pod template").because(error)
        })?;
        Ok(Self { resource, manifest })
    }

    /// The label selector of its pods in kubectl's form; `None` for a kind without one.
    fn selector(&self) -> Option<String> {
        let selector = self.manifest.object().pointer("/spec/selector")?;
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        let equal = labels.into_iter().flatten().filter_map(|(key, value)| {
            let value = value.as_str()?;
            Some(format!("{key}={value}"))
        });
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        let sets = expressions.into_iter().flatten().filter_map(expression);
        let all: Vec<String> = equal.chain(sets).collect();
        (!all.is_empty()).then(|| all.join(","))
    }
}

fn expression(expression: &Value) -> Option<String> {
    let key = expression["key"].as_str()?;
    let values = expression["values"].as_array();
    let values: Vec<&str> = values
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    Some(match expression["operator"].as_str()? {
        "In" => format!("{key} in ({})", values.join(",")),
        "NotIn" => format!("{key} notin ({})", values.join(",")),
        "Exists" => key.to_owned(),
        "DoesNotExist" => format!("!{key}"),
        _ => return None,
    })
}

/// The label that the job controller gives to a job's pods, in every version of Kubernetes.
const JOB_NAME: &str = "job-name";

/// kubectl's names of the kinds: singular and short; the plural is the resource's.
const KINDS: &[(&[&str], Resource)] = &[
    (&["pod", "po"], POD),
    (&["deployment", "deploy"], DEPLOYMENT),
    (&["statefulset", "sts"], STATEFUL_SET),
    (&["daemonset", "ds"], DAEMON_SET),
    (&["replicaset", "rs"], REPLICA_SET),
    (&["job"], JOB),
    (&["cronjob", "cj"], CRON_JOB),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_named_as_kubectl_names_them() {
        for (text, kind) in [
            ("deploy/x", "Deployment"),
            ("deployment/x", "Deployment"),
            ("deployments/x", "Deployment"),
            ("po/x", "Pod"),
            ("STS/x", "StatefulSet"),
        ] {
            let reference: WorkloadRef = text.parse().unwrap();
            assert_eq!(
                (reference.resource.kind, reference.name.as_str()),
                (kind, "x")
            );
        }
        for text in ["x", "service/x", "deploy/", "deploy/a/b", "/x"] {
            assert!(text.parse::<WorkloadRef>().is_err(), "{text}");
        }
    }

    #[test]
    fn selector_is_kubectls_form() {
        let object = json!({"metadata": {"name": "x"}, "spec": {
            "selector": {
                "matchLabels": {"app": "a"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["x", "y"]},
                    {"key": "old", "operator": "DoesNotExist"}
                ]
            },
            "template": {"spec": {"containers": []}}
        }});
        let workload = Workload::of_json(DEPLOYMENT, object).unwrap();
        assert_eq!(
            workload.selector().as_deref(),
            Some("app=a,tier in (x,y),!old")
        );
    }
}
