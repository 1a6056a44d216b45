//! The values of `{"AWS": …}` in a Principal element.

use crate::account::AccountId;
use crate::arn::{Arn, RoleArn, UserArn};

/// A principal of AWS, as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AwsPrincipal {
    /// `*`.
    Everyone,
    /// An account, by its id or by the ARN of its root; the two mean the same.
    Account(AccountId),
    /// A role.
    Role(RoleArn),
    /// A user, a session of a role, or a federated user.
    Exactly(Arn),
    /// The unique id that is left of a deleted user or role. Nobody has it any more.
    Deleted,
}

impl AwsPrincipal {
    /// Reads a value; `None` when it is no principal, for instance because it has a wildcard.
    pub(crate) fn read(value: &str) -> Option<Self> {
        if value == "*" {
            return Some(Self::Everyone);
        }
        if let Ok(account) = value.parse() {
            return Some(Self::Account(account));
        }
        if is_unique_id(value) {
            return Some(Self::Deleted);
        }
        if let Ok(role) = value.parse() {
            return Some(Self::Role(role));
        }
        if let Ok(user) = value.parse::<UserArn>() {
            return Some(Self::Exactly(user.into()));
        }
        let arn: Arn = value.parse().ok()?;
        let account = arn.account_id()?;
        if !arn.region().is_empty() || arn.resource().contains(['*', '?']) {
            return None;
        }
        let parts: Vec<&str> = arn.resource().split('/').collect();
        match (arn.service(), parts.as_slice()) {
            ("iam", ["root"]) => Some(Self::Account(account)),
            ("sts", ["assumed-role", role, session]) if !role.is_empty() && !session.is_empty() => {
                Some(Self::Exactly(arn))
            }
            ("sts", ["federated-user", name]) if !name.is_empty() => Some(Self::Exactly(arn)),
            _ => None,
        }
    }
}

/// Whether a text has the form of IAM's unique ids: a prefix such as `AROA` and 17 characters more.
fn is_unique_id(value: &str) -> bool {
    value.len() == 21
        && value.starts_with('A')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_and_no_wildcards() {
        let account = || AwsPrincipal::Account("123456789012".parse().unwrap());
        for (value, expected) in [
            ("*", Some(AwsPrincipal::Everyone)),
            ("123456789012", Some(account())),
            ("arn:aws:iam::123456789012:root", Some(account())),
            ("AROADBQP57FF2AEXAMPLE", Some(AwsPrincipal::Deleted)),
            ("12345", None),
            ("bob", None),
            ("arn:aws:iam::123456789012:role/*", None),
            ("arn:aws:iam::123456789012:user/*", None),
            ("arn:aws:iam::*:root", None),
            ("arn:aws:iam::123456789012:group/g", None),
            ("arn:aws:sts::123456789012:assumed-role/r/*", None),
            ("arn:aws:sts::123456789012:assumed-role/r", None),
            ("arn:aws:s3:::b", None),
        ] {
            assert_eq!(AwsPrincipal::read(value), expected, "{value}");
        }
        for value in [
            "arn:aws:iam::123456789012:user/a/bob",
            "arn:aws:sts::123456789012:assumed-role/r/s",
            "arn:aws:sts::123456789012:federated-user/f",
        ] {
            assert_eq!(
                AwsPrincipal::read(value),
                Some(AwsPrincipal::Exactly(value.parse().unwrap()))
            );
        }
        let role = "arn:aws:iam::123456789012:role/a/r";
        assert_eq!(
            AwsPrincipal::read(role),
            Some(AwsPrincipal::Role(role.parse().unwrap()))
        );
    }
}
