//! ARNs of IAM users.

use std::str::FromStr;

use super::{Arn, InvalidArn, read_account, read_iam, split_path};
use crate::account::AccountId;
use crate::names::{Path, UserName};
use crate::partition::Partition;

/// The ARN of an IAM user, `arn:PARTITION:iam::ACCOUNT:user/PATH/NAME`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserArn {
    arn: Arn,
    account: AccountId,
    path: Path,
    name: UserName,
}

impl UserArn {
    /// Makes the ARN of a user.
    pub fn new(partition: Partition, account: AccountId, path: Path, name: UserName) -> Self {
        Self {
            arn: Arn::of_account(
                partition,
                "iam",
                &account,
                &["user", path.as_str(), name.as_str()],
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

    /// The account that owns the user.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The path: `/`, or `/…/`.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    /// The name, without the path.
    pub fn name(&self) -> &UserName {
        &self.name
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

is_its_text!(UserArn);

impl FromStr for UserArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |problem: String| InvalidArn {
            expected: EXPECTED,
            value: text.to_owned(),
            problem,
        };
        let (arn, rest) = read_iam(text, "user", EXPECTED)?;
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

impl From<UserArn> for Arn {
    fn from(user: UserArn) -> Self {
        user.arn
    }
}

const EXPECTED: &str = "the ARN of an IAM user";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_builds_the_same() {
        let user: UserArn = "arn:aws:iam::123456789012:user/a/bob".parse().unwrap();
        assert_eq!((user.path(), user.name().as_str()), ("/a/", "bob"));
        let built = UserArn::new(
            Partition::Aws,
            user.account().clone(),
            "/a/".parse().unwrap(),
            "bob".parse().unwrap(),
        );
        assert_eq!(built, user);
        assert!(
            "arn:aws:iam::123456789012:role/bob"
                .parse::<UserArn>()
                .is_err()
        );
    }
}
