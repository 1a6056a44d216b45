//! Policy documents.

use std::fmt;

mod edit;
mod parse;
mod principal;
mod print;
mod public;
mod statement;
mod values;

pub use edit::Change;
pub use principal::{PrincipalClause, PrincipalKind, PrincipalSet};
pub use statement::{ActionClause, Effect, ResourceClause, Statement};
pub use values::Values;

use crate::error::PolicyError;
use crate::json;

/// A policy of the IAM policy language.
///
/// Two documents are equal when they say the same in the same order; positions, and whether a single value was written as a list, do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The version of the language.
    pub version: Version,
    /// The optional name of the document.
    pub id: Option<String>,
    /// The statements, in order. The order has no meaning.
    pub statements: Vec<Statement>,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Version {
    /// `2008-10-17`, also when the element is absent: `${…}` is plain text.
    #[default]
    V2008,
    /// `2012-10-17`: policy variables work.
    V2012,
}

/// What a document is for, which decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A permissions policy or a permissions boundary, as IAM stores it.
    Permissions,
    /// A session policy, as STS takes it: like `Permissions`, but a malformed number, date, address or ARN in a condition is accepted and matches nothing.
    Session,
    /// The trust policy of a role.
    Trust,
    /// A bucket policy.
    Bucket,
    /// A service control policy of an organisation: like `Permissions`.
    ServiceControl,
    /// A resource control policy of an organisation: about everyone, and, but for AWS's own `RCPFullAWSAccess`, denying only.
    ResourceControl,
}

impl Document {
    /// A document of version 2012-10-17 without an id.
    pub fn new(statements: Vec<Statement>) -> Self {
        Self {
            version: Version::V2012,
            id: None,
            statements,
        }
    }

    /// Reads a document.
    pub fn parse(text: &str, kind: DocumentKind) -> Result<Self, PolicyError> {
        parse::parse(text, kind)
    }

    /// The document as JSON on one line, members in AWS's order.
    pub fn to_json(&self) -> String {
        json::write_compact(&print::print(self))
    }

    /// The document as JSON with an indent of two blanks, members in AWS's order.
    pub fn to_json_pretty(&self) -> String {
        json::write_pretty(&print::print(self))
    }

    /// Whether S3 calls this bucket policy public.
    pub fn is_public(&self) -> bool {
        public::is_public(self)
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permissions => "a permissions policy",
            Self::Session => "a session policy",
            Self::Trust => "a trust policy",
            Self::Bucket => "a bucket policy",
            Self::ServiceControl => "a service control policy",
            Self::ResourceControl => "a resource control policy",
        })
    }
}
