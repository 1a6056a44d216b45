//! The constraints that the API model puts on parameters, and AWS's text when they are broken.
//!
//! All broken constraints are reported at once. Values that are secret or long are left out of the text, as AWS does
//! since 2026.

use podpass_kinds::Reason;

use crate::denial::{Code, Denial};
use crate::trace::{Comparison, StepName, Trace};

/// Collects the broken constraints of one request.
#[derive(Default)]
pub(crate) struct Constraints {
    broken: Vec<String>,
    comparisons: Vec<Comparison>,
}

/// Whether a value may stand in a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Value,
    Nothing,
}

impl Constraints {
    /// Checks that the length in characters lies within the bounds.
    pub(crate) fn length(&mut self, name: &str, value: &str, show: Show, min: usize, max: usize) {
        let length = value.chars().count();
        if length < min {
            self.add(
                name,
                value,
                show,
                &format!("have length greater than or equal to {min}"),
                length,
            );
        } else if length > max {
            self.add(
                name,
                value,
                show,
                &format!("have length less than or equal to {max}"),
                length,
            );
        }
    }

    /// Checks that a list is not too long.
    pub(crate) fn count(&mut self, name: &str, count: usize, max: usize) {
        if count > max {
            self.add(
                name,
                "",
                Show::Nothing,
                &format!("have length less than or equal to {max}"),
                count,
            );
        }
    }

    /// Checks that each character is allowed; the pattern is the model's, for the text only.
    pub(crate) fn pattern(
        &mut self,
        name: &str,
        value: &str,
        show: Show,
        pattern: &str,
        allowed: fn(char) -> bool,
    ) {
        if !value.chars().all(allowed) {
            let length = value.chars().count();
            self.add(
                name,
                value,
                show,
                &format!("satisfy regular expression pattern: {pattern}"),
                length,
            );
        }
    }

    /// Checks that a number lies within the bounds.
    pub(crate) fn range(&mut self, name: &str, value: i64, min: i64, max: i64) {
        let text = value.to_string();
        if value < min {
            self.add(
                name,
                &text,
                Show::Value,
                &format!("have value greater than or equal to {min}"),
                0,
            );
        } else if value > max {
            self.add(
                name,
                &text,
                Show::Value,
                &format!("have value less than or equal to {max}"),
                0,
            );
        }
    }

    /// Returns AWS's text for the broken constraints.
    pub(crate) fn message(&self) -> Option<String> {
        let errors = match self.broken.len() {
            0 => return None,
            1 => "error",
            _ => "errors",
        };
        Some(format!(
            "{} validation {errors} detected: {}",
            self.broken.len(),
            self.broken.join("; ")
        ))
    }

    /// Refuses the request if a constraint is broken.
    pub(crate) fn finish(self, trace: &mut Trace) -> Result<(), Denial> {
        let Some(message) = self.message() else {
            return Ok(());
        };
        trace.fail(StepName::Parameters, self.comparisons);
        Err(Denial::new(
            Code::ValidationError,
            message,
            Reason::ParameterInvalid,
            trace.clone(),
        ))
    }

    fn add(&mut self, name: &str, value: &str, show: Show, rule: &str, length: usize) {
        let (shown, actual) = match show {
            Show::Value => (format!("'{value}' "), value.to_owned()),
            Show::Nothing => (String::new(), format!("length {length}")),
        };
        self.broken.push(format!(
            "Value {shown}at '{name}' failed to satisfy constraint: Member must {rule}"
        ));
        self.comparisons
            .push(Comparison::failing(name, format!("must {rule}"), actual));
    }
}

/// `[\w+=,.@-]`, the alphabet of session names and source identities.
pub(crate) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

/// The alphabet of session names, as the API model writes it.
pub(crate) const NAME_PATTERN: &str = r"[\w+=,.@-]*";
