//! Changes to a text that repair a finding.

use podpass_kinds::Reason;
use podpass_policy::Position;
use serde::Serialize;

/// A change that repairs a finding: at a place of a file, one text instead of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// The reason code of the finding.
    pub code: Reason,
    /// The file, as the caller named it.
    pub file: String,
    /// Where the old text starts.
    pub position: Position,
    /// What stands there.
    #[serde(skip)]
    pub old: String,
    /// What is to stand there.
    #[serde(skip)]
    pub new: String,
    /// What the change does, as a clause in the past tense.
    pub message: String,
}

/// Makes all changes that fit the text and do not overlap an earlier one; returns the text and the changes made.
///
/// A change whose old text does not stand at its place is left out, so a text that has moved on is never damaged.
pub fn apply<'e>(text: &str, edits: &'e [Edit]) -> (String, Vec<&'e Edit>) {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| edit.position);
    let starts = line_starts(text);
    let mut changed = String::with_capacity(text.len());
    let mut made = Vec::new();
    let mut done = 0;
    for edit in ordered {
        let Some(start) = offset(text, &starts, edit.position) else {
            continue;
        };
        if start < done || !text[start..].starts_with(&edit.old) {
            continue;
        }
        changed.push_str(&text[done..start]);
        changed.push_str(&edit.new);
        done = start + edit.old.len();
        made.push(edit);
    }
    changed.push_str(&text[done..]);
    (changed, made)
}

impl Edit {
    /// A change without its file, which the collector adds.
    pub(super) fn new(
        code: Reason,
        position: Position,
        old: impl Into<String>,
        new: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            file: String::new(),
            position,
            old: old.into(),
            new: new.into(),
            message: message.into(),
        }
    }
}

/// The byte offsets at which the lines of a text start.
fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = text.match_indices('\n').map(|(index, _)| index + 1);
    std::iter::once(0).chain(after_breaks).collect()
}

fn offset(text: &str, starts: &[usize], position: Position) -> Option<usize> {
    let line = usize::try_from(position.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(position.column).ok()?.checked_sub(1)?;
    let start = *starts.get(line)?;
    let mut boundaries = text[start..]
        .char_indices()
        .map(|(index, _)| start + index)
        .chain(std::iter::once(text.len()));
    boundaries.nth(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(line: u32, column: u32, old: &str, new: &str) -> Edit {
        Edit::new(Reason::BadRoleArn, Position { line, column }, old, new, "")
    }

    #[test]
    fn changes_what_fits_and_leaves_the_rest() {
        let text = "é: a\nb: c\n";
        for (name, edits, expected) in [
            (
                "columns count characters",
                vec![edit(1, 4, "a", "x")],
                "é: x\nb: c\n",
            ),
            (
                "several, in any order",
                vec![edit(2, 1, "b", "y"), edit(1, 1, "é", "e")],
                "e: a\ny: c\n",
            ),
            ("old text differs", vec![edit(1, 4, "b", "x")], text),
            (
                "overlapping",
                vec![edit(1, 1, "é: a", "x"), edit(1, 4, "a", "y")],
                "x\nb: c\n",
            ),
            ("beyond the text", vec![edit(9, 1, "", "x")], text),
            (
                "at the very end",
                vec![edit(3, 1, "", "z")],
                "é: a\nb: c\nz",
            ),
        ] {
            assert_eq!(apply(text, &edits).0, expected, "{name}");
        }
    }
}
