//! From text to nodes, reading on after a mistake as far as the meaning is plain.

pub(super) mod json;
pub(super) mod yaml;
