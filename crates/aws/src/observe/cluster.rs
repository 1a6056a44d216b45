//! What exists that is a cluster's, or looks as if it were: bucket and objects, roles, OIDC providers.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Role;
use futures::{StreamExt, TryStreamExt};
use podpass_cloud::{CloudError, ErrorKind};
use podpass_provision::{
    BucketContents, BucketName, Deletion, FoundObject, FoundRole, ObservedBucket, ObservedCluster,
    Ownership, PolicyArn, RoleDetails, RoleName, RoleNames, Seen,
};

use super::bucket::{self, hidden};
use super::iam::{self, READS_AT_A_TIME};
use crate::connection::Connection;
use crate::error::has_code;

impl Connection {
    pub(super) async fn observe_cluster(
        &self,
        deletion: &Deletion,
    ) -> Result<ObservedCluster, CloudError> {
        let (bucket, roles, oidc_providers) = tokio::try_join!(
            Box::pin(self.bucket_of(deletion)),
            Box::pin(self.roles_of(deletion)),
            Box::pin(async {
                let arns = self.oidc_provider_arns().await?;
                self.observe_each_oidc_provider(arns).await
            })
        )?;
        let (roles, hidden): (Vec<FoundRole>, Vec<Vec<&'static str>>) = roles.into_iter().unzip();
        Ok(ObservedCluster {
            bucket,
            roles,
            oidc_providers,
            hidden: hidden.into_iter().flatten().collect::<BTreeSet<_>>(),
        })
    }

    async fn bucket_of(
        &self,
        deletion: &Deletion,
    ) -> Result<ObservedBucket<BucketContents>, CloudError> {
        let Some(bucket) = &deletion.bucket else {
            return Ok(ObservedBucket::Absent);
        };
        self.look_into(bucket, &deletion.region, async {
            let (tags, objects) =
                tokio::try_join!(self.bucket_tags(bucket.as_str()), self.objects_of(bucket))?;
            Ok(BucketContents { tags, objects })
        })
        .await
    }

    async fn objects_of(&self, bucket: &BucketName) -> Result<Vec<FoundObject>, CloudError> {
        let mut keys = Vec::new();
        let mut pages = self
            .s3
            .list_objects_v2()
            .bucket(bucket.as_str())
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("s3:ListBucket", error))?;
            keys.extend(
                page.contents
                    .into_iter()
                    .flatten()
                    .filter_map(|one| one.key),
            );
        }
        let objects: Vec<Option<FoundObject>> = futures::stream::iter(keys)
            .map(async |key| self.object_tags(bucket, key).await)
            .buffered(OBJECTS_AT_A_TIME)
            .try_collect()
            .await?;
        Ok(objects.into_iter().flatten().collect())
    }

    /// The object, unless it is gone meanwhile.
    async fn object_tags(
        &self,
        bucket: &BucketName,
        key: String,
    ) -> Result<Option<FoundObject>, CloudError> {
        let tagging = self
            .s3
            .get_object_tagging()
            .bucket(bucket.as_str())
            .key(&key)
            .send()
            .await;
        match tagging {
            Ok(found) => Ok(Some(FoundObject {
                key,
                tags: bucket::tags(found.tag_set()),
            })),
            Err(error) if has_code(&error, "NoSuchKey") => Ok(None),
            Err(error) => Err(self.failed("s3:GetObjectTagging", error)),
        }
    }

    /// The roles by the start of their names, each with the permissions that the caller lacks to see all of it.
    ///
    /// ccoctl asks for the tags of every role of the account, one by one.
    async fn roles_of(
        &self,
        deletion: &Deletion,
    ) -> Result<Vec<(FoundRole, Vec<&'static str>)>, CloudError> {
        let prefix = RoleNames::prefix(&deletion.cluster);
        let mut listed = Vec::new();
        let mut roles = self.iam.list_roles().into_paginator().items().send();
        while let Some(role) = roles.next().await {
            let role = role.map_err(|error| self.failed("iam:ListRoles", error))?;
            if role.role_name().starts_with(&prefix) {
                listed.push(role);
            }
        }
        let found: Vec<Option<_>> = futures::stream::iter(listed)
            .map(async |role| self.role_with_tags(deletion, &role).await)
            .buffered(READS_AT_A_TIME)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The role, unless it is gone meanwhile; a list of roles shows no tags.
    async fn role_with_tags(
        &self,
        deletion: &Deletion,
        listed: &Role,
    ) -> Result<Option<(FoundRole, Vec<&'static str>)>, CloudError> {
        let action = "iam:GetRole";
        let name = listed.role_name();
        let found = match self.iam.get_role().role_name(name).send().await {
            Ok(found) => found,
            Err(error) if has_code(&error, "NoSuchEntity") => return Ok(None),
            Err(error) => return Err(self.failed(action, error)),
        };
        let role = found
            .role()
            .ok_or_else(|| self.unexpected(action, "a role"))?;
        let name: RoleName = name
            .parse()
            .map_err(|_| self.unexpected(action, "a role name"))?;
        let mut role = FoundRole {
            name,
            description: role.description().map(str::to_owned),
            tags: iam::tags(role.tags()),
            inline_policies: Vec::new(),
            attached_policies: Vec::new(),
            instance_profiles: Vec::new(),
        };
        let mut lacking = Vec::new();
        if role.tags.owner(&deletion.cluster) == Ownership::Ours {
            let (inline, attached, profiles) = tokio::try_join!(
                self.inline_policies(&role.name),
                self.attached_policies(&role.name),
                self.instance_profiles(&role.name)
            )?;
            role.inline_policies = inline;
            role.attached_policies = seen(attached, ATTACHED, &mut lacking);
            role.instance_profiles = seen(profiles, PROFILES, &mut lacking);
        }
        Ok(Some((role, lacking)))
    }

    /// A role with all that it holds; what the caller may not see is an error.
    pub(super) async fn role_details(
        &self,
        name: &RoleName,
    ) -> Result<Option<RoleDetails>, CloudError> {
        let Some(role) = self.observe_role(name).await? else {
            return Ok(None);
        };
        let (names, attached, instance_profiles) = tokio::try_join!(
            self.inline_policies(&role.name),
            self.attached_policies(&role.name),
            self.instance_profiles(&role.name)
        )?;
        let mut inline = BTreeMap::new();
        for policy in names {
            if let Some(document) = self.inline_policy(&role.name, &policy).await? {
                inline.insert(policy, document);
            }
        }
        Ok(Some(RoleDetails {
            inline,
            attached: all_of(attached, ATTACHED)?,
            instance_profiles: all_of(instance_profiles, PROFILES)?,
            role,
        }))
    }

    async fn inline_policies(&self, role: &RoleName) -> Result<Vec<String>, CloudError> {
        let list = self.iam.list_role_policies().role_name(role.as_str());
        let names = list.into_paginator().items().send().try_collect().await;
        match names {
            Err(error) if has_code(&error, "NoSuchEntity") => Ok(Vec::new()),
            names => names.map_err(|error| self.failed("iam:ListRolePolicies", error)),
        }
    }

    async fn attached_policies(&self, role: &RoleName) -> Result<Seen<Vec<PolicyArn>>, CloudError> {
        let list = self
            .iam
            .list_attached_role_policies()
            .role_name(role.as_str());
        let listed = list.into_paginator().items().send().try_collect().await;
        let listed: Vec<_> = match listed {
            Ok(listed) => listed,
            Err(error) if has_code(&error, "NoSuchEntity") => return Ok(Seen::Absent),
            Err(error) => return hidden(self.failed(ATTACHED, error)),
        };
        let arns: Option<Vec<PolicyArn>> = listed
            .iter()
            .map(|policy| policy.policy_arn()?.parse().ok())
            .collect();
        arns.map(Seen::Present)
            .ok_or_else(|| self.unexpected(ATTACHED, "the ARN of each policy"))
    }

    async fn instance_profiles(&self, role: &RoleName) -> Result<Seen<Vec<String>>, CloudError> {
        let list = self
            .iam
            .list_instance_profiles_for_role()
            .role_name(role.as_str());
        let listed = list.into_paginator().items().send().try_collect().await;
        let listed: Vec<_> = match listed {
            Ok(listed) => listed,
            Err(error) if has_code(&error, "NoSuchEntity") => return Ok(Seen::Absent),
            Err(error) => return hidden(self.failed(PROFILES, error)),
        };
        let names = listed
            .iter()
            .map(|profile| profile.instance_profile_name().to_owned());
        Ok(Seen::Present(names.collect()))
    }
}

/// What was seen; where that was not allowed, `action` is lacking.
fn seen<T>(found: Seen<Vec<T>>, action: &'static str, lacking: &mut Vec<&'static str>) -> Vec<T> {
    match found {
        Seen::Present(found) => found,
        Seen::Absent => Vec::new(),
        Seen::Hidden => {
            lacking.push(action);
            Vec::new()
        }
    }
}

/// What has to be seen to plan with it.
fn all_of<T>(found: Seen<Vec<T>>, action: &'static str) -> Result<Vec<T>, CloudError> {
    match found {
        Seen::Present(found) => Ok(found),
        Seen::Absent => Ok(Vec::new()),
        Seen::Hidden => Err(CloudError::new(
            ErrorKind::NotAuthorised,
            action,
            "the caller may not see all that the role holds",
        )),
    }
}

const ATTACHED: &str = "iam:ListAttachedRolePolicies";
const PROFILES: &str = "iam:ListInstanceProfilesForRole";

/// S3 takes thousands of reads a second.
const OBJECTS_AT_A_TIME: usize = 16;
