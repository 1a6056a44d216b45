//! Groups of users.

use podpass_policy::{Context, Path};

use super::holder::{Holder, check_quota};
use super::pages::Paging;
use super::roles::check_bare;
use super::rules::{self, quota};
use super::store::{Account, Grants, Group};
use super::{Answer, users};
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Input, Xml};
use crate::words;

/// `CreateGroup`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    let path = input.optional::<Path>("Path", &rules::PATH);
    input.finish()?;
    let (name, path) = (name?, path?.unwrap_or_else(Path::root));
    let arn = arn(account, path.as_str(), &name);
    call.authorize(account, "iam:CreateGroup", &arn, Context::new())?;
    check_free(account, &name)?;
    check_quota(&account.groups, quota::GROUPS, "GroupsPerAccount")?;
    let group = Group {
        name: name.clone(),
        path,
        id: ids::new_id(IdKind::Group, &account.id)?,
        created: call.now,
        grants: Grants::default(),
    };
    let xml = Xml::of(|xml| xml.element("Group", |xml| write(xml, account, &group)));
    account.groups.insert(&name, group);
    Ok(xml)
}

/// `GetGroup`: the group and a page of its users.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, paging) = (name?, paging?);
    authorize(call, account, "iam:GetGroup", &name)?;
    let group = find(account, &name)?;
    let members = account
        .members_of(group)
        .map(|user| (user.arn.name().as_str().to_ascii_lowercase(), user));
    let page = paging.cut(call, account, &group.id, members)?;
    Ok(Xml::of(|xml| {
        xml.element("Group", |xml| write(xml, account, group));
        xml.list("Users", &page.items, |xml, user| {
            users::write_listed(xml, user);
        });
        page.write_end(xml);
    }))
}

/// `ListGroups`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let (prefix, paging) = Paging::below_path(call, account, "iam:ListGroups", "group")?;
    let groups = account
        .groups
        .values()
        .filter(|group| group.path.as_str().starts_with(&prefix));
    write_page(call, account, paging, &prefix, groups)
}

/// `ListGroupsForUser`.
pub(crate) fn list_for_user(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = Holder::User.read_name(&mut input);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, paging) = (name?, paging?);
    let found = Holder::User.find(account, &name);
    call.authorize(
        account,
        "iam:ListGroupsForUser",
        &found.arn,
        found.context(),
    )?;
    let user = account
        .users
        .find(&name)
        .ok_or_else(|| Holder::User.missing(&name))?;
    write_page(call, account, paging, &user.id, account.groups_of(user))
}

/// `UpdateGroup`: another name, another path.
pub(crate) fn update(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    let new_name = input.optional::<String>("NewGroupName", &rules::NAME);
    let new_path = input.optional::<Path>("NewPath", &rules::PATH);
    input.finish()?;
    let (name, new_name, new_path) = (name?, new_name?, new_path?);
    authorize(call, account, "iam:UpdateGroup", &name)?;
    let mut group = find(account, &name)?.clone();
    if let Some(path) = new_path {
        group.path = path;
    }
    if let Some(new_name) = new_name {
        group.name = new_name;
    }
    let arn = arn(account, group.path.as_str(), &group.name);
    // Who renames has to be allowed on both, so that nobody renames what is forbidden to it into what is not.
    call.authorize(account, "iam:UpdateGroup", &arn, Context::new())?;
    if !group.name.eq_ignore_ascii_case(&name) {
        check_free(account, &group.name)?;
    }
    account.groups.remove(&name);
    account.groups.insert(&group.name.clone(), group);
    Ok(Xml::default())
}

/// `DeleteGroup`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    input.finish()?;
    let name = name?;
    authorize(call, account, "iam:DeleteGroup", &name)?;
    let group = find(account, &name)?;
    if account.members_of(group).next().is_some() {
        return Err(ApiError::delete_conflict(USERS_FIRST));
    }
    check_bare(&group.grants)?;
    account.groups.remove(&name);
    Ok(Xml::default())
}

/// `AddUserToGroup`; a user that is in it already stays.
pub(crate) fn add_user(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (id, user_name) = read_pair(call, account, "iam:AddUserToGroup")?;
    let user = account
        .users
        .find_mut(&user_name)
        .ok_or_else(|| Holder::User.missing(&user_name))?;
    if user.groups.len() >= quota::GROUPS_PER_USER && !user.groups.contains(&id) {
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for GroupsPerUser: {}",
            quota::GROUPS_PER_USER
        )));
    }
    user.groups.insert(id);
    Ok(Xml::default())
}

/// `RemoveUserFromGroup`; AWS documents no error of its own for a user that is not in it.
pub(crate) fn remove_user(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (id, user_name) = read_pair(call, account, "iam:RemoveUserFromGroup")?;
    let user = account
        .users
        .find_mut(&user_name)
        .ok_or_else(|| Holder::User.missing(&user_name))?;
    user.groups.remove(&id);
    Ok(Xml::default())
}

/// The ARN of a group.
pub(crate) fn arn(account: &Account, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{}:group{path}{name}", account.id)
}

fn find<'a>(account: &'a Account, name: &str) -> Result<&'a Group, ApiError> {
    account
        .groups
        .find(name)
        .ok_or_else(|| Holder::Group.missing(name))
}

fn check_free(account: &Account, name: &str) -> Result<(), ApiError> {
    match account.groups.find(name) {
        None => Ok(()),
        Some(_) => Err(ApiError::already_exists(format!(
            "Group with name {name} already exists."
        ))),
    }
}

/// Asks for an action on a group, which need not exist.
fn authorize(
    call: &mut Call<'_>,
    account: &Account,
    action: &str,
    name: &str,
) -> Result<(), ApiError> {
    let found = Holder::Group.find(account, name);
    call.authorize(account, action, &found.arn, found.context())
}

/// Reads a group and a user, and asks for the action on the group; gives the group's unique id and the user's name.
fn read_pair(
    call: &mut Call<'_>,
    account: &Account,
    action: &str,
) -> Result<(String, String), ApiError> {
    let mut input = Input::new(call.form);
    let name = input.required::<String>(NAME, &rules::NAME);
    let user_name = Holder::User.read_name(&mut input);
    input.finish()?;
    let (name, user_name) = (name?, user_name?);
    authorize(call, account, action, &name)?;
    Ok((find(account, &name)?.id.clone(), user_name))
}

fn write_page<'a>(
    call: &Call<'_>,
    account: &Account,
    paging: Paging,
    filter: &str,
    groups: impl Iterator<Item = &'a Group>,
) -> Answer {
    let keyed = groups.map(|group| (group.name.to_ascii_lowercase(), group));
    let page = paging.cut(call, account, filter, keyed)?;
    Ok(page.to_xml("Groups", |xml, group| {
        write(xml, account, group);
    }))
}

fn write(xml: &mut Xml, account: &Account, group: &Group) {
    xml.text("Path", group.path.as_str());
    xml.text("GroupName", &group.name);
    xml.text("GroupId", &group.id);
    xml.text("Arn", &arn(account, group.path.as_str(), &group.name));
    xml.text("CreateDate", &words::date(group.created));
}

const NAME: &str = "GroupName";

/// Why a group with users, and a user in a group, cannot be deleted.
pub(crate) const USERS_FIRST: &str = "Cannot delete entity, must remove users from group first.";
