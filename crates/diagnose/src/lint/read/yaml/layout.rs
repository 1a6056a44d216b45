//! The known mistakes of YAML text: lost indentation, tabs, open quotes, repeated keys.

use podpass_kinds::Reason;
use podpass_policy::Position;

use super::super::super::draft::Draft;
use super::super::super::edit::Edit;

/// A line whose indentation was changed, in characters.
#[derive(Debug)]
pub(super) struct Widened {
    pub(super) line: u32,
    pub(super) before: u32,
    pub(super) after: u32,
}

/// A text without tabs in its indentation.
pub(super) struct Expanded {
    pub(super) text: String,
    pub(super) problem: Draft,
    pub(super) edits: Vec<Edit>,
    pub(super) widened: Vec<Widened>,
}

/// Finds a manifest all of whose lines stand at the margin although some of them must belong to others.
pub(super) fn lost_indentation(text: &str) -> Option<Draft> {
    let is_content = |line: &&str| !line.trim().is_empty() && !line.starts_with(['#', '-']);
    if !text.lines().any(|line| line.starts_with("kind:"))
        || text.lines().any(|line| line.starts_with([' ', '\t']))
    {
        return None;
    }
    let mut parent: Option<&str> = None;
    for (line, number) in text.lines().zip(1..) {
        if !is_content(&line) {
            if line.starts_with('-') {
                parent = None;
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            parent = None;
            continue;
        };
        if let Some(parent) = parent.filter(|_| !TOP_LEVEL.contains(&key)) {
            let position = Position {
                line: number,
                column: 1,
            };
            let message = format!(
                "`{key}` stands at the margin although it belongs under `{parent}`: the indentation is lost"
            );
            return Some(Draft::error(Reason::IndentationLost, position, message));
        }
        let value = value.split(" #").next().unwrap_or_default().trim();
        parent = value.is_empty().then_some(key);
    }
    None
}

/// Replaces each tab of the indentation by two blanks; `None` when there is none.
pub(super) fn expand_tabs(text: &str) -> Option<Expanded> {
    let mut expanded = String::with_capacity(text.len());
    let (mut edits, mut widened) = (Vec::new(), Vec::new());
    let mut first = None;
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        let content = line.trim_start_matches([' ', '\t']);
        let indentation = &line[..line.len() - content.len()];
        let Some(tab) = indentation
            .find('\t')
            .filter(|_| !content.trim().is_empty())
        else {
            expanded.push_str(line);
            continue;
        };
        let blanks = indentation.replace('\t', TWO_BLANKS);
        first.get_or_insert_with(|| Position {
            line: number,
            column: count(&indentation[..tab]) + 1,
        });
        widened.push(Widened {
            line: number,
            before: count(indentation),
            after: count(&blanks),
        });
        let start = Position {
            line: number,
            column: 1,
        };
        let message = "replaced the tabs of the indentation by two blanks each";
        edits.push(Edit::new(
            Reason::IndentationTab,
            start,
            indentation,
            blanks.as_str(),
            message,
        ));
        expanded.push_str(&blanks);
        expanded.push_str(content);
    }
    let first = first?;
    let message = match widened.len() {
        1 => "the line is indented with a tab".to_owned(),
        lines => format!("this line and {} more are indented with tabs", lines - 1),
    };
    Some(Expanded {
        text: expanded,
        problem: Draft::error(Reason::IndentationTab, first, message),
        edits,
        widened,
    })
}

/// Closes the first quote that stays open at the end of its line, and says where it opens.
pub(super) fn close_quote(text: &mut String) -> Option<Draft> {
    let (start, end, position) = open_quote(text)?;
    let quote = text[start..].chars().next()?;
    text.insert(end, quote);
    let message = "the quote that opens here is not closed on its line";
    Some(Draft::error(Reason::QuoteUnclosed, position, message))
}

/// Writes another key of the same length over a repeated one, so that the rest can be read; `false` when the key is not
/// written plainly.
pub(super) fn mask_key(text: &mut String, position: Position, key: &str, number: u32) -> bool {
    let Some(start) = byte_offset(text, position) else {
        return false;
    };
    let quoted = usize::from(text[start..].starts_with(['"', '\'']));
    let start = start + quoted;
    let mask = char::from_u32(FIRST_MASK + number).filter(|_| number < MASKS && !key.is_empty());
    let (Some(mask), true) = (mask, text[start..].starts_with(key)) else {
        return false;
    };
    let masked: String = key.chars().map(|_| mask).collect();
    text.replace_range(start..start + key.len(), &masked);
    true
}

/// Whether a key was written by [`mask_key`].
pub(super) fn is_mask(key: &str) -> bool {
    let is_mask = |c| (FIRST_MASK..FIRST_MASK + MASKS).contains(&u32::from(c));
    !key.is_empty() && key.chars().all(is_mask)
}

/// Finds a quoted value that does not end: where its quote stands, where its line ends, and its place.
fn open_quote(text: &str) -> Option<(usize, usize, Position)> {
    let mut line_start = 0;
    let mut number = 0_u32;
    let mut skip_to = 0;
    for line in text.split_inclusive('\n') {
        number = number.saturating_add(1);
        let (start, this_line) = (line_start, line.trim_end_matches(['\n', '\r']));
        line_start += line.len();
        if start < skip_to {
            continue;
        }
        let Some(quote) = quoted_value(this_line).map(|at| start + at) else {
            continue;
        };
        match closing(text, quote) {
            Some(end) if ends_value(&text[end..]) => skip_to = end,
            _ => {
                let position = Position {
                    line: number,
                    column: count(&text[start..quote]) + 1,
                };
                return Some((quote, start + this_line.len(), position));
            }
        }
    }
    None
}

/// The offset of the quote that opens the value of a line, after list dashes and a key.
fn quoted_value(line: &str) -> Option<usize> {
    let mut content = line.trim_start();
    while let Some(item) = content.strip_prefix("- ") {
        content = item.trim_start();
    }
    if !content.starts_with(['"', '\'', '#']) {
        content = content.split_once(": ")?.1.trim_start();
    }
    content
        .starts_with(['"', '\''])
        .then_some(line.len() - content.len())
}

/// The offset after the quote that closes the one at `start`.
fn closing(text: &str, start: usize) -> Option<usize> {
    let quote = text[start..].chars().next()?;
    let mut rest = text[start + 1..].char_indices().peekable();
    while let Some((index, next)) = rest.next() {
        if next == '\\' && quote == '"' {
            rest.next();
        } else if next == quote {
            if quote == '\'' && rest.peek().is_some_and(|(_, after)| *after == quote) {
                rest.next();
                continue;
            }
            return Some(start + 1 + index + 1);
        }
    }
    None
}

/// Whether what follows a closing quote on its line may follow one.
fn ends_value(rest: &str) -> bool {
    let rest = rest.lines().next().unwrap_or_default().trim();
    rest.is_empty() || rest.starts_with(['#', ',', '}', ']', ':'])
}

fn byte_offset(text: &str, position: Position) -> Option<usize> {
    let line = usize::try_from(position.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(position.column).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    text[start..]
        .char_indices()
        .nth(column)
        .map(|(index, _)| start + index)
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

const TWO_BLANKS: &str = "  ";

/// Private-use characters: no key of any kind holds them.
const FIRST_MASK: u32 = 0xE000;
const MASKS: u32 = 0x1000;

/// What stands at the margin of manifests that are in order.
const TOP_LEVEL: &[&str] = &[
    "apiVersion",
    "automountServiceAccountToken",
    "data",
    "immutable",
    "imagePullSecrets",
    "items",
    "kind",
    "metadata",
    "roleRef",
    "rules",
    "secrets",
    "spec",
    "status",
    "stringData",
    "subjects",
    "type",
];
