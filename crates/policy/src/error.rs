//! Why a text is not a policy document.

use std::fmt;

use thiserror::Error;

mod aws;

use crate::document::DocumentKind;
use crate::position::Position;

/// A text that is not a valid policy document: where, and why.
///
/// Displays as `line L, column C: …`, with the fix where there is an obvious one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{position}: {kind}")]
pub struct PolicyError {
    /// Where in the text.
    pub position: Position,
    /// What is wrong.
    pub kind: PolicyErrorKind,
    /// What the document was read as.
    pub document: DocumentKind,
}

/// What is wrong with a policy document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// The text is not JSON, or an object repeats a member.
    #[error("{problem}")]
    Json {
        /// What the reader met.
        problem: String,
    },
    /// A value has the wrong JSON type.
    #[error("{element} must be {expected}, not {found}")]
    WrongType {
        /// The element, such as `Statement`.
        element: String,
        /// The types that are possible, with their article.
        expected: &'static str,
        /// The type that was found, with its article.
        found: &'static str,
    },
    /// A member that the policy language does not have here.
    #[error("`{name}` is not an element of {parent}{}", DidYouMean(suggestion.as_deref()))]
    UnknownElement {
        /// The member's name.
        name: String,
        /// Where it stands, with its article.
        parent: &'static str,
        /// The element that was probably meant.
        suggestion: Option<String>,
    },
    /// The Version is none.
    #[error(
        "`{value}` is not a version of the policy language: it must be `2012-10-17` or `2008-10-17`"
    )]
    Version {
        /// The text that was refused.
        value: String,
    },
    /// There is no statement.
    #[error("the policy has no statement")]
    NoStatement,
    /// An element that a statement must have is missing or empty.
    #[error("the statement has no {element}{}", Hint(missing_hint(element)))]
    MissingElement {
        /// The element.
        element: &'static str,
    },
    /// An element and its Not form stand together.
    #[error("the statement has both {element} and Not{element}: keep one of them")]
    BothForms {
        /// The positive element.
        element: &'static str,
    },
    /// An element that this kind of policy must not have.
    #[error("{document} must not have the element {element}")]
    ProhibitedElement {
        /// The element.
        element: &'static str,
        /// The kind of policy.
        document: DocumentKind,
    },
    /// The Effect is none.
    #[error("`{value}` is not an effect: it must be `Allow` or `Deny`{}", DidYouMean(*suggestion))]
    Effect {
        /// The text that was refused.
        value: String,
        /// The effect that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// A Sid has characters that it must not have.
    #[error("`{value}` is not a statement id: it must be letters and digits")]
    Sid {
        /// The text that was refused.
        value: String,
    },
    /// Two statements have the same Sid.
    #[error(
        "the statement id `{value}` was already given at {first}: statement ids must be unique"
    )]
    DuplicateSid {
        /// The id.
        value: String,
        /// Where it stands first.
        first: Position,
    },
    /// An Allow statement has a NotPrincipal.
    #[error(
        "NotPrincipal must not stand with the effect `Allow`: name those who are allowed in Principal"
    )]
    AllowWithNotPrincipal,
    /// A resource control policy has an Allow that is not that of `RCPFullAWSAccess`.
    #[error(
        "a resource control policy must not allow: its effect must be `Deny`, except in AWS's own `RCPFullAWSAccess`"
    )]
    AllowInResourceControl,
    /// A resource control policy is about some principals only.
    #[error(
        "the Principal of a resource control policy must be `\"*\"`: tell callers apart by conditions such as `aws:PrincipalOrgID`"
    )]
    PrincipalNotEveryone,
    /// A resource control policy denies every action of every service.
    #[error(
        "`{value}` must not stand alone in a resource control policy: name the service, as in `s3:*`"
    )]
    ActionOfEveryService {
        /// The text that was refused.
        value: String,
    },
    /// A Principal is neither `"*"` nor an object.
    #[error("`{value}` is not a principal: it must be `\"*\"` or an object such as {{\"AWS\": …}}")]
    PrincipalForm {
        /// The text that was refused.
        value: String,
    },
    /// A Principal names nobody.
    #[error(
        "the Principal names nobody: list who is meant, for instance {{\"AWS\": \"123456789012\"}}"
    )]
    EmptyPrincipal,
    /// A principal is malformed.
    #[error("`{value}` is not {expected}")]
    Principal {
        /// The member of the Principal element.
        kind: &'static str,
        /// The text that was refused.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A statement allows the shared Cognito provider without a condition.
    #[error("a statement for the federated principal `{value}` must have a condition")]
    FederatedWithoutCondition {
        /// The provider.
        value: String,
    },
    /// An action does not start with a service.
    #[error("`{value}` is not an action: it must be `service:Action`, or `*`")]
    ActionWithoutService {
        /// The text that was refused.
        value: String,
    },
    /// The service of an action is malformed.
    #[error(
        "`{service}` in `{value}` is not a service: it must be letters, digits and `-`, without wildcards"
    )]
    ActionService {
        /// The action.
        value: String,
        /// Its service.
        service: String,
    },
    /// The name of an action is malformed.
    #[error(
        "`{value}` is not an action: after the service it must have letters, digits, `*` or `?`"
    )]
    ActionName {
        /// The text that was refused.
        value: String,
    },
    /// A trust policy is about an action that does not assume a role.
    #[error(
        "`{value}` does not belong in a trust policy: its actions are `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity`, `sts:AssumeRoleWithSAML`, `sts:TagSession`, `sts:SetSourceIdentity` and `sts:SetContext`"
    )]
    ActionNotForTrust {
        /// The text that was refused.
        value: String,
    },
    /// A resource is neither an ARN nor `*`.
    #[error("`{value}` is not a resource: it must be an ARN, or `*`")]
    ResourceForm {
        /// The text that was refused.
        value: String,
    },
    /// A resource has too few parts for an ARN.
    #[error("`{value}` is not an ARN: it has {parts} parts separated by `:`, an ARN has 6")]
    ResourceParts {
        /// The text that was refused.
        value: String,
        /// How many it has.
        parts: usize,
    },
    /// The partition of a resource does not exist.
    #[error("`{partition}` in `{value}` is not an AWS partition")]
    ResourcePartition {
        /// The resource.
        value: String,
        /// Its partition.
        partition: String,
    },
    /// The service of a resource has a wildcard or is missing.
    #[error("the service of the resource `{value}` must be written out, without wildcards")]
    ResourceService {
        /// The resource.
        value: String,
    },
    /// A condition operator does not exist.
    #[error("`{value}` is not a condition operator{}", DidYouMean(suggestion.as_deref()))]
    UnknownOperator {
        /// The text that was refused.
        value: String,
        /// The operator that was probably meant.
        suggestion: Option<String>,
    },
    /// A condition key does not start with a service or provider.
    #[error("`{value}` is not a condition key: it must be `service:key` or `provider:claim`")]
    ConditionKey {
        /// The text that was refused.
        value: String,
    },
    /// A condition key stands twice under the same operator, in different case.
    #[error(
        "the condition key `{value}` was already given at {first}: case does not count in keys; merge the two"
    )]
    DuplicateConditionKey {
        /// The key.
        value: String,
        /// Where it stands first.
        first: Position,
    },
    /// A value cannot be compared with its operator.
    #[error("`{value}` cannot be compared with {operator}: it must be {expected}")]
    ConditionValue {
        /// The text that was refused.
        value: String,
        /// The operator.
        operator: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A policy variable is malformed.
    #[error("`{value}`: {problem}")]
    Variable {
        /// The text that was refused.
        value: String,
        /// What is wrong with the variable.
        problem: String,
    },
}

struct DidYouMean<'a>(Option<&'a str>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

struct Hint(Option<&'static str>);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hint) => write!(f, ": add {hint}"),
            None => Ok(()),
        }
    }
}

fn missing_hint(element: &str) -> Option<&'static str> {
    Some(match element {
        "Effect" => "`\"Effect\": \"Allow\"` or `\"Effect\": \"Deny\"`",
        "Action" => "Action or NotAction",
        "Resource" => "Resource or NotResource",
        "Principal" => "who may do it",
        _ => return None,
    })
}
