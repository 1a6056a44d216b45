//! A writer for the XML of answers: elements, text and lists, always escaped.

use std::ops::Range;

use crate::escape::push_escaped;

/// XML in the making; elements close themselves.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    text: String,
    /// Where the texts of secret elements stand, in order.
    secrets: Vec<Range<usize>>,
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
            secrets: Vec::new(),
        };
        write(&mut xml);
        xml
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

    /// An element whose text is as good as a credential, which nobody but the caller may see.
    pub(crate) fn secret(&mut self, name: &str, value: &str) {
        self.element(name, |xml| {
            let start = xml.text.len();
            push_escaped(&mut xml.text, value);
            xml.secrets.push(start..xml.text.len());
        });
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

    /// Puts what was written between two pieces, and tells where in the whole it stands: the parts that are not secret.
    pub(crate) fn wrapped(mut self, before: &str, after: &str) -> (String, Vec<Range<usize>>) {
        let mut shown = Vec::with_capacity(self.secrets.len() + 1);
        let mut start = before.len();
        for secret in self.secrets {
            shown.push(start..before.len() + secret.start);
            start = before.len() + secret.end;
        }
        shown.push(start..before.len() + self.text.len());
        self.text.reserve(before.len() + after.len());
        self.text.insert_str(0, before);
        self.text.push_str(after);
        (self.text, shown)
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
const USUAL: usize = 1_000;

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
    fn what_is_shown_of_an_answer_lacks_its_secrets() {
        let credentials = Xml::of(|xml| {
            xml.text("Id", "a");
            xml.secret("Key", "k&");
            xml.secret("Token", "t");
            xml.text("End", "e");
        });
        let (whole, shown) = credentials.wrapped("<R>", "</R>");
        assert_eq!(
            whole,
            "<R><Id>a</Id><Key>k&amp;</Key><Token>t</Token><End>e</End></R>"
        );
        let shown: String = shown.into_iter().map(|part| &whole[part]).collect();
        assert_eq!(shown, "<Id>a</Id><Key></Key><Token></Token><End>e</End>");
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
