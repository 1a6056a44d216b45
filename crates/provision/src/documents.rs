//! Reading and extending policy documents that others wrote, without losing what they wrote.
//!
//! Statements are kept as the JSON text they were: a statement that podpass does not understand is still somebody's.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A policy document whose statements are uninterpreted JSON.
#[derive(Debug)]
pub(crate) struct RawDocument {
    version: Option<String>,
    id: Option<String>,
    statements: Vec<Box<RawValue>>,
}

/// An element that may be a single value or a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

// === impl RawDocument ===

impl RawDocument {
    pub(crate) fn new<S: Serialize>(statements: &[S]) -> Self {
        Self {
            version: Some(VERSION.to_owned()),
            id: None,
            statements: statements.iter().map(raw).collect(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let read: Read<'_> = serde_json::from_str(text)?;
        // An untagged enum cannot borrow raw JSON, so the first character decides.
        let statements = if read.statement.get().starts_with('[') {
            serde_json::from_str(read.statement.get())?
        } else {
            vec![read.statement.to_owned()]
        };
        Ok(Self {
            version: read.version,
            id: read.id,
            statements,
        })
    }

    /// Each statement read as `T`; `None` for one that has another shape.
    pub(crate) fn statements<T: DeserializeOwned>(&self) -> impl Iterator<Item = Option<T>> {
        self.statements
            .iter()
            .map(|statement| serde_json::from_str(statement.get()).ok())
    }

    pub(crate) fn push<S: Serialize>(&mut self, statement: &S) {
        self.statements.push(raw(statement));
    }

    pub(crate) fn replace<S: Serialize>(&mut self, index: usize, statement: &S) {
        self.statements[index] = raw(statement);
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.statements.remove(index);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    pub(crate) fn to_json(&self) -> String {
        to_json(&Written {
            version: self.version.as_deref(),
            id: self.id.as_deref(),
            statement: &self.statements,
        })
    }
}

// === impl OneOrMany ===

impl<T> OneOrMany<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Read<'a> {
    version: Option<String>,
    id: Option<String>,
    #[serde(borrow)]
    statement: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    statement: &'a [Box<RawValue>],
}

/// Compact JSON with the members in the order of the struct.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our structs have string keys and no failing serialiser")
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value)
        .expect("our structs have string keys and no failing serialiser")
}

/// The only version of the policy language that has variables; every document podpass writes has it.
pub(crate) const VERSION: &str = "2012-10-17";
