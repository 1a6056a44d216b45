//! What a cluster needs in the cloud, as values: names, desired state, observed state, and the plan between the two.
//!
//! Nothing here talks to anything. [`IdentityProvider`] and [`DesiredRole`] say what has to be, the `Observed…` types
//! what was found, and [`IdentityProvider::plan`] and [`DesiredRole::plan`] what to do about the difference. Planning
//! again from what was reached yields no steps, from wherever an earlier run was interrupted.
//!
//! [`mode`] tells how a cluster gets its credentials now, and which field decides it.
//!
//! [`Deletion`] is the way back: everything that carries the cluster's ownership tag goes, and what stays is named.
//!
//! Two rules hold everywhere: a resource without the cluster's ownership tag is refused unless it is adopted, and what
//! others added to one that is ours (statements, keys, tags, audiences) stays.

mod binding;
pub mod caller_permissions;
mod deletion;
mod documents;
pub mod dry_run_files;
mod identity_provider;
mod issuer_bucket;
pub mod manifests;
pub mod mode;
mod names;
mod permissions_policy;
mod plan;
mod requests;
mod roles;
mod tags;
mod trust_policy;

pub use podpass_policy::{OidcProviderArn, PolicyArn, RoleArn, RoleName};

pub use binding::{BindingError, BoundRole, RoleDetails, SERVICE_ACCOUNT_TAG, Unbinding};
pub use deletion::{
    BucketContents, Deletion, DeletionPlan, FoundObject, FoundRole, ObservedCluster, Staying, Why,
};
pub use identity_provider::{
    Adoption, BucketState, CLIENT_IDS, DISCOVERY_KEY, IdentityProvider, IdentityProviderPlan,
    JWKS_KEY, ObservedBucket, ObservedIdentityProvider, ObservedObject, ObservedOidcProvider,
    Refusal, Seen, public_read_policy,
};
pub use issuer_bucket::IssuerBucket;
pub use names::{BucketName, ClusterName, NameError, Region, RoleNames};
pub use permissions_policy::{assume_role_policy, assume_role_trust, permissions_policy};
pub use plan::{ObjectUpload, Outcome, Plan, PublicAccessBlock, Replaces, Resource, Step};
pub use requests::{
    Claim, DocumentPlace, RequestError, RequestFile, RoleRequest, Selection, Skipped, TechPreview,
    select,
};
pub use roles::{
    DesiredRole, MAX_INLINE_POLICY, MAX_TRUST_POLICY, ObservedRole, ObservedRoles, RoleError,
    RolePlan,
};
pub use tags::{OWNERSHIP_PREFIX, Ownership, Tags, ownership_key};
pub use trust_policy::{TrustUpdate, WebIdentityTrust};
