//! Everything that a text says, without the brackets and commas between: the measure of whether a repair left it all.

use podpass_kinds::yaml::{Content, Node};
use serde_json::Value;

/// The names and values of a JSON text in their order; `None` when one of them is no JSON.
pub(super) fn of_text(text: &str) -> Option<Vec<Value>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => length_of_string(rest)?,
            '{' | '}' | '[' | ']' | ',' | ':' | ' ' | '\t' | '\r' | '\n' => {
                rest = &rest[1..];
                continue;
            }
            _ => {
                let ends = |c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c));
                rest.find(ends).unwrap_or(rest.len())
            }
        };
        found.push(serde_json::from_str(&rest[..length]).ok()?);
        rest = &rest[length..];
    }
    Some(found)
}

/// The same of what was read.
pub(super) fn of_node(node: &Node) -> Vec<Value> {
    match &node.content {
        Content::Sequence(items) => items.iter().flat_map(of_node).collect(),
        Content::Mapping(members) => members
            .iter()
            .flat_map(|member| {
                let key = Value::from(member.key.as_str());
                std::iter::once(key).chain(of_node(&member.value))
            })
            .collect(),
        _ => vec![node.to_json()],
    }
}

fn length_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            '\n' | '\r' => return None,
            '"' if !escaped => return Some(index + 1),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    None
}
