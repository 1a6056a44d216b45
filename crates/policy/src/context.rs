//! The context keys of a request: what conditions and policy variables look at.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// The values of a request's context keys. Key names ignore case, as in IAM.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Each key once. A request has a few dozen, among which a search from the start is the quickest.
    values: Vec<(Cow<'static, str>, ContextValue)>,
}

/// The value of one context key.
///
/// The variant is the key's type, not the number of values: `aws:TagKeys` is `Many` even when it holds one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A key with a single value.
    One(String),
    /// A multivalued key; the list may be empty.
    Many(Vec<String>),
}

impl Context {
    /// A context without any key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key, replacing what it had.
    pub fn insert(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<ContextValue>) {
        let key = fold(key.into());
        let value = value.into();
        if let Some(known) = self.values.iter_mut().find(|(known, _)| same(known, &key)) {
            known.1 = value;
            return;
        }
        if self.values.is_empty() {
            self.values.reserve(USUAL_KEYS);
        }
        self.values.push((key, value));
    }

    /// Sets a key when there is a value for it.
    pub fn insert_some(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        value: Option<impl Into<ContextValue>>,
    ) {
        if let Some(value) = value {
            self.insert(key, value);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        let key = fold(Cow::Borrowed(key));
        let (_, value) = self.values.iter().find(|(known, _)| same(known, &key))?;
        Some(value)
    }

    /// Every key with its value, in no particular order. The case of a key has no meaning.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.values.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.values.len() == other.values.len()
            && self
                .iter()
                .all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for Context {}

impl<V: Into<ContextValue>> FromIterator<(String, V)> for Context {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        let mut context = Self::new();
        context.extend(pairs);
        context
    }
}

impl<V: Into<ContextValue>> Extend<(String, V)> for Context {
    fn extend<I: IntoIterator<Item = (String, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl ContextValue {
    /// The values, one or many.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Serialize for ContextValue {
    /// Serialises the values as a list, also when the key has a single value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl From<&str> for ContextValue {
    fn from(value: &str) -> Self {
        Self::One(value.to_owned())
    }
}

impl From<String> for ContextValue {
    fn from(value: String) -> Self {
        Self::One(value)
    }
}

impl From<&String> for ContextValue {
    fn from(value: &String) -> Self {
        Self::One(value.clone())
    }
}

impl From<bool> for ContextValue {
    fn from(value: bool) -> Self {
        Self::One(value.to_string())
    }
}

impl From<i64> for ContextValue {
    fn from(value: i64) -> Self {
        Self::One(value.to_string())
    }
}

impl From<Vec<String>> for ContextValue {
    fn from(values: Vec<String>) -> Self {
        Self::Many(values)
    }
}

/// Prepares a key for [`same`]. Keys are ASCII but for tags, and few are written in lower case.
fn fold(key: Cow<'_, str>) -> Cow<'_, str> {
    if key.is_ascii() {
        key
    } else {
        Cow::Owned(key.to_lowercase())
    }
}

/// Whether two folded keys are equal but for their case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// About as many keys as the condition keys of a request are.
const USUAL_KEYS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_names_ignore_case() {
        let mut context = Context::new();
        context.insert("aws:PrincipalTag/Team", "a");
        context.insert("AWS:principaltag/team", true);
        assert_eq!(
            context.get("Aws:PrincipalTag/TEAM"),
            Some(&ContextValue::One("true".to_owned()))
        );
        assert_eq!(context.iter().count(), 1);
    }

    #[test]
    fn keys_beyond_ascii_ignore_case_too() {
        let mut context = Context::new();
        context.insert("aws:PrincipalTag/Größe", "a");
        context.insert("AWS:principaltag/GRÖSSE", "b");
        context.insert("aws:RequestTag/ΟΔΟΣ", "c");
        let value = |text: &str| Some(ContextValue::from(text));
        assert_eq!(context.get("aws:principaltag/GRÖßE").cloned(), value("a"));
        assert_eq!(context.get("aws:PrincipalTag/grösse").cloned(), value("b"));
        assert_eq!(context.get("aws:requesttag/οδος").cloned(), value("c"));
        // The Kelvin sign is the capital of an ASCII letter.
        context.insert("aws:RequestTag/\u{212a}", "d");
        assert_eq!(context.get("aws:RequestTag/k").cloned(), value("d"));
        assert_eq!(context.get("aws:RequestTag/K").cloned(), value("d"));
    }

    #[test]
    fn the_order_of_keys_does_not_count() {
        let of = |pairs: &[(&'static str, &str)]| {
            let mut context = Context::new();
            for (key, value) in pairs {
                context.insert(*key, *value);
            }
            context
        };
        let context = of(&[("k:a", "1"), ("k:b", "2")]);
        assert_eq!(context, of(&[("K:B", "2"), ("k:a", "1")]));
        assert_ne!(context, of(&[("k:a", "1"), ("k:b", "3")]));
        assert_ne!(context, of(&[("k:a", "1"), ("k:c", "2")]));
        assert_ne!(context, of(&[("k:a", "1")]));
        assert_ne!(of(&[("k:a", "1")]), context);
    }
}
