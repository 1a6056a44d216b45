//! What goes wrong between podpass and an API server.

use std::error::Error;
use std::fmt;

use kube::client::AuthError;

/// A request that failed, or a connection that cannot be made.
#[derive(Debug)]
pub struct ClusterError {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Kinds of failures that a caller treats differently.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The kubeconfig cannot be used.
    Configuration,
    /// The API server cannot be reached.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The credentials are not valid, or no more.
    NotAuthenticated,
    /// The user may not do this; the verb and the resource, such as `create` and `serviceaccounts/token`.
    Forbidden {
        /// The verb of RBAC.
        verb: String,
        /// The resource, with its group and subresource where there are any.
        resource: String,
        /// The namespace, unless the resource is the cluster's.
        namespace: Option<String>,
    },
    /// The object does not exist.
    NotFound,
    /// The object exists already.
    AlreadyExists,
    /// Another owner holds the field, or the object was changed meanwhile.
    Conflict,
    /// The API server refuses the content.
    Invalid,
    /// Anything else.
    Other,
}

impl ClusterError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Names the request that failed.
    pub(crate) fn of_request(
        verb: &'static str,
        what: &str,
        server: &str,
        error: kube::Error,
    ) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::of_transport(server, error);
        };
        let kind = match (status.code, status.reason.as_str()) {
            (401, _) => ErrorKind::NotAuthenticated,
            // So a server that allows anonymous calls answers credentials that it does not accept.
            (403, _) if status.message.contains(ANONYMOUS) => ErrorKind::NotAuthenticated,
            (403, _) => forbidden(verb, what, &status.message),
            (404, _) => ErrorKind::NotFound,
            (409, "AlreadyExists") => ErrorKind::AlreadyExists,
            (409, _) => ErrorKind::Conflict,
            (400 | 422, _) => ErrorKind::Invalid,
            (504, _) => ErrorKind::TimedOut,
            _ => ErrorKind::Other,
        };
        let said = if status.message.is_empty() {
            status.reason.clone()
        } else {
            status.message.clone()
        };
        Self::new(kind, format!("cannot {verb} {what}: {said}"))
    }

    fn of_transport(server: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Auth(error) => Self::without_credentials(server, error),
            error @ (kube::Error::Service(_) | kube::Error::HyperError(_)) => {
                let message = format!("the API server {server} cannot be reached");
                Self::new(ErrorKind::Unreachable, message).because(error)
            }
            error => {
                let message = format!("the answer of {server} cannot be used");
                Self::new(ErrorKind::Other, message).because(error)
            }
        }
    }

    /// The kubeconfig has none, or its credential plugin gives none.
    pub(crate) fn without_credentials(server: &str, error: AuthError) -> Self {
        let message = format!("the kubeconfig gives no credentials for {server}");
        let told = Self::new(ErrorKind::NotAuthenticated, message);
        match error {
            // The error itself would print the plugin's variables, arguments and output, secrets included.
            AuthError::AuthExecRun { out, .. } => {
                let said = String::from_utf8_lossy(&out.stderr);
                let said = said.trim();
                let colon = if said.is_empty() { "" } else { ": " };
                told.because(format!(
                    "its credential plugin failed ({}){colon}{said}",
                    out.status
                ))
            }
            error => told.because(error),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether the user lacks a permission.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.kind, ErrorKind::Forbidden { .. })
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// One imperative clause that says what to do.
    pub fn hint(&self) -> String {
        match &self.kind {
            ErrorKind::Configuration => {
                "name a usable file with `--kubeconfig`, and a context in it with `--context`"
                    .to_owned()
            }
            ErrorKind::Unreachable => {
                "look whether the cluster runs, and whether the kubeconfig's context names it"
                    .to_owned()
            }
            ErrorKind::TimedOut => {
                "try again, or allow more time with `--request-timeout`".to_owned()
            }
            ErrorKind::NotAuthenticated => {
                "log in to the cluster again; the credentials of the kubeconfig are not valid any more"
                    .to_owned()
            }
            ErrorKind::Forbidden {
                verb,
                resource,
                namespace,
            } => {
                let place = match namespace {
                    Some(namespace) => format!("in namespace `{namespace}`"),
                    None => "in the whole cluster".to_owned(),
                };
                format!("ask for the verb `{verb}` on `{resource}` {place} (RBAC)")
            }
            ErrorKind::NotFound => "check name and namespace".to_owned(),
            ErrorKind::AlreadyExists => "choose another name, or use the object that is there".to_owned(),
            ErrorKind::Conflict => "look who else writes the object, then try again".to_owned(),
            ErrorKind::Invalid => "correct what the API server names".to_owned(),
            ErrorKind::Other => "look at the API server's log".to_owned(),
        }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ClusterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Reads verb, resource and namespace from the API server's words, which name the resource as RBAC does:
/// `serviceaccounts "a" is forbidden: User "u" cannot create resource "serviceaccounts/token" in API group "" in the
/// namespace "ns"`.
fn forbidden(verb: &str, what: &str, message: &str) -> ErrorKind {
    let quoted = |after: &str| {
        let (_, rest) = message.split_once(after)?;
        let (text, _) = rest.strip_prefix('"')?.split_once('"')?;
        Some(text.to_owned())
    };
    let said_verb = message
        .split_once(" cannot ")
        .and_then(|(_, rest)| rest.split_once(" resource "))
        .map(|(verb, _)| verb.to_owned());
    let group = quoted("in API group ").filter(|group| !group.is_empty());
    let resource = quoted(" resource ").unwrap_or_else(|| what.to_owned());
    ErrorKind::Forbidden {
        verb: said_verb.unwrap_or_else(|| verb.to_owned()),
        resource: match group {
            Some(group) => format!("{resource}.{group}"),
            None => resource,
        },
        namespace: quoted("in the namespace "),
    }
}

/// Whom the API server takes a caller for that it does not know.
const ANONYMOUS: &str = r#"User "system:anonymous""#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_names_what_rbac_lacks() {
        // The API server's words, version 1.36.
        let message = r#"serviceaccounts "a" is forbidden: User "u" cannot create resource "serviceaccounts/token" in API group "" in the namespace "ns""#;
        let expected = ErrorKind::Forbidden {
            verb: "create".to_owned(),
            resource: "serviceaccounts/token".to_owned(),
            namespace: Some("ns".to_owned()),
        };
        assert_eq!(forbidden("post", "x", message), expected);
        let message = r#"mutatingwebhookconfigurations.admissionregistration.k8s.io is forbidden: User "u" cannot list resource "mutatingwebhookconfigurations" in API group "admissionregistration.k8s.io" at the cluster scope"#;
        let expected = ErrorKind::Forbidden {
            verb: "list".to_owned(),
            resource: "mutatingwebhookconfigurations.admissionregistration.k8s.io".to_owned(),
            namespace: None,
        };
        assert_eq!(forbidden("get", "x", message), expected);
        let unsaid = ErrorKind::Forbidden {
            verb: "get".to_owned(),
            resource: "x".to_owned(),
            namespace: None,
        };
        assert_eq!(forbidden("get", "x", "forbidden"), unsaid);
    }
}
