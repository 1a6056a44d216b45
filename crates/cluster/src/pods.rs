//! Pods as the webhook's controller deals with them: created as a dry run, read page by page, evicted, reported in Events.

use std::ops::ControlFlow;

use http::header::CONTENT_TYPE;
use kube::api::{DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};

use crate::FIELD_MANAGER;
use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};
use crate::object::resources::{EVENT, POD};
use crate::object::{PAGE, not_a_path, to_json, unreadable};

/// What became of an eviction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// The pod is being ended.
    Accepted,
    /// A PodDisruptionBudget does not allow it now; the API server's words.
    Blocked(String),
    /// The pod is gone, or another one has its name.
    Gone,
}

impl Cluster {
    /// Creates a pod as a dry run: the pod as it would be stored, after all admission. Needs `create`.
    pub async fn dry_run_pod(&self, namespace: &str, pod: &Value) -> Result<Value, ClusterError> {
        let object: DynamicObject = serde_json::from_value(pod.clone()).map_err(unreadable)?;
        let parameters = PostParams {
            dry_run: true,
            field_manager: Some(FIELD_MANAGER.to_owned()),
        };
        let api = self.api(POD, Some(namespace));
        let created = self
            .run("create", "pods", api.create(&parameters, &object))
            .await?;
        to_json(&created)
    }

    /// Reads the pods of the cluster that have not ended, each once, a page in memory at a time. Needs `list`.
    ///
    /// Items come without `apiVersion` and `kind`.
    pub async fn each_pod(
        &self,
        mut seen: impl FnMut(&Value) -> ControlFlow<()>,
    ) -> Result<(), ClusterError> {
        let api = self.api(POD, None);
        let alive = "status.phase!=Succeeded,status.phase!=Failed";
        let mut parameters = ListParams::default().fields(alive).limit(PAGE);
        loop {
            let page = self.run("list", "pods", api.list(&parameters)).await?;
            for pod in &page.items {
                if seen(&to_json(pod)?).is_break() {
                    return Ok(());
                }
            }
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => parameters = parameters.continue_token(&next),
                None => return Ok(()),
            }
        }
    }

    /// Asks for a pod's eviction, which PodDisruptionBudgets may refuse; never deletes it otherwise. Needs `create` on
    /// `pods/eviction`.
    pub async fn evict(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<Eviction, ClusterError> {
        let eviction = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": namespace, "name": name},
            "deleteOptions": {"preconditions": {"uid": uid}},
        });
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/eviction");
        let request = http::Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .body(eviction.to_string().into_bytes());
        let request = request.map_err(not_a_path)?;
        let what = format!("pods/eviction `{namespace}/{name}`");
        // `Client::request` repeats nothing, so 429 arrives here.
        match self.client.request::<Value>(request).await {
            Ok(_) => Ok(Eviction::Accepted),
            Err(kube::Error::Api(status)) if status.code == 429 => {
                Ok(Eviction::Blocked(status.message.clone()))
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Eviction::Gone),
            Err(error) => Err(ClusterError::of_request(
                "create",
                &what,
                self.server(),
                error,
            )),
        }
    }

    /// Records an Event (events.k8s.io/v1) under its name; when it is there already, `again` is merged into it. Needs
    /// `create` and `patch`.
    pub async fn record_event(
        &self,
        namespace: &str,
        event: &Value,
        again: &Value,
    ) -> Result<(), ClusterError> {
        let name = event["metadata"]["name"].as_str().unwrap_or_default();
        let object: DynamicObject = serde_json::from_value(event.clone()).map_err(unreadable)?;
        let api = self.api(EVENT, Some(namespace));
        let what = format!("events `{namespace}/{name}`");
        let parameters = PostParams::default();
        let created = api.create(&parameters, &object);
        match self.run("create", &what, created).await {
            Err(error) if *error.kind() == ErrorKind::AlreadyExists => self
                .merge(EVENT, Some(namespace), name, again)
                .await
                .map(drop),
            created => created.map(drop),
        }
    }
}
