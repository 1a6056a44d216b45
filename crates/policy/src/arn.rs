//! Amazon Resource Names.

use std::str::FromStr;

use thiserror::Error;

/// Prints and serialises a type as the text that its `as_str` returns, and deserialises it by parsing one.
macro_rules! is_its_text {
    ($type:ident) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

mod oidc_provider;
mod policy;
mod role;
mod user;

pub use oidc_provider::OidcProviderArn;
pub use policy::PolicyArn;
pub use role::RoleArn;
pub use user::UserArn;

use crate::account::AccountId;
use crate::partition::Partition;

/// Any ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
///
/// Region and account may be empty (S3 has neither). The resource is everything after the fifth colon.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    text: String,
    partition: Partition,
    service_end: usize,
    region_end: usize,
    account_end: usize,
}

/// A text that is not the ARN it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{value}` is not {expected}: {problem}")]
pub struct InvalidArn {
    /// What the text should have been, such as `the ARN of an IAM role`.
    pub expected: &'static str,
    /// The text that was refused.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Arn {
    /// Makes an ARN of its parts.
    pub fn new(
        partition: Partition,
        service: &str,
        region: &str,
        account: &str,
        resource: &str,
    ) -> Result<Self, InvalidArn> {
        format!("arn:{partition}:{service}:{region}:{account}:{resource}").parse()
    }

    /// The ARN of an account itself, `arn:aws:iam::ACCOUNT:root`.
    pub fn root(partition: Partition, account: &AccountId) -> Self {
        Self::of_account(partition, "iam", account, &["root"])
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The service, such as `iam`.
    pub fn service(&self) -> &str {
        &self.text[self.service_start()..self.service_end]
    }

    /// The region, or an empty text.
    pub fn region(&self) -> &str {
        &self.text[self.service_end + 1..self.region_end]
    }

    /// The account as it is written: twelve digits, `aws`, or an empty text.
    pub fn account(&self) -> &str {
        &self.text[self.region_end + 1..self.account_end]
    }

    /// The account, where the ARN holds a real one.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account().parse().ok()
    }

    /// Everything after the fifth colon.
    pub fn resource(&self) -> &str {
        &self.text[self.account_end + 1..]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Builds an ARN without a region from parts that are valid by their types or by their caller.
    fn of_account(
        partition: Partition,
        service: &str,
        account: &AccountId,
        resource: &[&str],
    ) -> Self {
        let partition_end = "arn:".len() + partition.as_str().len();
        let service_end = partition_end + 1 + service.len();
        let region_end = service_end + 1;
        let account_end = region_end + 1 + account.as_str().len();
        let resource_length: usize = resource.iter().map(|part| part.len()).sum();
        let mut text = String::with_capacity(account_end + 1 + resource_length);
        for part in [
            "arn:",
            partition.as_str(),
            ":",
            service,
            "::",
            account.as_str(),
            ":",
        ] {
            text.push_str(part);
        }
        for part in resource {
            text.push_str(part);
        }
        Self {
            text,
            partition,
            service_end,
            region_end,
            account_end,
        }
    }

    fn service_start(&self) -> usize {
        "arn:".len() + self.partition.as_str().len() + 1
    }
}

is_its_text!(Arn);

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |problem: String| InvalidArn {
            expected: "an ARN",
            value: text.to_owned(),
            problem,
        };
        let mut parts = text.splitn(PARTS, ':');
        let parts: [Option<&str>; PARTS] = std::array::from_fn(|_| parts.next());
        let [
            Some(prefix),
            Some(partition),
            Some(service),
            Some(region),
            Some(account),
            Some(resource),
        ] = parts
        else {
            return Err(refuse(format!(
                "it has {} parts separated by `:`, an ARN has 6",
                parts.iter().flatten().count()
            )));
        };
        if prefix != "arn" {
            return Err(refuse(format!("it starts with `{prefix}`, not with `arn`")));
        }
        let partition: Partition = partition
            .parse()
            .map_err(|_| refuse(format!("`{partition}` is not an AWS partition")))?;
        if service.is_empty() {
            return Err(refuse("the service is empty".to_owned()));
        }
        if resource.is_empty() {
            return Err(refuse("the resource is empty".to_owned()));
        }
        let service_end = "arn:".len() + partition.as_str().len() + 1 + service.len();
        let region_end = service_end + 1 + region.len();
        let account_end = region_end + 1 + account.len();
        Ok(Self {
            text: text.to_owned(),
            partition,
            service_end,
            region_end,
            account_end,
        })
    }
}

/// Reads an IAM ARN whose resource starts with `kind/`; returns it with its account and the rest of the resource.
fn read_iam<'t>(
    text: &'t str,
    kind: &str,
    expected: &'static str,
) -> Result<(Arn, &'t str), InvalidArn> {
    let refuse = |problem: String| InvalidArn {
        expected,
        value: text.to_owned(),
        problem,
    };
    let arn: Arn = text
        .parse()
        .map_err(|error: InvalidArn| refuse(error.problem))?;
    if arn.service() != "iam" {
        return Err(refuse(format!(
            "its service is `{}`, not `iam`",
            arn.service()
        )));
    }
    if !arn.region().is_empty() {
        return Err(refuse(format!(
            "it has the region `{}`, IAM has none",
            arn.region()
        )));
    }
    let resource = &text[arn.account_end + 1..];
    match resource
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        Some(rest) => Ok((arn, rest)),
        None => Err(refuse(format!(
            "its resource is `{resource}`, not `{kind}/…`"
        ))),
    }
}

/// Reads the account of an ARN that must have one.
fn read_account(arn: &Arn, expected: &'static str) -> Result<AccountId, InvalidArn> {
    arn.account().parse().map_err(|_| InvalidArn {
        expected,
        value: arn.text.clone(),
        problem: format!("its account `{}` is not 12 digits", arn.account()),
    })
}

/// Splits `a/b/name` into the path `/a/b/` and the name.
fn split_path(rest: &str) -> (String, &str) {
    match rest.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), rest),
    }
}

const PARTS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_first_five_colons() {
        let arn: Arn = "arn:aws-cn:s3:r:123456789012:bucket/a:b".parse().unwrap();
        assert_eq!(arn.partition(), Partition::AwsCn);
        assert_eq!(arn.service(), "s3");
        assert_eq!(arn.region(), "r");
        assert_eq!(arn.account(), "123456789012");
        assert_eq!(arn.resource(), "bucket/a:b");
        let bucket: Arn = "arn:aws:s3:::b".parse().unwrap();
        assert_eq!((bucket.region(), bucket.account()), ("", ""));
        assert_eq!(bucket.account_id(), None);
    }

    #[test]
    fn a_built_arn_equals_the_read_one() {
        let account: AccountId = "123456789012".parse().unwrap();
        let root = Arn::root(Partition::AwsUsGov, &account);
        assert_eq!(root.as_str(), "arn:aws-us-gov:iam::123456789012:root");
        assert_eq!(root.as_str().parse::<Arn>().unwrap(), root);
        assert_eq!(root.account(), "123456789012");
        assert_eq!(root.resource(), "root");
    }

    #[test]
    fn refuses_what_is_no_arn_and_says_why() {
        for (text, problem) in [
            ("", "it has 1 parts separated by `:`, an ARN has 6"),
            ("arn:aws:s3:::", "the resource is empty"),
            ("arn:aws::::x", "the service is empty"),
            ("urn:aws:s3:::x", "it starts with `urn`, not with `arn`"),
            ("arn:aws-mars:s3:::x", "`aws-mars` is not an AWS partition"),
        ] {
            assert_eq!(text.parse::<Arn>().unwrap_err().problem, problem, "{text}");
        }
    }
}
