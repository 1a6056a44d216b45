//! AWS's Query protocol: forms in, XML out.

mod answer;
mod error;
mod form;
mod input;
mod xml;

pub(crate) use answer::{failure, failure_in, success};
pub(crate) use error::{ApiError, Fault};
pub(crate) use form::{Form, Member};
pub(crate) use input::{Constraint, Input, Pattern};
pub(crate) use xml::Xml;

/// A service that speaks the Query protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryService {
    Iam,
    Sts,
}

impl QueryService {
    /// The name in a credential scope and before the colon of an action.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The API version clients send.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
        }
    }

    /// The XML namespace of answers.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}
