//! An API's refusal of a call, in AWS's terms.

use podpass_kinds::Reason;

use crate::random::RandomFailure;
use crate::state::NotKept;

/// An API's refusal of a call: what the client gets, and the reason behind it when it tells less.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) fault: Fault,
    pub(crate) reason: Option<Reason>,
}

/// What kind of refusal it is, for the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The caller may not: credentials, token, trust or permissions.
    Denied,
    /// The caller may, but the input is bad, something is missing, or in the way.
    Failed,
}

impl ApiError {
    /// The caller may not.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self {
            fault: Fault::Denied,
            ..Self::new(403, "AccessDenied", message)
        }
    }

    /// A parameter breaks a constraint.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    /// A parameter cannot be read at all.
    pub(crate) fn malformed_input(message: impl Into<String>) -> Self {
        Self::new(400, "MalformedInput", message)
    }

    /// A parameter is refused after its constraints held.
    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message)
    }

    /// Something named does not exist.
    pub(crate) fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new(404, "NoSuchEntity", message)
    }

    /// Something to be made exists.
    pub(crate) fn already_exists(message: impl Into<String>) -> Self {
        Self::new(409, "EntityAlreadyExists", message)
    }

    /// Something to be deleted is in use.
    pub(crate) fn delete_conflict(message: impl Into<String>) -> Self {
        Self::new(409, "DeleteConflict", message)
    }

    /// A quota is used up.
    pub(crate) fn limit_exceeded(message: impl Into<String>) -> Self {
        Self::new(409, "LimitExceeded", message)
    }

    /// A policy document is refused.
    pub(crate) fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new(400, "MalformedPolicyDocument", message)
    }

    /// No such action in the API.
    pub(crate) fn invalid_action(action: &str, version: &str) -> Self {
        Self::new(
            400,
            "InvalidAction",
            format!("Could not find operation {action} for version {version}"),
        )
    }

    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            fault: Fault::Failed,
            reason: None,
        }
    }
}

impl From<NotKept> for ApiError {
    fn from(not_kept: NotKept) -> Self {
        Self::new(500, "ServiceFailure", not_kept.to_string())
    }
}

impl From<RandomFailure> for ApiError {
    fn from(failure: RandomFailure) -> Self {
        Self::new(500, "ServiceFailure", failure.to_string())
    }
}
