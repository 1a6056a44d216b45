//! The IAM roles that CredentialsRequests ask for.

mod planning;
#[cfg(test)]
mod tests;

use podpass_policy::{OidcProviderArn, PolicyArn, RoleArn, RoleName};
use thiserror::Error;

use crate::identity_provider::Seen;
use crate::names::{ClusterName, RoleNames};
use crate::permissions_policy::permissions_policy;
use crate::plan::Plan;
use crate::requests::RoleRequest;
use crate::tags::Tags;
use crate::trust_policy::WebIdentityTrust;

pub(crate) use planning::{plan_trust, trust_policy_unreadable};

/// A role as a CredentialsRequest wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredRole {
    /// The cluster it belongs to.
    pub cluster: ClusterName,
    /// `<cluster>-<namespace>-<secret>`, however long; dry-run files are named after it.
    pub full_name: String,
    /// The name to make it under.
    pub name: RoleName,
    /// The name under which ccoctl may have made it, when that differs.
    pub cut_name: Option<RoleName>,
    /// What people read in the console.
    pub description: String,
    /// Who may assume it.
    pub trust: WebIdentityTrust,
    /// The permissions policy as compact JSON.
    pub permissions: String,
    /// The managed policy that bounds it.
    pub boundary: Option<PolicyArn>,
}

/// A role as IAM describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRole {
    /// Its name, as spelled in IAM.
    pub name: RoleName,
    /// Its ARN.
    pub arn: RoleArn,
    /// Its description.
    pub description: Option<String>,
    /// Its trust policy as JSON (not URL-encoded).
    pub trust_policy: String,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The inline policy that has the role's name, as JSON.
    pub permissions: Seen<String>,
}

/// What was found under the names a role can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedRoles {
    /// The role under [`DesiredRole::name`].
    pub named: Option<ObservedRole>,
    /// The role under [`DesiredRole::cut_name`].
    pub cut: Option<ObservedRole>,
}

/// The steps for one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolePlan {
    /// The steps.
    pub plan: Plan,
    /// The name it has once the plan is applied.
    pub name: RoleName,
    /// Its ARN when it exists already.
    pub arn: Option<RoleArn>,
}

/// Why a CredentialsRequest cannot become a role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RoleError {
    /// The names make no role name.
    #[error("the role for the secret {namespace}/{secret} cannot be named `{name}`")]
    Name {
        /// The secret's namespace.
        namespace: String,
        /// The secret's name.
        secret: String,
        /// The role's name.
        name: String,
    },
    /// The permissions policy is over IAM's limit.
    #[error(
        "the permissions policy for CredentialsRequest {request} has {size} characters without whitespace: a role holds \
         at most {MAX_INLINE_POLICY}"
    )]
    PermissionsTooLarge {
        /// `namespace/name` of the request.
        request: String,
        /// Its size.
        size: usize,
    },
    /// The trust policy is over the highest limit AWS grants.
    #[error(
        "the trust policy for CredentialsRequest {request} has {size} characters without whitespace: a role holds at \
         most {MAX_TRUST_POLICY}"
    )]
    TrustTooLarge {
        /// `namespace/name` of the request.
        request: String,
        /// Its size.
        size: usize,
    },
}

// === impl DesiredRole ===

impl DesiredRole {
    /// The role that `request` asks for in `cluster`, trusting `provider` for the audiences `client_ids`.
    pub fn for_request(
        cluster: &ClusterName,
        request: &RoleRequest,
        provider: &OidcProviderArn,
        client_ids: &[String],
        boundary: Option<&PolicyArn>,
    ) -> Result<Self, RoleError> {
        let (namespace, secret) = (&request.secret_namespace, &request.secret_name);
        let names = RoleNames::of(cluster, namespace, secret);
        let parse = |name: &str| {
            name.parse::<RoleName>().map_err(|_| RoleError::Name {
                namespace: namespace.clone(),
                secret: secret.clone(),
                name: name.to_owned(),
            })
        };
        let trust = WebIdentityTrust {
            provider: provider.clone(),
            subjects: request.subjects(),
            audiences: client_ids.to_vec(),
        };
        let size = counted_size(&trust.to_json());
        if size > MAX_TRUST_POLICY {
            return Err(RoleError::TrustTooLarge {
                request: request.to_string(),
                size,
            });
        }
        let permissions = permissions_policy(&request.statements);
        let size = counted_size(&permissions);
        if size > MAX_INLINE_POLICY {
            return Err(RoleError::PermissionsTooLarge {
                request: request.to_string(),
                size,
            });
        }
        Ok(Self {
            cluster: cluster.clone(),
            name: parse(&names.chosen)?,
            cut_name: names.cut.as_deref().map(parse).transpose()?,
            full_name: names.full,
            description: format!("{DESCRIPTION_PREFIX}{namespace}/{secret}"),
            trust,
            permissions,
            boundary: boundary.cloned(),
        })
    }

    /// Its tags.
    pub fn tags(&self) -> Tags {
        Tags::ownership(&self.cluster)
    }
}

/// IAM counts the characters of a policy without whitespace.
pub(crate) fn counted_size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// What the description of every role of ccoctl's starts with; `namespace/secret` follows.
pub(crate) const DESCRIPTION_PREFIX: &str = "OpenShift role for ";

/// IAM's limit for all inline policies of a role together, in characters without whitespace.
pub const MAX_INLINE_POLICY: usize = 10_240;

/// The highest trust policy quota AWS grants, in characters without whitespace; the default is 2,048.
pub const MAX_TRUST_POLICY: usize = 8_192;
