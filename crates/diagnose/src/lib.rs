//! From a trace, an AWS message or a document to findings: reason code, place, expected, actual, smallest edit.
//!
//! Pure: text and values come in, findings come out.

mod finding;

pub use finding::{Finding, Severity};
