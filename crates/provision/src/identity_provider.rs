//! The identity provider: a public bucket with the issuer's two documents, and the OIDC provider that trusts it.

mod bucket_policy;
mod planning;
#[cfg(test)]
mod tests;

use podpass_kinds::Reason;
use podpass_policy::OidcProviderArn;
use podpass_token::{Jwks, PublicKey, discovery_document};
use thiserror::Error;

use crate::names::{BucketName, ClusterName, NameError, Region};
use crate::plan::{Plan, PublicAccessBlock};
use crate::tags::Tags;

pub use bucket_policy::public_read_policy;
pub(crate) use planning::refuse_unless_owned;

/// What a cluster's identity provider has to be: everything follows from name, region and public keys.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// The cluster.
    pub cluster: ClusterName,
    /// Where the bucket is.
    pub region: Region,
    /// The bucket that serves the issuer.
    pub bucket: BucketName,
    /// The issuer URL: what the tokens' `iss` says and the OIDC provider is registered under.
    pub issuer: String,
    /// The public halves of the cluster's signing keys.
    pub keys: Jwks,
}

/// What was found of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedIdentityProvider {
    /// The bucket.
    pub bucket: ObservedBucket,
    /// The OIDC provider that is registered for the issuer URL.
    pub oidc_provider: Option<ObservedOidcProvider>,
    /// Providers with this cluster's ownership tag and another issuer; looked for only when the first is absent.
    pub other_issuers: Vec<OidcProviderArn>,
}

/// What was found under the bucket's name, and of a bucket that is there, what the question was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedBucket<S = BucketState> {
    /// No bucket.
    Absent,
    /// A bucket that belongs to another AWS account, or that the caller may not see.
    NotAccessible,
    /// A bucket in another region than the one asked for.
    Elsewhere {
        /// Where it is, when S3 said so.
        region: Option<String>,
    },
    /// The account's own bucket.
    Present(Box<S>),
}

/// The account's own bucket, as far as the issuer is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketState {
    /// Its tags.
    pub tags: Tags,
    /// Whether it holds no object at all.
    pub empty: bool,
    /// Its public access block.
    pub public_access_block: Seen<PublicAccessBlock>,
    /// Its policy document, as JSON.
    pub policy: Seen<String>,
    /// `.well-known/openid-configuration`.
    pub discovery: Option<ObservedObject>,
    /// `keys.json`.
    pub jwks: Option<ObservedObject>,
}

/// A part that may be invisible to the caller: ccoctl's documented permissions do not cover reading every one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// It does not exist.
    Absent,
    /// It exists.
    Present(T),
    /// The caller may not read it.
    Hidden,
}

/// An object of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedObject {
    /// Its content; bytes that are not UTF-8 are replaced, which makes it a document to repair.
    pub body: String,
    /// Its entity tag, which tells one version of it from another.
    pub entity_tag: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// An OIDC provider as IAM describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedOidcProvider {
    /// Its ARN.
    pub arn: OidcProviderArn,
    /// The issuer URL without its scheme, as IAM stores it.
    pub url: String,
    /// The audiences it accepts.
    pub client_ids: Vec<String>,
    /// The SHA-1 thumbprints of the certificates it trusts, where AWS does not trust the issuer's CA by itself.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Whether a resource that lacks the cluster's ownership tag may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adoption {
    /// It is refused.
    #[default]
    Refuse,
    /// It is tagged and from then on treated as the cluster's (`--adopt`).
    Adopt,
}

/// The steps for an identity provider and what the roles' trust policies need to know about it afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProviderPlan {
    /// The steps.
    pub plan: Plan,
    /// The provider's ARN when it exists already.
    pub arn: Option<OidcProviderArn>,
    /// The audiences it accepts once the plan is applied.
    pub client_ids: Vec<String>,
}

/// Why nothing is done: a resource is not this cluster's, or changing it would break what works.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The resource lacks the ownership tag.
    #[error("{resource} exists and does not carry the tag `{tag}`=`owned`")]
    NotOwned {
        /// `kind/name`.
        resource: String,
        /// The tag's key.
        tag: String,
    },
    /// The resource is another cluster's.
    #[error("{resource} belongs to another owner: its tag `{key}` is `{value}`")]
    OwnedByOther {
        /// `kind/name`.
        resource: String,
        /// The tag's key.
        key: String,
        /// Its value.
        value: String,
    },
    /// The bucket's name is taken by another account, or the caller may not see it.
    #[error("bucket/{bucket} exists and this account has no access to it")]
    BucketNotAccessible {
        /// The bucket.
        bucket: String,
    },
    /// The bucket is in another region, so that the issuer would have another URL.
    #[error("bucket/{bucket} is in {actual}, not in {expected}")]
    BucketElsewhere {
        /// The bucket.
        bucket: String,
        /// The region asked for.
        expected: String,
        /// Where it is.
        actual: String,
    },
    /// The bucket serves another issuer; rewriting it would cut off a running cluster.
    #[error("object/{bucket}/{key} names another issuer: expected `{expected}`, found `{actual}`")]
    OtherIssuer {
        /// The bucket.
        bucket: String,
        /// The discovery document's key.
        key: String,
        /// The issuer that follows from name and region.
        expected: String,
        /// The issuer in the document.
        actual: String,
    },
    /// The published keys cannot be read, so that adding one would lose others.
    #[error("object/{bucket}/{key} is not a JWKS that keys can be added to: {problem}")]
    JwksUnreadable {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// What is wrong with it, with the place.
        problem: String,
    },
    /// The bucket's policy cannot be read, so that adding to it would lose statements.
    #[error("the policy of bucket/{bucket} is not readable JSON")]
    BucketPolicyUnreadable {
        /// The bucket.
        bucket: String,
    },
    /// The bucket is not the cluster's yet and its policy cannot be seen, so that writing one could lose another.
    #[error(
        "the policy of bucket/{bucket} cannot be read, and the bucket carries no ownership tag yet"
    )]
    BucketPolicyHidden {
        /// The bucket.
        bucket: String,
    },
    /// Adding to a role's trust policy would bring it over the highest limit AWS grants.
    #[error(
        "the trust policy of role/{role} would have {size} characters without whitespace: AWS allows at most {max}",
        max = crate::roles::MAX_TRUST_POLICY
    )]
    TrustPolicyTooLarge {
        /// The role.
        role: String,
        /// The size it would have.
        size: usize,
    },
    /// The role is the cluster's, but another's than the service account that is to have it.
    #[error("role/{role} is not this service account's: {owner}")]
    RoleOfAnother {
        /// The role.
        role: String,
        /// Whose it is.
        owner: String,
    },
    /// A role's trust policy cannot be read, so that adding to it would lose statements.
    #[error("the trust policy of role/{role} is not readable JSON")]
    TrustPolicyUnreadable {
        /// The role.
        role: String,
    },
}

// === impl Seen ===

impl<T> Seen<T> {
    /// What exists and may be read.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Hidden => None,
        }
    }

    /// The part of it that `find` finds, if it exists and may be read.
    pub fn part<U>(&self, find: impl FnOnce(&T) -> Option<U>) -> Seen<U> {
        match self {
            Self::Present(value) => find(value).map_or(Seen::Absent, Seen::Present),
            Self::Absent => Seen::Absent,
            Self::Hidden => Seen::Hidden,
        }
    }
}

// === impl IdentityProvider ===

impl IdentityProvider {
    /// The identity provider that ccoctl calls public: its documents are read straight from the bucket.
    pub fn in_public_bucket(
        cluster: ClusterName,
        region: Region,
        keys: &[PublicKey],
    ) -> Result<Self, NameError> {
        let bucket = BucketName::for_issuer_of(&cluster)?;
        let issuer = bucket.issuer_in(&region);
        Ok(Self {
            cluster,
            region,
            bucket,
            issuer,
            keys: Jwks::of(keys),
        })
    }

    /// The tags of everything that belongs to it.
    pub fn tags(&self) -> Tags {
        Tags::ownership(&self.cluster)
    }

    /// The issuer without `https://`: what IAM stores, and what the condition keys of trust policies start with.
    pub fn issuer_without_scheme(&self) -> &str {
        self.issuer.strip_prefix("https://").unwrap_or(&self.issuer)
    }

    /// The content of `.well-known/openid-configuration`.
    pub fn discovery_document(&self) -> String {
        discovery_document(&self.issuer)
    }

    /// The content of `keys.json` with the cluster's own keys alone.
    pub fn jwks_document(&self) -> String {
        self.keys.to_json()
    }
}

// === impl Refusal ===

impl Refusal {
    /// The bucket is not in the region that was asked for.
    pub(crate) fn elsewhere(bucket: &BucketName, expected: &Region, actual: Option<&str>) -> Self {
        Self::BucketElsewhere {
            bucket: bucket.to_string(),
            expected: expected.to_string(),
            actual: actual.unwrap_or("another region").to_owned(),
        }
    }

    /// The reason code, where there is one.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::NotOwned { .. } | Self::OwnedByOther { .. } => Some(Reason::NotOwned),
            Self::BucketNotAccessible { .. } => Some(Reason::BucketNameTaken),
            Self::OtherIssuer { .. } => Some(Reason::IssuerStringMismatch),
            Self::JwksUnreadable { .. } => Some(Reason::IssuerDocumentInvalid),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOwned { .. } => {
                "make sure that it belongs to this cluster, then run again with `--adopt`; or choose another `--name`"
            }
            Self::OwnedByOther { .. } => "choose another `--name`",
            Self::BucketNotAccessible { .. } => {
                "bucket names are shared by all of AWS: choose another `--name`, or use the account that owns it; if it is \
                 this account, allow the caller `s3:ListBucket`"
            }
            Self::BucketElsewhere { .. } => {
                "give the bucket's region with `--region`, or choose another `--name`"
            }
            Self::OtherIssuer { .. } => {
                "the cluster was set up with another issuer (such as a CloudFront distribution): keep it, or choose \
                 another `--name`"
            }
            Self::JwksUnreadable { .. } => {
                "repair the object, or remove it if no running cluster's key is in it, then run again"
            }
            Self::BucketPolicyUnreadable { .. } => {
                "repair or remove the bucket's policy, then run again"
            }
            Self::BucketPolicyHidden { .. } => {
                "allow the caller `s3:GetBucketPolicy`, then run again"
            }
            Self::TrustPolicyTooLarge { .. } => {
                "remove statements, subjects or audiences that nobody needs any more from it, then run again"
            }
            Self::RoleOfAnother { .. } => {
                "choose another name with `--role-name`, or take the role over with `--adopt`"
            }
            Self::TrustPolicyUnreadable { .. } => "repair the role's trust policy, then run again",
        }
    }
}

/// The key of the discovery document in the bucket.
pub const DISCOVERY_KEY: &str = ".well-known/openid-configuration";

/// The key of the JWKS in the bucket.
pub const JWKS_KEY: &str = "keys.json";

/// The audiences that the OIDC provider accepts: OpenShift's own tokens and those that the webhook asks for.
pub const CLIENT_IDS: [&str; 2] = ["openshift", "sts.amazonaws.com"];
