//! The constraints of an API's parameters, checked together so that one answer names every breach.

use std::str::FromStr;

use super::form::Member;
use super::{ApiError, Form};

/// What a text parameter must satisfy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constraint {
    /// The least number of characters.
    pub(crate) min: usize,
    /// The greatest number of characters.
    pub(crate) max: usize,
    pub(crate) pattern: Option<Pattern>,
}

/// A rule for characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    /// The regular expression that answers cite.
    pub(crate) cited: &'static str,
    /// The same rule as code.
    pub(crate) holds: fn(&str) -> bool,
}

/// Reads parameters and gathers what is wrong with them.
///
/// Each reading returns its own value or error; [`Input::finish`] comes before the first use of them and reports all
/// breaches at once.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    form: &'a Form,
    breaches: Vec<String>,
}

impl<'a> Input<'a> {
    pub(crate) fn new(form: &'a Form) -> Self {
        Self {
            form,
            breaches: Vec::new(),
        }
    }

    /// A parameter that must be there, whatever it is; [`Input::finish`] reports it when it is missing.
    pub(crate) fn present(&mut self, name: &'static str) {
        if self.form.text(name).is_none() {
            // Reported by `finish`, with all else that is wrong.
            let _ = self.missing::<()>(name);
        }
    }

    /// A text parameter that must be there, as the type that carries its rule.
    pub(crate) fn required<T: FromStr>(
        &mut self,
        name: &'static str,
        rule: &Constraint,
    ) -> Result<T, ApiError> {
        match self.form.text(name) {
            Some(text) => self.read(name, text, rule),
            None => self.missing(name),
        }
    }

    /// A text parameter that may be absent.
    pub(crate) fn optional<T: FromStr>(
        &mut self,
        name: &'static str,
        rule: &Constraint,
    ) -> Result<Option<T>, ApiError> {
        self.form
            .text(name)
            .map(|text| self.read(name, text, rule))
            .transpose()
    }

    /// An integer within bounds that may be absent.
    pub(crate) fn integer(
        &mut self,
        name: &'static str,
        min: i64,
        max: i64,
    ) -> Result<Option<i64>, ApiError> {
        let Some(number) = self.form.integer(name)? else {
            return Ok(None);
        };
        let bound = if number < min {
            format!("greater than or equal to {min}")
        } else if number > max {
            format!("less than or equal to {max}")
        } else {
            return Ok(Some(number));
        };
        self.breach(format!(
            "Value '{number}' at '{}' {FAILED} Member must have value {bound}",
            camel(name)
        ))
    }

    /// The members of a list that may be absent, at most `max` of them.
    pub(crate) fn list(
        &mut self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<Vec<Member<'a>>>, ApiError> {
        let members = self.form.list(name)?;
        if members.as_ref().is_some_and(|members| members.len() > max) {
            return self.breach(format!(
                "Value at '{}' {FAILED} Member must have length less than or equal to {max}",
                camel(name)
            ));
        }
        Ok(members)
    }

    /// The members of a list that must be sent, if only empty.
    pub(crate) fn required_list(
        &mut self,
        name: &'static str,
        max: usize,
    ) -> Result<Vec<Member<'a>>, ApiError> {
        match self.list(name, max)? {
            Some(members) => Ok(members),
            None => self.missing(name),
        }
    }

    /// One text inside a list, under the name that answers give to its place.
    pub(crate) fn member(
        &mut self,
        place: &str,
        text: Option<&str>,
        rule: &Constraint,
    ) -> Result<String, ApiError> {
        match text {
            Some(text) => self.read(place, text, rule),
            None => self.missing(place),
        }
    }

    /// Reports every breach.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.breaches.is_empty() {
            Ok(())
        } else {
            Err(refused(&self.breaches))
        }
    }

    fn read<T: FromStr>(
        &mut self,
        name: &str,
        text: &str,
        rule: &Constraint,
    ) -> Result<T, ApiError> {
        let count = text.chars().count();
        let kept = if count < rule.min {
            Err(format!("have length greater than or equal to {}", rule.min))
        } else if count > rule.max {
            Err(format!("have length less than or equal to {}", rule.max))
        } else {
            match rule.pattern {
                Some(pattern) if !(pattern.holds)(text) => Err(format!(
                    "satisfy regular expression pattern: {}",
                    pattern.cited
                )),
                // The type may know more than the pattern says.
                pattern => text.parse().map_err(|_| {
                    format!(
                        "satisfy regular expression pattern: {}",
                        pattern.map_or(".*", |pattern| pattern.cited)
                    )
                }),
            }
        };
        // As AWS does since 2026, without the value, which may be long or secret.
        kept.or_else(|must| {
            self.breach(format!(
                "Value at '{}' {FAILED} Member must {must}",
                camel(name)
            ))
        })
    }

    fn missing<T>(&mut self, name: &str) -> Result<T, ApiError> {
        self.breach(format!(
            "Value null at '{}' {FAILED} Member must not be null",
            camel(name)
        ))
    }

    fn breach<T>(&mut self, breach: String) -> Result<T, ApiError> {
        let error = refused(std::slice::from_ref(&breach));
        self.breaches.push(breach);
        Err(error)
    }
}

impl Constraint {
    /// A rule of length alone.
    pub(crate) const fn length(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            pattern: None,
        }
    }

    /// IAM's rule for names: word characters and `+=,.@-`.
    pub(crate) const fn name(max: usize) -> Self {
        Self {
            min: 1,
            max,
            pattern: Some(Pattern {
                cited: r"[\w+=,.@-]+",
                holds: is_name,
            }),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

fn refused(breaches: &[String]) -> ApiError {
    let count = breaches.len();
    let errors = if count == 1 { "error" } else { "errors" };
    ApiError::validation(format!(
        "{count} validation {errors} detected: {}",
        breaches.join("; ")
    ))
}

/// `RoleName` is `roleName` in answers.
fn camel(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(characters)
        .collect()
}

const FAILED: &str = "failed to satisfy constraint:";

#[cfg(test)]
mod tests {
    use podpass_policy::RoleName;

    use super::*;

    fn refusal(text: &str) -> String {
        let form = Form::parse(text.as_bytes()).unwrap();
        let mut input = Input::new(&form);
        let _ = input.required::<RoleName>("RoleName", &Constraint::name(64));
        let _ = input.integer("MaxSessionDuration", 3600, 43_200);
        input.finish().unwrap_err().message
    }

    #[test]
    fn words_each_breach_as_aws_does() {
        let long = "a".repeat(65);
        for (form, expected) in [
            (
                "",
                "Value null at 'roleName' failed to satisfy constraint: Member must not be null",
            ),
            (
                "RoleName=",
                "Value at 'roleName' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ),
            (
                &format!("RoleName={long}"),
                "Value at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64",
            ),
            (
                "RoleName=a/b",
                r"Value at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+",
            ),
            (
                "RoleName=r&MaxSessionDuration=43201",
                "Value '43201' at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than \
                 or equal to 43200",
            ),
        ] {
            assert_eq!(
                refusal(form),
                format!("1 validation error detected: {expected}")
            );
        }
    }

    #[test]
    fn joins_several_breaches_with_their_count() {
        let message = refusal("MaxSessionDuration=1");
        assert!(
            message.starts_with("2 validation errors detected: Value null at 'roleName'"),
            "{message}"
        );
        assert!(
            message.contains("; Value '1' at 'maxSessionDuration'"),
            "{message}"
        );
    }
}
