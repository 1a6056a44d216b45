//! The role of one service account: made, kept up to date and taken back.

mod planning;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use podpass_kinds::ServiceAccountRef;
use podpass_policy::{PolicyArn, RoleName};
use thiserror::Error;

use crate::names::{ClusterName, RoleNames};
use crate::plan::{Plan, Resource};
use crate::roles::{MAX_INLINE_POLICY, ObservedRole, counted_size};
use crate::tags::Tags;
use crate::trust_policy::WebIdentityTrust;

/// A role as one service account is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundRole {
    /// The cluster it belongs to.
    pub cluster: ClusterName,
    /// The service account.
    pub account: ServiceAccountRef,
    /// Its name.
    pub name: RoleName,
    /// Who may assume it.
    pub trust: WebIdentityTrust,
    /// Its inline permissions policies: documents by name.
    pub inline: BTreeMap<String, String>,
    /// The managed policies that are attached to it.
    pub attached: Vec<PolicyArn>,
    /// The managed policy that bounds it.
    pub boundary: Option<PolicyArn>,
}

/// A role with all that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDetails {
    /// The role itself.
    pub role: ObservedRole,
    /// Its inline policies: documents by name.
    pub inline: BTreeMap<String, String>,
    /// The managed policies that are attached to it.
    pub attached: Vec<PolicyArn>,
    /// The names of the instance profiles that hold it.
    pub instance_profiles: Vec<String>,
}

/// What taking a role back comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbinding {
    /// The role or its trust in the service account goes.
    Plan(Plan),
    /// The role is not the service account's own; it stays as it is.
    Stays {
        /// The role.
        resource: Resource,
        /// Why, for a person.
        why: String,
    },
}

/// Why there can be no such role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BindingError {
    /// The inline policies are over IAM's limit.
    #[error(
        "the inline policies have {size} characters without whitespace together: a role holds at most {MAX_INLINE_POLICY}"
    )]
    PermissionsTooLarge {
        /// Their size.
        size: usize,
    },
    /// The names make no role name.
    #[error("`{name}` is not the name of a role")]
    Name {
        /// The name.
        name: String,
    },
}

impl BoundRole {
    /// The name of a service account's role: `<cluster>-<namespace>-<name>`, cut and hashed where it is too long.
    pub fn usual_name(
        cluster: &ClusterName,
        account: &ServiceAccountRef,
    ) -> Result<RoleName, BindingError> {
        let names = RoleNames::of(cluster, account.namespace(), account.name());
        names.chosen.parse().map_err(|_| BindingError::Name {
            name: names.chosen.clone(),
        })
    }

    /// Checks the limits that IAM would check half-way.
    pub fn check(&self) -> Result<(), BindingError> {
        let size = self
            .inline
            .values()
            .map(|document| counted_size(document))
            .sum();
        if size > MAX_INLINE_POLICY {
            return Err(BindingError::PermissionsTooLarge { size });
        }
        Ok(())
    }

    /// Its tags: the cluster's, and the service account.
    pub fn tags(&self) -> Tags {
        let own = [(SERVICE_ACCOUNT_TAG.to_owned(), self.account.to_string())];
        Tags::ownership(&self.cluster).merged_with(&own.into_iter().collect())
    }

    /// What people read in the console.
    pub fn description(&self) -> String {
        format!("Role of the service account {}", self.account)
    }
}

/// The tag that names the service account whose own a role is, as `NAMESPACE/NAME`.
pub const SERVICE_ACCOUNT_TAG: &str = "podpass.dev/service-account";
