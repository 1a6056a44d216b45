//! The managed policies of AWS itself that exist here, under AWS's names and ARNs.

use std::sync::LazyLock;

use jiff::Timestamp;
use podpass_policy::{DocumentKind, PolicyArn};

use super::store::PolicyText;

/// A managed policy of AWS.
#[derive(Debug)]
pub(crate) struct AwsManagedPolicy {
    pub(crate) arn: PolicyArn,
    pub(crate) id: &'static str,
    pub(crate) created: Timestamp,
    pub(crate) description: &'static str,
    pub(crate) policy: PolicyText,
}

/// The policy of that ARN.
pub(crate) fn find(arn: &PolicyArn) -> Option<&'static AwsManagedPolicy> {
    all().iter().find(|policy| policy.arn == *arn)
}

/// Every policy, ordered by name.
pub(crate) fn all() -> &'static [AwsManagedPolicy] {
    static ALL: LazyLock<Vec<AwsManagedPolicy>> =
        LazyLock::new(|| SOURCES.iter().filter_map(AwsManagedPolicy::read).collect());
    &ALL
}

struct Source {
    name: &'static str,
    id: &'static str,
    created: &'static str,
    description: &'static str,
    document: &'static str,
}

impl AwsManagedPolicy {
    fn read(source: &Source) -> Option<Self> {
        Some(Self {
            arn: format!("arn:aws:iam::aws:policy/{}", source.name)
                .parse()
                .ok()?,
            id: source.id,
            created: source.created.parse().ok()?,
            description: source.description,
            policy: PolicyText::parse(source.document.to_owned(), DocumentKind::Permissions)
                .ok()?,
        })
    }
}

/// The document that permits everything.
pub(super) const EVERYTHING: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*"
        }
    ]
}"#;

const SOURCES: &[Source] = &[
    Source {
        name: "AdministratorAccess",
        id: "ANPAIWMBCKSKIEE64ZLYK",
        created: "2015-02-06T18:39:46Z",
        description: "Provides full access to AWS services and resources.",
        document: EVERYTHING,
    },
    Source {
        name: "AmazonS3ReadOnlyAccess",
        id: "ANPAIZTJ4DXE7G6AGAE6M",
        created: "2015-02-06T18:40:59Z",
        description: "Provides read only access to all buckets via the AWS Management Console.",
        document: r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "s3:Get*",
                "s3:List*",
                "s3:Describe*",
                "s3-object-lambda:Get*",
                "s3-object-lambda:List*"
            ],
            "Resource": "*"
        }
    ]
}"#,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_a_policy() {
        assert_eq!(all().len(), SOURCES.len());
        let arn: PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess"
            .parse()
            .unwrap();
        assert!(find(&arn).is_some());
    }
}
