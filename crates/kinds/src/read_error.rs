//! A file that cannot be used: what, where, and the fix.

use std::fmt;

use crate::yaml::{DecodeError, SyntaxError, SyntaxProblem};
use crate::{Position, Reason};

/// A file that cannot be used as the input it was given for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ReadError {
    /// Where in which file.
    pub place: Box<Place>,
    /// What is wrong there.
    pub problem: Problem,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name as the caller gave it.
    pub file: String,
    /// The number of the document in the file, from 1.
    pub document: usize,
    /// Line and column in the file, not in the document.
    pub position: Position,
    /// Kind and name of the object in that document, as far as they could be read: ``CredentialsRequest `ingress` ``.
    pub object: Option<String>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not YAML or JSON.
    #[error("{0}")]
    Syntax(SyntaxProblem),
    /// The document is a list or a scalar instead of an object.
    #[error("expected an object with apiVersion and kind, found {found}")]
    NotAnObject {
        /// The type found, with its article.
        found: &'static str,
    },
    /// The object is of another kind.
    #[error("expected {expected}, found kind `{kind}` of apiVersion `{api_version}`")]
    Kind {
        /// The kinds that are read here.
        expected: &'static str,
        /// The apiVersion found.
        api_version: String,
        /// The kind found.
        kind: String,
    },
    /// The kind is right but its apiVersion is not supported.
    #[error("`{kind}` has apiVersion `{found}`, expected `{expected}`")]
    ApiVersion {
        /// The kind.
        kind: String,
        /// The apiVersion found.
        found: String,
        /// The apiVersion supported.
        expected: &'static str,
    },
    /// The provider spec belongs to no known cloud.
    #[error("`spec.providerSpec` has the unknown kind `{kind}`")]
    ProviderSpec {
        /// The kind found.
        kind: String,
    },
    /// A field is missing, empty, or has the wrong type or value.
    #[error("{0}")]
    Field(DecodeError),
    /// The file holds no object of the kind that was asked for.
    #[error("the file holds no {expected}")]
    NoneFound {
        /// The kinds asked for.
        expected: &'static str,
    },
}

impl ReadError {
    /// Returns the reason code.
    pub fn reason(&self) -> Reason {
        match &self.problem {
            Problem::Syntax(SyntaxProblem::DuplicateKey { .. }) => Reason::DuplicateKey,
            Problem::Syntax(_) => Reason::FileSyntaxInvalid,
            Problem::NotAnObject { .. } | Problem::Kind { .. } => Reason::FileKindUnexpected,
            Problem::ApiVersion { .. } => Reason::FileApiVersionUnexpected,
            Problem::ProviderSpec { .. } => Reason::ProviderSpecUnknown,
            Problem::Field(error) if error.is_missing() => Reason::FileFieldMissing,
            Problem::Field(_) => Reason::FileFieldInvalid,
            Problem::NoneFound { .. } => Reason::NothingToDo,
        }
    }

    /// Returns what to change, as one imperative clause.
    pub fn fix(&self) -> String {
        match &self.problem {
            Problem::Syntax(SyntaxProblem::DuplicateKey { key, .. }) => format!("remove one of the two `{key}`"),
            Problem::Syntax(SyntaxProblem::Grammar(_)) => {
                "check the indentation (blanks, no tabs), the quotes and the brackets up to this line".to_owned()
            }
            Problem::NotAnObject { .. } => "start the document with `apiVersion:` and `kind:`".to_owned(),
            Problem::Kind { expected, .. } => {
                format!("move this document to another file or directory; only {expected} is read here")
            }
            Problem::ApiVersion { expected, .. } => format!("write `apiVersion: {expected}`"),
            Problem::Field(error) if error.is_missing() => format!("add `{}`", error.path()),
            Problem::NoneFound { expected } => format!("add {expected} to the file"),
            _ => self.reason().fix().to_owned(),
        }
    }

    pub(crate) fn from_syntax(file: &str, error: SyntaxError) -> Self {
        let place = Place {
            file: file.to_owned(),
            document: error.document,
            position: error.position,
            object: None,
        };
        Self {
            place: Box::new(place),
            problem: Problem::Syntax(error.problem),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: document {}",
            self.file, self.position.line, self.position.column, self.document
        )?;
        match &self.object {
            Some(object) => write!(f, ", {object}"),
            None => Ok(()),
        }
    }
}
