//! XML as S3 speaks it: a small writer, and a bounded reader of request documents.

use quick_xml::events::{BytesRef, Event};
use quick_xml::reader::Reader;

use super::error::S3Error;
use crate::escape::push_escaped;

/// The namespace of S3's result documents; error documents have none.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// Request documents are flat: `Delete/Object/Key` is the deepest common form, `Tagging` needs four levels.
const MAX_DEPTH: usize = 8;
/// A `Delete` of 1000 keys has some 4000 elements, a `CompleteMultipartUpload` of 10,000 parts 40,000.
const MAX_ELEMENTS: usize = 80_000;
/// 1000 keys of 1024 bytes, each byte written as a character reference of up to 6 bytes, and the tags around them.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Writes one document.
pub(super) struct Writer {
    out: String,
}

/// An element of a request document; names are local names, namespaces are not looked at.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

// === impl Writer ===

impl Writer {
    /// Starts a document with the XML declaration.
    pub(super) fn document() -> Self {
        Self {
            out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
        }
    }

    /// A whole result document: the root element in S3's namespace and what `body` writes into it.
    pub(super) fn result(root: &str, body: impl FnOnce(&mut Self)) -> String {
        let mut writer = Self::document();
        writer.out.push('<');
        writer.out.push_str(root);
        writer.out.push_str(" xmlns=\"");
        writer.out.push_str(NAMESPACE);
        writer.out.push_str("\">");
        body(&mut writer);
        writer.close(root);
        writer.finish()
    }

    pub(super) fn element(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        body(self);
        self.close(name);
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.element(name, |xml| push_escaped(&mut xml.out, value));
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Character data of the element being written.
    pub(super) fn content(&mut self, value: &str) {
        push_escaped(&mut self.out, value);
    }

    /// An element with attributes, which `open` gives verbatim: `Grantee xsi:type="CanonicalUser"`.
    pub(super) fn element_with_attributes(
        &mut self,
        open: &str,
        name: &str,
        body: impl FnOnce(&mut Self),
    ) {
        self.out.push('<');
        self.out.push_str(open);
        self.out.push('>');
        body(self);
        self.close(name);
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

// === impl Element ===

impl Element {
    /// Reads a document whose root must be `root`.
    ///
    /// # Errors
    /// `MalformedXML` for anything else: not UTF-8, not well-formed, a DTD, or beyond the bounds on size and depth.
    pub(super) fn read(document: &[u8], root: &str) -> Result<Self, S3Error> {
        read(document)
            .filter(|element| element.name == root)
            .ok_or_else(S3Error::malformed_xml)
    }

    /// The local name.
    #[cfg(feature = "fuzzing")]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The elements inside, in their order.
    #[cfg(feature = "fuzzing")]
    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    /// The text, with leading and trailing white space.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Refuses children other than these.
    pub(super) fn allow(&self, names: &[&str]) -> Result<&Self, S3Error> {
        self.children
            .iter()
            .all(|child| names.contains(&child.name.as_str()))
            .then_some(self)
            .ok_or_else(S3Error::malformed_xml)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The child of that name, if there is exactly one or none.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&Self>, S3Error> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(S3Error::malformed_xml());
        }
        Ok(first)
    }

    /// The child of that name, which must be there once.
    pub(super) fn required(&self, name: &str) -> Result<&Self, S3Error> {
        self.optional(name)?.ok_or_else(S3Error::malformed_xml)
    }

    /// An `xsd:boolean`.
    pub(super) fn boolean(&self) -> Result<bool, S3Error> {
        match self.text.trim() {
            text if text.eq_ignore_ascii_case("true") || text == "1" => Ok(true),
            text if text.eq_ignore_ascii_case("false") || text == "0" => Ok(false),
            _ => Err(S3Error::malformed_xml()),
        }
    }
}

/// Reads the document into a tree, without recursion; `None` for whatever is wrong with it.
fn read(document: &[u8]) -> Option<Element> {
    if document.len() > MAX_BYTES {
        return None;
    }
    let text = std::str::from_utf8(document).ok()?;
    if !text.chars().all(is_character) {
        return None;
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                // The reader takes whatever stands there for a name and attributes.
                if !is_name(start.name().into_inner()) || start.attributes().any(|one| one.is_err())
                {
                    return None;
                }
                if root.is_some() || open.len() == MAX_DEPTH || elements > MAX_ELEMENTS {
                    return None;
                }
                open.push(Element {
                    name: start.local_name().into_inner().to_owned(),
                    ..Element::default()
                });
            }
            Event::End(_) => {
                let element = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => root = Some(element),
                }
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                match open.last_mut() {
                    Some(element) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return None,
                }
            }
            Event::CData(data) => {
                let data = data.xml10_content();
                open.last_mut()?.text.push_str(&data);
            }
            Event::GeneralRef(reference) => {
                let character = resolve(&reference)?;
                open.last_mut()?.text.push(character);
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::Empty(_) | Event::PI(_) | Event::DocType(_) => return None,
            Event::Eof => return root.filter(|_| open.is_empty()),
        }
    }
}

/// What may stand in a document as it is (XML 1.0, production `Char`).
fn is_character(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// An element's name, perhaps with a prefix (Namespaces in XML, production `QName`); of characters beyond ASCII all are
/// taken.
fn is_name(name: &str) -> bool {
    let starts =
        |character: char| character.is_ascii_alphabetic() || matches!(character, '_' | '\u{80}'..);
    let follows = |character: char| starts(character) || matches!(character, '0'..='9' | '-' | '.');
    let (prefix, local) = name.split_once(':').unwrap_or(("p", name));
    [prefix, local]
        .iter()
        .all(|part| part.starts_with(starts) && part.chars().all(follows))
}

fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character);
    }
    match &*reference.xml10_content() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let key = "a & <b> \"c\" \r\n\t é 😀";
        let document = Writer::result("Delete", |xml| {
            xml.element("Object", |xml| xml.text("Key", key));
        });
        let root = Element::read(document.as_bytes(), "Delete").unwrap();
        let read = root.required("Object").unwrap().required("Key").unwrap();
        assert_eq!(read.text(), key);
    }

    #[test]
    fn refuses_documents_that_are_not_plain_xml() {
        let deep = "<a>".repeat(9) + &"</a>".repeat(9);
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        for (name, document) in [
            ("empty", ""),
            ("text only", "hello"),
            ("unclosed", "<a><b></b>"),
            ("crossed", "<a><b></a></b>"),
            ("two roots", "<a/><a/>"),
            ("text after the root", "<a/>x"),
            ("a DTD", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
            ("an unknown entity", "<a>&nbsp;</a>"),
            ("a processing instruction", "<?php x ?><a/>"),
            ("too deep", &deep),
            ("too many elements", &many),
            ("another root", "<b/>"),
            ("a name with a quote", "<a><b'x></b'x></a>"),
            ("a name that is a prefix only", "<a><b:/></a>"),
            ("a name that is a colon", "<a><:/></a>"),
            ("a name that begins with a digit", "<a><1/></a>"),
            ("an attribute without a value", "<a b/>"),
            ("an attribute that comes twice", "<a b='1' b='2'/>"),
            ("a control character", "<a>\u{1}</a>"),
            ("what is no character", "<a>\u{ffff}</a>"),
        ] {
            let error = Element::read(document.as_bytes(), "a").unwrap_err();
            assert_eq!(error.code, "MalformedXML", "{name}");
        }
    }

    #[test]
    fn ignores_namespaces_and_comments() {
        let document = "<?xml version=\"1.0\"?><!-- x --><s:a xmlns:s=\"urn:x\"><s:b> t<![CDATA[<]]></s:b></s:a>";
        let root = Element::read(document.as_bytes(), "a").unwrap();
        assert_eq!(root.required("b").unwrap().text(), " t<");
    }

    #[test]
    fn knows_what_may_stand_where() {
        let root = Element::read(b"<a><b/><b/><c>TRUE</c></a>", "a").unwrap();
        assert!(root.allow(&["b"]).is_err());
        assert!(root.allow(&["b", "c"]).is_ok());
        assert!(root.optional("b").is_err());
        assert!(root.required("d").is_err());
        assert!(root.required("c").unwrap().boolean().unwrap());
        assert_eq!(root.all("b").count(), 2);
    }
}
