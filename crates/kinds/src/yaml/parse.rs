//! Text to documents of nodes.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::granit_parser::{
    Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag,
};

use super::scalar::resolve_plain;
use super::{Content, Member, Node};
use crate::Position;

/// One document of a YAML stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The number of the document in the file, from 1; comments before the first `---` count as a document, as they do
    /// for kubectl and ccoctl.
    pub index: usize,
    /// Where the document starts.
    pub position: Position,
    /// The root node; `None` when the document holds only comments or nothing.
    pub root: Option<Node>,
}

/// A text that is not YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {}", .position.line, .position.column, .problem)]
pub struct SyntaxError {
    /// The number of the document in the file, from 1.
    pub document: usize,
    /// Where reading stopped.
    pub position: Position,
    /// What was found.
    pub problem: SyntaxProblem,
}

/// What is wrong with a text that is not YAML, or not such as is read here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxProblem {
    /// The YAML grammar is broken; the parser's words.
    #[error("{0}")]
    Grammar(String),
    /// A key stands twice in one mapping.
    #[error("the key `{key}` stands twice, first at line {}, column {}", .first.line, .first.column)]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands first.
        first: Position,
    },
    /// A mapping key that is neither text, number nor boolean.
    #[error("a key must be text, but this one is {0}")]
    KeyType(&'static str),
    /// A merge key (`<<`) whose value is neither a mapping nor a list of mappings.
    #[error("`<<` merges mappings only")]
    MergeType,
    /// A tag outside YAML's core schema, or one that its value does not fit.
    #[error("the tag `{0}` does not apply here")]
    Tag(String),
    /// A number that JSON cannot hold, such as `.inf`.
    #[error("the number `{0}` cannot be written as JSON; quote it if it is meant as text")]
    Number(String),
    /// Aliases that multiply beyond reason.
    #[error("anchors and aliases hold more than {MAX_COPIED_NODES} nodes or {MAX_DEPTH} levels")]
    Aliases,
}

/// Reads a stream of YAML or JSON documents.
///
/// A text without any document gives one empty document, so that a caller can name it. A `---` at the very end opens no
/// document.
pub fn parse(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let mut builder = Builder {
        documents: Vec::new(),
        anchors: BTreeMap::new(),
        copied: 0,
    };
    let mut parser = Parser::new_from_str(text);
    let mut comments_before = false;
    while let Some((event, span)) = builder.next(&mut parser)? {
        match event {
            Event::Comment(..) => comments_before = true,
            Event::DocumentStart(explicit, _) => {
                if explicit && comments_before && builder.documents.is_empty() {
                    builder.push(Position::START, None);
                }
                builder.read_document(&mut parser, position_of(span.start))?;
            }
            _ => {}
        }
    }
    let mut documents = builder.documents;
    let ends_with_separator = text.trim_end().ends_with("---");
    if ends_with_separator
        && documents.len() > 1
        && documents.last().is_some_and(|last| last.root.is_none())
    {
        documents.pop();
    }
    if documents.is_empty() {
        documents.push(Document {
            index: 1,
            position: Position::START,
            root: None,
        });
    }
    Ok(documents)
}

struct Builder {
    documents: Vec<Document>,
    anchors: BTreeMap<usize, Anchored>,
    copied: usize,
}

struct Anchored {
    node: Node,
    size: Size,
}

/// How many nodes a tree has and how deep it is.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

type Events<'t> = Parser<'t, StrInput<'t>>;

impl Builder {
    fn next<'t>(&self, parser: &mut Events<'t>) -> Result<Option<(Event<'t>, Span)>, SyntaxError> {
        parser
            .next_event()
            .transpose()
            .map_err(|error| self.grammar_error(&error))
    }

    fn next_node<'t>(&self, parser: &mut Events<'t>) -> Result<(Event<'t>, Span), SyntaxError> {
        loop {
            match self.next(parser)? {
                Some((Event::Comment(..), _)) => {}
                Some(item) => return Ok(item),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn push(&mut self, position: Position, root: Option<Node>) {
        self.documents.push(Document {
            index: self.documents.len() + 1,
            position,
            root,
        });
    }

    fn read_document(
        &mut self,
        parser: &mut Events<'_>,
        start: Position,
    ) -> Result<(), SyntaxError> {
        self.anchors.clear();
        self.copied = 0;
        let (event, span) = self.next_node(parser)?;
        let nothing = matches!(event, Event::Scalar(..)) && span.is_empty();
        let (node, _) = self.read_node(parser, event, span, 0)?;
        while !matches!(
            self.next_node(parser)?.0,
            Event::DocumentEnd | Event::StreamEnd
        ) {}
        let position = if nothing { start } else { node.position };
        self.push(position, (!nothing).then_some(node));
        Ok(())
    }

    fn read_node<'t>(
        &mut self,
        parser: &mut Events<'t>,
        event: Event<'t>,
        span: Span,
        depth: usize,
    ) -> Result<(Node, Size), SyntaxError> {
        let position = position_of(span.start);
        let anchor = event.anchor_id();
        let (content, size) = match event {
            Event::Scalar(text, style, _, tag) => {
                let content = self.resolve(&text, style, tag.as_deref(), position)?;
                (content, Size { nodes: 1, depth: 1 })
            }
            Event::SequenceStart(_, _, tag) => {
                self.expect_tag(tag.as_deref(), "seq", position)?;
                self.read_sequence(parser, depth)?
            }
            Event::MappingStart(_, _, tag) => {
                self.expect_tag(tag.as_deref(), "map", position)?;
                self.read_mapping(parser, depth)?
            }
            Event::Alias(id) => return self.expand(id, position, depth),
            other => {
                return Err(self.error(
                    position,
                    SyntaxProblem::Grammar(format!("unexpected {}", event_name(&other))),
                ));
            }
        };
        let node = Node { position, content };
        if let Some(id) = anchor {
            self.count_copies(size, position)?;
            self.anchors.insert(
                id,
                Anchored {
                    node: node.clone(),
                    size,
                },
            );
        }
        Ok((node, size))
    }

    fn read_sequence(
        &mut self,
        parser: &mut Events<'_>,
        depth: usize,
    ) -> Result<(Content, Size), SyntaxError> {
        let mut items = Vec::new();
        let mut size = Size { nodes: 1, depth: 1 };
        loop {
            let (event, span) = self.next_node(parser)?;
            if event == Event::SequenceEnd {
                return Ok((Content::Sequence(items), size));
            }
            let (item, item_size) = self.read_node(parser, event, span, depth + 1)?;
            size.add(item_size);
            items.push(item);
        }
    }

    fn read_mapping(
        &mut self,
        parser: &mut Events<'_>,
        depth: usize,
    ) -> Result<(Content, Size), SyntaxError> {
        let mut members: Vec<Member> = Vec::new();
        let mut places = BTreeMap::new();
        let mut merged = Vec::new();
        let mut size = Size { nodes: 1, depth: 1 };
        loop {
            let (event, span) = self.next_node(parser)?;
            if event == Event::MappingEnd {
                break;
            }
            let merges =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let (key, _) = self.read_node(parser, event, span, depth + 1)?;
            let (event, span) = self.next_node(parser)?;
            let (value, value_size) = self.read_node(parser, event, span, depth + 1)?;
            size.add(value_size);
            if merges {
                merged.extend(self.merge_members(value)?);
                continue;
            }
            let key_position = key.position;
            let key = self.key_text(key)?;
            if let Some(first) = places.insert(key.clone(), key_position) {
                return Err(self.error(key_position, SyntaxProblem::DuplicateKey { key, first }));
            }
            members.push(Member {
                key,
                key_position,
                value,
            });
        }
        let mut present: BTreeSet<String> = places.into_keys().collect();
        // A key of the mapping itself wins over a merged one, an earlier merge over a later.
        members.extend(
            merged
                .into_iter()
                .filter(|member| present.insert(member.key.clone())),
        );
        Ok((Content::Mapping(members), size))
    }

    fn merge_members(&self, value: Node) -> Result<Vec<Member>, SyntaxError> {
        let position = value.position;
        let merge_error = || self.error(position, SyntaxProblem::MergeType);
        match value.content {
            Content::Mapping(members) => Ok(members),
            Content::Sequence(items) => {
                let mut members = Vec::new();
                for item in items {
                    let Content::Mapping(more) = item.content else {
                        return Err(merge_error());
                    };
                    members.extend(more);
                }
                Ok(members)
            }
            _ => Err(merge_error()),
        }
    }

    fn key_text(&self, key: Node) -> Result<String, SyntaxError> {
        match key.content {
            Content::String(text) => Ok(text),
            Content::Bool(value) => Ok(value.to_string()),
            Content::Number(value) => Ok(value.to_string()),
            _ => Err(self.error(key.position, SyntaxProblem::KeyType(key.type_name()))),
        }
    }

    fn expand(
        &mut self,
        id: usize,
        position: Position,
        depth: usize,
    ) -> Result<(Node, Size), SyntaxError> {
        let Some(anchored) = self.anchors.get(&id) else {
            // The parser refuses unknown names, so this alias stands inside the node it names.
            let problem =
                SyntaxProblem::Grammar("an alias stands inside the node that it names".to_owned());
            return Err(self.error(position, problem));
        };
        let (mut node, size) = (anchored.node.clone(), anchored.size);
        self.count_copies(size, position)?;
        if depth + size.depth > MAX_DEPTH {
            return Err(self.error(position, SyntaxProblem::Aliases));
        }
        node.position = position;
        Ok((node, size))
    }

    fn count_copies(&mut self, size: Size, position: Position) -> Result<(), SyntaxError> {
        self.copied += size.nodes;
        if self.copied > MAX_COPIED_NODES {
            Err(self.error(position, SyntaxProblem::Aliases))
        } else {
            Ok(())
        }
    }

    fn resolve(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        position: Position,
    ) -> Result<Content, SyntaxError> {
        let Some(tag) = tag else {
            if style != ScalarStyle::Plain {
                return Ok(Content::String(text.to_owned()));
            }
            return resolve_plain(text)
                .ok_or_else(|| self.error(position, SyntaxProblem::Number(text.to_owned())));
        };
        let wrong_tag = || self.error(position, SyntaxProblem::Tag(tag.original()));
        let name = match (tag.core_suffix(), tag.suffix()) {
            (Some(name), _) => name,
            // The non-specific tag `!` forces a string.
            (None, "" | "!") => "str",
            _ => return Err(wrong_tag()),
        };
        if name == "str" {
            return Ok(Content::String(text.to_owned()));
        }
        let content = resolve_plain(text).ok_or_else(wrong_tag)?;
        match (name, &content) {
            ("null", Content::Null)
            | ("bool", Content::Bool(_))
            | ("int" | "float", Content::Number(_)) => Ok(content),
            _ => Err(wrong_tag()),
        }
    }

    fn expect_tag(
        &self,
        tag: Option<&Tag>,
        name: &str,
        position: Position,
    ) -> Result<(), SyntaxError> {
        match tag {
            Some(tag) if tag.core_suffix() != Some(name) => {
                Err(self.error(position, SyntaxProblem::Tag(tag.original())))
            }
            _ => Ok(()),
        }
    }

    fn error(&self, position: Position, problem: SyntaxProblem) -> SyntaxError {
        SyntaxError {
            document: self.documents.len() + 1,
            position,
            problem,
        }
    }

    fn grammar_error(&self, error: &ScanError) -> SyntaxError {
        self.error(
            position_of(*error.marker()),
            SyntaxProblem::Grammar(error.info()),
        )
    }
}

impl Size {
    fn add(&mut self, child: Self) {
        self.nodes += child.nodes;
        self.depth = self.depth.max(child.depth + 1);
    }
}

fn position_of(marker: Marker) -> Position {
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position {
        line: narrow(marker.line()),
        column: narrow(marker.col()).saturating_add(1),
    }
}

fn event_name(event: &Event<'_>) -> &'static str {
    match event {
        Event::StreamStart | Event::StreamEnd => "end of file",
        Event::DocumentStart(..) | Event::DocumentEnd => "end of document",
        _ => "end of a list or mapping",
    }
}

/// More than any real manifest repeats, and little memory.
const MAX_COPIED_NODES: usize = 100_000;

/// The parser's own limit for text without aliases is 255 levels of either style.
const MAX_DEPTH: usize = 512;
