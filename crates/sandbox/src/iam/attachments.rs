//! Managed policies attached to roles, users and groups.

use podpass_policy::{Context, PolicyArn};

use super::Answer;
use super::holder::Holder;
use super::pages::Paging;
use super::rules::{self, quota};
use super::store::Account;
use crate::call::Call;
use crate::query::{ApiError, Input, Xml};

/// `AttachRolePolicy`, `AttachUserPolicy`, `AttachGroupPolicy`.
pub(crate) fn attach(call: &mut Call<'_>, account: &mut Account, holder: Holder) -> Answer {
    let (name, policy) = authorize(call, account, holder, "Attach")?;
    if holder.find(account, &name).grants.is_none() {
        return Err(holder.missing(&name));
    }
    let arn = attachable(account, &policy)?;
    let grants = holder.grants_mut(account, &name)?;
    if grants.attached.contains(&arn) {
        return Ok(Xml::default());
    }
    if grants.attached.len() == quota::ATTACHED_POLICIES {
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for PoliciesPer{}: {}",
            holder.title(),
            quota::ATTACHED_POLICIES
        )));
    }
    grants.attached.push(arn);
    Ok(Xml::default())
}

/// `DetachRolePolicy`, `DetachUserPolicy`, `DetachGroupPolicy`.
pub(crate) fn detach(call: &mut Call<'_>, account: &mut Account, holder: Holder) -> Answer {
    let (name, policy) = authorize(call, account, holder, "Detach")?;
    let attached = &mut holder.grants_mut(account, &name)?.attached;
    let before = attached.len();
    attached.retain(|arn| arn.as_str() != policy);
    if attached.len() == before {
        return Err(ApiError::no_such_entity(format!(
            "Policy {policy} was not found."
        )));
    }
    Ok(Xml::default())
}

/// `ListAttachedRolePolicies`, `ListAttachedUserPolicies`, `ListAttachedGroupPolicies`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account, holder: Holder) -> Answer {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    let prefix = input.optional::<String>("PathPrefix", &rules::PATH_PREFIX);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, prefix, paging) = (name?, prefix?.unwrap_or_else(|| "/".to_owned()), paging?);
    let found = holder.find(account, &name);
    call.authorize(
        account,
        &format!("iam:ListAttached{}Policies", holder.title()),
        &found.arn,
        found.context(),
    )?;
    let mut arns: Vec<&PolicyArn> = found.grants(holder, &name)?.attached.iter().collect();
    arns.retain(|arn| arn.path().starts_with(&prefix));
    arns.sort();
    let keyed = arns.into_iter().map(|arn| (arn.to_string(), arn));
    let page = paging.cut(call, account, &format!("{}\n{prefix}", found.arn), keyed)?;
    Ok(page.to_xml("AttachedPolicies", |xml, arn| {
        xml.text("PolicyName", arn.name().as_str());
        xml.text("PolicyArn", arn.as_str());
    }))
}

/// The managed policy of that ARN, which must exist and belong to the account or to AWS.
pub(crate) fn attachable(account: &Account, arn: &str) -> Result<PolicyArn, ApiError> {
    arn.parse::<PolicyArn>()
        .ok()
        .filter(|arn| arn.account().is_none_or(|owner| *owner == account.id))
        .filter(|arn| account.managed_document(arn).is_some())
        .ok_or_else(|| {
            ApiError::no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
        })
}

fn authorize(
    call: &mut Call<'_>,
    account: &Account,
    holder: Holder,
    verb: &str,
) -> Result<(String, String), ApiError> {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    let policy = input.required::<String>("PolicyArn", &rules::ARN);
    input.finish()?;
    let (name, policy) = (name?, policy?);
    let found = holder.find(account, &name);
    let mut context: Context = found.context();
    context.insert("iam:PolicyARN", policy.as_str());
    call.authorize(
        account,
        &format!("iam:{verb}{}Policy", holder.title()),
        &found.arn,
        context,
    )?;
    Ok((name, policy))
}
