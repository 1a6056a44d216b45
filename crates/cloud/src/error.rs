//! How a call to the cloud fails, told apart by what the user has to do about it.

use std::error::Error;
use std::fmt;

/// A call that failed.
#[derive(Debug)]
pub struct CloudError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The call, as a permission is written: `iam:CreateRole`.
    pub action: String,
    /// The service's error code.
    pub code: Option<Box<str>>,
    /// The service's message, or the client's when no service answered.
    pub message: Box<str>,
    /// The id under which the service logged the request.
    pub request_id: Option<Box<str>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller lacks the permission, or its credentials are not accepted.
    NotAuthorised,
    /// No credentials were found.
    NoCredentials,
    /// The caller's settings name no region, or what they name is not one.
    NoRegion,
    /// The endpoint in the caller's settings is no URL.
    InvalidEndpoint,
    /// The endpoint did not answer.
    Unreachable {
        /// Whom the call was meant for.
        endpoint: String,
    },
    /// The endpoint did not answer in time.
    TimedOut {
        /// Whom the call was meant for.
        endpoint: String,
    },
    /// What the call is about does not exist.
    NotFound,
    /// What the call makes exists already, or is being changed by someone else.
    Conflict,
    /// The service limits the number of calls; the client has retried.
    Throttled,
    /// The service refuses the input.
    Refused,
    /// Anything else, failures of the service included.
    Other,
}

// === impl CloudError ===

impl CloudError {
    /// An error of a call, with the client's words.
    pub fn new(kind: ErrorKind, action: impl Into<String>, message: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            action: action.into(),
            code: None,
            message: message.into(),
            request_id: None,
            source: None,
        }
    }

    /// Adds what the service said.
    #[must_use]
    pub fn answered(mut self, code: Option<&str>, request_id: Option<&str>) -> Self {
        self.code = code.map(Into::into);
        self.request_id = request_id.map(Into::into);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match &self.kind {
            ErrorKind::NotAuthorised if self.rejects_credentials() => {
                "the credentials themselves are not accepted: check which ones are used with `aws sts \
                 get-caller-identity`, and renew them if they have expired"
                    .to_owned()
            }
            ErrorKind::NotAuthorised => format!("allow the caller `{}`, or use other credentials", self.action),
            ErrorKind::NoCredentials => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with \
                                         `--profile`, or log in with `aws sso login`"
                .to_owned(),
            ErrorKind::NoRegion => "name a region with `--region`".to_owned(),
            ErrorKind::InvalidEndpoint => {
                "write `http://HOST:PORT` or `https://HOST` in `--endpoint-url`, AWS_ENDPOINT_URL or the profile".to_owned()
            }
            ErrorKind::Unreachable { endpoint } | ErrorKind::TimedOut { endpoint } => {
                format!("check the network, the proxy settings, and that {endpoint} is the right endpoint")
            }
            ErrorKind::Conflict => "run the command again: it continues where it stopped".to_owned(),
            ErrorKind::Throttled => "run the command again with a lower `--concurrency`".to_owned(),
            ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Other => {
                "run the command again if the cause has passed: it continues where it stopped".to_owned()
            }
        }
    }

    /// Whether the service did not even get as far as the permissions.
    fn rejects_credentials(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some(
                "InvalidClientTokenId"
                    | "InvalidAccessKeyId"
                    | "SignatureDoesNotMatch"
                    | "ExpiredToken"
                    | "ExpiredTokenException"
                    | "UnrecognizedClientException"
                    | "InvalidToken"
                    | "RequestTimeTooSkewed"
                    | "TokenRefreshRequired"
            )
        )
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: ", self.action)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl Error for CloudError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_call_the_code_the_message_and_the_request() {
        let error = CloudError::new(
            ErrorKind::NotAuthorised,
            "iam:CreateRole",
            "User: U is not authorized",
        )
        .answered(Some("AccessDenied"), Some("ID"));
        assert_eq!(
            error.to_string(),
            "iam:CreateRole failed: AccessDenied: User: U is not authorized (request id ID)"
        );
        assert!(
            error.hint().contains("`iam:CreateRole`"),
            "{}",
            error.hint()
        );
    }

    #[test]
    fn tells_bad_credentials_from_missing_permissions() {
        let error = CloudError::new(ErrorKind::NotAuthorised, "sts:GetCallerIdentity", "no")
            .answered(Some("ExpiredToken"), None);
        assert!(error.hint().contains("expired"), "{}", error.hint());
    }
}
