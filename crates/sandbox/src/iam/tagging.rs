//! Actions on tags, the same for every kind of resource that has them.

use podpass_policy::Context;

use super::holder::Holder;
use super::pages::Paging;
use super::store::Account;
use super::tags::{
    KeyCase, Tag, Tags, add_request_tags, check_unique, read_required_tags, read_tag_keys,
};
use super::{Answer, instance_profiles, managed, providers, rules};
use crate::call::Call;
use crate::query::{ApiError, Input, Xml};

/// What carries the tags that an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tagged {
    Role,
    User,
    Policy,
    OidcProvider,
    InstanceProfile,
}

/// `Tag*`.
pub(crate) fn tag(call: &mut Call<'_>, account: &mut Account, tagged: Tagged) -> Answer {
    let mut input = Input::new(call.form);
    let name = tagged.read_name(&mut input);
    let tags = read_required_tags(&mut input);
    input.finish()?;
    let (name, tags) = (name?, tags?);
    let mut context = Context::new();
    add_request_tags(&mut context, &tags);
    tagged.authorize(call, account, "Tag", &name, context)?;
    check_unique(&tags, tagged.key_case())?;
    tagged
        .tags_mut(account, &name)?
        .set(tags, tagged.key_case())?;
    Ok(Xml::default())
}

/// `Untag*`.
pub(crate) fn untag(call: &mut Call<'_>, account: &mut Account, tagged: Tagged) -> Answer {
    let mut input = Input::new(call.form);
    let name = tagged.read_name(&mut input);
    let keys = read_tag_keys(&mut input);
    input.finish()?;
    let (name, keys) = (name?, keys?);
    let mut context = Context::new();
    context.insert("aws:TagKeys", keys.clone());
    tagged.authorize(call, account, "Untag", &name, context)?;
    tagged
        .tags_mut(account, &name)?
        .remove(&keys, tagged.key_case());
    Ok(Xml::default())
}

/// `List*Tags`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account, tagged: Tagged) -> Answer {
    let mut input = Input::new(call.form);
    let name = tagged.read_name(&mut input);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, paging) = (name?, paging?);
    tagged.authorize(call, account, "List", &name, Context::new())?;
    let mut tags: Vec<_> = tagged
        .find(account, &name)
        .1
        .ok_or_else(|| tagged.missing(&name))?
        .iter()
        .collect();
    tags.sort_by(|one, other| one.key.cmp(&other.key));
    let page = paging.cut(
        call,
        account,
        &name,
        tags.into_iter().map(|tag| (tag.key.clone(), tag)),
    )?;
    Ok(page.to_xml("Tags", |xml, tag| {
        xml.text("Key", &tag.key);
        xml.text("Value", &tag.value);
    }))
}

/// Asks for the tags that come with a creation, which take the permission to tag besides the one to create.
pub(crate) fn authorize_new(
    call: &mut Call<'_>,
    account: &Account,
    tagged: Tagged,
    arn: &str,
    tags: &[Tag],
) -> Result<(), ApiError> {
    if tags.is_empty() {
        return Ok(());
    }
    let mut context = Context::new();
    add_request_tags(&mut context, tags);
    call.authorize(account, &format!("iam:Tag{}", tagged.title()), arn, context)
}

impl Tagged {
    fn title(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::User => "User",
            Self::Policy => "Policy",
            Self::OidcProvider => "OpenIDConnectProvider",
            Self::InstanceProfile => "InstanceProfile",
        }
    }

    fn key_case(self) -> KeyCase {
        match self {
            Self::Role | Self::User | Self::Policy | Self::InstanceProfile => KeyCase::Ignored,
            Self::OidcProvider => KeyCase::Kept,
        }
    }

    fn read_name(self, input: &mut Input<'_>) -> Result<String, ApiError> {
        match self {
            Self::Role => input.required("RoleName", &rules::NAME),
            Self::User => input.required("UserName", &rules::NAME),
            Self::Policy => input.required("PolicyArn", &rules::ARN),
            Self::OidcProvider => input.required("OpenIDConnectProviderArn", &rules::ARN),
            Self::InstanceProfile => input.required("InstanceProfileName", &rules::NAME),
        }
    }

    /// The ARN to authorise on, and the tags of what is there.
    fn find<'a>(self, account: &'a Account, name: &str) -> (String, Option<&'a Tags>) {
        match self {
            Self::Role | Self::User => {
                let holder = if self == Self::Role {
                    Holder::Role
                } else {
                    Holder::User
                };
                let found = holder.find(account, name);
                (found.arn, found.tags)
            }
            Self::Policy => (
                name.to_owned(),
                managed::find_customer(account, name)
                    .ok()
                    .map(|policy| &policy.tags),
            ),
            Self::OidcProvider => (
                name.to_owned(),
                account.providers.get(name).map(|provider| &provider.tags),
            ),
            Self::InstanceProfile => (
                instance_profiles::arn_of(account, name),
                instance_profiles::find(account, name)
                    .ok()
                    .map(|profile| &profile.tags),
            ),
        }
    }

    fn tags_mut<'a>(self, account: &'a mut Account, name: &str) -> Result<&'a mut Tags, ApiError> {
        let found = match self {
            Self::Role => account.roles.find_mut(name).map(|role| &mut role.tags),
            Self::User => account.users.find_mut(name).map(|user| &mut user.tags),
            Self::Policy => managed::find_customer_mut(account, name)
                .ok()
                .map(|policy| &mut policy.tags),
            Self::OidcProvider => account
                .providers
                .get_mut(name)
                .map(|provider| &mut provider.tags),
            Self::InstanceProfile => account
                .instance_profiles
                .find_mut(name)
                .map(|profile| &mut profile.tags),
        };
        found.ok_or_else(|| self.missing(name))
    }

    fn missing(self, name: &str) -> ApiError {
        match self {
            Self::Role => Holder::Role.missing(name),
            Self::User => Holder::User.missing(name),
            Self::Policy => managed::missing(name),
            Self::OidcProvider => providers::missing(name),
            Self::InstanceProfile => instance_profiles::missing(name),
        }
    }

    fn authorize(
        self,
        call: &mut Call<'_>,
        account: &Account,
        verb: &str,
        name: &str,
        mut context: Context,
    ) -> Result<(), ApiError> {
        let (arn, tags) = self.find(account, name);
        if let Some(tags) = tags {
            tags.add_to(&mut context, "aws:ResourceTag");
            tags.add_to(&mut context, "iam:ResourceTag");
        }
        let plural = if verb == "List" { "Tags" } else { "" };
        call.authorize(
            account,
            &format!("iam:{verb}{}{plural}", self.title()),
            &arn,
            context,
        )
    }
}
