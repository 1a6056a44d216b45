//! Watches: the annotations of all objects of a kind into an index, and single objects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::DynamicResourceScope;
use kube::runtime::watcher::{self, Event};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::connect::Cluster;
use crate::error::ClusterError;
use crate::object::Resource;

/// How a watch is doing.
#[derive(Debug)]
#[non_exhaustive]
pub enum WatchState {
    /// All that there is has been read; changes follow.
    Synced,
    /// It broke, and is tried again within seconds. What was read stays.
    Broken(ClusterError),
}

/// What a watch of annotations fills: it is told of a list from its beginning to its end, and of changes in between lists.
pub trait WatchedAnnotations: Sync {
    /// A list begins: what follows until [`Self::end_list`] is all that there is.
    fn begin_list(&self);
    /// An object is there, or has changed. The namespace is empty for objects of the cluster.
    fn put(&self, namespace: &str, name: &str, annotations: &BTreeMap<String, String>);
    /// An object is gone.
    fn remove(&self, namespace: &str, name: &str);
    /// The list is complete: what it did not name is gone.
    fn end_list(&self);
}

impl Cluster {
    /// Keeps an index like the annotations of all objects of a kind; it never ends. Needs `list` and `watch`.
    ///
    /// A list is read in pages and an object as little more than its annotations, so that memory does not grow with
    /// what else stands in the objects.
    pub async fn watch_annotations(
        &self,
        resource: Resource,
        index: &impl WatchedAnnotations,
        mut tell: impl FnMut(WatchState),
    ) {
        let api: Api<Annotated> = Api::all_with(self.client.clone(), &resource.api());
        let mut events = pin!(watcher::watcher(api, watcher::Config::default()));
        let mut pauses = Pauses::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => {
                    // Each try begins so: nothing has worked yet.
                    index.begin_list();
                    continue;
                }
                Ok(Event::InitApply(object) | Event::Apply(object)) => {
                    let (namespace, name) = object.key();
                    index.put(namespace, name, &object.annotations);
                }
                Ok(Event::Delete(object)) => {
                    let (namespace, name) = object.key();
                    index.remove(namespace, name);
                }
                Ok(Event::InitDone) => {
                    index.end_list();
                    tell(WatchState::Synced);
                }
                Err(error) => {
                    self.tell_broken(resource.plural, error, &mut tell);
                    pauses.wait().await;
                    continue;
                }
            }
            pauses.reset();
        }
    }

    /// Tells what an object is now and whenever it changes, `None` while it does not exist; it never ends.
    ///
    /// Needs `list` and `watch`, which RBAC may grant for this one name.
    pub async fn watch_object(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
        mut seen: impl FnMut(Option<Value>),
        mut tell: impl FnMut(WatchState),
    ) {
        let api: Api<DynamicObject> = self.api(resource, namespace);
        let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = pin!(watcher::watcher(api, only));
        let mut pauses = Pauses::default();
        let mut listed = None;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => {
                    listed = None;
                    continue;
                }
                Ok(Event::InitApply(object)) => listed = serde_json::to_value(object).ok(),
                Ok(Event::InitDone) => {
                    seen(listed.take());
                    tell(WatchState::Synced);
                }
                Ok(Event::Apply(object)) => seen(serde_json::to_value(object).ok()),
                Ok(Event::Delete(_)) => seen(None),
                Err(error) => {
                    self.tell_broken(resource.plural, error, &mut tell);
                    pauses.wait().await;
                    continue;
                }
            }
            pauses.reset();
        }
    }

    fn tell_broken(&self, what: &str, error: watcher::Error, tell: &mut impl FnMut(WatchState)) {
        let (verb, error) = match error {
            watcher::Error::InitialListFailed(error) => ("list", error),
            watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                ("watch", error)
            }
            // The version that was watched from is too old (410), which happens to an idle watch.
            watcher::Error::WatchError(status) => ("watch", kube::Error::Api(status)),
            watcher::Error::NoResourceVersion => return,
        };
        tell(WatchState::Broken(ClusterError::of_request(
            verb,
            what,
            self.server(),
            error,
        )));
    }
}

/// The time between a failure and the next try: ever longer, until something works.
#[derive(Default)]
struct Pauses(u32);

impl Pauses {
    async fn wait(&mut self) {
        tokio::time::sleep(LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(self.0))).await;
        self.0 = (self.0 + 1).min(MOST_DOUBLINGS);
    }

    fn reset(&mut self) {
        self.0 = 0;
    }
}

/// An object of which little is read.
#[derive(Clone, Debug)]
struct Annotated {
    /// Name, namespace and version only; the client asks for them in this form.
    metadata: ObjectMeta,
    annotations: BTreeMap<String, String>,
}

impl Annotated {
    fn key(&self) -> (&str, &str) {
        (
            self.metadata.namespace.as_deref().unwrap_or_default(),
            self.metadata.name.as_deref().unwrap_or_default(),
        )
    }
}

impl<'de> Deserialize<'de> for Annotated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            #[serde(default)]
            metadata: Metadata,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Metadata {
            name: Option<String>,
            namespace: Option<String>,
            resource_version: Option<String>,
            annotations: Option<BTreeMap<String, String>>,
        }
        let Object { metadata } = Object::deserialize(deserializer)?;
        Ok(Self {
            metadata: ObjectMeta {
                name: metadata.name,
                namespace: metadata.namespace,
                resource_version: metadata.resource_version,
                ..ObjectMeta::default()
            },
            annotations: metadata.annotations.unwrap_or_default(),
        })
    }
}

impl kube::Resource for Annotated {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Enough for the longest pause.
const MOST_DOUBLINGS: u32 = 6;
