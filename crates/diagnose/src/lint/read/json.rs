//! JSON, read on after a mistake.

use std::collections::BTreeMap;

use podpass_kinds::Reason;
use podpass_kinds::yaml::{Content, Member, Node};
use podpass_policy::Position;

use super::super::draft::Draft;

/// What became of a JSON text.
#[derive(Debug)]
pub(in super::super) struct Reading {
    /// The value, as far as it could be read; a repeated member stands in it twice.
    pub(in super::super) root: Option<Node>,
    /// What is wrong with the text, in its order.
    pub(in super::super) problems: Vec<Draft>,
}

/// Reads a JSON text.
///
/// It goes on after a repeated member, a comma too many or too few, a string that does not end on its line, braces around
/// a list, and missing brackets at the end. At anything else it stops with what it has.
pub(in super::super) fn read(text: &str) -> Reading {
    let mut reader = Reader {
        rest: text.chars().peekable(),
        position: Position::START,
        problems: Vec::new(),
    };
    let root = reader.read_node(0).ok();
    reader.skip_blanks();
    if reader.problems.is_empty() && reader.peek().is_some() {
        let _: Stopped = reader.stop(
            "the text goes on after its value ends",
            "remove what follows",
        );
    }
    Reading {
        root,
        problems: reader.problems,
    }
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    position: Position,
    problems: Vec<Draft>,
}

/// Reading cannot go on; the reason is among the problems.
#[derive(Debug)]
struct Stopped;

impl Reader<'_> {
    fn read_node(&mut self, depth: usize) -> Result<Node, Stopped> {
        self.skip_blanks();
        let position = self.position;
        if depth > MAX_DEPTH {
            return Err(self.stop("values are nested too deep", "flatten the document"));
        }
        let content = match self.peek() {
            None => return Err(self.stop("the text ends where a value should be", "add the value")),
            Some('{') => self.read_object(position, depth)?,
            Some('[') => self.read_array(depth)?,
            Some('"') => Content::String(self.read_string()?),
            Some(next) if next.is_ascii_alphanumeric() || next == '-' => self.read_word()?,
            Some(next) => {
                let message = format!("`{}` stands where a value should be", next.escape_debug());
                return Err(self.stop(message, "write the value in double quotes"));
            }
        };
        Ok(Node { position, content })
    }

    fn read_object(&mut self, start: Position, depth: usize) -> Result<Content, Stopped> {
        self.advance();
        let mut members: Vec<Member> = Vec::new();
        let mut nameless = Vec::new();
        let mut seen = BTreeMap::new();
        while self.enter_item('}', !members.is_empty() || !nameless.is_empty()) {
            match self.peek() {
                Some('"') => {
                    let member = self.read_member(depth)?;
                    if let Some(first) = seen.get(&member.key) {
                        self.note_repetition(&member, *first);
                    } else {
                        seen.insert(member.key.clone(), member.key_position);
                    }
                    members.push(member);
                }
                Some('{') if members.is_empty() => {
                    if nameless.is_empty() {
                        self.problems.push(
                            Draft::error(
                                Reason::PolicyStatementBraces,
                                start,
                                "`{` opens an object, and what follows is a list of objects without names",
                            )
                            .expected("[")
                            .actual("{")
                            .fix("put the list into brackets: `[ { … } ]`"),
                        );
                    }
                    nameless.push(self.read_node(depth + 1)?);
                }
                _ => {
                    return Err(self.stop(
                        "a member of an object must start with its name in double quotes",
                        "write the name in double quotes",
                    ));
                }
            }
        }
        if nameless.is_empty() {
            Ok(Content::Mapping(members))
        } else {
            Ok(Content::Sequence(nameless))
        }
    }

    fn read_member(&mut self, depth: usize) -> Result<Member, Stopped> {
        let key_position = self.position;
        let key = self.read_string()?;
        self.skip_blanks();
        if !self.take(':') {
            let message = "there is no `:` after the name of a member";
            return Err(self.stop(message, "write a colon between name and value"));
        }
        let value = self.read_node(depth + 1)?;
        Ok(Member {
            key,
            key_position,
            value,
        })
    }

    fn note_repetition(&mut self, member: &Member, first: Position) {
        let key = &member.key;
        let message = format!("the key `{key}` stands twice, first at {first}");
        self.problems.push(
            Draft::error(Reason::DuplicateKey, member.key_position, message)
                .fix(format!("merge the two `{key}` into one")),
        );
    }

    fn read_array(&mut self, depth: usize) -> Result<Content, Stopped> {
        self.advance();
        let mut items = Vec::new();
        while self.enter_item(']', !items.is_empty()) {
            items.push(self.read_node(depth + 1)?);
        }
        Ok(Content::Sequence(items))
    }

    /// Goes to the next item of a list or object; `false` when there is none. Commas are looked at here.
    fn enter_item(&mut self, close: char, after_item: bool) -> bool {
        self.skip_blanks();
        let comma = self.position;
        let separated = self.take(',');
        self.skip_blanks();
        match self.peek() {
            Some(next) if next == close => {
                if separated {
                    self.comma(
                        comma,
                        "a comma stands before the closing bracket",
                        "remove the comma",
                    );
                }
                self.advance();
                false
            }
            Some('}' | ']') => {
                let message = format!("a bracket closes where `{close}` should");
                self.comma(self.position, &message, &format!("write `{close}`"));
                self.advance();
                false
            }
            None => {
                let message = format!("the text ends before `{close}`");
                self.comma(self.position, &message, &format!("add `{close}`"));
                false
            }
            Some(_) => {
                if separated != after_item {
                    let (message, fix) = if separated {
                        ("a comma stands before the first item", "remove the comma")
                    } else {
                        (
                            "no comma stands before this item",
                            "write a comma before it",
                        )
                    };
                    let place = if separated { comma } else { self.position };
                    self.comma(place, message, fix);
                }
                true
            }
        }
    }

    fn comma(&mut self, position: Position, message: &str, fix: &str) {
        let draft = Draft::error(Reason::FileSyntaxInvalid, position, message).fix(fix);
        self.problems.push(draft);
    }

    fn read_string(&mut self) -> Result<String, Stopped> {
        let start = self.position;
        self.advance();
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n' | '\r') => {
                    self.problems.push(Draft::error(
                        Reason::QuoteUnclosed,
                        start,
                        "the quote that opens here is not closed on its line",
                    ));
                    return Ok(text);
                }
                Some('"') => {
                    self.advance();
                    return Ok(text);
                }
                Some('\\') => {
                    self.advance();
                    text.push(self.read_escape()?);
                }
                Some(next) => {
                    if next < ' ' {
                        return Err(self.stop(
                            format!("`{}` must be escaped inside a string", next.escape_debug()),
                            "write it as an escape sequence",
                        ));
                    }
                    text.push(next);
                    self.advance();
                }
            }
        }
    }

    /// Reads what follows a backslash.
    fn read_escape(&mut self) -> Result<char, Stopped> {
        let plain = match self.advance() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let high = self.read_unit()?;
                if !(0xD800..0xDC00).contains(&high) {
                    return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                if !(self.take('\\') && self.take('u')) {
                    return Ok(char::REPLACEMENT_CHARACTER);
                }
                let low = self.read_unit()?.wrapping_sub(0xDC00) & 0x3FF;
                let scalar = 0x1_0000 + ((high - 0xD800) << 10) + low;
                char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => {
                return Err(self.stop(
                    "a backslash starts no escape sequence of JSON",
                    "write `\\\\` for a backslash",
                ));
            }
        };
        Ok(plain)
    }

    fn read_unit(&mut self) -> Result<u32, Stopped> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(16)) else {
                return Err(self.stop("`\\u` needs four hexadecimal digits", "write four digits"));
            };
            self.advance();
            unit = unit * 16 + digit;
        }
        Ok(unit)
    }

    fn read_word(&mut self) -> Result<Content, Stopped> {
        let position = self.position;
        let mut word = String::new();
        while let Some(next) = self
            .peek()
            .filter(|next| next.is_alphanumeric() || "+-._".contains(*next))
        {
            word.push(next);
            self.advance();
        }
        match word.as_str() {
            "null" => Ok(Content::Null),
            "true" => Ok(Content::Bool(true)),
            "false" => Ok(Content::Bool(false)),
            _ => {
                if let Ok(number) = serde_json::from_str(&word) {
                    return Ok(Content::Number(number));
                }
                self.position = position;
                Err(self.stop(
                    "a word stands without double quotes and is no JSON value",
                    "write the value in double quotes",
                ))
            }
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.advance();
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.advance();
        }
        found
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.position.line = self.position.line.saturating_add(1);
            self.position.column = 1;
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(next)
    }

    fn stop(&mut self, message: impl Into<String>, fix: &str) -> Stopped {
        let draft = Draft::error(Reason::FileSyntaxInvalid, self.position, message).fix(fix);
        self.problems.push(draft);
        Stopped
    }
}

/// Deeper than any policy, plan or manifest; the bound keeps the reader's own recursion small.
const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(Reason, u32, u32)> {
        let seen = |draft: &Draft| (draft.code, draft.position.line, draft.position.column);
        read(text).problems.iter().map(seen).collect()
    }

    #[test]
    fn reads_what_serde_reads() {
        for text in [
            r#"{"a": [1, -2.5e3, true, false, null, "é\u00e9\ud83d\ude00\n\"\\\/"], "b": {}, "c": []}"#,
            "\"text\"",
            " [ [ ] , { } ] ",
        ] {
            let reading = read(text);
            assert!(reading.problems.is_empty(), "{text}: {reading:?}");
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(reading.root.unwrap().to_json(), expected, "{text}");
        }
    }

    #[test]
    fn names_each_mistake_and_reads_on() {
        use Reason::{DuplicateKey, FileSyntaxInvalid, PolicyStatementBraces, QuoteUnclosed};
        for (name, text, expected, rest) in [
            (
                "repeated member",
                r#"{"a": 1, "a": 2}"#,
                vec![(DuplicateKey, 1, 10)],
                r#"{"a":2}"#,
            ),
            (
                "trailing comma",
                "[1, 2,]",
                vec![(FileSyntaxInvalid, 1, 6)],
                "[1,2]",
            ),
            (
                "missing comma",
                "{\"a\": 1\n \"b\": 2}",
                vec![(FileSyntaxInvalid, 2, 2)],
                r#"{"a":1,"b":2}"#,
            ),
            (
                "braces for brackets",
                r#"{"S": { {"a": 1}, {"b": 2} }}"#,
                vec![(PolicyStatementBraces, 1, 7)],
                r#"{"S":[{"a":1},{"b":2}]}"#,
            ),
            (
                "unclosed string",
                "{\"a\": \"x\n}",
                vec![(QuoteUnclosed, 1, 7)],
                r#"{"a":"x"}"#,
            ),
            (
                "missing brackets at the end",
                r#"{"a": [1"#,
                vec![(FileSyntaxInvalid, 1, 9), (FileSyntaxInvalid, 1, 9)],
                r#"{"a":[1]}"#,
            ),
            (
                "several",
                "{\"a\": 1,\n \"a\": [1,],}",
                vec![
                    (DuplicateKey, 2, 2),
                    (FileSyntaxInvalid, 2, 9),
                    (FileSyntaxInvalid, 2, 11),
                ],
                r#"{"a":[1]}"#,
            ),
        ] {
            let mut found = problems(text);
            found.sort_by_key(|(_, line, column)| (*line, *column));
            assert_eq!(found, expected, "{name}");
            assert_eq!(
                read(text).root.unwrap().to_json().to_string(),
                rest,
                "{name}"
            );
        }
    }

    #[test]
    fn stops_where_the_meaning_is_not_plain() {
        for text in [
            "{a: 1}",
            "",
            "{\"a\" 1}",
            "tru",
            "[01]",
            "{\"a\": \"\\x\"}",
            "'a'",
            "[1] 2",
        ] {
            assert_eq!(
                problems(text).last().map(|problem| problem.0),
                Some(Reason::FileSyntaxInvalid),
                "{text}"
            );
        }
        assert!(!problems(&"[".repeat(100_000)).is_empty());
    }
}
