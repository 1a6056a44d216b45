//! The way back: everything that carries a cluster's ownership tag is deleted, and what stays is named with its reason.
//!
//! Nothing records progress but the cloud itself. Every resource is found by its own tag, so that a run that was
//! killed half-way is finished by the next one.

mod planning;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use podpass_policy::{PolicyArn, RoleName};

use crate::identity_provider::{ObservedBucket, ObservedOidcProvider};
use crate::names::{BucketName, ClusterName, Region};
use crate::plan::{Plan, Resource};
use crate::tags::Tags;

pub(crate) use planning::role_removal;

/// Which cluster's resources are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The cluster.
    pub cluster: ClusterName,
    /// Where its bucket is.
    pub region: Region,
    /// The bucket of its issuer; `None` when no bucket can be named after the cluster, whose roles exist all the same.
    pub bucket: Option<BucketName>,
}

/// What was found that is a cluster's, or looks as if it were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedCluster {
    /// The bucket of the issuer.
    pub bucket: ObservedBucket<BucketContents>,
    /// The roles whose names start with [`RoleNames::prefix`](crate::RoleNames::prefix).
    pub roles: Vec<FoundRole>,
    /// All OIDC providers of the account.
    pub oidc_providers: Vec<ObservedOidcProvider>,
    /// The permissions that the caller lacks to see all that a role holds, as IAM writes them.
    pub hidden: BTreeSet<&'static str>,
}

/// A bucket with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketContents {
    /// Its tags.
    pub tags: Tags,
    /// Its objects, in the order of their keys.
    pub objects: Vec<FoundObject>,
}

/// An object by its key and tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundObject {
    /// Its key.
    pub key: String,
    /// Its tags.
    pub tags: Tags,
}

/// A role and what stands in the way of its deletion. What it holds is asked only of the cluster's own roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRole {
    /// Its name.
    pub name: RoleName,
    /// Its description.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The names of its inline policies.
    pub inline_policies: Vec<String>,
    /// The managed policies that are attached to it.
    pub attached_policies: Vec<PolicyArn>,
    /// The names of the instance profiles that hold it.
    pub instance_profiles: Vec<String>,
}

/// The steps of a deletion, and what they leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionPlan {
    /// The steps.
    pub plan: Plan,
    /// What stays.
    pub stays: Vec<Staying>,
}

/// A resource that stays, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staying {
    /// The resource.
    pub resource: Resource,
    /// Why it stays.
    pub why: Why,
}

/// Why a resource is not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It is the cluster's by its name or place, and does not carry its ownership tag.
    NotOwned {
        /// The key of the tag it lacks.
        tag: String,
    },
    /// It carries the cluster's ownership tag with another value than `owned`.
    OtherValue {
        /// The tag's key.
        tag: String,
        /// Its value.
        value: String,
    },
    /// It is another cluster's.
    OtherOwner {
        /// The tag that says so.
        tag: String,
        /// Its value.
        value: String,
    },
    /// It is a role whose name starts like the cluster's, and nothing else speaks for the cluster.
    NameAlone,
    /// It is the cluster's bucket and holds objects that stay.
    NotEmpty,
    /// It is a bucket of another account, or the caller may not see it.
    NotAccessible,
    /// It serves one of the cluster's issuers, and deleting distributions is not part of podpass yet.
    Distribution,
}

// === impl Deletion ===

impl Deletion {
    /// The deletion of what `cluster` has; its bucket is looked for in `region`.
    pub fn of(cluster: ClusterName, region: Region) -> Self {
        Self {
            bucket: BucketName::for_issuer_of(&cluster).ok(),
            cluster,
            region,
        }
    }
}

// === impl DeletionPlan ===

impl DeletionPlan {
    /// What stays although it is the cluster's.
    pub fn left(&self) -> impl Iterator<Item = &Staying> {
        self.stays.iter().filter(|staying| staying.why.is_left())
    }

    /// What stays because it is somebody else's.
    pub fn others(&self) -> impl Iterator<Item = &Staying> {
        self.stays.iter().filter(|staying| !staying.why.is_left())
    }
}

/// The plan, then what is left of the cluster and what is somebody else's.
impl fmt::Display for DeletionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        for staying in self.left() {
            writeln!(f, "left: {staying}")?;
        }
        for staying in self.others() {
            writeln!(f, "note: {staying}")?;
        }
        Ok(())
    }
}

// === impl Staying ===

impl fmt::Display for Staying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stays: {}", self.resource, self.why)
    }
}

// === impl Why ===

impl Why {
    /// Whether the resource is the cluster's, so that the deletion is not complete without it.
    pub fn is_left(&self) -> bool {
        !matches!(self, Self::OtherOwner { .. } | Self::NameAlone)
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOwned { .. } | Self::OtherValue { .. } => {
                "if it is this cluster's, put the tag on it with the value `owned` and run again, or delete it by hand"
            }
            Self::NotEmpty => "delete the objects that stay by hand, then run again",
            Self::NotAccessible => {
                "if the bucket is this account's, allow the caller `s3:ListBucket` and run again"
            }
            Self::Distribution => "delete the distribution by hand, or with OpenShift's ccoctl",
            Self::OtherOwner { .. } | Self::NameAlone => "leave it to its owner",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOwned { tag } => write!(f, "it does not carry the tag `{tag}`=`owned`"),
            Self::OtherValue { tag, value } => {
                write!(f, "its tag `{tag}` is `{value}`, not `owned`")
            }
            Self::OtherOwner { tag, value } => {
                write!(f, "it is another owner's: its tag `{tag}` is `{value}`")
            }
            Self::NameAlone => f.write_str(
                "it carries no ownership tag, and only the start of its name is this cluster's",
            ),
            Self::NotEmpty => f.write_str("it holds objects that stay"),
            Self::NotAccessible => f.write_str("it exists and this account has no access to it"),
            Self::Distribution => f.write_str(
                "it serves an issuer of this cluster, and this version deletes no distributions",
            ),
        }
    }
}
