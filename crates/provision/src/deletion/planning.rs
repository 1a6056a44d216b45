//! From what was found of a cluster to the steps that delete it.

use podpass_policy::{OidcProviderArn, PolicyArn, RoleName};

use super::{BucketContents, Deletion, DeletionPlan, FoundRole, ObservedCluster, Staying, Why};
use crate::identity_provider::{ObservedBucket, Refusal};
use crate::names::{BucketName, RoleNames};
use crate::plan::{Resource, Step};
use crate::roles::DESCRIPTION_PREFIX;
use crate::tags::{Ownership, Tags, ownership_key};

impl Deletion {
    /// The steps that delete what `observed` shows to be the cluster's: objects, bucket, roles, OIDC providers.
    ///
    /// Refused is only what would leave the bucket unseen: a bucket of that name in another region.
    pub fn plan(&self, observed: &ObservedCluster) -> Result<DeletionPlan, Refusal> {
        let mut plan = DeletionPlan::default();
        if let Some(bucket) = &self.bucket {
            self.plan_bucket(bucket, &observed.bucket, &mut plan)?;
        }
        for role in &observed.roles {
            self.plan_role(role, &mut plan);
        }
        for provider in &observed.oidc_providers {
            self.plan_provider(&provider.arn, &provider.tags, &mut plan);
        }
        let roles_go = plan.plan.resources.iter().any(|found| found.kind == "role");
        if roles_go {
            plan.plan.notes.extend(observed.hidden.iter().map(|action| {
                format!("the caller lacks {action}: a role that holds more than was seen stays")
            }));
        }
        Ok(plan)
    }

    fn plan_bucket(
        &self,
        bucket: &BucketName,
        observed: &ObservedBucket<BucketContents>,
        plan: &mut DeletionPlan,
    ) -> Result<(), Refusal> {
        match observed {
            ObservedBucket::Absent => {}
            ObservedBucket::NotAccessible => {
                plan.keep(Resource::bucket(bucket), Why::NotAccessible);
            }
            ObservedBucket::Elsewhere { region } => {
                return Err(Refusal::elsewhere(bucket, &self.region, region.as_deref()));
            }
            ObservedBucket::Present(contents) => self.plan_contents(bucket, contents, plan),
        }
        Ok(())
    }

    fn plan_contents(
        &self,
        bucket: &BucketName,
        contents: &BucketContents,
        plan: &mut DeletionPlan,
    ) {
        let of_bucket = self.reason_to_keep(&contents.tags);
        let mut is_emptied = true;
        for object in &contents.objects {
            let resource = Resource::object(bucket, &object.key);
            match self.reason_to_keep(&object.tags) {
                None => plan.delete(
                    resource,
                    [Step::DeleteObject {
                        bucket: bucket.clone(),
                        key: object.key.clone(),
                    }],
                ),
                Some(why) => {
                    is_emptied = false;
                    // In the cluster's own bucket everything is the cluster's; what lies in another's is not listed.
                    if of_bucket.is_none() {
                        plan.keep(resource, self.inside_its_own(why));
                    }
                }
            }
        }
        let resource = Resource::bucket(bucket);
        match of_bucket {
            Some(why) => plan.keep(resource, why),
            None if !is_emptied => plan.keep(resource, Why::NotEmpty),
            None => plan.delete(
                resource,
                [Step::DeleteBucket {
                    bucket: bucket.clone(),
                }],
            ),
        }
    }

    fn plan_role(&self, role: &FoundRole, plan: &mut DeletionPlan) {
        let resource = Resource::role(&role.name);
        match self.reason_to_keep(&role.tags) {
            None => {
                let steps = role_removal(
                    &role.name,
                    &role.instance_profiles,
                    &role.attached_policies,
                    &role.inline_policies,
                );
                plan.delete(resource, steps);
            }
            Some(Why::NotOwned { .. }) if !self.is_described_by(role) => {
                plan.keep(resource, Why::NameAlone);
            }
            Some(why) => plan.keep(resource, why),
        }
    }

    fn plan_provider(&self, provider: &OidcProviderArn, tags: &Tags, plan: &mut DeletionPlan) {
        let issuer = provider.issuer_without_scheme();
        let resource = Resource::oidc_provider(issuer);
        match self.reason_to_keep(tags) {
            None => {
                plan.delete(
                    resource,
                    [Step::DeleteOidcProvider {
                        provider: provider.clone(),
                    }],
                );
                let host = issuer.split('/').next().unwrap_or(issuer);
                if host.ends_with(DISTRIBUTION_SUFFIX) {
                    plan.keep(Resource::distribution(host), Why::Distribution);
                }
            }
            // The account's other providers are nobody's business here.
            Some(Why::NotOwned { .. }) if !self.is_own_issuer(issuer) => {}
            Some(Why::OtherOwner { .. }) => {}
            Some(why) => plan.keep(resource, why),
        }
    }

    /// Why what carries `tags` stays; `None` when it goes.
    fn reason_to_keep(&self, tags: &Tags) -> Option<Why> {
        match tags.owner(&self.cluster) {
            Ownership::Ours => None,
            Ownership::Untagged => Some(Why::NotOwned {
                tag: ownership_key(&self.cluster),
            }),
            Ownership::Foreign { key, value } if key == ownership_key(&self.cluster) => {
                Some(Why::OtherValue { tag: key, value })
            }
            Ownership::Foreign { key, value } => Some(Why::OtherOwner { tag: key, value }),
        }
    }

    /// What keeps the cluster's own bucket is left of the cluster, whoever else it belongs to.
    fn inside_its_own(&self, why: Why) -> Why {
        match why {
            Why::OtherOwner { .. } => Why::NotOwned {
                tag: ownership_key(&self.cluster),
            },
            why => why,
        }
    }

    /// Whether a role has the name that the secret in its description gives it in this cluster.
    fn is_described_by(&self, role: &FoundRole) -> bool {
        let secret = role
            .description
            .as_deref()
            .and_then(|text| text.strip_prefix(DESCRIPTION_PREFIX))
            .and_then(|secret| secret.split_once('/'));
        let Some((namespace, secret)) = secret else {
            return false;
        };
        let names = RoleNames::of(&self.cluster, namespace, secret);
        let named = |name: &String| name == role.name.as_str();
        named(&names.chosen) || names.cut.as_ref().is_some_and(named)
    }

    /// Whether an issuer is the cluster's bucket, in whatever region.
    fn is_own_issuer(&self, issuer: &str) -> bool {
        self.bucket.as_ref().is_some_and(|bucket| {
            issuer
                .strip_prefix(bucket.as_str())
                .is_some_and(|rest| rest.starts_with(".s3."))
        })
    }
}

/// The steps that delete a role; IAM refuses to delete one that still holds something, or is held.
pub(crate) fn role_removal(
    role: &RoleName,
    instance_profiles: &[String],
    attached: &[PolicyArn],
    inline: &[String],
) -> Vec<Step> {
    let role = || role.clone();
    let profiles = instance_profiles
        .iter()
        .map(|profile| Step::RemoveFromInstanceProfile {
            role: role(),
            profile: profile.clone(),
        });
    let attached = attached.iter().map(|policy| Step::DetachRolePolicy {
        role: role(),
        policy: policy.clone(),
    });
    let inline = inline.iter().map(|policy_name| Step::DeleteRolePolicy {
        role: role(),
        policy_name: policy_name.clone(),
    });
    let itself = [Step::DeleteRole { role: role() }];
    profiles
        .chain(attached)
        .chain(inline)
        .chain(itself)
        .collect()
}

impl DeletionPlan {
    fn delete(&mut self, resource: Resource, steps: impl IntoIterator<Item = Step>) {
        self.plan.resources.push(resource);
        self.plan.steps.extend(steps);
    }

    fn keep(&mut self, resource: Resource, why: Why) {
        self.stays.push(Staying { resource, why });
    }
}

/// Where CloudFront serves distributions that have no name of their own.
const DISTRIBUTION_SUFFIX: &str = ".cloudfront.net";
