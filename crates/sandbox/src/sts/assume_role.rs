//! `AssumeRole`.

use podpass_exchange::{AssumeRoleRequest, SessionTag, assume_role};
use podpass_policy::RoleArn;

use super::{
    Sts, caller_policies, exchange_caller, member_values, read_tags, refuse, require, role_at,
    session_answer,
};
use crate::call::Call;
use crate::caller::Identity;
use crate::query::{ApiError, Xml};

/// Gives a signed caller a session of a role.
pub(super) fn assume(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let request = read_request(sts, call)?;
    call.report.resource = Some(request.role_arn.clone());
    let policies = caller_policies(sts, call);
    let context = call.caller.context();
    let caller = exchange_caller(call, &policies, &context);
    let role = request
        .role_arn
        .parse::<RoleArn>()
        .ok()
        .and_then(|arn| role_at(sts, &arn));
    let mut grant = assume_role(&request, &caller, role.as_ref(), call.now)
        .map_err(|denial| refuse(call, denial))?;
    call.report.exchange = Some(std::mem::take(&mut grant.trace));
    let issued = session_answer::issue(sts, call, grant, request.policy.as_deref())?;
    Ok(Xml::with_room(issued.credentials.len(), |xml| {
        issued.credentials.write(xml);
        issued.write_assumed_role(xml);
    }))
}

fn read_request(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<AssumeRoleRequest, ApiError> {
    let form = call.form;
    require(form, &["RoleArn", "RoleSessionName"])?;
    let text = |name: &str| form.text(name).map(str::to_owned);
    Ok(AssumeRoleRequest {
        role_arn: text("RoleArn").unwrap_or_default(),
        role_session_name: text("RoleSessionName").unwrap_or_default(),
        policy: text("Policy"),
        policy_arns: member_values(form, "PolicyArns", "arn")?,
        duration_seconds: form.integer("DurationSeconds")?,
        tags: inherited_tags(call.caller)
            .chain(read_tags(form)?)
            .collect(),
        external_id: text("ExternalId"),
        source_identity: text("SourceIdentity"),
        serial_number: text("SerialNumber"),
        token_code: text("TokenCode"),
        partition: Some(podpass_policy::Partition::Aws),
        context: super::context(sts, call),
    })
}

/// The tags that the caller's own session passes on; they cannot be given again with another value.
fn inherited_tags(caller: &crate::caller::Caller) -> impl Iterator<Item = SessionTag> {
    let tags: &[(String, String)] = match &caller.identity {
        Identity::Session(live) => &live.session.transitive_tags,
        Identity::Anonymous | Identity::User(_) => &[],
    };
    tags.iter().map(|(key, value)| SessionTag {
        key: key.clone(),
        value: value.clone(),
        transitive: true,
    })
}
