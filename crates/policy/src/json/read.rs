//! Reading JSON (RFC 8259) with positions.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use thiserror::Error;

use super::{Member, Node, Value};
use crate::position::Position;

/// A text that is not JSON: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) position: Position,
    pub(crate) problem: Problem,
}

/// What the reader met.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("unexpected {found:?} where {expected} should be")]
    Unexpected { found: char, expected: &'static str },
    #[error("the text ends where {expected} should be")]
    Ends { expected: &'static str },
    #[error("{found:?} must be escaped inside a string")]
    ControlCharacter { found: char },
    #[error("`\\{found}` is not an escape sequence of JSON")]
    Escape { found: char },
    #[error("`\\u{unit:04x}` is half of a surrogate pair without the other half")]
    LoneSurrogate { unit: u32 },
    #[error("`{word}` is not a JSON value; texts need double quotes")]
    Word { word: String },
    #[error("`{text}` is not a JSON number")]
    Number { text: String },
    #[error("member `{name}` was already given at {first}; merge the two")]
    Duplicate { name: String, first: Position },
    #[error("values are nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// Reads a text that holds exactly one JSON value.
pub(crate) fn read(text: &str) -> Result<Node, JsonError> {
    let mut reader = Reader {
        chars: text.chars().peekable(),
        position: Position::START,
    };
    let node = reader.read_node("a JSON value", 0)?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(node),
        Some(found) => Err(reader.unexpected(found, "the end of the text")),
    }
}

struct Reader<'t> {
    chars: Peekable<Chars<'t>>,
    position: Position,
}

impl Reader<'_> {
    fn read_node(&mut self, expected: &'static str, depth: usize) -> Result<Node, JsonError> {
        self.skip_blanks();
        let position = self.position;
        if depth > MAX_DEPTH {
            return Err(self.fail(Problem::TooDeep));
        }
        let value = match self.peek() {
            None => return Err(self.fail(Problem::Ends { expected })),
            Some('{') => self.read_object(depth)?,
            Some('[') => self.read_array(depth)?,
            Some('"') => Value::String(self.read_string()?),
            Some('-' | '0'..='9') => self.read_number()?,
            Some(letter) if letter.is_alphabetic() => self.read_word()?,
            Some(found) => return Err(self.unexpected(found, expected)),
        };
        Ok(Node {
            position,
            end: self.position,
            value,
        })
    }

    fn read_object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.advance();
        let mut members = Vec::new();
        let mut seen = BTreeMap::new();
        self.skip_blanks();
        if self.take('}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_blanks();
            let position = self.position;
            let name = match self.peek() {
                Some('"') => self.read_string()?,
                other => {
                    return Err(self.unexpected_or_end(other, "a member name in double quotes"));
                }
            };
            if let Some(first) = seen.insert(name.clone(), position) {
                return Err(JsonError {
                    position,
                    problem: Problem::Duplicate { name, first },
                });
            }
            self.skip_blanks();
            if !self.take(':') {
                let next = self.peek();
                return Err(self.unexpected_or_end(next, "`:` after the member name"));
            }
            let node = self.read_node("the member's value", depth + 1)?;
            members.push(Member {
                position,
                name,
                node,
            });
            self.skip_blanks();
            if self.take('}') {
                return Ok(Value::Object(members));
            }
            if !self.take(',') {
                let next = self.peek();
                return Err(self.unexpected_or_end(next, "`,` or `}`"));
            }
        }
    }

    fn read_array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.advance();
        let mut nodes = Vec::new();
        self.skip_blanks();
        if self.take(']') {
            return Ok(Value::Array(nodes));
        }
        loop {
            nodes.push(self.read_node("a value of the array", depth + 1)?);
            self.skip_blanks();
            if self.take(']') {
                return Ok(Value::Array(nodes));
            }
            if !self.take(',') {
                let next = self.peek();
                return Err(self.unexpected_or_end(next, "`,` or `]`"));
            }
        }
    }

    fn read_string(&mut self) -> Result<String, JsonError> {
        self.advance();
        let mut text = String::new();
        loop {
            let position = self.position;
            match self.advance() {
                None => {
                    return Err(self.fail(Problem::Ends {
                        expected: "the closing quote of a string",
                    }));
                }
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.read_escape(position)?),
                Some(found) if found < ' ' => {
                    return Err(JsonError {
                        position,
                        problem: Problem::ControlCharacter { found },
                    });
                }
                Some(plain) => text.push(plain),
            }
        }
    }

    /// Reads an escape sequence whose backslash, at `start`, has been read.
    fn read_escape(&mut self, start: Position) -> Result<char, JsonError> {
        let at_start = |problem| JsonError {
            position: start,
            problem,
        };
        let Some(letter) = self.advance() else {
            return Err(self.fail(Problem::Ends {
                expected: "an escape sequence",
            }));
        };
        let plain = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.read_unit()?;
                let scalar = match unit {
                    0xD800..=0xDBFF => {
                        if !(self.take('\\') && self.take('u')) {
                            return Err(at_start(Problem::LoneSurrogate { unit }));
                        }
                        let low = self.read_unit()?;
                        if !(0xDC00..=0xDFFF).contains(&low) {
                            return Err(at_start(Problem::LoneSurrogate { unit }));
                        }
                        0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    unit => unit,
                };
                char::from_u32(scalar)
                    .ok_or_else(|| at_start(Problem::LoneSurrogate { unit: scalar }))?
            }
            found => return Err(at_start(Problem::Escape { found })),
        };
        Ok(plain)
    }

    fn read_unit(&mut self) -> Result<u32, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let next = self.peek();
            let Some(digit) = next.and_then(|c| c.to_digit(16)) else {
                return Err(self.unexpected_or_end(next, "one of four hexadecimal digits"));
            };
            self.advance();
            unit = unit * 16 + digit;
        }
        Ok(unit)
    }

    fn read_number(&mut self) -> Result<Value, JsonError> {
        let position = self.position;
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if is_number(&text) {
            Ok(Value::Number(text))
        } else {
            Err(JsonError {
                position,
                problem: Problem::Number { text },
            })
        }
    }

    fn read_word(&mut self) -> Result<Value, JsonError> {
        let position = self.position;
        let word = self.take_while(|c| c.is_alphanumeric() || c == '_');
        match word.as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(JsonError {
                position,
                problem: Problem::Word { word },
            }),
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(next) = self.peek().filter(|next| wanted(*next)) {
            text.push(next);
            self.advance();
        }
        text
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
        self.chars.peek().copied()
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.chars.next()?;
        let ends_line = next == '\n' || (next == '\r' && self.peek() != Some('\n'));
        if ends_line {
            self.position.line = self.position.line.saturating_add(1);
            self.position.column = 1;
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(next)
    }

    fn fail(&self, problem: Problem) -> JsonError {
        JsonError {
            position: self.position,
            problem,
        }
    }

    fn unexpected(&self, found: char, expected: &'static str) -> JsonError {
        self.fail(Problem::Unexpected { found, expected })
    }

    fn unexpected_or_end(&self, next: Option<char>, expected: &'static str) -> JsonError {
        match next {
            Some(found) => self.unexpected(found, expected),
            None => self.fail(Problem::Ends { expected }),
        }
    }
}

/// Whether a text is a number of RFC 8259: no leading zero or plus, digits on both sides of a point.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// A policy nests seven deep; the bound keeps the reader's own recursion small.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_value_with_its_place() {
        let node = read("{\"a\": [1.50, -0,\r\n true, null],\r\"ö\": \"x\"}").unwrap();
        let Value::Object(members) = node.value else {
            panic!("an object");
        };
        assert_eq!(members[0].position, Position { line: 1, column: 2 });
        assert_eq!(members[1].position, Position { line: 3, column: 1 });
        assert_eq!(members[1].node.position, Position { line: 3, column: 6 });
        let Value::Array(items) = &members[0].node.value else {
            panic!("an array");
        };
        let places: Vec<_> = items
            .iter()
            .map(|item| (item.position.line, item.position.column))
            .collect();
        assert_eq!(places, [(1, 8), (1, 14), (2, 2), (2, 8)]);
        assert_eq!(items[0].value, Value::Number("1.50".to_owned()));
    }

    #[test]
    fn reads_escapes_and_surrogate_pairs() {
        for (text, expected) in [
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e9\uD83D\uDE00""#, "é😀"),
            (r#""😀""#, "😀"),
            (r#""\u0000""#, "\0"),
        ] {
            assert_eq!(
                read(text).unwrap().value,
                Value::String(expected.to_owned())
            );
        }
    }

    #[test]
    fn says_where_and_why_a_text_is_not_json() {
        for (text, column, message) in [
            ("", 1, "the text ends where a JSON value should be"),
            (
                "{",
                2,
                "the text ends where a member name in double quotes should be",
            ),
            (
                "[1,]",
                4,
                "unexpected ']' where a value of the array should be",
            ),
            (
                "{\"a\":1,}",
                8,
                "unexpected '}' where a member name in double quotes should be",
            ),
            (
                "{\"a\" 1}",
                6,
                "unexpected '1' where `:` after the member name should be",
            ),
            ("[1 2]", 4, "unexpected '2' where `,` or `]` should be"),
            (
                "{'a':1}",
                2,
                "unexpected '\\'' where a member name in double quotes should be",
            ),
            (
                "1 1",
                3,
                "unexpected '1' where the end of the text should be",
            ),
            (
                "Allow",
                1,
                "`Allow` is not a JSON value; texts need double quotes",
            ),
            ("[01]", 2, "`01` is not a JSON number"),
            ("[1.]", 2, "`1.` is not a JSON number"),
            (
                "[+1]",
                2,
                "unexpected '+' where a value of the array should be",
            ),
            (
                "\"a",
                3,
                "the text ends where the closing quote of a string should be",
            ),
            ("\"\\x\"", 2, "`\\x` is not an escape sequence of JSON"),
            (
                "\"\\u12g4\"",
                6,
                "unexpected 'g' where one of four hexadecimal digits should be",
            ),
            (
                "\"\\ud83d\"",
                2,
                "`\\ud83d` is half of a surrogate pair without the other half",
            ),
            (
                "\"\\ude00\"",
                2,
                "`\\ude00` is half of a surrogate pair without the other half",
            ),
            ("\"ab\tc\"", 4, "'\\t' must be escaped inside a string"),
            (
                "{\"a\":1,\"a\":2}",
                8,
                "member `a` was already given at line 1, column 2; merge the two",
            ),
            (
                "\u{feff}{}",
                1,
                "unexpected '\\u{feff}' where a JSON value should be",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.problem.to_string(), message, "{text}");
            assert_eq!(error.position, Position { line: 1, column }, "{text}");
        }
    }

    #[test]
    fn names_that_differ_by_escape_only_are_duplicates() {
        let error = read(r#"{"a":1,"\u0061":2}"#).unwrap_err();
        assert!(matches!(error.problem, Problem::Duplicate { name, .. } if name == "a"));
    }

    #[test]
    fn bounds_the_depth() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        let error = read(&nested(100_000)).unwrap_err();
        assert_eq!(error.problem, Problem::TooDeep);
    }
}
