//! A node as JSON, in the order and with the indentation of its file.

use std::fmt::Write as _;

use podpass_kinds::yaml::{Content, Node};
use serde_json::Value;

/// Prints a node as `text` is indented, with two blanks where it is not.
pub(super) fn to_json(root: &Node, text: &str) -> String {
    let unit = text.lines().find_map(|line| {
        let blanks = line.len() - line.trim_start().len();
        (blanks > 0 && blanks < line.len()).then(|| &line[..blanks])
    });
    let mut printed = String::new();
    write(root, unit.unwrap_or("  "), 0, &mut printed);
    printed.push('\n');
    printed
}

fn write(node: &Node, unit: &str, depth: usize, into: &mut String) {
    let newline = |depth: usize, into: &mut String| {
        into.push('\n');
        into.push_str(&unit.repeat(depth));
    };
    match &node.content {
        Content::Sequence(items) if !items.is_empty() => {
            // A list of words stays on its line.
            let is_flat = items.iter().all(|item| is_scalar(&item.content));
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                into.push_str(match (index, is_flat) {
                    (0, _) => "",
                    (_, true) => ", ",
                    (_, false) => ",",
                });
                if !is_flat {
                    newline(depth + 1, into);
                }
                write(item, unit, depth + 1, into);
            }
            if !is_flat {
                newline(depth, into);
            }
            into.push(']');
        }
        Content::Mapping(members) if !members.is_empty() => {
            into.push('{');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                newline(depth + 1, into);
                into.push_str(&escaped(&Value::from(member.key.as_str())));
                into.push_str(": ");
                write(&member.value, unit, depth + 1, into);
            }
            newline(depth, into);
            into.push('}');
        }
        _ => into.push_str(&escaped(&node.to_json())),
    }
}

/// A scalar in JSON. Control characters beyond ASCII, which JSON allows, are escaped too: a terminal obeys them.
fn escaped(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        if character.is_control() {
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
    text
}

fn is_scalar(content: &Content) -> bool {
    !matches!(content, Content::Sequence(_) | Content::Mapping(_))
}
