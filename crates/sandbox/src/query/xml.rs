//! A writer for the XML of answers: elements, text and lists, always escaped.

use crate::escape::push_escaped;

/// XML in the making; elements close themselves.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    text: String,
}

impl Xml {
    /// Writes what `write` writes and returns it.
    pub(crate) fn of(write: impl FnOnce(&mut Self)) -> Self {
        Self::with_room(0, write)
    }

    /// The same, with room for so many bytes from the start.
    pub(crate) fn with_room(bytes: usize, write: impl FnOnce(&mut Self)) -> Self {
        let mut xml = Self {
            text: String::with_capacity(bytes + USUAL),
        };
        write(&mut xml);
        xml
    }

    /// The length so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// An element with children.
    pub(crate) fn element(&mut self, name: &str, children: impl FnOnce(&mut Self)) {
        self.open(name);
        children(self);
        self.close(name);
    }

    /// An element in a namespace, with children.
    pub(crate) fn root(&mut self, name: &str, namespace: &str, children: impl FnOnce(&mut Self)) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push_str(" xmlns=\"");
        push_escaped(&mut self.text, namespace);
        self.text.push_str("\">");
        children(self);
        self.close(name);
    }

    /// An element with text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.element(name, |xml| push_escaped(&mut xml.text, value));
    }

    /// An element with text, when there is one.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// An element with a `member` for each item, present also when there is none.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.element(name, |xml| {
            for item in items {
                xml.element("member", |xml| each(xml, item));
            }
        });
    }

    /// An element with a `member` of text for each item.
    pub(crate) fn texts<'a>(&mut self, name: &str, items: impl IntoIterator<Item = &'a str>) {
        self.list(name, items, |xml, item| push_escaped(&mut xml.text, item));
    }

    /// XML that was written before.
    pub(crate) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }

    fn open(&mut self, name: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }
}

/// Bytes that most answers take beside what is long in them.
const USUAL: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_element() {
        let xml = Xml::of(|xml| xml.text("A", "</A><B a=\"'\">&\u{0}\r\n"));
        assert_eq!(
            xml.into_string(),
            "<A>&lt;/A&gt;&lt;B a=&quot;'&quot;&gt;&amp;\u{fffd}&#xd;\n</A>"
        );
    }

    #[test]
    fn lists_have_members_and_stay_when_empty() {
        let xml = Xml::of(|xml| {
            xml.texts("Ids", ["a", "b"]);
            xml.texts("None", []);
        });
        assert_eq!(
            xml.into_string(),
            "<Ids><member>a</member><member>b</member></Ids><None></None>"
        );
    }
}
