//! ARN patterns: six fields, each matched by itself.

use crate::context::Context;
use crate::document::Version;
use crate::pattern::{Pattern, covers_text};
use crate::template::{Template, Wildcards};

/// An ARN with wildcards whose variables have been filled in.
///
/// A text of fewer than six fields, such as `*` alone, is none. AWS checks each of the six fields by itself ("IAM JSON
/// policy elements: Condition operators", ARN operators); measured, IAM refuses to store a policy in which such an
/// operator has a text that is no ARN ("The policy failed legacy parsing"), while STS takes it in a session policy, where
/// it cannot grant. None of the 1 582 policies that AWS manages has one. SQS is known to take `*` in the policy of a
/// queue, which is no document of this crate.
#[derive(Clone, Debug)]
pub(crate) struct ArnPattern {
    fields: [Pattern; 6],
    text: String,
}

/// Why a text of a policy is no pattern for ARNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoArnPattern {
    /// It does not have the six fields of an ARN, or a variable in it is malformed.
    Malformed,
    /// A variable has no value in this request.
    Unresolved,
}

impl ArnPattern {
    pub(crate) fn read(
        text: &str,
        version: Version,
        context: &Context,
    ) -> Result<Self, NoArnPattern> {
        let template = Template::read(text, version, Wildcards::Active)
            .map_err(|_| NoArnPattern::Malformed)?;
        let fields = template.split_arn().ok_or(NoArnPattern::Malformed)?;
        if !fields[0].is_literal("arn") {
            return Err(NoArnPattern::Malformed);
        }
        let mut patterns: [Pattern; 6] = Default::default();
        let mut texts = Vec::with_capacity(fields.len());
        for (pattern, field) in patterns.iter_mut().zip(&fields) {
            let resolved = field.resolve(context).ok_or(NoArnPattern::Unresolved)?;
            *pattern = resolved.pattern;
            texts.push(resolved.text);
        }
        Ok(Self {
            fields: patterns,
            text: texts.join(":"),
        })
    }

    /// The ARN with its variables filled in.
    pub(crate) fn shown(&self) -> &str {
        &self.text
    }

    /// Whether the pattern covers an ARN, field by field; only in the last does `*` cross `:`.
    pub(crate) fn matches(&self, arn: &str) -> bool {
        split(arn).is_some_and(|fields| {
            self.fields
                .iter()
                .zip(fields)
                .all(|(pattern, field)| pattern.matches(field))
        })
    }
}

/// Whether a text without variables, in which `*` and `?` are wildcards, covers an ARN, field by field, in linear time.
///
/// A text without the six fields of an ARN covers none, and is covered by none.
pub fn covers_arn(pattern: &str, arn: &str) -> bool {
    match (split(pattern), split(arn)) {
        (Some(patterns), Some(fields)) => patterns
            .into_iter()
            .zip(fields)
            .all(|(pattern, field)| covers_text(pattern, field)),
        _ => false,
    }
}

/// Splits an ARN of a request into its six fields; `None` when it is none.
pub(crate) fn split(arn: &str) -> Option<[&str; 6]> {
    let mut parts = arn.splitn(6, ':');
    let mut fields = [""; 6];
    for field in &mut fields {
        *field = parts.next()?;
    }
    (fields[0] == "arn").then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_matched_one_by_one() {
        for (pattern, arn, expected) in [
            ("arn:aws:s3:::b", "arn:aws:s3:::b", true),
            ("arn:aws:s3:::B", "arn:aws:s3:::b", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y:z", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("arn:*:s3:::b", "arn:aws-cn:s3:::b", true),
            ("arn:aws:*:b", "arn:aws:s3:::b", false),
            ("arn:aws:iam::*:role/r", "arn:aws:iam::1:role/r", true),
            ("arn:aws:iam::*:role/r", "arn:aws:iam::1:2:role/r", false),
            ("arn:aws:sqs:us-*:1:q?", "arn:aws:sqs:us-east-1:1:q1", true),
            ("arn:aws:sqs:us-*:1:q?", "arn:aws:sqs:eu-west-1:1:q1", false),
        ] {
            let matches = ArnPattern::read(pattern, Version::V2012, &Context::new())
                .is_ok_and(|pattern| pattern.matches(arn));
            assert_eq!(matches, expected, "{pattern} on {arn}");
            assert_eq!(covers_arn(pattern, arn), expected, "{pattern} on {arn}");
        }
    }

    #[test]
    fn fewer_than_six_fields_are_no_arn() {
        for text in ["*", "arn:aws:s3", "arn:aws:s3::b", "a:b:c:d:e:f"] {
            assert_eq!(
                ArnPattern::read(text, Version::V2012, &Context::new()).unwrap_err(),
                NoArnPattern::Malformed,
                "{text}"
            );
            assert!(!covers_arn(text, "arn:aws:s3:::b"), "{text}");
            assert!(!covers_arn("arn:*:*:*:*:*", text), "{text}");
        }
    }
}
