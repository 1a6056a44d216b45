//! From what was found of a service account's role to the steps that make or unmake it.

use serde_json::Value;

use super::{BoundRole, RoleDetails, SERVICE_ACCOUNT_TAG, Unbinding};
use crate::deletion::role_removal;
use crate::identity_provider::{Adoption, Refusal, refuse_unless_owned};
use crate::plan::{Plan, Resource, Step};
use crate::roles::{RolePlan, plan_trust, trust_policy_unreadable};
use crate::tags::Ownership;
use crate::trust_policy::Remaining;

impl BoundRole {
    /// The steps from what was found to the role that is wanted, or why none is taken.
    pub fn plan(
        &self,
        found: Option<&RoleDetails>,
        adoption: Adoption,
    ) -> Result<RolePlan, Refusal> {
        match found {
            Some(found) => self.plan_existing(found, adoption),
            None => Ok(self.plan_new()),
        }
    }

    fn plan_new(&self) -> RolePlan {
        let create = Step::CreateRole {
            role: self.name.clone(),
            trust_policy: self.trust.to_json(),
            description: self.description(),
            boundary: self.boundary.clone(),
            tags: self.tags(),
        };
        let mut plan = Plan {
            resources: vec![Resource::role(&self.name)],
            steps: vec![create],
            notes: Vec::new(),
        };
        self.plan_permissions(None, &mut plan);
        RolePlan {
            plan,
            name: self.name.clone(),
            arn: None,
        }
    }

    fn plan_existing(&self, found: &RoleDetails, adoption: Adoption) -> Result<RolePlan, Refusal> {
        let role = &found.role;
        let resource = Resource::role(&role.name);
        refuse_unless_owned(&self.cluster, &resource, &role.tags, adoption)?;
        self.refuse_another_accounts(found, adoption)?;
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
        // A boundary comes before trust or permissions grow.
        if let Some(wanted) = &self.boundary
            && role.boundary.as_deref() != Some(wanted.as_str())
        {
            plan.steps.push(Step::SetPermissionsBoundary {
                role: role.name.clone(),
                boundary: wanted.clone(),
            });
        }
        plan_trust(&self.trust, role, &mut plan)?;
        self.plan_permissions(Some(found), &mut plan);
        Ok(RolePlan {
            plan,
            name: role.name.clone(),
            arn: Some(role.arn.clone()),
        })
    }

    /// A role of the cluster may be a CredentialsRequest's, or another service account's.
    fn refuse_another_accounts(
        &self,
        found: &RoleDetails,
        adoption: Adoption,
    ) -> Result<(), Refusal> {
        let owner = found.role.tags.value(SERVICE_ACCOUNT_TAG);
        if owner == Some(&self.account.to_string()) || adoption == Adoption::Adopt {
            return Ok(());
        }
        Err(Refusal::RoleOfAnother {
            role: found.role.name.to_string(),
            owner: match owner {
                Some(account) => format!("the service account {account}"),
                None => found.role.description.clone().unwrap_or_default(),
            },
        })
    }

    fn plan_permissions(&self, found: Option<&RoleDetails>, plan: &mut Plan) {
        let name = found.map_or(&self.name, |found| &found.role.name);
        for (policy_name, document) in &self.inline {
            let same = found
                .and_then(|found| found.inline.get(policy_name))
                .is_some_and(|present| is_same_json(present, document));
            if !same {
                plan.steps.push(Step::PutRolePolicy {
                    role: name.clone(),
                    policy_name: policy_name.clone(),
                    document: document.clone(),
                });
            }
        }
        for policy in &self.attached {
            if found.is_none_or(|found| !found.attached.contains(policy)) {
                plan.steps.push(Step::AttachRolePolicy {
                    role: name.clone(),
                    policy: policy.clone(),
                });
            }
        }
        let Some(found) = found else { return };
        let others = found
            .inline
            .keys()
            .filter(|name| !self.inline.contains_key(*name));
        for other in others {
            plan.notes.push(format!(
                "role {name} also has the inline policy {other}; it stays"
            ));
        }
        for other in found
            .attached
            .iter()
            .filter(|policy| !self.attached.contains(policy))
        {
            plan.notes
                .push(format!("role {name} also has {other} attached; it stays"));
        }
    }
}

impl RoleDetails {
    /// Takes the role back from a service account: the role goes when it is the account's own and trusts nobody else;
    /// when it trusts others too, the account's trust goes.
    pub fn unbind(&self, wanted: &BoundRole) -> Result<Unbinding, Refusal> {
        let resource = Resource::role(&self.role.name);
        let stays = |why: String| {
            Ok(Unbinding::Stays {
                resource: resource.clone(),
                why,
            })
        };
        if self.role.tags.owner(&wanted.cluster) != Ownership::Ours {
            return stays(format!(
                "it does not carry the ownership tag of {}",
                wanted.cluster
            ));
        }
        match self.role.tags.value(SERVICE_ACCOUNT_TAG) {
            Some(owner) if owner == wanted.account.to_string() => {}
            Some(owner) => return stays(format!("it is the role of the service account {owner}")),
            None => return stays("it was not made by `podpass bind`".to_owned()),
        }
        let remaining = wanted
            .trust
            .removed_from(&self.role.trust_policy)
            .map_err(|_| trust_policy_unreadable(&self.role))?;
        let name = &self.role.name;
        let (steps, notes) = match remaining {
            Remaining::Nobody => {
                let inline: Vec<String> = self.inline.keys().cloned().collect();
                let steps = role_removal(name, &self.instance_profiles, &self.attached, &inline);
                (steps, Vec::new())
            }
            Remaining::Others(document) => {
                let update = Step::UpdateTrustPolicy {
                    role: name.clone(),
                    document,
                };
                let note = format!("role {name} trusts others too; it stays");
                (vec![update], vec![note])
            }
            Remaining::Unchanged => {
                return stays("it does not trust the service account".to_owned());
            }
        };
        Ok(Unbinding::Plan(Plan {
            resources: vec![resource],
            steps,
            notes,
        }))
    }
}

fn is_same_json(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<Value>(text).ok();
    let one = read(one);
    one.is_some() && one == read(other)
}
