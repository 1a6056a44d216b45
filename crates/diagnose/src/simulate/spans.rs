//! Where each value of a JSON text stands, so that one of them can be replaced without touching the rest.
//!
//! The text has been read as a policy before, so that this reader may be simple: whatever it does not understand is
//! `None`.

use std::ops::Range;

use podpass_policy::Position;

/// A JSON value and the bytes that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spanned {
    pub(super) span: Range<usize>,
    pub(super) value: Shape,
}

/// The value, as far as edits need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object(Vec<Member>),
    Array(Vec<Spanned>),
    Text(String),
    Other,
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) name_span: Range<usize>,
    pub(super) node: Spanned,
}

impl Member {
    /// From the name to the end of the value.
    pub(super) fn span(&self) -> Range<usize> {
        self.name_span.start..self.node.span.end
    }
}

impl Spanned {
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        reader.node(0)
    }

    pub(super) fn members(&self) -> &[Member] {
        match &self.value {
            Shape::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.name == name)
    }

    /// The elements of an array; a value that is none is its own only element.
    pub(super) fn elements(&self) -> &[Self] {
        match &self.value {
            Shape::Array(elements) => elements,
            _ => std::slice::from_ref(self),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The bytes to delete so that one of several siblings goes with its comma.
pub(super) fn with_comma(siblings: &[Range<usize>], index: usize) -> Option<Range<usize>> {
    let own = siblings.get(index)?;
    Some(match (siblings.get(index + 1), index.checked_sub(1)) {
        (Some(next), _) => own.start..next.start,
        (None, Some(before)) => siblings.get(before)?.end..own.end,
        (None, None) => own.clone(),
    })
}

/// The line and column of a byte.
pub(super) fn position_of(text: &str, at: usize) -> Position {
    places(text)
        .find(|(offset, _)| *offset >= at)
        .map_or(Position::START, |(_, position)| position)
}

/// The byte at a line and column.
pub(super) fn offset_of(text: &str, wanted: Position) -> Option<usize> {
    places(text)
        .find(|(_, position)| *position == wanted)
        .map(|(offset, _)| offset)
}

/// Every character's byte and place, and the end's.
fn places(text: &str) -> impl Iterator<Item = (usize, Position)> {
    let mut position = Position::START;
    let mut after_return = false;
    let ends = text.char_indices().chain([(text.len(), '\0')]);
    ends.map(move |(offset, character)| {
        if after_return && character != '\n' {
            position = next_line(position);
        }
        after_return = character == '\r';
        let here = position;
        match character {
            '\n' => position = next_line(position),
            '\r' => {}
            _ => position.column += 1,
        }
        (offset, here)
    })
}

fn next_line(position: Position) -> Position {
    Position {
        line: position.line + 1,
        column: 1,
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn node(&mut self, depth: usize) -> Option<Spanned> {
        self.skip_blanks();
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.at;
        let value = match self.peek()? {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'"' => Shape::Text(self.string()?),
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                {
                    self.at += 1;
                }
                Shape::Other
            }
        };
        (self.at > start).then_some(Spanned {
            span: start..self.at,
            value,
        })
    }

    fn object(&mut self, depth: usize) -> Option<Shape> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(Shape::Object(members));
                }
                b',' => self.at += 1,
                _ => {
                    let start = self.at;
                    let name = self.string()?;
                    let name_span = start..self.at;
                    self.skip_blanks();
                    self.take(b':')?;
                    let node = self.node(depth + 1)?;
                    members.push(Member {
                        name,
                        name_span,
                        node,
                    });
                }
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Shape> {
        self.at += 1;
        let mut elements = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(Shape::Array(elements));
                }
                b',' => self.at += 1,
                _ => elements.push(self.node(depth + 1)?),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return serde_json::from_str(self.text.get(start..self.at)?).ok();
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_values_by_line_and_column() {
        let text = "{\n  \"ä\": [\"b\\\"\", 1],\r\n\t\"c\": {}\n}";
        let root = Spanned::read(text).unwrap();
        let list = &root.member("ä").unwrap().node;
        let second = &list.elements()[1];
        assert_eq!(
            position_of(text, second.span.start),
            Position {
                line: 2,
                column: 16
            }
        );
        let last = root.member("c").unwrap();
        let place = position_of(text, last.name_span.start);
        assert_eq!(place, Position { line: 3, column: 2 });
        assert_eq!(offset_of(text, place), Some(last.name_span.start));
        assert_eq!(list.elements()[0].text(), Some("b\""));
    }

    #[test]
    fn deletes_an_element_with_its_comma() {
        let text = r#"["a", "b", "c"]"#;
        let root = Spanned::read(text).unwrap();
        let spans: Vec<_> = root
            .elements()
            .iter()
            .map(|each| each.span.clone())
            .collect();
        for (index, expected) in [
            (0, r#"["b", "c"]"#),
            (1, r#"["a", "c"]"#),
            (2, r#"["a", "b"]"#),
        ] {
            let mut left = text.to_owned();
            left.replace_range(with_comma(&spans, index).unwrap(), "");
            assert_eq!(left, expected);
        }
    }
}
