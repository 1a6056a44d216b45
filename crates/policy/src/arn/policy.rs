//! ARNs of managed policies.

use std::str::FromStr;

use super::{Arn, InvalidArn, read_account, read_iam, split_path};
use crate::account::AccountId;
use crate::names::{PolicyName, PolicyPath};
use crate::partition::Partition;

/// The ARN of a managed policy: `arn:PARTITION:iam::ACCOUNT:policy/PATH/NAME`, or with `aws` for the account when AWS manages it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyArn {
    arn: Arn,
    account: Option<AccountId>,
    path: PolicyPath,
    name: PolicyName,
}

impl PolicyArn {
    /// Makes the ARN of a customer managed policy.
    pub fn new(
        partition: Partition,
        account: AccountId,
        path: PolicyPath,
        name: PolicyName,
    ) -> Self {
        Self {
            arn: Arn::of_account(
                partition,
                "iam",
                &account,
                &["policy", path.as_str(), name.as_str()],
            ),
            account: Some(account),
            path,
            name,
        }
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.arn.partition()
    }

    /// The account that owns the policy; none when AWS manages it.
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The path: `/`, or `/…/`.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    /// The name, without the path.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        self.arn.as_str()
    }
}

is_its_text!(PolicyArn);

impl FromStr for PolicyArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |problem: String| InvalidArn {
            expected: EXPECTED,
            value: text.to_owned(),
            problem,
        };
        let (arn, rest) = read_iam(text, "policy", EXPECTED)?;
        let account = if arn.account() == AWS_MANAGED {
            None
        } else {
            Some(read_account(&arn, EXPECTED)?)
        };
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

const EXPECTED: &str = "the ARN of a managed policy";
const AWS_MANAGED: &str = "aws";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_customer_managed_from_aws_managed() {
        let own: PolicyArn = "arn:aws:iam::123456789012:policy/a/p".parse().unwrap();
        assert_eq!(own.account().map(AccountId::as_str), Some("123456789012"));
        assert_eq!((own.path(), own.name().as_str()), ("/a/", "p"));
        let aws: PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess"
            .parse()
            .unwrap();
        assert_eq!(aws.account(), None);
        let built = PolicyArn::new(
            Partition::Aws,
            "123456789012".parse().unwrap(),
            "/a/".parse().unwrap(),
            "p".parse().unwrap(),
        );
        assert_eq!(built, own);
    }

    #[test]
    fn refuses_other_arns() {
        for text in [
            "arn:aws:iam::123456789012:role/p",
            "arn:aws:iam:::policy/p",
            "arn:aws:iam::123456789012:policy/a//p",
        ] {
            assert!(text.parse::<PolicyArn>().is_err(), "{text}");
        }
    }
}
