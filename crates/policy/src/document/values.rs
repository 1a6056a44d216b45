//! One value or a list of them.

use std::ops::Deref;

/// One or more texts, written as a string or as an array of strings.
///
/// The two spellings mean the same and compare equal; the one that was read is printed again.
#[derive(Clone, Debug)]
pub struct Values {
    texts: Vec<String>,
    spelling: Spelling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    String,
    Array,
}

impl Values {
    /// A single value, written as a string.
    pub fn one(value: impl Into<String>) -> Self {
        Self {
            texts: vec![value.into()],
            spelling: Spelling::String,
        }
    }

    /// A list, written as an array whatever its length.
    pub fn list<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self {
            texts: values.into_iter().map(Into::into).collect(),
            spelling: Spelling::Array,
        }
    }

    /// Adds a value at the end unless it is there; tells whether it was added.
    pub fn add(&mut self, value: &str) -> bool {
        if self.texts.iter().any(|text| text == value) {
            return false;
        }
        self.texts.push(value.to_owned());
        self.spelling = Spelling::Array;
        true
    }

    /// Removes a value; tells whether it was there.
    pub fn remove(&mut self, value: &str) -> bool {
        let before = self.texts.len();
        self.texts.retain(|text| text != value);
        if self.texts.is_empty() {
            self.spelling = Spelling::Array;
        }
        self.texts.len() != before
    }

    /// The value, when it is to be written as a string.
    pub(crate) fn as_single(&self) -> Option<&str> {
        match (self.spelling, self.texts.as_slice()) {
            (Spelling::String, [only]) => Some(only),
            _ => None,
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Eq for Values {}

impl Deref for Values {
    type Target = [String];

    fn deref(&self) -> &Self::Target {
        &self.texts
    }
}

impl<'a> IntoIterator for &'a Values {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.texts.iter()
    }
}

impl From<&str> for Values {
    fn from(value: &str) -> Self {
        Self::one(value)
    }
}

impl From<String> for Values {
    fn from(value: String) -> Self {
        Self::one(value)
    }
}

impl From<Vec<String>> for Values {
    fn from(values: Vec<String>) -> Self {
        Self::list(values)
    }
}

impl<const N: usize> From<[&str; N]> for Values {
    fn from(values: [&str; N]) -> Self {
        Self::list(values)
    }
}
