//! Inline policies of roles, users and groups.

use podpass_policy::{DocumentKind, PolicyName};

use super::Answer;
use super::holder::Holder;
use super::pages::Paging;
use super::rules::{self, quota};
use super::store::{Account, InlinePolicy, PolicyText};
use crate::call::Call;
use crate::query::{ApiError, Input, Xml};
use crate::words;

/// `PutRolePolicy`, `PutUserPolicy`, `PutGroupPolicy`.
pub(crate) fn put(call: &mut Call<'_>, account: &mut Account, holder: Holder) -> Answer {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    let policy_name = input.required::<PolicyName>("PolicyName", &rules::NAME);
    let document = input.required::<String>("PolicyDocument", &rules::DOCUMENT);
    input.finish()?;
    let (name, policy_name, document) = (name?, policy_name?, document?);
    let found = holder.find(account, &name);
    call.authorize(
        account,
        &format!("iam:Put{}Policy", holder.title()),
        &found.arn,
        found.context(),
    )?;
    let grants = found.grants(holder, &name)?;
    let policy = PolicyText::parse(document, DocumentKind::Permissions)
        .map_err(|error| ApiError::malformed_policy(error.aws_message()))?;
    let others = grants
        .inline
        .values()
        .filter(|other| !same_name(other, &policy_name));
    let total = policy.counted_len()
        + others
            .map(|other| other.policy.counted_len())
            .sum::<usize>();
    let limit = match holder {
        Holder::Role => quota::INLINE_OF_ROLE,
        Holder::User => quota::INLINE_OF_USER,
        Holder::Group => quota::INLINE_OF_GROUP,
    };
    if total > limit {
        return Err(ApiError::limit_exceeded(format!(
            "Maximum policy size of {limit} bytes exceeded for {} {name}",
            holder.word()
        )));
    }
    let inline = InlinePolicy {
        name: policy_name.clone(),
        policy,
    };
    holder
        .grants_mut(account, &name)?
        .inline
        .insert(policy_name.as_str(), inline);
    Ok(Xml::default())
}

/// `GetRolePolicy`, `GetUserPolicy`, `GetGroupPolicy`.
pub(crate) fn read(call: &mut Call<'_>, account: &Account, holder: Holder) -> Answer {
    let (name, policy_name) = read_names(call, holder)?;
    let found = holder.find(account, &name);
    call.authorize(
        account,
        &format!("iam:Get{}Policy", holder.title()),
        &found.arn,
        found.context(),
    )?;
    let inline = found
        .grants(holder, &name)?
        .inline
        .find(&policy_name)
        .ok_or_else(|| missing(holder, &policy_name))?;
    Ok(Xml::of(|xml| {
        xml.text(holder.parameter(), last_part(&found.arn));
        xml.text("PolicyName", inline.name.as_str());
        xml.text("PolicyDocument", &words::encoded(&inline.policy.text));
    }))
}

/// `ListRolePolicies`, `ListUserPolicies`, `ListGroupPolicies`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account, holder: Holder) -> Answer {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, paging) = (name?, paging?);
    let found = holder.find(account, &name);
    call.authorize(
        account,
        &format!("iam:List{}Policies", holder.title()),
        &found.arn,
        found.context(),
    )?;
    let inline = &found.grants(holder, &name)?.inline;
    let names = inline.values().map(|inline| {
        (
            inline.name.as_str().to_ascii_lowercase(),
            inline.name.as_str(),
        )
    });
    let page = paging.cut(call, account, &found.arn, names)?;
    Ok(Xml::of(|xml| {
        xml.texts("PolicyNames", page.items.iter().copied());
        page.write_end(xml);
    }))
}

/// `DeleteRolePolicy`, `DeleteUserPolicy`, `DeleteGroupPolicy`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account, holder: Holder) -> Answer {
    let (name, policy_name) = read_names(call, holder)?;
    let found = holder.find(account, &name);
    call.authorize(
        account,
        &format!("iam:Delete{}Policy", holder.title()),
        &found.arn,
        found.context(),
    )?;
    let grants = holder.grants_mut(account, &name)?;
    grants
        .inline
        .remove(&policy_name)
        .ok_or_else(|| missing(holder, &policy_name))?;
    Ok(Xml::default())
}

fn read_names(call: &Call<'_>, holder: Holder) -> Result<(String, String), ApiError> {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    let policy_name = input.required::<String>("PolicyName", &rules::NAME);
    input.finish()?;
    Ok((name?, policy_name?))
}

fn same_name(inline: &InlinePolicy, name: &PolicyName) -> bool {
    inline.name.as_str().eq_ignore_ascii_case(name.as_str())
}

fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn missing(holder: Holder, policy_name: &str) -> ApiError {
    ApiError::no_such_entity(format!(
        "The {} policy with name {policy_name} cannot be found.",
        holder.word()
    ))
}
