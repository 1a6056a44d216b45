//! YAML, read on after a mistake.
//!
//! Each document of a stream is read by itself. When the parser refuses one, the known mistakes are looked for in its
//! text, reported where they stand, and taken out of a copy, which is read instead.

use podpass_kinds::Reason;
use podpass_kinds::yaml::{self, Content, Node, SyntaxError, SyntaxProblem};
use podpass_policy::Position;

use super::super::draft::Draft;
use super::super::edit::Edit;

mod layout;

/// One document of a YAML stream.
#[derive(Debug)]
pub(in super::super) struct Document<'t> {
    /// The document's own lines, as they stand in the file.
    pub(in super::super) text: &'t str,
    /// How many lines of the file come before it.
    pub(in super::super) first_line: u32,
    /// The value, with places in the file; `None` when nothing could be read.
    pub(in super::super) root: Option<Node>,
    /// What is wrong with the text.
    pub(in super::super) problems: Vec<Draft>,
    /// Repairs of the problems that cannot change a meaning.
    pub(in super::super) edits: Vec<Edit>,
}

/// Reads the documents of a stream.
pub(in super::super) fn read(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut first_line) = (0, 0);
    let (mut at, mut line) = (0, 0_u32);
    for content in text.split_inclusive('\n') {
        if is_separator(content) && at > start {
            documents.push(read_document(&text[start..at], first_line));
            (start, first_line) = (at, line);
        }
        at += content.len();
        line = line.saturating_add(1);
    }
    documents.push(read_document(&text[start..], first_line));
    documents
}

/// `---` at the margin always starts a document, even inside a block scalar.
fn is_separator(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

fn read_document(text: &str, first_line: u32) -> Document<'_> {
    let mut repair = Repair::of(text, first_line);
    let root = repair.read();
    let Repair {
        mut problems,
        mut edits,
        widened,
        ..
    } = repair;
    let moved = |position: &mut Position| {
        *position = original(*position, &widened);
        position.line = position.line.saturating_add(first_line);
    };
    let root = root.map(|mut root| {
        clean(&mut root, &moved);
        root
    });
    for problem in &mut problems {
        moved(&mut problem.position);
    }
    for edit in &mut edits {
        edit.position.line = edit.position.line.saturating_add(first_line);
    }
    if root.is_none() {
        // Whether the whole then reads as it was meant cannot be known.
        edits.clear();
    }
    Document {
        text,
        first_line,
        root,
        problems,
        edits,
    }
}

struct Repair {
    /// The text as it is read.
    text: String,
    first_line: u32,
    problems: Vec<Draft>,
    edits: Vec<Edit>,
    /// For each line whose tabs were replaced: how many characters of indentation it had and has.
    widened: Vec<layout::Widened>,
}

impl Repair {
    fn of(text: &str, first_line: u32) -> Self {
        Self {
            text: text.to_owned(),
            first_line,
            problems: Vec::new(),
            edits: Vec::new(),
            widened: Vec::new(),
        }
    }

    fn read(&mut self) -> Option<Node> {
        if let Some(problem) = layout::lost_indentation(&self.text) {
            self.problems.push(problem);
            return None;
        }
        for number in 0..MAX_REPAIRS {
            match yaml::parse(&self.text) {
                Ok(documents) => {
                    return documents.into_iter().find_map(|document| document.root);
                }
                Err(error) => {
                    if !self.repair(&error, number) {
                        self.report_syntax(&error);
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Reports one mistake and takes it out of the text; `false` when the error is none of the known ones.
    fn repair(&mut self, error: &SyntaxError, number: u32) -> bool {
        if let SyntaxProblem::DuplicateKey { key, first } = &error.problem {
            let mut first = original(*first, &self.widened);
            first.line = first.line.saturating_add(self.first_line);
            let message = format!("the key `{key}` stands twice, first at {first}");
            self.problems.push(
                Draft::error(Reason::DuplicateKey, error.position, message)
                    .fix(format!("remove one of the two `{key}`")),
            );
            return layout::mask_key(&mut self.text, error.position, key, number);
        }
        if self.widened.is_empty()
            && let Some(tabs) = layout::expand_tabs(&self.text)
        {
            self.problems.push(tabs.problem);
            self.edits.extend(tabs.edits);
            self.text = tabs.text;
            self.widened = tabs.widened;
            return true;
        }
        if let Some(problem) = layout::close_quote(&mut self.text) {
            self.problems.push(problem);
            return true;
        }
        false
    }

    fn report_syntax(&mut self, error: &SyntaxError) {
        let fix = match &error.problem {
            SyntaxProblem::Grammar(_) => {
                "check the indentation, the quotes and the brackets up to this line"
            }
            _ => Reason::FileSyntaxInvalid.fix(),
        };
        let message = error.problem.to_string();
        self.problems
            .push(Draft::error(Reason::FileSyntaxInvalid, error.position, message).fix(fix));
    }
}

/// Where a place of the text that was read stands in the text that was given.
fn original(position: Position, widened: &[layout::Widened]) -> Position {
    let Ok(index) = widened.binary_search_by_key(&position.line, |line| line.line) else {
        return position;
    };
    let line = &widened[index];
    let column = if position.column > line.after {
        position.column - line.after + line.before
    } else {
        position.column.min(line.before + 1)
    };
    Position { column, ..position }
}

/// Moves all places and drops the masked keys.
fn clean(node: &mut Node, moved: &impl Fn(&mut Position)) {
    moved(&mut node.position);
    match &mut node.content {
        Content::Sequence(items) => {
            for item in items {
                clean(item, moved);
            }
        }
        Content::Mapping(members) => {
            members.retain(|member| !layout::is_mask(&member.key));
            for member in members {
                moved(&mut member.key_position);
                clean(&mut member.value, moved);
            }
        }
        _ => {}
    }
}

/// A file with more mistakes than this is told the first ones.
const MAX_REPAIRS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(document: &Document<'_>) -> Vec<(Reason, u32, u32)> {
        let seen = |draft: &Draft| (draft.code, draft.position.line, draft.position.column);
        document.problems.iter().map(seen).collect()
    }

    #[test]
    fn documents_are_read_one_by_one() {
        let documents = read("a: 1\n---\nb: [\n--- # c\nc: 3\n---\n");
        let lines: Vec<u32> = documents
            .iter()
            .map(|document| document.first_line)
            .collect();
        assert_eq!(lines, [0, 1, 3, 5]);
        let roots: Vec<bool> = documents
            .iter()
            .map(|document| document.root.is_some())
            .collect();
        assert_eq!(roots, [true, false, true, false]);
        assert_eq!(documents[1].problems[0].code, Reason::FileSyntaxInvalid);
        assert!(documents[1].problems[0].position.line > 2);
        let c = documents[2].root.as_ref().unwrap().get("c").unwrap();
        assert_eq!(c.position, Position { line: 5, column: 4 });
    }

    #[test]
    fn places_after_tabs_are_those_of_the_file() {
        let documents = read("a:\n\tb: 1\n\t\tc: 2\n");
        assert_eq!(seen(&documents[0])[0], (Reason::IndentationTab, 2, 1));
        let documents = read("a:\n\tb: 1\n\td:\n\t\te: 2\n");
        assert_eq!(seen(&documents[0]), [(Reason::IndentationTab, 2, 1)]);
        let e = documents[0].root.as_ref().unwrap();
        let e = e.get("a").and_then(|a| a.get("d")).and_then(|d| d.get("e"));
        assert_eq!(e.unwrap().position, Position { line: 4, column: 6 });
        let text = "a:\n\tb: 1\n\td:\n\t\te: 2\n";
        let (fixed, _) = super::super::super::edit::apply(text, &documents[0].edits);
        assert_eq!(fixed, "a:\n  b: 1\n  d:\n    e: 2\n");
    }

    #[test]
    fn every_repeated_key_is_named() {
        let documents = read("a: 1\nb: {c: 1, 'c': 2}\na: 3\na: 4\n");
        let mut problems = seen(&documents[0]);
        problems.sort_by_key(|(_, line, column)| (*line, *column));
        let twice = Reason::DuplicateKey;
        assert_eq!(problems, [(twice, 2, 11), (twice, 3, 1), (twice, 4, 1)]);
        let root = documents[0].root.as_ref().unwrap().to_json();
        assert_eq!(root, serde_json::json!({"a": 1, "b": {"c": 1}}));
    }

    #[test]
    fn unclosed_quote_is_found_where_it_opens() {
        let documents = read("a: \"fine\n  on two lines\"\nb: \"1.01\nc: x # \"no\"\n");
        assert_eq!(seen(&documents[0]), [(Reason::QuoteUnclosed, 3, 4)]);
        let c = documents[0].root.as_ref().unwrap().get("c").unwrap();
        assert_eq!(c.as_str(), Some("x"));
    }
}
