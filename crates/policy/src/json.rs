//! JSON as policies need it: every value knows its place, members keep their order, and a repeated member is an error.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::{write_compact, write_pretty};

use crate::position::Position;

/// A JSON value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) position: Position,
    /// Right after its last character.
    pub(crate) end: Position,
    pub(crate) value: Value,
}

/// A JSON value. Numbers stay text, so that no digit is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A member of an object; the position is that of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) position: Position,
    pub(crate) name: String,
    pub(crate) node: Node,
}

impl Node {
    /// A node that was made in code.
    pub(crate) fn of(value: Value) -> Self {
        Self {
            position: Position::START,
            end: Position::START,
            value,
        }
    }

    /// A string that was made in code.
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::of(Value::String(text.into()))
    }
}

impl Member {
    /// A member that was made in code.
    pub(crate) fn of(name: impl Into<String>, node: Node) -> Self {
        Self {
            position: Position::START,
            name: name.into(),
            node,
        }
    }
}

impl Value {
    /// The kind of value, with its article, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}
