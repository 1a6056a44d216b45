//! Any Kubernetes object of a file, with its place.

use serde_json::Value;

use crate::Position;
use crate::read_error::{Place, Problem, ReadError};
use crate::yaml::{self, Content, DecodeError, Node};

/// A Kubernetes object of a file: apiVersion and kind are known to be there, nothing else is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    file: String,
    document: usize,
    api_version: String,
    kind: String,
    node: Node,
}

/// Reads all objects of a YAML or JSON stream; documents without content are left out.
///
/// `file` is the name to use in errors.
pub fn read_objects(file: &str, text: &str) -> Result<Vec<Object>, ReadError> {
    let documents = yaml::parse(text).map_err(|error| ReadError::from_syntax(file, error))?;
    let objects = documents.into_iter().filter_map(|document| {
        let root = document.root?;
        Some(Object::of(file, document.index, root))
    });
    objects.collect()
}

impl Object {
    /// Returns the number of the document in its file, from 1.
    pub fn document(&self) -> usize {
        self.document
    }

    /// Returns the apiVersion, such as `apps/v1`.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// Returns the kind, such as `Deployment`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns `metadata.name`, if it is there and a string.
    pub fn name(&self) -> Option<&str> {
        self.node.get("metadata")?.get("name")?.as_str()
    }

    /// Returns `metadata.namespace`, if it is there and a string.
    pub fn namespace(&self) -> Option<&str> {
        self.node.get("metadata")?.get("namespace")?.as_str()
    }

    /// Returns the object with the positions of its nodes.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Returns the object as JSON, with all its fields.
    pub fn to_json(&self) -> Value {
        self.node.to_json()
    }

    /// Takes a document's root for an object, or says why it is none.
    pub(crate) fn of(file: &str, document: usize, node: Node) -> Result<Self, ReadError> {
        let object = Self {
            file: file.to_owned(),
            document,
            api_version: String::new(),
            kind: String::new(),
            node,
        };
        if !matches!(object.node.content, Content::Mapping(_)) {
            let problem = Problem::NotAnObject {
                found: object.node.type_name(),
            };
            return Err(object.error_at(&object.node, problem));
        }
        let api_version = object.text_member("apiVersion")?;
        let kind = object.text_member("kind")?;
        Ok(Self {
            api_version,
            kind,
            ..object
        })
    }

    /// Checks the apiVersion of an object whose kind is already known to be right.
    pub(crate) fn expect_api_version(&self, expected: &'static str) -> Result<(), ReadError> {
        if self.api_version == expected {
            return Ok(());
        }
        let problem = Problem::ApiVersion {
            kind: self.kind.clone(),
            found: self.api_version.clone(),
            expected,
        };
        Err(self.error_at(self.node.get("apiVersion").unwrap_or(&self.node), problem))
    }

    /// Makes the error that the object is of another kind than `expected`.
    pub(crate) fn kind_error(&self, expected: &'static str) -> ReadError {
        let problem = Problem::Kind {
            expected,
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
        };
        self.error_at(self.node.get("kind").unwrap_or(&self.node), problem)
    }

    /// Makes an error about a field.
    pub(crate) fn field_error(&self, error: DecodeError) -> ReadError {
        let position = error.position().unwrap_or(self.node.position);
        ReadError {
            place: Box::new(self.place(position)),
            problem: Problem::Field(error),
        }
    }

    /// Makes an error that points to a node of this object.
    pub(crate) fn error_at(&self, node: &Node, problem: Problem) -> ReadError {
        ReadError {
            place: Box::new(self.place(node.position)),
            problem,
        }
    }

    fn place(&self, position: Position) -> Place {
        let object = match (self.kind.as_str(), self.name()) {
            ("", _) => None,
            (kind, Some(name)) => Some(format!("{kind} `{name}`")),
            (kind, None) => Some(format!("{kind} without a name")),
        };
        Place {
            file: self.file.clone(),
            document: self.document,
            position,
            object,
        }
    }

    fn text_member(&self, key: &str) -> Result<String, ReadError> {
        match self.node.get(key) {
            Some(node) if !node.is_null() => node
                .decode()
                .map_err(|error| self.field_error(error.within(key))),
            _ => Err(self.field_error(DecodeError::missing(self.node.position, key))),
        }
    }
}
