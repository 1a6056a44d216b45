//! Roles, users and groups as what they have in common: they hold policies.

use podpass_policy::Context;

use super::store::{Account, Grants, NamedRows};
use super::tags::Tags;
use super::{groups, rules};
use crate::query::{ApiError, Input};

/// What holds the policies that an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Role,
    User,
    Group,
}

/// The holder an action names, found or not.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// The ARN to authorise on; with the path `/` for a holder that does not exist.
    pub(crate) arn: String,
    pub(crate) grants: Option<&'a Grants>,
    /// A group has none.
    pub(crate) tags: Option<&'a Tags>,
}

impl Holder {
    /// The parameter that names it.
    pub(crate) fn parameter(self) -> &'static str {
        match self {
            Self::Role => "RoleName",
            Self::User => "UserName",
            Self::Group => "GroupName",
        }
    }

    /// `role`, `user` or `group`, as messages say it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// `Role`, `User` or `Group`, as action names and answers have it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Reads the name.
    pub(crate) fn read_name(self, input: &mut Input<'_>) -> Result<String, ApiError> {
        input.required(self.parameter(), &rules::NAME)
    }

    /// Looks the holder up, and gives the ARN to authorise on either way.
    pub(crate) fn find<'a>(self, account: &'a Account, name: &str) -> Found<'a> {
        let found = match self {
            Self::Role => account
                .roles
                .find(name)
                .map(|role| (role.arn.to_string(), &role.grants, Some(&role.tags))),
            Self::User => account
                .users
                .find(name)
                .map(|user| (user.arn.to_string(), &user.grants, Some(&user.tags))),
            Self::Group => account.groups.find(name).map(|group| {
                let arn = groups::arn(account, group.path.as_str(), &group.name);
                (arn, &group.grants, None)
            }),
        };
        let Some((arn, grants, tags)) = found else {
            return Found {
                arn: format!("arn:aws:iam::{}:{}/{name}", account.id, self.word()),
                grants: None,
                tags: None,
            };
        };
        Found {
            arn,
            grants: Some(grants),
            tags,
        }
    }

    /// The policies of the holder, to be changed.
    pub(crate) fn grants_mut<'a>(
        self,
        account: &'a mut Account,
        name: &str,
    ) -> Result<&'a mut Grants, ApiError> {
        let found = match self {
            Self::Role => account.roles.find_mut(name).map(|role| &mut role.grants),
            Self::User => account.users.find_mut(name).map(|user| &mut user.grants),
            Self::Group => account.groups.find_mut(name).map(|group| &mut group.grants),
        };
        found.ok_or_else(|| self.missing(name))
    }

    /// The holder does not exist.
    pub(crate) fn missing(self, name: &str) -> ApiError {
        ApiError::no_such_entity(format!(
            "The {} with name {name} cannot be found.",
            self.word()
        ))
    }
}

impl<'a> Found<'a> {
    /// The policies, or the answer that the holder does not exist.
    pub(crate) fn grants(&self, holder: Holder, name: &str) -> Result<&'a Grants, ApiError> {
        self.grants.ok_or_else(|| holder.missing(name))
    }

    /// The keys that describe the holder as the resource of a request.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::new();
        if let Some(tags) = self.tags {
            tags.add_to(&mut context, "aws:ResourceTag");
            tags.add_to(&mut context, "iam:ResourceTag");
        }
        if let Some(boundary) = self.grants.and_then(|grants| grants.boundary.as_ref()) {
            context.insert("iam:PermissionsBoundary", boundary.as_str());
        }
        context
    }
}

/// Refuses one more of what a quota counts.
pub(crate) fn check_quota<T>(
    things: &NamedRows<T>,
    quota: usize,
    name: &str,
) -> Result<(), ApiError> {
    if things.len() < quota {
        return Ok(());
    }
    Err(ApiError::limit_exceeded(format!(
        "Cannot exceed quota for {name}: {quota}"
    )))
}
