//! Users.

use std::collections::BTreeSet;

use podpass_policy::{Context, Partition, Path, UserArn, UserName};

use super::groups::USERS_FIRST;
use super::holder::{Holder, check_quota};
use super::pages::Paging;
use super::roles::check_bare;
use super::rules::{self, quota};
use super::store::{Account, Grants, User};
use super::tagging::{self, Tagged};
use super::tags::{KeyCase, Tags, add_request_tags, check_unique, read_tags};
use super::{Answer, attachments, boundaries};
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Input, Xml};
use crate::renaming::Renamed;
use crate::words;

/// `CreateUser`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<UserName>("UserName", &rules::NEW_NAME);
    let path = input.optional::<Path>("Path", &rules::PATH);
    let boundary = input.optional::<String>("PermissionsBoundary", &rules::ARN);
    let tags = read_tags(&mut input);
    input.finish()?;
    let (name, path, tags, boundary) = (name?, path?.unwrap_or_else(Path::root), tags?, boundary?);
    let arn = UserArn::new(Partition::Aws, account.id.clone(), path, name.clone());

    let mut context = Context::new();
    add_request_tags(&mut context, &tags);
    context.insert_some("iam:PermissionsBoundary", boundary.as_deref());
    call.authorize(account, "iam:CreateUser", arn.as_str(), context)?;
    tagging::authorize_new(call, account, Tagged::User, arn.as_str(), &tags)?;

    check_unique(&tags, KeyCase::Ignored)?;
    if account.users.find(name.as_str()).is_some() {
        return Err(exists(&name));
    }
    check_quota(&account.users, quota::USERS, "UsersPerAccount")?;
    let boundary = boundary
        .map(|arn| attachments::attachable(account, &arn))
        .transpose()?;
    let mut kept = Tags::default();
    kept.set(tags, KeyCase::Ignored)?;
    let user = User {
        arn,
        id: ids::new_id(IdKind::User, &account.id)?,
        created: call.now,
        grants: Grants {
            boundary,
            ..Grants::default()
        },
        groups: BTreeSet::new(),
        tags: kept,
    };
    let xml = Xml::of(|xml| xml.element("User", |xml| write(xml, &user, Detail::Full)));
    account.users.insert(name.as_str(), user);
    Ok(xml)
}

/// `GetUser`; without a name, the user who calls.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.optional::<String>("UserName", &rules::NAME);
    input.finish()?;
    let name = named_or_calling(call, name?)?;
    let found = Holder::User.find(account, &name);
    call.authorize(account, "iam:GetUser", &found.arn, found.context())?;
    let user = account
        .users
        .find(&name)
        .ok_or_else(|| Holder::User.missing(&name))?;
    Ok(Xml::of(|xml| {
        xml.element("User", |xml| write(xml, user, Detail::Full));
    }))
}

/// `ListUsers`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let (prefix, paging) = Paging::below_path(call, account, "iam:ListUsers", "user")?;
    let users = account
        .users
        .values()
        .filter(|user| user.arn.path().starts_with(&prefix));
    let keyed = users.map(|user| (user.arn.name().as_str().to_ascii_lowercase(), user));
    let page = paging.cut(call, account, &prefix, keyed)?;
    Ok(page.to_xml("Users", |xml, user| {
        write(xml, user, Detail::Listed);
    }))
}

/// `UpdateUser`: another name, another path. Id, groups, policies and access keys stay, and policies that name the user as
/// principal follow it.
pub(crate) fn update(call: &mut Call<'_>, account: &mut Account) -> Result<Renamed, ApiError> {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("UserName", &rules::NAME);
    let new_name = input.optional::<UserName>("NewUserName", &rules::NEW_NAME);
    let new_path = input.optional::<Path>("NewPath", &rules::PATH);
    input.finish()?;
    let (name, new_name, new_path) = (name?, new_name?, new_path?);
    let found = Holder::User.find(account, &name);
    let context = found.context();
    call.authorize(account, "iam:UpdateUser", &found.arn, context.clone())?;
    let mut user = account
        .users
        .find(&name)
        .ok_or_else(|| Holder::User.missing(&name))?
        .clone();
    let old = user.arn.clone();
    let new_name = new_name.unwrap_or_else(|| old.name().clone());
    let path = match new_path {
        Some(path) => path,
        None => old.path().parse().unwrap_or_else(|_| Path::root()),
    };
    user.arn = UserArn::new(Partition::Aws, account.id.clone(), path, new_name.clone());
    // Who renames has to be allowed on both, so that nobody renames what is forbidden to it into what is not.
    call.authorize(account, "iam:UpdateUser", user.arn.as_str(), context)?;
    let is_other = !new_name.as_str().eq_ignore_ascii_case(old.name().as_str());
    if is_other && account.users.find(new_name.as_str()).is_some() {
        return Err(exists(&new_name));
    }
    let renamed = Renamed {
        from: old.to_string(),
        to: user.arn.to_string(),
    };
    let keys = account.access_keys.values();
    let keys = keys.filter(|key| key.user == *old.name());
    let ids: Vec<String> = keys.map(|key| key.id.clone()).collect();
    for id in &ids {
        if let Some(key) = account.access_keys.get_mut(id) {
            key.user = new_name.clone();
        }
    }
    account.users.remove(&name);
    account.users.insert(new_name.as_str(), user);
    Ok(renamed)
}

/// `DeleteUser`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Result<Renamed, ApiError> {
    let mut input = Input::new(call.form);
    let name = input.required::<String>("UserName", &rules::NAME);
    input.finish()?;
    let name = name?;
    let found = Holder::User.find(account, &name);
    call.authorize(account, "iam:DeleteUser", &found.arn, found.context())?;
    let user = account
        .users
        .find(&name)
        .ok_or_else(|| Holder::User.missing(&name))?;
    if account
        .access_keys
        .values()
        .any(|key| key.user == *user.arn.name())
    {
        return Err(ApiError::delete_conflict(
            "Cannot delete entity, must delete access keys first.",
        ));
    }
    check_bare(&user.grants)?;
    if !user.groups.is_empty() {
        return Err(ApiError::delete_conflict(USERS_FIRST));
    }
    let renamed = Renamed {
        from: user.arn.to_string(),
        to: user.id.clone(),
    };
    account.users.remove(&name);
    Ok(renamed)
}

fn exists(name: &UserName) -> ApiError {
    ApiError::already_exists(format!("User with name {name} already exists."))
}

/// The user an action is about: the one named, else the one who calls.
pub(crate) fn named_or_calling(call: &Call<'_>, name: Option<String>) -> Result<String, ApiError> {
    name.or_else(|| call.caller.user_name().map(str::to_owned))
        .ok_or_else(|| {
            ApiError::validation("Must specify userName when calling with non-User credentials")
        })
}

/// Which members of a user an answer has: lists leave out tags and boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Full,
    Listed,
}

/// Writes a user as a member of another answer.
pub(crate) fn write_listed(xml: &mut Xml, user: &User) {
    write(xml, user, Detail::Listed);
}

fn write(xml: &mut Xml, user: &User, detail: Detail) {
    xml.text("Path", user.arn.path());
    xml.text("UserName", user.arn.name().as_str());
    xml.text("UserId", &user.id);
    xml.text("Arn", user.arn.as_str());
    xml.text("CreateDate", &words::date(user.created));
    if detail == Detail::Full {
        boundaries::write(xml, user.grants.boundary.as_ref());
        user.tags.write_some(xml);
    }
}
