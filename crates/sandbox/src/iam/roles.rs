//! Roles.

use podpass_policy::{Context, Partition, Path, RoleArn, RoleName};

use super::holder::{Holder, check_quota};
use super::instance_profiles::ROLES_FIRST;
use super::pages::Paging;
use super::rules::{self, quota};
use super::store::{Account, Grants, Role};
use super::tagging::{self, Tagged};
use super::tags::{KeyCase, Tags, add_request_tags, check_unique, read_tags};
use super::{Answer, boundaries, trust};
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Input, Xml};
use crate::renaming::Renamed;
use crate::words;

/// `CreateRole`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<RoleName>("RoleName", &rules::NEW_NAME);
    let path = input.optional::<Path>("Path", &rules::PATH);
    let document = input.required::<String>("AssumeRolePolicyDocument", &rules::DOCUMENT);
    let description = input.optional::<String>("Description", &rules::DESCRIPTION);
    let duration = read_duration(&mut input);
    let boundary = input.optional::<String>("PermissionsBoundary", &rules::ARN);
    let tags = read_tags(&mut input);
    input.finish()?;
    let (name, path, tags, boundary) = (name?, path?.unwrap_or_else(Path::root), tags?, boundary?);
    let arn = RoleArn::new(Partition::Aws, account.id.clone(), path, name.clone());

    let mut context = Context::new();
    add_request_tags(&mut context, &tags);
    context.insert_some("iam:PermissionsBoundary", boundary.as_deref());
    call.authorize(account, "iam:CreateRole", arn.as_str(), context)?;
    tagging::authorize_new(call, account, Tagged::Role, arn.as_str(), &tags)?;

    check_unique(&tags, KeyCase::Ignored)?;
    if account.roles.find(name.as_str()).is_some() {
        return Err(ApiError::already_exists(format!(
            "Role with name {name} already exists."
        )));
    }
    check_quota(&account.roles, quota::ROLES, "RolesPerAccount")?;
    let boundary = boundary
        .map(|arn| super::attachments::attachable(account, &arn))
        .transpose()?;
    let mut kept = Tags::default();
    kept.set(tags, KeyCase::Ignored)?;
    let role = Role {
        arn,
        id: ids::new_id(IdKind::Role, &account.id)?,
        created: call.now,
        description: description?,
        max_session_seconds: duration?.unwrap_or(DEFAULT_MAX_SESSION),
        trust: trust::parse(document?, account)?,
        grants: Grants {
            boundary,
            ..Grants::default()
        },
        tags: kept,
    };
    let xml = Xml::of(|xml| xml.element("Role", |xml| write(xml, &role, Detail::Full)));
    account.roles.insert(name.as_str(), role);
    Ok(xml)
}

/// `GetRole`.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let name = authorize(call, account, "iam:GetRole")?;
    let role = account
        .roles
        .find(&name)
        .ok_or_else(|| Holder::Role.missing(&name))?;
    Ok(Xml::of(|xml| {
        xml.element("Role", |xml| {
            write(xml, role, Detail::Full);
            // When a role was used last is not tracked; AWS sends the element empty for a role never used.
            xml.element("RoleLastUsed", |_| {});
        });
    }))
}

/// `ListRoles`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let (prefix, paging) = Paging::below_path(call, account, "iam:ListRoles", "role")?;
    let roles = account
        .roles
        .values()
        .filter(|role| role.arn.path().starts_with(&prefix));
    let keyed = roles.map(|role| (role.arn.name().as_str().to_ascii_lowercase(), role));
    let page = paging.cut(call, account, &prefix, keyed)?;
    Ok(page.to_xml("Roles", |xml, role| {
        write(xml, role, Detail::Listed);
    }))
}

/// `UpdateRole`; what is not given stays.
pub(crate) fn update(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("RoleName", &rules::NAME);
    let description = input.optional::<String>("Description", &rules::DESCRIPTION);
    let duration = read_duration(&mut input);
    input.finish()?;
    let (name, description, duration) = (name?, description?, duration?);
    let role = authorized(call, account, "iam:UpdateRole", &name)?;
    if let Some(description) = description {
        role.description = Some(description);
    }
    if let Some(duration) = duration {
        role.max_session_seconds = duration;
    }
    Ok(Xml::default())
}

/// `UpdateRoleDescription`.
pub(crate) fn update_description(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("RoleName", &rules::NAME);
    let description = input.required::<String>("Description", &rules::DESCRIPTION);
    input.finish()?;
    let role = authorized(call, account, "iam:UpdateRoleDescription", &name?)?;
    role.description = Some(description?);
    Ok(Xml::of(|xml| {
        xml.element("Role", |xml| write(xml, role, Detail::Full));
    }))
}

/// `UpdateAssumeRolePolicy`.
pub(crate) fn update_trust(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("RoleName", &rules::NAME);
    let document = input.required::<String>("PolicyDocument", &rules::DOCUMENT);
    input.finish()?;
    let (name, document) = (name?, document?);
    authorized(call, account, "iam:UpdateAssumeRolePolicy", &name)?;
    let policy = trust::parse(document, account)?;
    let role = account
        .roles
        .find_mut(&name)
        .ok_or_else(|| Holder::Role.missing(&name))?;
    role.trust = policy;
    Ok(Xml::default())
}

/// `DeleteRole`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Result<Renamed, ApiError> {
    let name = authorize(call, account, "iam:DeleteRole")?;
    let role = account
        .roles
        .find(&name)
        .ok_or_else(|| Holder::Role.missing(&name))?;
    if account.profiles_of(&name).next().is_some() {
        return Err(ApiError::delete_conflict(ROLES_FIRST));
    }
    check_bare(&role.grants)?;
    let renamed = Renamed {
        from: role.arn.to_string(),
        to: role.id.clone(),
    };
    account.roles.remove(&name);
    Ok(renamed)
}

/// Refuses to delete what still holds policies.
pub(crate) fn check_bare(grants: &Grants) -> Result<(), ApiError> {
    if !grants.attached.is_empty() {
        return Err(ApiError::delete_conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !grants.inline.is_empty() {
        return Err(ApiError::delete_conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    Ok(())
}

/// Which members of a role an answer has: lists leave out tags and boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Full,
    Listed,
}

/// Writes a role as a member of another answer.
pub(crate) fn write_listed(xml: &mut Xml, role: &Role) {
    write(xml, role, Detail::Listed);
}

fn write(xml: &mut Xml, role: &Role, detail: Detail) {
    xml.text("Path", role.arn.path());
    xml.text("RoleName", role.arn.name().as_str());
    xml.text("RoleId", &role.id);
    xml.text("Arn", role.arn.as_str());
    xml.text("CreateDate", &words::date(role.created));
    xml.text(
        "AssumeRolePolicyDocument",
        &words::encoded(&role.trust.text),
    );
    xml.optional("Description", role.description.as_deref());
    xml.text("MaxSessionDuration", &role.max_session_seconds.to_string());
    if detail == Detail::Full {
        boundaries::write(xml, role.grants.boundary.as_ref());
        role.tags.write_some(xml);
    }
}

/// Reads `MaxSessionDuration`; below the least, IAM answers with another code than above the greatest.
fn read_duration(input: &mut Input<'_>) -> Result<Option<u32>, ApiError> {
    let (min, max) = (*rules::MAX_SESSION.start(), *rules::MAX_SESSION.end());
    let seconds = input.integer("MaxSessionDuration", i64::MIN, max)?;
    if seconds.is_some_and(|seconds| seconds < min) {
        let message = format!(
            "The specified value for MaxSessionDuration is invalid, it must be at least {min}."
        );
        return Err(ApiError::new(400, "ParamValidation", message));
    }
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()))
}

/// Reads `RoleName` and asks for the action on that role.
fn authorize(call: &mut Call<'_>, account: &Account, action: &str) -> Result<String, ApiError> {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("RoleName", &rules::NAME);
    input.finish()?;
    let name = name?;
    let found = Holder::Role.find(account, &name);
    call.authorize(account, action, &found.arn, found.context())?;
    Ok(name)
}

/// Asks for the action on a role and gives it to be changed.
fn authorized<'a>(
    call: &mut Call<'_>,
    account: &'a mut Account,
    action: &str,
    name: &str,
) -> Result<&'a mut Role, ApiError> {
    let found = Holder::Role.find(account, name);
    call.authorize(account, action, &found.arn, found.context())?;
    account
        .roles
        .find_mut(name)
        .ok_or_else(|| Holder::Role.missing(name))
}

/// Seconds; AWS's default for new roles.
const DEFAULT_MAX_SESSION: u32 = 3600;
