//! A JSON patch (RFC 6902) of `add` operations.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::Value;
use thiserror::Error;

use crate::Note;
use crate::volume::{FieldRef, Mount, Volume};

/// The operations that inject into a pod, and what is worth knowing about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The operations, in the order in which they apply.
    pub operations: Vec<Operation>,
    /// What was left out, and why.
    pub notes: Vec<Note>,
}

/// One `add` operation of a JSON patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// JSON pointer to the place; `-` as the last part appends to a list.
    pub path: Cow<'static, str>,
    value: Added,
}

/// What an operation adds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Added {
    Variable(Variable),
    Variables(Vec<Variable>),
    Mount(Mount),
    Mounts(Vec<Mount>),
    Volume(Volume),
    Volumes([Volume; 1]),
    /// The value of a label or annotation.
    Text(String),
    /// The labels or annotations, of which this is the only one.
    Texts([(&'static str, String); 1]),
    /// The metadata, with nothing but these labels or annotations.
    Metadata([(&'static str, [(&'static str, String); 1]); 1]),
    #[cfg(test)]
    Value(Value),
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Variable {
    name: &'static str,
    #[serde(flatten)]
    value: VariableValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum VariableValue {
    Value(String),
    #[serde(rename_all = "camelCase")]
    ValueFrom {
        field_ref: FieldRef,
    },
}

impl Variable {
    pub(crate) fn new(name: &'static str, value: &str) -> Self {
        Self {
            name,
            value: VariableValue::Value(value.to_owned()),
        }
    }

    /// A variable that holds a field of the pod.
    pub(crate) fn of_field(name: &'static str, field_path: &'static str) -> Self {
        Self {
            name,
            value: VariableValue::ValueFrom {
                field_ref: FieldRef { field_path },
            },
        }
    }
}

/// An operation that does not fit the document it is applied to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot add at `{path}`: {problem}")]
pub struct PatchError {
    /// The operation's path.
    pub path: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Patch {
    /// Applies the operations to the pod they were made for, or to one that has the same places.
    pub fn apply(&self, pod: &Value) -> Result<Value, PatchError> {
        let mut pod = pod.clone();
        for operation in &self.operations {
            operation.apply(&mut pod)?;
        }
        Ok(pod)
    }

    /// Returns the patch as compact JSON, members in the order `op`, `path`, `value`, as an AdmissionReview carries it
    /// in base64.
    ///
    /// Go writes `<`, `>` and `&` as `\u003c` and so on; here they stand for themselves, which any JSON reader takes for
    /// the same.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            unreachable!("texts and numbers can always be printed: {error}")
        })
    }
}

impl Operation {
    pub(crate) fn add(path: impl Into<Cow<'static, str>>, value: Added) -> Self {
        Self {
            path: path.into(),
            value,
        }
    }

    /// Returns what is added.
    pub fn value(&self) -> Value {
        serde_json::to_value(&self.value)
            .unwrap_or_else(|error| unreachable!("texts and numbers are JSON: {error}"))
    }

    fn apply(&self, document: &mut Value) -> Result<(), PatchError> {
        let error = |problem| PatchError {
            path: self.path.clone().into_owned(),
            problem,
        };
        let Some((parent, last)) = self.path.rsplit_once('/') else {
            if self.path.is_empty() {
                *document = self.value();
                return Ok(());
            }
            return Err(error("a JSON pointer starts with `/`"));
        };
        let parent = document
            .pointer_mut(parent)
            .ok_or_else(|| error("there is nothing to add to"))?;
        let last = last.replace("~1", "/").replace("~0", "~");
        match parent {
            Value::Object(members) => {
                members.insert(last, self.value());
            }
            Value::Array(items) => {
                let index = if last == "-" {
                    Some(items.len())
                } else {
                    parse_index(&last)
                };
                let index = index.filter(|index| *index <= items.len());
                items.insert(
                    index.ok_or_else(|| error("the index is outside the list"))?,
                    self.value(),
                );
            }
            _ => return Err(error("the parent is neither an object nor a list")),
        }
        Ok(())
    }
}

impl Serialize for Patch {
    /// Serialises as the list of operations, which is what RFC 6902 calls a patch.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.operations.serialize(serializer)
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operation = serializer.serialize_struct("Operation", 3)?;
        operation.serialize_field("op", "add")?;
        operation.serialize_field("path", &self.path)?;
        operation.serialize_field("value", &self.value)?;
        operation.end()
    }
}

impl Serialize for Added {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Variable(variable) => variable.serialize(serializer),
            Self::Variables(variables) => variables.serialize(serializer),
            Self::Mount(mount) => mount.serialize(serializer),
            Self::Mounts(mounts) => mounts.serialize(serializer),
            Self::Volume(volume) => volume.serialize(serializer),
            Self::Volumes(volumes) => volumes.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Texts(texts) => {
                serializer.collect_map(texts.iter().map(|(name, text)| (name, text)))
            }
            Self::Metadata(metadata) => {
                let members = metadata
                    .iter()
                    .map(|(name, [text])| (name, BTreeMap::from([(text.0, &text.1)])));
                serializer.collect_map(members)
            }
            #[cfg(test)]
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

/// RFC 6901: digits without a leading zero.
fn parse_index(text: &str) -> Option<usize> {
    let canonical =
        text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(document: &Value, path: &'static str, value: Value) -> Result<Value, PatchError> {
        Patch {
            operations: vec![Operation::add(path, Added::Value(value))],
            notes: Vec::new(),
        }
        .apply(document)
    }

    #[test]
    fn adds_as_rfc_6902_does() {
        let cases = [
            (
                "member of an object",
                json!({"foo": "bar"}),
                "/baz",
                json!({"baz": 1, "foo": "bar"}),
            ),
            (
                "existing member is replaced",
                json!({"foo": "bar"}),
                "/foo",
                json!({"foo": 1}),
            ),
            (
                "middle of a list",
                json!({"foo": ["a", "b"]}),
                "/foo/1",
                json!({"foo": ["a", 1, "b"]}),
            ),
            (
                "front of a list",
                json!({"foo": ["a"]}),
                "/foo/0",
                json!({"foo": [1, "a"]}),
            ),
            (
                "end of a list by its length",
                json!({"foo": ["a"]}),
                "/foo/1",
                json!({"foo": ["a", 1]}),
            ),
            (
                "end of a list by `-`",
                json!({"foo": []}),
                "/foo/-",
                json!({"foo": [1]}),
            ),
            ("escaped slash", json!({}), "/a~1b", json!({"a/b": 1})),
            (
                "escaped tilde before a one",
                json!({}),
                "/a~01",
                json!({"a~1": 1}),
            ),
            ("whole document", json!({"foo": 2}), "", json!(1)),
        ];
        for (name, document, path, expected) in cases {
            assert_eq!(apply(&document, path, json!(1)), Ok(expected), "{name}");
        }
    }

    #[test]
    fn refuses_places_that_do_not_exist() {
        let document = json!({"list": ["a"], "text": "b"});
        for path in [
            "/list/2",
            "/list/01",
            "/list/-1",
            "/list/+0",
            "/absent/x",
            "/text/x",
            "list",
        ] {
            assert!(apply(&document, path, json!(1)).is_err(), "{path}");
        }
    }

    #[test]
    fn json_has_op_path_value_in_this_order() {
        let operation = Operation::add("/spec/volumes", Added::Value(json!([{"name": "<a&b>"}])));
        let patch = Patch {
            operations: vec![operation],
            notes: Vec::new(),
        };
        let expected = r#"[{"op":"add","path":"/spec/volumes","value":[{"name":"<a&b>"}]}]"#;
        assert_eq!(patch.to_json(), expected);
        assert_eq!(serde_json::to_string(&patch).unwrap(), expected);
    }
}
