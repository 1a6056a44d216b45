//! A finding: what is wrong, where, what was compared, and the fix.

use podpass_kinds::Reason;
use podpass_policy::Position;
use serde::Serialize;

/// Something that is wrong or that will not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The reason code.
    pub code: Reason,
    /// How bad it is.
    pub severity: Severity,
    /// The file it stands in, as the caller named it; `None` when it stands in no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// One clause that names the values, lower-case and without a full stop.
    pub message: String,
    /// The values of which one was expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// What to change, as one imperative clause.
    pub fix: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; it works.
    Note,
    /// It works now and will surprise later, or it gives more than was meant.
    Warning,
    /// It cannot work.
    Error,
}
