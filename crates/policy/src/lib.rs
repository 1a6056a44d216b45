//! ARNs and names as validated types, and the IAM policy language: parse with positions, print, and evaluate with the
//! reason for every verdict; and the smallest policy for given calls.
//!
//! Nothing here does I/O or reads a clock; time comes in as a context key of the request.
//! Matching of `*` and `?` takes linear time.
//!
//! ```
//! use podpass_policy::{Document, DocumentKind};
//!
//! let error = Document::parse(r#"{"Statement": [{"Effect": "allow"}]}"#, DocumentKind::Permissions).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "line 1, column 27: `allow` is not an effect: it must be `Allow` or `Deny`; did you mean `Allow`?"
//! );
//! ```

mod account;
mod arn;
mod aws_principal;
mod condition;
mod context;
mod decision;
mod document;
mod error;
mod evaluate;
mod json;
mod minimise;
mod names;
mod partition;
mod pattern;
mod position;
mod request;
mod suggestion;
mod template;

pub use account::{AccountId, InvalidAccountId};
pub use arn::{Arn, InvalidArn, OidcProviderArn, PolicyArn, RoleArn, UserArn};
pub use condition::{
    Comparison, Condition, ConditionOperator, Quantifier, UnknownOperator, WhenMissing, covers_arn,
};
pub use context::{Context, ContextValue};
pub use decision::{
    ConditionTrace, Decision, Layer, MessageStyle, PolicyTrace, StatementOutcome, StatementTrace,
    Verdict,
};
pub use document::{
    ActionClause, Change, Document, DocumentKind, Effect, PrincipalClause, PrincipalKind,
    PrincipalSet, ResourceClause, Statement, Values, Version,
};
pub use error::{PolicyError, PolicyErrorKind};
pub use evaluate::decide;
pub use minimise::{Call, MinimiseError, SizeLimit, minimise};
pub use names::{InvalidName, Path, PolicyName, PolicyPath, RoleName, SessionName, UserName};
pub use partition::{Partition, UnknownPartition};
pub use position::Position;
pub use request::{Attached, ControlLevel, Controls, Policies, Principal, Request, ResourceRule};
