//! ARNs of IAM roles.

use std::str::FromStr;

use super::{Arn, InvalidArn, read_account, read_iam, split_path};
use crate::account::AccountId;
use crate::names::{Path, RoleName, SessionName};
use crate::partition::Partition;

/// The ARN of an IAM role, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleArn {
    arn: Arn,
    account: AccountId,
    path: Path,
    name: RoleName,
}

impl RoleArn {
    /// Makes the ARN of a role.
    pub fn new(partition: Partition, account: AccountId, path: Path, name: RoleName) -> Self {
        Self {
            arn: Arn::of_account(
                partition,
                "iam",
                &account,
                &["role", path.as_str(), name.as_str()],
            ),
            account,
            path,
            name,
        }
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.arn.partition()
    }

    /// The account that owns the role.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The path: `/`, or `/…/`.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    /// The name, without the path.
    pub fn name(&self) -> &RoleName {
        &self.name
    }

    /// Whether the role is linked to a service: its path starts with `/aws-service-role/`, which IAM keeps for them.
    pub fn is_service_linked(&self) -> bool {
        self.path().starts_with("/aws-service-role/")
    }

    /// The ARN of a session of this role, `arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION`, which has no path.
    pub fn session_arn(&self, session: &SessionName) -> Arn {
        let resource = ["assumed-role/", self.name.as_str(), "/", session.as_str()];
        Arn::of_account(self.partition(), "sts", &self.account, &resource)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    /// The same as an ARN of any kind.
    pub fn as_arn(&self) -> &Arn {
        &self.arn
    }
}

is_its_text!(RoleArn);

impl FromStr for RoleArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |problem: String| InvalidArn {
            expected: EXPECTED,
            value: text.to_owned(),
            problem,
        };
        let (arn, rest) = read_iam(text, "role", EXPECTED)?;
        let account = read_account(&arn, EXPECTED)?;
        let (path, name) = split_path(rest);
        let path = path.parse().map_err(|error| refuse(format!("{error}")))?;
        let name = name.parse().map_err(|error| refuse(format!("{error}")))?;
        Ok(Self {
            arn,
            account,
            path,
            name,
        })
    }
}

impl From<RoleArn> for Arn {
    fn from(role: RoleArn) -> Self {
        role.arn
    }
}

const EXPECTED: &str = "the ARN of an IAM role";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_path_and_name() {
        for (text, path, name) in [
            ("arn:aws:iam::123456789012:role/r", "/", "r"),
            ("arn:aws:iam::123456789012:role/a/b/r", "/a/b/", "r"),
        ] {
            let role: RoleArn = text.parse().unwrap();
            assert_eq!(role.path(), path);
            assert_eq!(role.name().as_str(), name);
            assert_eq!(role.account().as_str(), "123456789012");
            assert_eq!(role.to_string(), text);
            let built = RoleArn::new(
                Partition::Aws,
                role.account().clone(),
                path.parse().unwrap(),
                name.parse().unwrap(),
            );
            assert_eq!(built, role);
        }
    }

    #[test]
    fn a_session_arn_has_no_path() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/a/r".parse().unwrap();
        let session = role.session_arn(&"pod-1".parse().unwrap());
        assert_eq!(
            session.as_str(),
            "arn:aws:sts::123456789012:assumed-role/r/pod-1"
        );
        assert_eq!(session.service(), "sts");
        assert_eq!(session.resource(), "assumed-role/r/pod-1");
    }

    #[test]
    fn refuses_other_arns_and_names_the_reason() {
        for (text, problem) in [
            ("my-role", "it has 1 parts separated by `:`, an ARN has 6"),
            (
                "arn:aws:iam::123456789012:oidc-provider/example.com",
                "its resource is `oidc-provider/example.com`, not `role/…`",
            ),
            (
                "arn:aws:acm:us-east-1:123456789012:certificate/1",
                "its service is `acm`, not `iam`",
            ),
            (
                "arn:aws:iam:us-east-1:123456789012:role/r",
                "it has the region `us-east-1`, IAM has none",
            ),
            (
                "arn:aws:iam::<account>:role/r",
                "its account `<account>` is not 12 digits",
            ),
            (
                "arn:aws:iam::123456789012:role/",
                "`` is not a valid role name: it must be 1 to 64 letters, digits or characters of `_+=,.@-`",
            ),
        ] {
            assert_eq!(text.parse::<RoleArn>().unwrap_err().problem, problem);
        }
    }
}
