//! From a trace, an AWS message or a document to findings: reason code, place, expected, actual, smallest edit.
//!
//! Pure: text and values come in, findings come out.

pub mod checkers;
pub mod explain;
mod finding;
mod junit;
pub mod lint;
mod nearness;
mod sarif;
pub mod simulate;

pub use finding::{Finding, Severity};
pub use junit::junit;
pub use sarif::sarif;
