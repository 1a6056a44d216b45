//! YAML and JSON text to positioned nodes, and values back to YAML.
//!
//! Plain scalars mean what they mean to kubectl: `sigs.k8s.io/yaml` reads with the rules of go-yaml v2, which is YAML
//! 1.1. So `yes`, `on` and `y` are booleans, `012` is ten, `089` is eighty-nine and a date is a string; whatever is
//! quoted stays a string. Stricter than kubectl in two points: a key that stands twice in one mapping is an error, and so
//! is a tag outside YAML's core schema.
//!
//! JSON is read by the same parser, since YAML contains it.

mod decode;
mod node;
mod parse;
mod print;
mod scalar;

pub use decode::DecodeError;
pub use node::{Content, Member, Node};
pub use parse::{Document, SyntaxError, SyntaxProblem, parse};
pub use print::{string_text, to_string};

#[cfg(test)]
mod tests;
