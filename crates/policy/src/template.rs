//! Policy texts with wildcards and policy variables (`${aws:username}`), before and after a request fills them in.

use std::iter::Peekable;
use std::str::Chars;

use thiserror::Error;

use crate::context::{Context, ContextValue};
use crate::document::Version;
use crate::pattern::{Pattern, Symbol};

/// A text of a policy, cut into literal characters, wildcards and variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Any,
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// Whether `*` and `?` are wildcards in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wildcards {
    Active,
    Literal,
}

/// A `${…}` that is no policy variable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidVariable {
    #[error("`${{` is not closed by `}}`")]
    Open,
    #[error("`${{}}` names no key")]
    Empty,
    #[error(
        "the default value of `${{{key}` must be in single quotes, as in `${{{key}, 'value'}}`"
    )]
    Default { key: String },
}

/// Whether a text has no policy variables, and so needs nothing filled in.
pub(crate) fn is_plain(text: &str, version: Version) -> bool {
    version == Version::V2008 || !text.contains("${")
}

/// The keys of the variables in a text that have no default; none when the text is malformed.
pub(crate) fn variables(text: &str, version: Version) -> Vec<String> {
    let tokens = Template::read(text, version, Wildcards::Active).map(|template| template.0);
    let variable = |token| match token {
        Token::Variable { key, default: None } => Some(key),
        _ => None,
    };
    tokens
        .unwrap_or_default()
        .into_iter()
        .filter_map(variable)
        .collect()
}

impl Template {
    /// Reads a text. Under version 2008-10-17 `${…}` is plain text.
    pub(crate) fn read(
        text: &str,
        version: Version,
        wildcards: Wildcards,
    ) -> Result<Self, InvalidVariable> {
        let mut chars = text.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(c) = chars.next() {
            tokens.push(match (c, wildcards) {
                ('*', Wildcards::Active) => Token::Any,
                ('?', Wildcards::Active) => Token::One,
                ('$', _) if version == Version::V2012 && chars.peek() == Some(&'{') => {
                    chars.next();
                    read_variable(&mut chars)?
                }
                (plain, _) => Token::Char(plain),
            });
        }
        Ok(Self(tokens))
    }

    /// Splits the text of an ARN at its first five colons; `None` when it has fewer.
    ///
    /// It is the policy's own colons that count, never those of a variable's name or value.
    pub(crate) fn split_arn(&self) -> Option<[Self; 6]> {
        let fields: Vec<Self> = self
            .0
            .splitn(6, |token| *token == Token::Char(':'))
            .map(|tokens| Self(tokens.to_vec()))
            .collect();
        fields.try_into().ok()
    }

    /// Whether the text is exactly this one, without wildcards and variables.
    pub(crate) fn is_literal(&self, text: &str) -> bool {
        self.as_literal().is_some_and(|literal| literal == text)
    }

    /// The text, when it has neither wildcards nor variables.
    pub(crate) fn as_literal(&self) -> Option<String> {
        self.0
            .iter()
            .map(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            })
            .collect()
    }

    /// Fills in the variables; `None` when a key is missing and has no default, or is multivalued.
    ///
    /// What is filled in is literal: a `*` that comes from the request is no wildcard.
    pub(crate) fn resolve(&self, context: &Context) -> Option<Resolved> {
        let mut resolved = Resolved::default();
        for token in &self.0 {
            match token {
                Token::Char(c) => resolved.push_char(*c),
                Token::One => resolved.push_wildcard(Symbol::One, '?'),
                Token::Any => resolved.push_wildcard(Symbol::Any, '*'),
                Token::Variable { key, default } => {
                    let value = match context.get(key) {
                        Some(ContextValue::One(value)) => value,
                        Some(ContextValue::Many(_)) => return None,
                        None => default.as_ref()?,
                    };
                    value.chars().for_each(|c| resolved.push_char(c));
                }
            }
        }
        Some(resolved)
    }
}

/// A template whose variables have been filled in: the text to show, and the pattern to match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    pub(crate) text: String,
    pub(crate) pattern: Pattern,
}

impl Resolved {
    fn push_char(&mut self, c: char) {
        self.text.push(c);
        self.pattern.push_char(c);
    }

    fn push_wildcard(&mut self, symbol: Symbol, c: char) {
        self.text.push(c);
        self.pattern.push(symbol);
    }
}

/// Reads what follows `${`.
fn read_variable(chars: &mut Peekable<Chars<'_>>) -> Result<Token, InvalidVariable> {
    let mut key = String::new();
    let default = loop {
        match chars.next().ok_or(InvalidVariable::Open)? {
            '}' => break None,
            ',' => break Some(read_default(chars, &key)?),
            c => key.push(c),
        }
    };
    let key = key.trim();
    match (key, default) {
        ("", _) => Err(InvalidVariable::Empty),
        // `${*}`, `${?}` and `${$}` stand for the characters themselves.
        ("*", None) => Ok(Token::Char('*')),
        ("?", None) => Ok(Token::Char('?')),
        ("$", None) => Ok(Token::Char('$')),
        (key, default) => Ok(Token::Variable {
            key: key.to_owned(),
            default,
        }),
    }
}

/// Reads what follows the comma of `${key, 'default'}`, with the closing brace.
fn read_default(chars: &mut Peekable<Chars<'_>>, key: &str) -> Result<String, InvalidVariable> {
    let refuse = || InvalidVariable::Default {
        key: key.trim().to_owned(),
    };
    skip_blanks(chars);
    if chars.next() != Some('\'') {
        return Err(refuse());
    }
    let mut default = String::new();
    loop {
        match chars.next().ok_or(InvalidVariable::Open)? {
            '\'' => break,
            c => default.push(c),
        }
    }
    skip_blanks(chars);
    match chars.next() {
        Some('}') => Ok(default),
        Some(_) => Err(refuse()),
        None => Err(InvalidVariable::Open),
    }
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if_eq(&' ').is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Template, InvalidVariable> {
        Template::read(text, Version::V2012, Wildcards::Active)
    }

    fn context() -> Context {
        let mut context = Context::new();
        context.insert("aws:username", "bob");
        context.insert("star", "*");
        context.insert("arn", "a:b");
        context.insert("list", vec!["x".to_owned()]);
        context
    }

    #[test]
    fn variables_are_filled_in_as_literal_text() {
        for (text, against, expected) in [
            ("home/${aws:username}/*", "home/bob/x", true),
            ("home/${AWS:UserName}", "home/bob", true),
            ("${star}", "*", true),
            ("${star}", "anything", false),
            ("${*}${?}${$}", "*?$", true),
            ("${*}", "x", false),
            ("${none, 'fallback'}", "fallback", true),
            ("${none,'*'}", "x", false),
            ("${aws:username, 'x'}", "bob", true),
            ("$x$", "$x$", true),
        ] {
            let resolved = read(text).unwrap().resolve(&context()).unwrap();
            assert_eq!(
                resolved.pattern.matches(against),
                expected,
                "{text} on {against}"
            );
        }
    }

    #[test]
    fn missing_and_multivalued_keys_stay_unresolved() {
        for text in ["${none}", "a${list}", "${list, 'x'}"] {
            assert!(read(text).unwrap().resolve(&context()).is_none(), "{text}");
        }
    }

    #[test]
    fn version_2008_knows_no_variables() {
        let template =
            Template::read("${aws:username}", Version::V2008, Wildcards::Active).unwrap();
        assert_eq!(
            template.resolve(&context()).unwrap().text,
            "${aws:username}"
        );
        assert!(Template::read("${", Version::V2008, Wildcards::Active).is_ok());
    }

    #[test]
    fn refuses_malformed_variables() {
        for (text, message) in [
            ("${aws:username", "`${` is not closed by `}`"),
            ("${}", "`${}` names no key"),
            (
                "${a, b}",
                "the default value of `${a` must be in single quotes, as in `${a, 'value'}`",
            ),
            ("${a, 'b}", "`${` is not closed by `}`"),
            (
                "${a, 'b' c}",
                "the default value of `${a` must be in single quotes, as in `${a, 'value'}`",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn only_the_policys_own_colons_split_an_arn() {
        let fields = read("arn:aws:s3:::b/${aws:username}/${arn}:x")
            .unwrap()
            .split_arn()
            .unwrap();
        assert_eq!(fields[5].resolve(&context()).unwrap().text, "b/bob/a:b:x");
        assert!(read("arn:aws:s3::${arn}").unwrap().split_arn().is_none());
    }
}
