//! The members of a pod that injection reads.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::Note;
use crate::view::{List, Object, Shape, Text};

/// A pod to inject into, read from its JSON without copying it.
///
/// Only what decides about the injection is kept (annotations, labels, volumes, containers and what tells the operating
/// system); a patch needs nothing else, and fields that this program does not know cannot be lost.
#[derive(Debug, Default)]
pub struct Pod<'p> {
    members: Object<PodMembers<'p>>,
}

impl<'p> Pod<'p> {
    /// Reads the JSON text of a pod, such as `request.object` of an AdmissionReview.
    ///
    /// Fails where the text is not JSON, or where an object that is read has a member twice. A member of the wrong type
    /// is no error here: it becomes a note of the injection.
    pub fn from_json(json: &'p [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json).map(|members| Self { members })
    }

    pub(crate) fn metadata(&self) -> Option<&Metadata<'p>> {
        self.members.members()?.metadata.members()
    }

    pub(crate) fn has_wrong_metadata(&self) -> bool {
        let members = self.members.members();
        members.is_some_and(|members| matches!(members.metadata, Shape::Wrong))
    }

    pub(crate) fn spec(&self) -> Option<&Spec<'p>> {
        self.members.members()?.spec.members()
    }
}

impl<'p> From<&'p Value> for Pod<'p> {
    fn from(pod: &'p Value) -> Self {
        // A `Value` has no member twice and every type is accepted, so there is nothing left to fail.
        let members = Object::deserialize(pod).unwrap_or(Shape::Wrong);
        Self { members }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct PodMembers<'p> {
    #[serde(borrow, default)]
    metadata: Object<Metadata<'p>>,
    #[serde(borrow, default)]
    spec: Object<Spec<'p>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata<'p> {
    #[serde(borrow, default)]
    pub(crate) name: Text<'p>,
    #[serde(borrow, default, rename = "generateName")]
    pub(crate) generate_name: Text<'p>,
    #[serde(borrow, default)]
    pub(crate) annotations: Object<Texts<'p>>,
    #[serde(borrow, default)]
    pub(crate) labels: Object<Texts<'p>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec<'p> {
    #[serde(borrow, default)]
    node_selector: Object<Texts<'p>>,
    #[serde(borrow, default)]
    os: Object<Os<'p>>,
    #[serde(borrow, default)]
    pub(crate) volumes: List<Object<Volume<'p>>>,
    #[serde(borrow, default)]
    pub(crate) init_containers: List<Object<Container<'p>>>,
    #[serde(borrow, default)]
    pub(crate) containers: List<Object<Container<'p>>>,
}

#[derive(Debug, Deserialize)]
struct Os<'p> {
    #[serde(borrow, default)]
    name: Text<'p>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container<'p> {
    #[serde(borrow, default)]
    pub(crate) name: Text<'p>,
    #[serde(borrow, default)]
    pub(crate) env: List<Object<Variable<'p>>>,
    #[serde(borrow, default)]
    pub(crate) volume_mounts: List<Object<Mount<'p>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Variable<'p> {
    #[serde(borrow, default)]
    pub(crate) name: Text<'p>,
    #[serde(borrow, default)]
    pub(crate) value: Text<'p>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount<'p> {
    #[serde(borrow, default)]
    pub(crate) name: Text<'p>,
    #[serde(borrow, default)]
    pub(crate) mount_path: Text<'p>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Volume<'p> {
    #[serde(borrow, default)]
    pub(crate) name: Text<'p>,
    #[serde(borrow, default)]
    projected: Object<Projected<'p>>,
}

#[derive(Debug, Deserialize)]
struct Projected<'p> {
    #[serde(borrow, default)]
    sources: List<Object<Source<'p>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source<'p> {
    #[serde(borrow, default)]
    service_account_token: Object<TokenSource<'p>>,
    #[serde(borrow, default, rename = "downwardAPI")]
    downward_api: Object<DownwardApi<'p>>,
}

#[derive(Debug, Deserialize)]
struct DownwardApi<'p> {
    #[serde(borrow, default)]
    items: List<Object<DownwardApiItem<'p>>>,
}

#[derive(Debug, Deserialize)]
struct DownwardApiItem<'p> {
    #[serde(borrow, default)]
    path: Text<'p>,
}

#[derive(Debug, Deserialize)]
struct TokenSource<'p> {
    #[serde(borrow, default)]
    path: Text<'p>,
}

/// The members of an object whose values are texts, in the order in which they stand.
#[derive(Debug, Default)]
pub(crate) struct Texts<'p>(Vec<(Cow<'p, str>, Text<'p>)>);

impl Texts<'_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Text<'_>)> {
        self.0.iter().map(|(name, text)| (name.as_ref(), text))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Text<'_>> {
        let mut members = self.0.iter();
        members.find(|(own, _)| own == name).map(|(_, text)| text)
    }
}

impl<'de: 'p, 'p> Deserialize<'de> for Texts<'p> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        // A key is read as a `Text` because a `Cow` alone never borrows.
        while let Some((name, text)) = map.next_entry::<Text<'de>, Text<'de>>()? {
            if let Shape::Is(name) = name {
                members.push((name, text));
            }
        }
        Ok(Texts(members))
    }
}

impl Spec<'_> {
    /// Whether the pod runs on Windows, told by its node selector, as the peer does, or by `os.name`, which the peer
    /// does not know.
    pub(crate) fn is_windows(&self) -> bool {
        let selects = |label| {
            let selector = self.node_selector.members();
            selector
                .and_then(|selector| selector.get(label))
                .is_some_and(|name| name.text() == "windows")
        };
        let os = self.os.members().map_or("", |os| os.name.text());
        selects("beta.kubernetes.io/os") || selects("kubernetes.io/os") || os == "windows"
    }
}

impl Volume<'_> {
    /// Whether the volume projects a service account token to a file of that name.
    pub(crate) fn projects_token(&self, file_name: &str) -> bool {
        self.sources().any(|source| {
            let token = source.service_account_token.members();
            token.is_some_and(|token| token.path.text() == file_name)
        })
    }

    /// Whether the volume projects a field of the pod to a file of that name.
    pub(crate) fn projects_field(&self, file_name: &str) -> bool {
        self.sources()
            .filter_map(|source| source.downward_api.members()?.items.as_ref())
            .flatten()
            .filter_map(Shape::members)
            .any(|item| item.path.text() == file_name)
    }

    fn sources(&self) -> impl Iterator<Item = &Source<'_>> {
        let sources = self.projected.members().map(|projected| &projected.sources);
        let sources = sources.and_then(Shape::as_ref);
        sources.into_iter().flatten().filter_map(Shape::members)
    }
}

/// Returns the objects of a list; an absent list is empty, and what has the wrong type is a note.
pub(crate) fn objects<'v, T>(
    list: &'v List<Object<T>>,
    pointer: &str,
    member: &str,
) -> Result<Vec<&'v T>, Note> {
    let items = match list {
        Shape::Absent => return Ok(Vec::new()),
        Shape::Wrong => return Err(Note::malformed(format!("{pointer}/{member}"), "a list")),
        Shape::Is(items) => items,
    };
    let object = |(index, item): (usize, &'v Object<T>)| {
        item.members()
            .ok_or_else(|| Note::malformed(format!("{pointer}/{member}/{index}"), "an object"))
    };
    items.iter().enumerate().map(object).collect()
}
