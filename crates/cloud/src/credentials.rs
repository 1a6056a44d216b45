//! Credentials and what is known about who uses them.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// A text that is never printed: `Debug` hides it, there is no `Display`, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// An access key, and the session token when it is temporary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// What the token service grants: temporary credentials and what goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The credentials; they have a session token.
    pub credentials: Credentials,
    /// When they expire, in seconds since 1970-01-01 UTC.
    pub expires_at: i64,
    /// The ARN of the session: `arn:…:sts::…:assumed-role/ROLE/SESSION`.
    pub assumed_role_arn: String,
    /// The role's unique id and the session's name: `AROA…:SESSION`.
    pub assumed_role_id: String,
    /// The subject of the web identity token.
    pub subject: Option<String>,
    /// The audience of the web identity token.
    pub audience: Option<String>,
    /// The OIDC provider of the web identity token, as the service names it.
    pub provider: Option<String>,
    /// How much of the space for session policies and tags is used, in percent.
    pub packed_policy_size: Option<i32>,
    /// The source identity that the session carries on.
    pub source_identity: Option<String>,
    /// What the service's answer says of itself.
    pub answer: AnswerMetadata,
}

/// What an answer of the service says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerMetadata {
    /// The id under which the service logged the request.
    pub request_id: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// The HTTP headers by their names in lower case; one that stands twice has its values joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// How often the request was sent again before this answer.
    pub retry_attempts: u32,
}

/// Who the caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account's twelve digits.
    pub account: String,
    /// The ARN of the user or session.
    pub arn: String,
    /// The unique id: `AIDA…`, `AROA…:SESSION`, or the account's for its root user.
    pub user_id: String,
}

// === impl Secret ===

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl Credentials ===

impl Credentials {
    /// A long-term access key.
    pub fn long_term(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Secret::new(secret_access_key),
            session_token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let mut credentials = Credentials::long_term("AKIAEXAMPLE", "the-secret");
        credentials.session_token = Some(Secret::new("the-token"));
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKIAEXAMPLE"), "{shown}");
        assert!(!shown.contains("the-"), "{shown}");
    }
}
