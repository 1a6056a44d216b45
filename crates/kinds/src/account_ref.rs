//! How a person names a service account.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A service account by namespace and name: `NAMESPACE/NAME`, or its subject `system:serviceaccount:NAMESPACE:NAME`.
///
/// Both are names that Kubernetes accepts (RFC 1123 label and subdomain), so a placeholder such as `<namespace>` is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccountRef {
    namespace: String,
    name: String,
}

/// A text that names no service account.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a service account: {problem}")]
pub struct InvalidServiceAccount {
    text: String,
    problem: &'static str,
}

impl ServiceAccountRef {
    /// Checks both names.
    pub fn new(namespace: &str, name: &str) -> Result<Self, InvalidServiceAccount> {
        let refused = |problem| InvalidServiceAccount {
            text: format!("{namespace}/{name}"),
            problem,
        };
        if !is_label(namespace) {
            return Err(refused(
                "a namespace has at most 63 lower-case letters, digits and `-`, and begins and ends with a letter or digit",
            ));
        }
        if name.len() > MAX_NAME || !name.split('.').all(is_label_of_any_length) {
            return Err(refused(
                "a name has at most 253 lower-case letters, digits, `-` and `.`, and begins and ends with a letter or digit",
            ));
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The subject of the account's tokens, `system:serviceaccount:<namespace>:<name>`.
    pub fn subject(&self) -> String {
        format!("{SUBJECT_PREFIX}{}:{}", self.namespace, self.name)
    }
}

impl fmt::Display for ServiceAccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl FromStr for ServiceAccountRef {
    type Err = InvalidServiceAccount;

    fn from_str(text: &str) -> Result<Self, InvalidServiceAccount> {
        let parts = match text.strip_prefix(SUBJECT_PREFIX) {
            Some(rest) => rest.split_once(':'),
            None => text.split_once('/'),
        };
        let Some((namespace, name)) = parts else {
            return Err(InvalidServiceAccount {
                text: text.to_owned(),
                problem: "write NAMESPACE/NAME",
            });
        };
        Self::new(namespace, name).map_err(|error| InvalidServiceAccount {
            text: text.to_owned(),
            ..error
        })
    }
}

fn is_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

const SUBJECT_PREFIX: &str = "system:serviceaccount:";
/// RFC 1123: bytes of a label.
const MAX_LABEL: usize = 63;
/// Kubernetes' limit for the names of most objects.
const MAX_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_name_the_same_account() {
        let account: ServiceAccountRef = "irsa-test/irsa.test".parse().unwrap();
        assert_eq!(
            account.subject(),
            "system:serviceaccount:irsa-test:irsa.test"
        );
        assert_eq!(account.subject().parse(), Ok(account.clone()));
        assert_eq!(account.to_string(), "irsa-test/irsa.test");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "sa",
            "",
            "/sa",
            "ns/",
            "ns/a/b",
            "<namespace>/sa",
            "ns/<service-account>",
            "Ns/sa",
            "ns/-a",
            "ns/a-",
            "n.s/a",
            "ns/a..b",
            "ns/a_b",
            "ns sa",
            "system:serviceaccount:ns",
            "system:serviceaccount:ns:a:b",
        ] {
            let error = text.parse::<ServiceAccountRef>().unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("`{text}` is not")),
                "{error}"
            );
        }
        let long = "a".repeat(64);
        assert!(format!("{long}/a").parse::<ServiceAccountRef>().is_err());
        assert!(format!("a/{long}").parse::<ServiceAccountRef>().is_ok());
    }
}
