//! Permissions boundaries of roles and users.

use podpass_policy::PolicyArn;

use super::Answer;
use super::attachments::attachable;
use super::holder::Holder;
use super::rules;
use super::store::Account;
use crate::call::Call;
use crate::query::{ApiError, Input, Xml};

/// `PutRolePermissionsBoundary`, `PutUserPermissionsBoundary`.
pub(crate) fn put(call: &mut Call<'_>, account: &mut Account, holder: Holder) -> Answer {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    let boundary = input.required::<String>("PermissionsBoundary", &rules::ARN);
    input.finish()?;
    let (name, boundary) = (name?, boundary?);
    let found = holder.find(account, &name);
    let mut context = found.context();
    context.insert("iam:PermissionsBoundary", boundary.as_str());
    call.authorize(
        account,
        &format!("iam:Put{}PermissionsBoundary", holder.title()),
        &found.arn,
        context,
    )?;
    if found.grants.is_none() {
        return Err(holder.missing(&name));
    }
    let arn = attachable(account, &boundary)?;
    holder.grants_mut(account, &name)?.boundary = Some(arn);
    Ok(Xml::default())
}

/// `DeleteRolePermissionsBoundary`, `DeleteUserPermissionsBoundary`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account, holder: Holder) -> Answer {
    let mut input = Input::new(call.form);
    let name = holder.read_name(&mut input);
    input.finish()?;
    let name = name?;
    let found = holder.find(account, &name);
    let action = format!("iam:Delete{}PermissionsBoundary", holder.title());
    call.authorize(account, &action, &found.arn, found.context())?;
    let boundary = holder.grants_mut(account, &name)?.boundary.take();
    boundary.map(|_| Xml::default()).ok_or_else(|| {
        ApiError::no_such_entity(format!(
            "{} {name} does not have a permissions boundary.",
            holder.title()
        ))
    })
}

/// Writes a boundary as a member of a role or user.
pub(crate) fn write(xml: &mut Xml, boundary: Option<&PolicyArn>) {
    if let Some(arn) = boundary {
        xml.element("PermissionsBoundary", |xml| {
            xml.text("PermissionsBoundaryType", "Policy");
            xml.text("PermissionsBoundaryArn", arn.as_str());
        });
    }
}
