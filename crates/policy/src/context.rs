//! The context keys of a request: what conditions and policy variables look at.

use std::collections::BTreeMap;

/// The values of a request's context keys. Key names ignore case, as in IAM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, ContextValue>,
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
    pub fn insert(&mut self, key: &str, value: impl Into<ContextValue>) {
        self.values.insert(fold(key), value.into());
    }

    /// Sets a key when there is a value for it.
    pub fn insert_some(&mut self, key: &str, value: Option<impl Into<ContextValue>>) {
        if let Some(value) = value {
            self.insert(key, value);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        self.values.get(&fold(key))
    }

    /// Every key, in lower case, with its value, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }
}

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
            self.insert(&key, value);
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

fn fold(key: &str) -> String {
    key.to_lowercase()
}

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
}
