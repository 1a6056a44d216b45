//! Names that follow from the cluster's name: bucket, issuer, roles.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use podpass_policy::Partition;
use thiserror::Error;

/// The name of a cluster (`--name`): it goes into tags, role names and the bucket's name.
///
/// Characters are those that both a role name and a tag of IAM take; whether a bucket can be named after it is [`BucketName::for_issuer_of`]'s
/// question, because roles can be made for a cluster whose issuer is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

/// An AWS region such as `eu-west-1`; one that podpass has never heard of is accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

/// The name of a bucket that S3 accepts and whose virtual host name S3's wildcard certificate covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

/// The name a role gets, and the one that ccoctl may have given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleNames {
    /// `<cluster>-<namespace>-<secret>` in full, however long.
    pub full: String,
    /// The name to make it under: `full`, or its beginning with a hash of the whole when that is over 64 characters.
    pub chosen: String,
    /// ccoctl's name when it differs: `full` cut at 64 characters, which several requests can share.
    pub cut: Option<String>,
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// The cluster's name cannot be used at all.
    #[error("the cluster name `{name}` is refused: {rule}")]
    Cluster {
        /// What was given.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// No bucket can have the name that follows from the cluster's.
    #[error("the cluster name `{cluster}` is refused: its bucket would be `{bucket}`, and {rule}")]
    Bucket {
        /// The cluster's name.
        cluster: String,
        /// The bucket's name.
        bucket: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The region cannot be one.
    #[error(
        "`{region}` is not a region: lower-case letters, digits and hyphens are expected, such as `eu-west-1`"
    )]
    Region {
        /// What was given.
        region: String,
    },
}

// === impl ClusterName ===

impl ClusterName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClusterName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let refuse = |rule| {
            Err(NameError::Cluster {
                name: name.to_owned(),
                rule,
            })
        };
        if name.is_empty() {
            return refuse("it is empty");
        }
        if name.len() > MAX_CLUSTER_NAME {
            return refuse(
                "it is longer than 89 characters, the most that fit behind the prefix of the ownership tag's key",
            );
        }
        if !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+=.@-_".contains(&b))
        {
            return refuse(
                "only letters, digits and `+=.@-_` may stand in a role name and in a tag",
            );
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Region ===

impl Region {
    /// The region as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition it belongs to; an unknown region belongs to `aws`.
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.0)
    }
}

impl FromStr for Region {
    type Err = NameError;

    fn from_str(region: &str) -> Result<Self, NameError> {
        let well_formed = region.starts_with(|c: char| c.is_ascii_lowercase())
            && !region.ends_with('-')
            && region.len() <= 63
            && region
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if well_formed {
            Ok(Self(region.to_owned()))
        } else {
            Err(NameError::Region {
                region: region.to_owned(),
            })
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl BucketName ===

impl BucketName {
    /// The bucket that holds the cluster's issuer: `<name>-oidc`.
    pub fn for_issuer_of(cluster: &ClusterName) -> Result<Self, NameError> {
        let bucket = format!("{cluster}-oidc");
        match broken_bucket_rule(&bucket) {
            None => Ok(Self(bucket)),
            Some(rule) => Err(NameError::Bucket {
                cluster: cluster.to_string(),
                bucket,
                rule,
            }),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The regional, virtual host style URL of the bucket, without a slash at its end: the issuer.
    pub fn issuer_in(&self, region: &Region) -> String {
        format!(
            "https://{}.s3.{region}.{}",
            self.0,
            region.partition().dns_suffix()
        )
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl RoleNames ===

impl RoleNames {
    /// What the name of every role of `cluster` starts with: `<cluster>-`, as far as the shortest cut keeps it.
    pub fn prefix(cluster: &ClusterName) -> String {
        beginning(&format!("{cluster}-"), KEPT_OF_LONG_NAME).to_owned()
    }

    /// The names of the role for the credentials that go into the secret `namespace`/`secret`.
    ///
    /// Decided by the length alone, never by what else exists, so that two runs on two machines agree.
    pub fn of(cluster: &ClusterName, namespace: &str, secret: &str) -> Self {
        let full = format!("{cluster}-{namespace}-{secret}");
        if full.len() <= MAX_ROLE_NAME {
            return Self {
                chosen: full.clone(),
                cut: None,
                full,
            };
        }
        let hash = hex(&digest(&SHA256, full.as_bytes()).as_ref()[..HASH_BYTES]);
        let kept = beginning(&full, KEPT_OF_LONG_NAME);
        Self {
            chosen: format!("{kept}-{hash}"),
            cut: Some(beginning(&full, MAX_ROLE_NAME).to_owned()),
            full,
        }
    }
}

fn broken_bucket_rule(name: &str) -> Option<&'static str> {
    if name.len() > 63 {
        return Some("a bucket name has at most 63 characters: use a cluster name of at most 58");
    }
    if name.contains('.') {
        return Some(
            "a dot in a bucket name is not covered by S3's certificate, so that AWS could not read the issuer over \
             HTTPS: replace it by a hyphen",
        );
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some("a bucket name has no upper-case letters");
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Some("a bucket name has only lower-case letters, digits and hyphens");
    }
    if name.starts_with('-') {
        return Some("a bucket name starts with a letter or a digit");
    }
    RESERVED_BUCKET_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix))
        .then_some("S3 reserves names that start with `xn--`, `sthree-` or `amzn-s3-demo-`")
}

/// The first `bytes` bytes, fewer when a character would be split.
fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use fmt::Write;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A tag key has at most 128 characters, and `openshift.io/cloud-credential-operator/` stands before the name.
const MAX_CLUSTER_NAME: usize = 128 - crate::tags::OWNERSHIP_PREFIX.len();

/// IAM's limit for the name of a role, in characters.
const MAX_ROLE_NAME: usize = 64;

/// 32 bits: among the thirty roles of a cluster a collision has odds of one in ten million.
const HASH_BYTES: usize = 4;

/// A hyphen and the hash in hex follow.
const KEPT_OF_LONG_NAME: usize = MAX_ROLE_NAME - 1 - 2 * HASH_BYTES;

const RESERVED_BUCKET_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(name: &str) -> ClusterName {
        name.parse().unwrap()
    }

    #[test]
    fn refuses_cluster_names_that_cannot_name_a_bucket() {
        let long = "a".repeat(59);
        for (name, expected) in [
            ("Peer-X", "upper-case"),
            ("peer_x", "only lower-case"),
            ("peer.x", "certificate"),
            ("-peer", "starts with"),
            ("xn--peer", "reserves"),
            ("sthree-peer", "reserves"),
            (long.as_str(), "at most 63"),
        ] {
            let error = BucketName::for_issuer_of(&cluster(name))
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{name}: {error}");
            assert!(error.contains(&format!("`{name}-oidc`")), "{name}: {error}");
        }
        let longest = "a".repeat(58);
        for name in ["a", "mycluster", "0-1-2", "cluster-", longest.as_str()] {
            let bucket = BucketName::for_issuer_of(&cluster(name)).unwrap();
            assert_eq!(bucket.as_str(), format!("{name}-oidc"));
        }
    }

    #[test]
    fn refuses_cluster_names_that_cannot_name_anything() {
        let long = "a".repeat(90);
        for name in ["", "a b", "a/b", "a,b", "ä", long.as_str()] {
            assert!(name.parse::<ClusterName>().is_err(), "{name}");
        }
        assert!("My_Cluster.1".parse::<ClusterName>().is_ok());
        assert!("a".repeat(89).parse::<ClusterName>().is_ok());
    }

    #[test]
    fn the_issuer_follows_region_and_partition() {
        for (region, expected) in [
            ("eu-west-1", "https://demo-oidc.s3.eu-west-1.amazonaws.com"),
            ("us-east-1", "https://demo-oidc.s3.us-east-1.amazonaws.com"),
            (
                "us-gov-west-1",
                "https://demo-oidc.s3.us-gov-west-1.amazonaws.com",
            ),
            (
                "cn-north-1",
                "https://demo-oidc.s3.cn-north-1.amazonaws.com.cn",
            ),
            (
                "eusc-de-east-1",
                "https://demo-oidc.s3.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "us-iso-east-1",
                "https://demo-oidc.s3.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "us-isob-east-1",
                "https://demo-oidc.s3.us-isob-east-1.sc2s.sgov.gov",
            ),
            ("nowhere-1", "https://demo-oidc.s3.nowhere-1.amazonaws.com"),
        ] {
            let bucket = BucketName::for_issuer_of(&cluster("demo")).unwrap();
            assert_eq!(bucket.issuer_in(&region.parse().unwrap()), expected);
        }
        for region in [
            "",
            "eu west",
            "EU-WEST-1",
            "eu-west-1.evil.example",
            "eu-",
            "1-eu",
        ] {
            assert!(region.parse::<Region>().is_err(), "{region}");
        }
    }

    #[test]
    fn a_role_name_is_cut_by_its_length_alone() {
        let exactly = RoleNames::of(&cluster("c"), &"n".repeat(31), &"s".repeat(30));
        assert_eq!(exactly.full.len(), 64);
        assert_eq!((exactly.chosen.clone(), exactly.cut), (exactly.full, None));

        // The case ccoctl gets wrong: a name of 27 characters makes every secret here share one role.
        let name = cluster("abcdefghijklmnopqrstuvwxyz1");
        let one = RoleNames::of(
            &name,
            "openshift-cloud-credential-operator",
            "cloud-credential-operator-iam-ro-creds",
        );
        let two = RoleNames::of(&name, "openshift-cloud-credential-operator", "another");
        assert_eq!(one.cut, two.cut);
        assert_ne!(one.chosen, two.chosen);
        // printf %s abcdefghijklmnopqrstuvwxyz1-openshift-cloud-credential-operator-another | sha256sum
        assert_eq!(
            two.chosen,
            "abcdefghijklmnopqrstuvwxyz1-openshift-cloud-credential--e75a06f8"
        );
        assert_eq!(one.chosen.len(), 64);
    }

    #[test]
    fn every_name_of_a_role_starts_with_the_prefix_of_its_cluster() {
        assert_eq!(RoleNames::prefix(&cluster("demo")), "demo-");
        for length in [1, 26, 27, 53, 54, 55, 63, 64, 89] {
            let name = cluster(&"n".repeat(length));
            let prefix = RoleNames::prefix(&name);
            for secret in ["s", "cloud-credential-operator-iam-ro-creds"] {
                let names = RoleNames::of(&name, "openshift-cloud-credential-operator", secret);
                for made in [Some(names.chosen), names.cut].into_iter().flatten() {
                    assert!(made.starts_with(&prefix), "{made} of {name}");
                }
            }
        }
    }
}
