//! Writing JSON, on one line or indented.

use std::fmt::Write as _;

use super::{Member, Node, Value};

/// The value on one line, without blanks.
pub(crate) fn write_compact(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, Layout::Compact);
    out
}

/// The value with a line for each member and an indent of two blanks, without a newline at the end.
pub(crate) fn write_pretty(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, Layout::Indented { level: 0 });
    out
}

#[derive(Clone, Copy)]
enum Layout {
    Compact,
    Indented { level: usize },
}

impl Layout {
    fn deeper(self) -> Self {
        match self {
            Self::Compact => Self::Compact,
            Self::Indented { level } => Self::Indented { level: level + 1 },
        }
    }

    fn break_line(self, out: &mut String) {
        if let Self::Indented { level } = self {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", level));
        }
    }

    const fn colon(self) -> &'static str {
        match self {
            Self::Compact => ":",
            Self::Indented { .. } => ": ",
        }
    }
}

fn write_value(out: &mut String, value: &Value, layout: Layout) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(text) => out.push_str(text),
        Value::String(text) => write_string(out, text),
        Value::Array(nodes) => {
            write_list(
                out,
                ['[', ']'],
                nodes,
                layout,
                |out, node: &Node, layout| {
                    write_value(out, &node.value, layout);
                },
            );
        }
        Value::Object(members) => {
            write_list(
                out,
                ['{', '}'],
                members,
                layout,
                |out, member: &Member, layout| {
                    write_string(out, &member.name);
                    out.push_str(layout.colon());
                    write_value(out, &member.node.value, layout);
                },
            );
        }
    }
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    layout: Layout,
    write_item: impl Fn(&mut String, &T, Layout),
) {
    out.push(open);
    let inner = layout.deeper();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        inner.break_line(out);
        write_item(out, item, inner);
    }
    if !items.is_empty() {
        layout.break_line(out);
    }
    out.push(close);
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                write!(out, "\\u{:04x}", u32::from(control)).expect("a String accepts every write");
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        let text = r#"{"a":[1.50,true,null,{}],"b":[],"c\n\u0001\"\\":"é😀"}"#;
        assert_eq!(write_compact(&read(text).unwrap().value), text);
    }

    #[test]
    fn indents_by_two_blanks() {
        let value = read(r#"{"a":[1,{"b":{}}]}"#).unwrap().value;
        assert_eq!(
            write_pretty(&value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ]\n}"
        );
    }
}
