//! From what was found of a role to the steps that complete it.

use serde_json::Value;

use super::{
    DESCRIPTION_PREFIX, DesiredRole, MAX_TRUST_POLICY, ObservedRole, ObservedRoles, RolePlan,
    counted_size,
};
use crate::identity_provider::{Adoption, Refusal, Seen, refuse_unless_owned};
use crate::plan::{Plan, Resource, Step};
use crate::tags::Ownership;
use crate::trust_policy::{WebIdentityTrust, trusted_subjects};

impl DesiredRole {
    /// The steps from `observed` to the role that is wanted, or why none is taken.
    pub fn plan(&self, observed: &ObservedRoles, adoption: Adoption) -> Result<RolePlan, Refusal> {
        let kept = observed
            .cut
            .as_ref()
            .filter(|role| self.is_proven_to_be(role));
        match (&observed.named, kept) {
            (Some(role), _) | (None, Some(role)) => self.plan_existing(role, adoption),
            (None, None) => Ok(self.plan_new(observed.cut.as_ref())),
        }
    }

    fn plan_new(&self, passed_over: Option<&ObservedRole>) -> RolePlan {
        let notes = passed_over
            .map(|role| {
                format!(
                    "role {} has ccoctl's cut name for this request, but its tags and trust policy do not show that it \
                     is this request's; it stays",
                    role.name
                )
            })
            .into_iter()
            .collect();
        RolePlan {
            plan: Plan {
                resources: vec![Resource::role(&self.name)],
                steps: vec![
                    Step::CreateRole {
                        role: self.name.clone(),
                        trust_policy: self.trust.to_json(),
                        description: self.description.clone(),
                        boundary: self.boundary.clone(),
                        tags: self.tags(),
                    },
                    Step::PutRolePolicy {
                        role: self.name.clone(),
                        policy_name: self.name.to_string(),
                        document: self.permissions.clone(),
                    },
                ],
                notes,
            },
            name: self.name.clone(),
            arn: None,
        }
    }

    fn plan_existing(&self, role: &ObservedRole, adoption: Adoption) -> Result<RolePlan, Refusal> {
        let resource = Resource::role(&role.name);
        refuse_unless_owned(&self.cluster, &resource, &role.tags, adoption)?;
        let mut plan = Plan {
            resources: vec![resource],
            ..Plan::default()
        };
        let missing = self.tags().missing_from(&role.tags);
        if !missing.is_empty() {
            plan.steps.push(Step::TagRole {
                role: role.name.clone(),
                tags: missing,
            });
        }
        // Before the trust or the permissions grow, and before anything is done for a boundary that does not exist.
        self.plan_boundary(role, &mut plan);
        plan_trust(&self.trust, role, &mut plan)?;
        if role.description.as_deref() != Some(&self.description) {
            plan.steps.push(Step::UpdateRoleDescription {
                role: role.name.clone(),
                description: self.description.clone(),
            });
        }
        if !self.has_permissions(role) {
            plan.steps.push(Step::PutRolePolicy {
                role: role.name.clone(),
                policy_name: role.name.to_string(),
                document: self.permissions.clone(),
            });
        }
        Ok(RolePlan {
            plan,
            name: role.name.clone(),
            arn: Some(role.arn.clone()),
        })
    }

    fn plan_boundary(&self, role: &ObservedRole, plan: &mut Plan) {
        match (&self.boundary, &role.boundary) {
            (Some(wanted), found) if found.as_deref() != Some(wanted.as_str()) => {
                plan.steps.push(Step::SetPermissionsBoundary {
                    role: role.name.clone(),
                    boundary: wanted.clone(),
                });
            }
            (None, Some(found)) => {
                plan.notes.push(format!(
                    "role {} is bounded by {found}; it stays",
                    role.name
                ));
            }
            _ => {}
        }
    }

    /// Whether the role's own inline policy says what is wanted, whatever its blanks. One that cannot be read is
    /// written again, as ccoctl always does.
    fn has_permissions(&self, role: &ObservedRole) -> bool {
        let Seen::Present(found) = &role.permissions else {
            return false;
        };
        let wanted = serde_json::from_str::<Value>(&self.permissions).ok();
        wanted.is_some() && serde_json::from_str::<Value>(found).ok() == wanted
    }

    /// Whether a role under ccoctl's cut name is this request's: several requests can share that name, and then the
    /// role has the first one's trust policy and description.
    fn is_proven_to_be(&self, role: &ObservedRole) -> bool {
        let names_another = role.description.as_deref().is_some_and(|found| {
            found.starts_with(DESCRIPTION_PREFIX) && found != self.description
        });
        role.tags.owner(&self.cluster) == Ownership::Ours
            && !names_another
            && trusted_subjects(&role.trust_policy)
                .iter()
                .any(|subject| self.trust.subjects.contains(subject))
    }
}

/// The step that lets a role trust what it has to, and notes about whom else it trusts.
pub(crate) fn plan_trust(
    trust: &WebIdentityTrust,
    role: &ObservedRole,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let update = trust
        .added_to(&role.trust_policy)
        .map_err(|_| trust_policy_unreadable(role))?;
    let notes = update.notes.into_iter();
    plan.notes
        .extend(notes.map(|note| format!("role {}: {note}", role.name)));
    let Some(document) = update.document else {
        return Ok(());
    };
    let size = counted_size(&document);
    if size > MAX_TRUST_POLICY {
        return Err(Refusal::TrustPolicyTooLarge {
            role: role.name.to_string(),
            size,
        });
    }
    plan.steps.push(Step::UpdateTrustPolicy {
        role: role.name.clone(),
        document,
    });
    Ok(())
}

pub(crate) fn trust_policy_unreadable(role: &ObservedRole) -> Refusal {
    Refusal::TrustPolicyUnreadable {
        role: role.name.to_string(),
    }
}
