//! Values to YAML as kubectl prints it.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::scalar::reads_as_other_type;

/// Prints a value as YAML in kubectl's layout: keys sorted, two blanks per level, list items under their key without
/// further indentation, text of several lines as a block.
///
/// A string is quoted whenever a reader of YAML 1.1 or 1.2 would take it for something else. The text ends with a
/// newline.
pub fn to_string(value: &Value) -> String {
    let mut printer = Printer {
        text: String::new(),
    };
    match value {
        Value::Object(members) if !members.is_empty() => printer.mapping(members, 0),
        Value::Array(items) if !items.is_empty() => printer.sequence(items, 0),
        other => printer.scalar(other, 0),
    }
    printer.text
}

struct Printer {
    text: String,
}

impl Printer {
    /// Writes the members; the cursor already stands at the column of the first key.
    fn mapping(&mut self, members: &Map<String, Value>, indent: usize) {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| key.as_str());
        for (index, (key, value)) in sorted.into_iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.text.push_str(&key_text(key));
            self.text.push(':');
            match value {
                Value::Object(inner) if !inner.is_empty() => {
                    self.text.push('\n');
                    self.indent(indent + 2);
                    self.mapping(inner, indent + 2);
                }
                Value::Array(items) if !items.is_empty() => {
                    self.text.push('\n');
                    self.indent(indent);
                    self.sequence(items, indent);
                }
                other => {
                    self.text.push(' ');
                    self.scalar(other, indent + 2);
                }
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.text.push_str("- ");
            match item {
                Value::Object(inner) if !inner.is_empty() => self.mapping(inner, indent + 2),
                Value::Array(inner) if !inner.is_empty() => self.sequence(inner, indent + 2),
                other => self.scalar(other, indent + 2),
            }
        }
    }

    /// Writes a scalar or an empty collection, and the end of its line.
    fn scalar(&mut self, value: &Value, indent: usize) {
        match value {
            Value::String(text) if can_be_block(text) => self.block(text, indent),
            Value::String(text) => self.text.push_str(&string_text(text)),
            Value::Object(_) => self.text.push_str("{}"),
            Value::Array(_) => self.text.push_str("[]"),
            other => self.text.push_str(&other.to_string()),
        }
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn block(&mut self, text: &str, indent: usize) {
        // At the top level a block needs indentation as well.
        let indent = indent.max(2);
        let trimmed = text.trim_end_matches('\n');
        self.text.push('|');
        self.text.push_str(match text.len() - trimmed.len() {
            0 => "-",
            1 => "",
            _ => "+",
        });
        self.text.push('\n');
        let body = text.strip_suffix('\n').unwrap_or(text);
        for line in body.split('\n') {
            if !line.is_empty() {
                self.indent(indent);
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
    }

    fn indent(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }
}

fn key_text(key: &str) -> String {
    // A longer key would need YAML's explicit form; quoting keeps within one line.
    if key.contains('\n') {
        quoted(key)
    } else {
        string_text(key)
    }
}

/// A block keeps lines readable; not for text whose first line starts with a blank (its indentation would be guessed)
/// or that holds control characters.
fn can_be_block(text: &str) -> bool {
    let content = text.trim_matches('\n');
    text.contains('\n')
        && !content.is_empty()
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| c == '\n' || is_printable(c))
        && !text.contains('\t')
}

/// Writes one line of text as a scalar: plain where every reader takes it for text, else in quotes.
pub fn string_text(text: &str) -> String {
    if is_plain_safe(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn is_plain_safe(text: &str) -> bool {
    let starts_well = !text
        .starts_with(|c: char| c.is_whitespace() || "-?:,[]{}#&*!|>'\"%@`=<".contains(c))
        || (text.starts_with(['-', ':', '?', '<'])
            && text.chars().nth(1).is_some_and(char::is_alphanumeric));
    starts_well
        && !text.ends_with(|c: char| c.is_whitespace() || c == ':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && text.chars().all(is_printable)
        && !text.contains('\t')
        && !reads_as_other_type(text)
}

/// Double-quoted, with JSON's escapes: these are YAML's as well.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xFF => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if u32::from(c) <= 0xFFFF => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// YAML's printable characters without its line breaks and byte-order mark.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}
