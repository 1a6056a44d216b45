//! A change as it is kept: the rows that it puts and deletes, and the contents that they refer to.
//!
//! The key of a row begins with the key of what it is in, such as `["account", "123456789012", "role", "reader"]`, so that
//! rows in the order of their keys have each thing before what is in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use super::content::{Content, Digest};
use super::error::StateError;
use super::table::{Extent, Table};

/// The rows of a change.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Each a JSON object.
    rows: Vec<Zeroizing<String>>,
    /// The contents that rows refer to which were put.
    pub(super) held: Vec<Content>,
    /// The contents that rows referred to before.
    pub(super) released: Vec<Digest>,
}

/// The rows of a log, after all its changes.
pub(super) type Kept = BTreeMap<Vec<String>, Value>;

impl Changes {
    /// The row of that key is this from now on.
    pub(crate) fn put(&mut self, key: &[&str], value: &impl Serialize) {
        let (key, value) = (json(&key), json(value));
        let row = format!(r#"{{"key":{},"value":{}}}"#, *key, *value);
        self.rows.push(Zeroizing::new(row));
    }

    /// There is no row of that key from now on.
    pub(crate) fn delete(&mut self, key: &[&str]) {
        let row = format!(r#"{{"key":{}}}"#, *json(&key));
        self.rows.push(Zeroizing::new(row));
    }

    /// A row that was put refers to this content.
    pub(crate) fn hold(&mut self, content: &Content) {
        self.held.push(content.clone());
    }

    /// A row that is another now, or none, referred to this content.
    pub(crate) fn release(&mut self, content: &Content) {
        self.released.push(content.digest());
    }

    /// Puts and deletes the rows of a table under `prefix`.
    pub(crate) fn of_table<V: Serialize>(
        &mut self,
        prefix: &[&str],
        table: &Table<String, V>,
        extent: Extent,
    ) {
        for row in table.touched(extent) {
            let key: Vec<&str> = prefix.iter().copied().chain([row.key.as_str()]).collect();
            match (row.before, row.now) {
                (_, Some(now)) => self.put(&key, now),
                (Some(_), None) => self.delete(&key),
                (None, None) => {}
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The change as one line of a log.
    pub(super) fn as_one(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from("["));
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(row);
        }
        text.push(']');
        text
    }

    /// A line of a log for each row, for a log that is put in the place of another at once.
    pub(super) fn one_by_one(&self) -> Vec<Zeroizing<String>> {
        let rows = self.rows.iter();
        rows.map(|row| Zeroizing::new(format!("[{}]", **row)))
            .collect()
    }
}

/// Reads the lines of a log into the rows that they leave.
pub(super) fn replay(lines: &[Zeroizing<String>]) -> Result<Kept, (usize, serde_json::Error)> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        key: Vec<String>,
        value: Option<Value>,
    }
    let mut kept = Kept::new();
    for (line, number) in lines.iter().zip(1..) {
        let rows: Vec<Row> = serde_json::from_str(line).map_err(|error| (number, error))?;
        for Row { key, value } in rows {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
    }
    Ok(kept)
}

/// Why a row of a log is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// It is not as it should be.
    #[error("{0}")]
    Unreadable(String),
    /// Something that it refers to is not there or is damaged.
    #[error(transparent)]
    State(#[from] StateError),
}

impl RowError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self::Unreadable(problem.into())
    }
}

/// Reads the value of a row. Values are not repeated in the error: some are secret.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, RowError> {
    serde_json::from_value(value).map_err(|_| {
        let kind = std::any::type_name::<T>();
        let kind = kind.rsplit("::").next().unwrap_or(kind);
        RowError::new(format!("its value is no {kind}"))
    })
}

fn json(value: &impl Serialize) -> Zeroizing<String> {
    Zeroizing::new(
        serde_json::to_string(value).expect("rows are structs of texts, numbers and lists"),
    )
}
