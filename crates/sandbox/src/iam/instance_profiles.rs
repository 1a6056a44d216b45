//! Instance profiles: what hands a role to EC2 instances, and stands in the way of the role's deletion.

use podpass_policy::{AccountId, Context, Path};

use super::Answer;
use super::holder::{Holder, check_quota};
use super::pages::Paging;
use super::roles;
use super::rules::{self, quota};
use super::store::{Account, InstanceProfile};
use super::tagging::{self, Tagged};
use super::tags::{KeyCase, Tags, add_request_tags, check_unique, read_tags};
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Input, Xml};
use crate::words;

/// `CreateInstanceProfile`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    let path = input.optional::<Path>("Path", &rules::PATH);
    let tags = read_tags(&mut input);
    input.finish()?;
    let (name, path, tags) = (name?, path?.unwrap_or_else(Path::root), tags?);
    let arn = arn(&account.id, path.as_str(), &name);

    let mut context = Context::new();
    add_request_tags(&mut context, &tags);
    call.authorize(account, "iam:CreateInstanceProfile", &arn, context)?;
    tagging::authorize_new(call, account, Tagged::InstanceProfile, &arn, &tags)?;

    check_unique(&tags, KeyCase::Ignored)?;
    if account.instance_profiles.find(&name).is_some() {
        return Err(ApiError::already_exists(format!(
            "Instance Profile {name} already exists."
        )));
    }
    check_quota(
        &account.instance_profiles,
        quota::INSTANCE_PROFILES,
        "InstanceProfilesPerAccount",
    )?;
    let mut kept = Tags::default();
    kept.set(tags, KeyCase::Ignored)?;
    let profile = InstanceProfile {
        name: name.clone(),
        path,
        id: ids::new_id(IdKind::InstanceProfile, &account.id)?,
        created: call.now,
        role: None,
        tags: kept,
    };
    let xml = Xml::of(|xml| {
        xml.element("InstanceProfile", |xml| {
            write(xml, account, &profile, Detail::Full);
        });
    });
    account.instance_profiles.insert(&name, profile);
    Ok(xml)
}

/// `GetInstanceProfile`.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let name = read_name(call)?;
    authorize(call, account, "iam:GetInstanceProfile", &name)?;
    let profile = find(account, &name)?;
    Ok(Xml::of(|xml| {
        xml.element("InstanceProfile", |xml| {
            write(xml, account, profile, Detail::Full);
        });
    }))
}

/// `ListInstanceProfiles`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let (prefix, paging) = Paging::below_path(
        call,
        account,
        "iam:ListInstanceProfiles",
        "instance-profile",
    )?;
    let profiles = account
        .instance_profiles
        .values()
        .filter(|profile| profile.path.as_str().starts_with(&prefix));
    write_page(call, account, paging, &prefix, profiles)
}

/// `ListInstanceProfilesForRole`.
pub(crate) fn list_for_role(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("RoleName", &rules::NAME);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, paging) = (name?, paging?);
    let found = Holder::Role.find(account, &name);
    let action = "iam:ListInstanceProfilesForRole";
    call.authorize(account, action, &found.arn, found.context())?;
    found.grants(Holder::Role, &name)?;
    write_page(
        call,
        account,
        paging,
        &found.arn,
        account.profiles_of(&name),
    )
}

/// `AddRoleToInstanceProfile`, which takes the permission to pass the role besides.
pub(crate) fn add_role(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (name, role) = read_names(call)?;
    authorize(call, account, "iam:AddRoleToInstanceProfile", &name)?;
    let found = Holder::Role.find(account, &role);
    let mut context = found.context();
    context.insert("iam:PassedToService", "ec2.amazonaws.com");
    call.authorize(account, "iam:PassRole", &found.arn, context)?;
    let profile = find(account, &name)?;
    found.grants(Holder::Role, &role)?;
    if profile.role.is_some() {
        return Err(ApiError::limit_exceeded(
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        ));
    }
    find_mut(account, &name)?.role = Some(role);
    Ok(Xml::default())
}

/// `RemoveRoleFromInstanceProfile`.
pub(crate) fn remove_role(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (name, role) = read_names(call)?;
    authorize(call, account, "iam:RemoveRoleFromInstanceProfile", &name)?;
    let profile = find_mut(account, &name)?;
    // AWS publishes the code of this refusal, not its words.
    profile
        .role
        .take_if(|kept| kept.eq_ignore_ascii_case(&role))
        .ok_or_else(|| Holder::Role.missing(&role))?;
    Ok(Xml::default())
}

/// `DeleteInstanceProfile`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let name = read_name(call)?;
    authorize(call, account, "iam:DeleteInstanceProfile", &name)?;
    if find(account, &name)?.role.is_some() {
        return Err(ApiError::delete_conflict(ROLES_FIRST));
    }
    account.instance_profiles.remove(&name);
    Ok(Xml::default())
}

/// The profile of that name.
pub(crate) fn find<'a>(account: &'a Account, name: &str) -> Result<&'a InstanceProfile, ApiError> {
    account
        .instance_profiles
        .find(name)
        .ok_or_else(|| missing(name))
}

fn find_mut<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut InstanceProfile, ApiError> {
    account
        .instance_profiles
        .find_mut(name)
        .ok_or_else(|| missing(name))
}

/// No such profile.
pub(crate) fn missing(name: &str) -> ApiError {
    ApiError::no_such_entity(format!("Instance Profile {name} cannot be found."))
}

/// The ARN to authorise on; with the path `/` for a profile that does not exist.
pub(crate) fn arn_of(account: &Account, name: &str) -> String {
    match account.instance_profiles.find(name) {
        Some(profile) => arn(&account.id, profile.path.as_str(), &profile.name),
        None => arn(&account.id, "/", name),
    }
}

/// ARN and id of the instance profile that holds the role.
pub(crate) fn holding(account: &Account, role: &str) -> Option<(String, String)> {
    let profile = account
        .instance_profiles
        .values()
        .find(|profile| profile.role.as_deref() == Some(role))?;
    let arn = arn(&account.id, profile.path.as_str(), &profile.name);
    Some((arn, profile.id.clone()))
}

fn arn(account: &AccountId, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:instance-profile{path}{name}")
}

fn read_name(call: &Call<'_>) -> Result<String, ApiError> {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    input.finish()?;
    name
}

fn read_names(call: &Call<'_>) -> Result<(String, String), ApiError> {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    let role = input.required::<String>("RoleName", &rules::NAME);
    input.finish()?;
    Ok((name?, role?))
}

/// Asks for an action on a profile, which need not exist.
fn authorize(
    call: &mut Call<'_>,
    account: &Account,
    action: &str,
    name: &str,
) -> Result<(), ApiError> {
    let mut context = Context::new();
    if let Some(profile) = account.instance_profiles.find(name) {
        profile.tags.add_to(&mut context, "aws:ResourceTag");
        profile.tags.add_to(&mut context, "iam:ResourceTag");
    }
    call.authorize(account, action, &arn_of(account, name), context)
}

fn write_page<'a>(
    call: &Call<'_>,
    account: &Account,
    paging: Paging,
    filter: &str,
    profiles: impl Iterator<Item = &'a InstanceProfile>,
) -> Answer {
    let keyed = profiles.map(|profile| (profile.name.to_ascii_lowercase(), profile));
    let page = paging.cut(call, account, filter, keyed)?;
    Ok(page.to_xml("InstanceProfiles", |xml, profile| {
        write(xml, account, profile, Detail::Listed);
    }))
}

/// Which members of a profile an answer has: lists leave out tags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Full,
    Listed,
}

fn write(xml: &mut Xml, account: &Account, profile: &InstanceProfile, detail: Detail) {
    xml.text("Path", profile.path.as_str());
    xml.text("InstanceProfileName", &profile.name);
    xml.text("InstanceProfileId", &profile.id);
    xml.text(
        "Arn",
        &arn(&account.id, profile.path.as_str(), &profile.name),
    );
    xml.text("CreateDate", &words::date(profile.created));
    let role = profile
        .role
        .as_deref()
        .and_then(|name| account.roles.find(name));
    xml.list("Roles", role, roles::write_listed);
    if detail == Detail::Full {
        profile.tags.write_some(xml);
    }
}

const NAME: &str = "InstanceProfileName";

/// Why a role in a profile, and a profile with a role, cannot be deleted.
pub(crate) const ROLES_FIRST: &str =
    "Cannot delete entity, must remove roles from instance profile first.";
