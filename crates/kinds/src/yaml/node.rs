//! A YAML node that knows where it stands in the file.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::DecodeError;
use crate::Position;

/// A YAML node and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the node starts in the file.
    pub position: Position,
    /// What the node holds.
    pub content: Content,
}

/// What a [`Node`] holds, after resolution of tags, aliases and merge keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean, by the YAML 1.1 words.
    Bool(bool),
    /// An integer or a finite float.
    Number(Number),
    /// A quoted scalar, a block scalar, or a plain one that is nothing else.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order of the file; keys are unique.
    Mapping(Vec<Member>),
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key; a number or boolean becomes its text, as in kubectl.
    pub key: String,
    /// Where the key stands.
    pub key_position: Position,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Returns the member of that key, or `None` when there is none or the node is no mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(members) => members
                .iter()
                .find(|member| member.key == key)
                .map(|member| &member.value),
            _ => None,
        }
    }

    /// Returns the text of a string node.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether the node is `null`, which Kubernetes reads as "absent".
    pub fn is_null(&self) -> bool {
        self.content == Content::Null
    }

    /// Returns the type's name with its article, for messages: `a mapping`, `a string`.
    pub fn type_name(&self) -> &'static str {
        match self.content {
            Content::Null => "null",
            Content::Bool(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::String(_) => "a string",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
        }
    }

    /// Returns the node as a JSON value, without positions.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::String(value) => Value::String(value.clone()),
            Content::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Content::Mapping(members) => {
                let entries = members
                    .iter()
                    .map(|member| (member.key.clone(), member.value.to_json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// Reads the node into a type; an error names the field and its position in the file.
    ///
    /// As in Go, a struct's member that is `null` counts as absent. Unknown members are ignored unless the type
    /// forbids them.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        T::deserialize(self).map_err(|error| error.at(self.position))
    }
}
