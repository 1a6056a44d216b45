//! The steps of a plan: each is one call that changes something.

use podpass_policy::{OidcProviderArn, PolicyArn, RoleName};
use serde::Serialize;

use super::{Outcome, Resource};
use crate::names::{BucketName, Region};
use crate::tags::Tags;

/// S3's public access block of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "S3's own four switches")]
pub struct PublicAccessBlock {
    /// Refuse requests that set a public ACL.
    pub block_public_acls: bool,
    /// Treat public ACLs as absent.
    pub ignore_public_acls: bool,
    /// Refuse public bucket policies.
    pub block_public_policy: bool,
    /// Let only the owner's principals use a public policy.
    pub restrict_public_buckets: bool,
}

/// An object of the issuer's bucket with everything that goes into one upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUpload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key, without a leading slash.
    pub key: String,
    /// The content.
    pub body: String,
    /// The media type.
    pub content_type: &'static str,
    /// The tags, sent with the upload.
    pub tags: Tags,
}

/// What an upload may take the place of. Anything else that is found there by then, such as the key of a run on another
/// machine, refuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// No object.
    Nothing,
    /// The version that was read, by its entity tag.
    Version(String),
    /// Whatever is there: the version that was read has no entity tag.
    Anything,
}

/// One call that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// `s3:CreateBucket`.
    CreateBucket {
        /// The bucket.
        bucket: BucketName,
        /// Where it is made; the location constraint follows from it.
        region: Region,
    },
    /// `s3:PutBucketTagging`; the whole set, others' tags included.
    TagBucket {
        /// The bucket.
        bucket: BucketName,
        /// The complete new set.
        tags: Tags,
    },
    /// `s3:PutBucketPublicAccessBlock`.
    SetPublicAccessBlock {
        /// The bucket.
        bucket: BucketName,
        /// The four switches.
        settings: PublicAccessBlock,
    },
    /// `s3:PutBucketPolicy`.
    PutBucketPolicy {
        /// The bucket.
        bucket: BucketName,
        /// The policy document as JSON.
        document: String,
    },
    /// `s3:PutObject` with tags.
    PutObject {
        /// What is uploaded.
        upload: ObjectUpload,
        /// What the key may hold until then.
        replaces: Replaces,
    },
    /// `s3:PutObjectTagging`; the whole set.
    TagObject {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
        /// The complete new set.
        tags: Tags,
    },
    /// `iam:CreateOpenIDConnectProvider` with its tags in the same call and no thumbprint.
    CreateOidcProvider {
        /// The issuer URL.
        url: String,
        /// The audiences it accepts.
        client_ids: Vec<String>,
        /// Its tags.
        tags: Tags,
    },
    /// `iam:AddClientIDToOpenIDConnectProvider`.
    AddClientId {
        /// The provider.
        provider: OidcProviderArn,
        /// The audience to accept.
        client_id: String,
    },
    /// `iam:TagOpenIDConnectProvider`.
    TagOidcProvider {
        /// The provider.
        provider: OidcProviderArn,
        /// The tags to add or set.
        tags: Tags,
    },
    /// `iam:CreateRole`.
    CreateRole {
        /// The role's name.
        role: RoleName,
        /// The trust policy as JSON.
        trust_policy: String,
        /// What people read in the console.
        description: String,
        /// The managed policy that bounds it.
        boundary: Option<PolicyArn>,
        /// Its tags.
        tags: Tags,
    },
    /// `iam:UpdateAssumeRolePolicy`.
    UpdateTrustPolicy {
        /// The role's name.
        role: RoleName,
        /// The trust policy as JSON.
        document: String,
    },
    /// `iam:UpdateRole`, the description only.
    UpdateRoleDescription {
        /// The role's name.
        role: RoleName,
        /// What people read in the console.
        description: String,
    },
    /// `iam:PutRolePermissionsBoundary`.
    SetPermissionsBoundary {
        /// The role's name.
        role: RoleName,
        /// The managed policy that bounds it.
        boundary: PolicyArn,
    },
    /// `iam:TagRole`.
    TagRole {
        /// The role's name.
        role: RoleName,
        /// The tags to add or set.
        tags: Tags,
    },
    /// `iam:PutRolePolicy`: an inline permissions policy.
    PutRolePolicy {
        /// The role's name.
        role: RoleName,
        /// The policy's name within the role.
        policy_name: String,
        /// The permissions policy as JSON.
        document: String,
    },
    /// `iam:AttachRolePolicy`.
    AttachRolePolicy {
        /// The role's name.
        role: RoleName,
        /// The managed policy.
        policy: PolicyArn,
    },
    /// `s3:DeleteObject`.
    DeleteObject {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: String,
    },
    /// `s3:DeleteBucket`, which S3 refuses unless it is empty.
    DeleteBucket {
        /// The bucket.
        bucket: BucketName,
    },
    /// `iam:RemoveRoleFromInstanceProfile`.
    RemoveFromInstanceProfile {
        /// The role's name.
        role: RoleName,
        /// The name of the instance profile, which stays.
        profile: String,
    },
    /// `iam:DetachRolePolicy`: a managed policy, which stays.
    DetachRolePolicy {
        /// The role's name.
        role: RoleName,
        /// The managed policy.
        policy: PolicyArn,
    },
    /// `iam:DeleteRolePolicy`: an inline permissions policy.
    DeleteRolePolicy {
        /// The role's name.
        role: RoleName,
        /// The policy's name within the role.
        policy_name: String,
    },
    /// `iam:DeleteRole`, which IAM refuses while the role holds policies or is in an instance profile.
    DeleteRole {
        /// The role's name.
        role: RoleName,
    },
    /// `iam:DeleteOpenIDConnectProvider`.
    DeleteOidcProvider {
        /// The provider.
        provider: OidcProviderArn,
    },
}

// === impl PublicAccessBlock ===

impl PublicAccessBlock {
    /// Public policies allowed, public ACLs not: what a public issuer needs, and what ccoctl sets.
    pub const PUBLIC_POLICY: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: false,
        restrict_public_buckets: false,
    };

    /// Everything public is blocked: how AWS makes a new bucket.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

// === impl Step ===

impl Step {
    /// The resource it changes.
    pub fn resource(&self) -> Resource {
        match self {
            Self::CreateBucket { bucket, .. }
            | Self::TagBucket { bucket, .. }
            | Self::SetPublicAccessBlock { bucket, .. }
            | Self::PutBucketPolicy { bucket, .. }
            | Self::DeleteBucket { bucket } => Resource::bucket(bucket),
            Self::PutObject { upload, .. } => Resource::object(&upload.bucket, &upload.key),
            Self::TagObject { bucket, key, .. } | Self::DeleteObject { bucket, key } => {
                Resource::object(bucket, key)
            }
            Self::CreateOidcProvider { url, .. } => Resource::oidc_provider(url),
            Self::AddClientId { provider, .. }
            | Self::TagOidcProvider { provider, .. }
            | Self::DeleteOidcProvider { provider } => {
                Resource::oidc_provider(provider.issuer_without_scheme())
            }
            Self::CreateRole { role, .. }
            | Self::UpdateTrustPolicy { role, .. }
            | Self::UpdateRoleDescription { role, .. }
            | Self::SetPermissionsBoundary { role, .. }
            | Self::TagRole { role, .. }
            | Self::AttachRolePolicy { role, .. }
            | Self::PutRolePolicy { role, .. }
            | Self::RemoveFromInstanceProfile { role, .. }
            | Self::DetachRolePolicy { role, .. }
            | Self::DeleteRolePolicy { role, .. }
            | Self::DeleteRole { role } => Resource::role(role),
        }
    }

    /// The permission the caller needs for it, as IAM writes it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::CreateBucket { .. } => "s3:CreateBucket",
            Self::TagBucket { .. } => "s3:PutBucketTagging",
            Self::SetPublicAccessBlock { .. } => "s3:PutBucketPublicAccessBlock",
            Self::PutBucketPolicy { .. } => "s3:PutBucketPolicy",
            Self::PutObject { .. } => "s3:PutObject",
            Self::TagObject { .. } => "s3:PutObjectTagging",
            Self::CreateOidcProvider { .. } => "iam:CreateOpenIDConnectProvider",
            Self::AddClientId { .. } => "iam:AddClientIDToOpenIDConnectProvider",
            Self::TagOidcProvider { .. } => "iam:TagOpenIDConnectProvider",
            Self::CreateRole { .. } => "iam:CreateRole",
            Self::UpdateTrustPolicy { .. } => "iam:UpdateAssumeRolePolicy",
            Self::UpdateRoleDescription { .. } => "iam:UpdateRole",
            Self::SetPermissionsBoundary { .. } => "iam:PutRolePermissionsBoundary",
            Self::TagRole { .. } => "iam:TagRole",
            Self::AttachRolePolicy { .. } => "iam:AttachRolePolicy",
            Self::PutRolePolicy { .. } => "iam:PutRolePolicy",
            Self::DeleteObject { .. } => "s3:DeleteObject",
            Self::DeleteBucket { .. } => "s3:DeleteBucket",
            Self::RemoveFromInstanceProfile { .. } => "iam:RemoveRoleFromInstanceProfile",
            Self::DetachRolePolicy { .. } => "iam:DetachRolePolicy",
            Self::DeleteRolePolicy { .. } => "iam:DeleteRolePolicy",
            Self::DeleteRole { .. } => "iam:DeleteRole",
            Self::DeleteOidcProvider { .. } => "iam:DeleteOpenIDConnectProvider",
        }
    }

    /// One line for a person: what it does to what.
    pub fn describe(&self) -> String {
        match self {
            Self::CreateBucket { bucket, region } => format!("create bucket {bucket} in {region}"),
            Self::TagBucket { bucket, tags } => format!("tag bucket {bucket} with {tags}"),
            Self::SetPublicAccessBlock { bucket, .. } => {
                format!("allow a public policy, and no public ACL, on bucket {bucket}")
            }
            Self::PutBucketPolicy { bucket, .. } => {
                format!("let anyone read the objects of bucket {bucket}")
            }
            Self::PutObject { upload, replaces } => format!(
                "{} {} in bucket {}",
                match replaces {
                    Replaces::Nothing => "upload",
                    _ => "update",
                },
                upload.key,
                upload.bucket
            ),
            Self::TagObject { bucket, key, tags } => {
                format!("tag {key} in bucket {bucket} with {tags}")
            }
            Self::CreateOidcProvider {
                url, client_ids, ..
            } => format!(
                "create OIDC provider {url} for the audiences {}",
                client_ids.join(", ")
            ),
            Self::AddClientId {
                provider,
                client_id,
            } => format!("accept the audience {client_id} at {provider}"),
            Self::TagOidcProvider { provider, tags } => format!("tag {provider} with {tags}"),
            Self::CreateRole { role, .. } => format!("create role {role} with its trust policy"),
            Self::UpdateTrustPolicy { role, .. } => {
                format!("update the trust policy of role {role}")
            }
            Self::UpdateRoleDescription { role, description } => {
                format!("describe role {role} as \"{description}\"")
            }
            Self::SetPermissionsBoundary { role, boundary } => {
                format!("bound role {role} by {boundary}")
            }
            Self::TagRole { role, tags } => format!("tag role {role} with {tags}"),
            Self::AttachRolePolicy { role, policy } => format!("attach {policy} to role {role}"),
            Self::PutRolePolicy { role, .. } => format!("write the permissions policy of {role}"),
            Self::DeleteObject { bucket, key } => format!("delete {key} from bucket {bucket}"),
            Self::DeleteBucket { bucket } => format!("delete bucket {bucket}"),
            Self::RemoveFromInstanceProfile { role, profile } => {
                format!("take role {role} out of instance profile {profile}")
            }
            Self::DetachRolePolicy { role, policy } => {
                format!("detach {policy} from role {role}")
            }
            Self::DeleteRolePolicy { role, policy_name } => {
                format!("delete the inline policy {policy_name} of role {role}")
            }
            Self::DeleteRole { role } => format!("delete role {role}"),
            Self::DeleteOidcProvider { provider } => format!("delete OIDC provider {provider}"),
        }
    }

    /// The tags that go along with what it makes.
    pub fn tags_of_new(&self) -> Option<&Tags> {
        match self {
            Self::PutObject { upload, .. } => Some(&upload.tags),
            Self::CreateOidcProvider { tags, .. } | Self::CreateRole { tags, .. } => Some(tags),
            _ => None,
        }
    }

    /// What it does to its resource.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::CreateBucket { .. }
            | Self::CreateOidcProvider { .. }
            | Self::CreateRole { .. }
            | Self::PutObject {
                replaces: Replaces::Nothing,
                ..
            } => Outcome::Created,
            Self::DeleteObject { .. }
            | Self::DeleteBucket { .. }
            | Self::DeleteRole { .. }
            | Self::DeleteOidcProvider { .. } => Outcome::Deleted,
            _ => Outcome::Configured,
        }
    }
}
