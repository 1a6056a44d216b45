//! IAM: users, groups, access keys, roles, instance profiles, managed policies and OIDC providers, one file per kind of thing.

mod access_keys;
mod administrator;
mod attachments;
pub(crate) mod aws_managed;
mod boundaries;
mod groups;
mod holder;
mod inline;
mod instance_profiles;
mod kept;
mod managed;
mod pages;
mod policy_entities;
mod policy_versions;
mod providers;
mod roles;
mod rules;
mod simulation;
pub(crate) mod store;
mod tagging;
pub(crate) mod tags;
mod trust;
mod users;

use crate::call::Call;
use crate::query::{ApiError, Xml};
use crate::renaming::Renamed;
pub(crate) use administrator::with_administrator;
use holder::Holder::{Group, Role, User};
use store::Account;
use tagging::Tagged;

/// The result of an action: what goes inside its `Result` element.
pub(crate) type Answer = Result<Xml, ApiError>;

/// An action of the API.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// It looks.
    Read(fn(&mut Call<'_>, &Account) -> Answer),
    /// It changes.
    Write(fn(&mut Call<'_>, &mut Account) -> Answer),
    /// It deletes or renames somebody whom policies may name, also those of other accounts and of buckets.
    Rename(fn(&mut Call<'_>, &mut Account) -> Result<Renamed, ApiError>),
}

/// The action of that name.
pub(crate) fn operation(action: &str) -> Option<Operation> {
    use Operation::{Read, Rename, Write};
    Some(match action {
        "CreateRole" => Write(roles::create),
        "GetRole" => Read(roles::read),
        "ListRoles" => Read(roles::list),
        "UpdateRole" => Write(roles::update),
        "UpdateRoleDescription" => Write(roles::update_description),
        "UpdateAssumeRolePolicy" => Write(roles::update_trust),
        "DeleteRole" => Rename(roles::delete),
        "CreateUser" => Write(users::create),
        "GetUser" => Read(users::read),
        "ListUsers" => Read(users::list),
        "UpdateUser" => Rename(users::update),
        "DeleteUser" => Rename(users::delete),
        "CreateGroup" => Write(groups::create),
        "GetGroup" => Read(groups::read),
        "ListGroups" => Read(groups::list),
        "ListGroupsForUser" => Read(groups::list_for_user),
        "UpdateGroup" => Write(groups::update),
        "DeleteGroup" => Write(groups::delete),
        "AddUserToGroup" => Write(groups::add_user),
        "RemoveUserFromGroup" => Write(groups::remove_user),
        "CreateAccessKey" => Write(access_keys::create),
        "ListAccessKeys" => Read(access_keys::list),
        "UpdateAccessKey" => Write(access_keys::update),
        "DeleteAccessKey" => Write(access_keys::delete),
        "SimulateCustomPolicy" => Read(simulation::custom),
        "SimulatePrincipalPolicy" => Read(simulation::principal),
        "PutRolePolicy" => Write(|call, account| inline::put(call, account, Role)),
        "GetRolePolicy" => Read(|call, account| inline::read(call, account, Role)),
        "ListRolePolicies" => Read(|call, account| inline::list(call, account, Role)),
        "DeleteRolePolicy" => Write(|call, account| inline::delete(call, account, Role)),
        "PutUserPolicy" => Write(|call, account| inline::put(call, account, User)),
        "GetUserPolicy" => Read(|call, account| inline::read(call, account, User)),
        "ListUserPolicies" => Read(|call, account| inline::list(call, account, User)),
        "DeleteUserPolicy" => Write(|call, account| inline::delete(call, account, User)),
        "PutGroupPolicy" => Write(|call, account| inline::put(call, account, Group)),
        "GetGroupPolicy" => Read(|call, account| inline::read(call, account, Group)),
        "ListGroupPolicies" => Read(|call, account| inline::list(call, account, Group)),
        "DeleteGroupPolicy" => Write(|call, account| inline::delete(call, account, Group)),
        "AttachRolePolicy" => Write(|call, account| attachments::attach(call, account, Role)),
        "DetachRolePolicy" => Write(|call, account| attachments::detach(call, account, Role)),
        "ListAttachedRolePolicies" => Read(|call, account| attachments::list(call, account, Role)),
        "AttachUserPolicy" => Write(|call, account| attachments::attach(call, account, User)),
        "DetachUserPolicy" => Write(|call, account| attachments::detach(call, account, User)),
        "ListAttachedUserPolicies" => Read(|call, account| attachments::list(call, account, User)),
        "AttachGroupPolicy" => Write(|call, account| attachments::attach(call, account, Group)),
        "DetachGroupPolicy" => Write(|call, account| attachments::detach(call, account, Group)),
        "ListAttachedGroupPolicies" => {
            Read(|call, account| attachments::list(call, account, Group))
        }
        "PutRolePermissionsBoundary" => Write(|call, account| boundaries::put(call, account, Role)),
        "DeleteRolePermissionsBoundary" => {
            Write(|call, account| boundaries::delete(call, account, Role))
        }
        "PutUserPermissionsBoundary" => Write(|call, account| boundaries::put(call, account, User)),
        "DeleteUserPermissionsBoundary" => {
            Write(|call, account| boundaries::delete(call, account, User))
        }
        "CreateInstanceProfile" => Write(instance_profiles::create),
        "GetInstanceProfile" => Read(instance_profiles::read),
        "ListInstanceProfiles" => Read(instance_profiles::list),
        "ListInstanceProfilesForRole" => Read(instance_profiles::list_for_role),
        "AddRoleToInstanceProfile" => Write(instance_profiles::add_role),
        "RemoveRoleFromInstanceProfile" => Write(instance_profiles::remove_role),
        "DeleteInstanceProfile" => Write(instance_profiles::delete),
        "CreatePolicy" => Write(managed::create),
        "GetPolicy" => Read(managed::read),
        "ListPolicies" => Read(managed::list),
        "DeletePolicy" => Write(managed::delete),
        "ListEntitiesForPolicy" => Read(policy_entities::list),
        "CreatePolicyVersion" => Write(policy_versions::create),
        "GetPolicyVersion" => Read(policy_versions::read),
        "ListPolicyVersions" => Read(policy_versions::list),
        "SetDefaultPolicyVersion" => Write(policy_versions::set_default),
        "DeletePolicyVersion" => Write(policy_versions::delete),
        "CreateOpenIDConnectProvider" => Write(providers::create),
        "GetOpenIDConnectProvider" => Read(providers::read),
        "ListOpenIDConnectProviders" => Read(providers::list),
        "DeleteOpenIDConnectProvider" => Write(providers::delete),
        "AddClientIDToOpenIDConnectProvider" => Write(providers::add_client_id),
        "RemoveClientIDFromOpenIDConnectProvider" => Write(providers::remove_client_id),
        "UpdateOpenIDConnectProviderThumbprint" => Write(providers::update_thumbprints),
        "TagRole" => Write(|call, account| tagging::tag(call, account, Tagged::Role)),
        "UntagRole" => Write(|call, account| tagging::untag(call, account, Tagged::Role)),
        "ListRoleTags" => Read(|call, account| tagging::list(call, account, Tagged::Role)),
        "TagUser" => Write(|call, account| tagging::tag(call, account, Tagged::User)),
        "UntagUser" => Write(|call, account| tagging::untag(call, account, Tagged::User)),
        "ListUserTags" => Read(|call, account| tagging::list(call, account, Tagged::User)),
        "TagPolicy" => Write(|call, account| tagging::tag(call, account, Tagged::Policy)),
        "UntagPolicy" => Write(|call, account| tagging::untag(call, account, Tagged::Policy)),
        "ListPolicyTags" => Read(|call, account| tagging::list(call, account, Tagged::Policy)),
        "TagInstanceProfile" => {
            Write(|call, account| tagging::tag(call, account, Tagged::InstanceProfile))
        }
        "UntagInstanceProfile" => {
            Write(|call, account| tagging::untag(call, account, Tagged::InstanceProfile))
        }
        "ListInstanceProfileTags" => {
            Read(|call, account| tagging::list(call, account, Tagged::InstanceProfile))
        }
        "TagOpenIDConnectProvider" => {
            Write(|call, account| tagging::tag(call, account, Tagged::OidcProvider))
        }
        "UntagOpenIDConnectProvider" => {
            Write(|call, account| tagging::untag(call, account, Tagged::OidcProvider))
        }
        "ListOpenIDConnectProviderTags" => {
            Read(|call, account| tagging::list(call, account, Tagged::OidcProvider))
        }
        _ => return None,
    })
}
