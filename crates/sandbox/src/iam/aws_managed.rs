//! The managed policies of AWS itself that exist here, under AWS's names and ARNs, in the versions of autumn 2026.

use std::sync::LazyLock;

use jiff::Timestamp;
use podpass_policy::{DocumentKind, PolicyArn};

use super::store::PolicyText;

/// A managed policy of AWS, with the one version that is here: the default one.
#[derive(Debug)]
pub(crate) struct AwsManagedPolicy {
    pub(crate) arn: PolicyArn,
    pub(crate) id: &'static str,
    /// 1 is shown as `v1`.
    pub(crate) version: u32,
    pub(crate) created: Timestamp,
    /// When the version became the default.
    pub(crate) updated: Timestamp,
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
    /// With its path, without a leading slash.
    name: &'static str,
    id: &'static str,
    version: u32,
    created: &'static str,
    updated: &'static str,
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
            version: source.version,
            created: source.created.parse().ok()?,
            updated: source.updated.parse().ok()?,
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
        version: 1,
        created: "2015-02-06T18:39:46Z",
        updated: "2015-02-06T18:39:46Z",
        description: "Provides full access to AWS services and resources.",
        document: EVERYTHING,
    },
    Source {
        name: "AmazonDynamoDBReadOnlyAccess",
        id: "ANPAIY2XFNA232XJ6J7X2",
        version: 15,
        created: "2015-02-06T18:40:12Z",
        updated: "2024-11-18T17:38:15Z",
        description: "Provides read only access to Amazon DynamoDB via the AWS Management Console.",
        document: include_str!("aws_managed/AmazonDynamoDBReadOnlyAccess.json"),
    },
    Source {
        name: "service-role/AmazonEBSCSIDriverPolicy",
        id: "ANPAZKAPJZG4IV6FHD2UE",
        version: 15,
        created: "2022-04-04T17:24:29Z",
        updated: "2026-05-13T17:42:22Z",
        description: "IAM Policy that allows the CSI driver service account to make calls to related services such as EC2 on your behalf.",
        document: include_str!("aws_managed/AmazonEBSCSIDriverPolicy.json"),
    },
    Source {
        name: "AmazonEKS_CNI_Policy",
        id: "ANPAJWLAS474LDBXNNTM4",
        version: 6,
        created: "2018-05-27T21:07:42Z",
        updated: "2026-03-04T19:12:14Z",
        description: "Provides the Amazon VPC CNI Plugin (amazon-vpc-cni-k8s) the permissions it requires to modify the IP address configuration on your EKS worker nodes.",
        document: include_str!("aws_managed/AmazonEKS_CNI_Policy.json"),
    },
    Source {
        name: "AmazonRoute53FullAccess",
        id: "ANPAJWVDLG5RPST6PHQ3A",
        version: 7,
        created: "2015-02-06T18:40:54Z",
        updated: "2026-02-12T18:00:40Z",
        description: "Provides full access to all Amazon Route 53 via the AWS Management Console.",
        document: include_str!("aws_managed/AmazonRoute53FullAccess.json"),
    },
    Source {
        name: "AmazonS3FullAccess",
        id: "ANPAIFIR6V6BVTRAHWINE",
        version: 2,
        created: "2015-02-06T18:40:58Z",
        updated: "2021-09-27T20:16:37Z",
        description: "Provides full access to all buckets via the AWS Management Console.",
        document: include_str!("aws_managed/AmazonS3FullAccess.json"),
    },
    Source {
        name: "AmazonS3ReadOnlyAccess",
        id: "ANPAIZTJ4DXE7G6AGAE6M",
        version: 3,
        created: "2015-02-06T18:40:59Z",
        updated: "2023-08-10T21:31:39Z",
        description: "Provides read only access to all buckets via the AWS Management Console.",
        document: include_str!("aws_managed/AmazonS3ReadOnlyAccess.json"),
    },
    Source {
        name: "IAMFullAccess",
        id: "ANPAI7XKCFMBPM3QQRRVQ",
        version: 2,
        created: "2015-02-06T18:40:38Z",
        updated: "2019-06-21T19:40:00Z",
        description: "Provides full access to IAM via the AWS Management Console.",
        document: include_str!("aws_managed/IAMFullAccess.json"),
    },
    Source {
        name: "IAMReadOnlyAccess",
        id: "ANPAJKSO7NDY4T57MWDSQ",
        version: 4,
        created: "2015-02-06T18:40:39Z",
        updated: "2018-01-25T19:11:27Z",
        description: "Provides read only access to IAM via the AWS Management Console.",
        document: include_str!("aws_managed/IAMReadOnlyAccess.json"),
    },
    Source {
        name: "PowerUserAccess",
        id: "ANPAJYRXTHIB4FOVS3ZXS",
        version: 12,
        created: "2015-02-06T18:39:47Z",
        updated: "2026-02-12T17:59:14Z",
        description: "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
        document: include_str!("aws_managed/PowerUserAccess.json"),
    },
    Source {
        name: "ReadOnlyAccess",
        id: "ANPAILL3HVNFSB6DCOWYQ",
        version: 190,
        created: "2015-02-06T18:39:48Z",
        updated: "2026-09-24T17:37:08Z",
        description: "Provides read-only access to AWS services and resources.",
        document: include_str!("aws_managed/ReadOnlyAccess.json"),
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
