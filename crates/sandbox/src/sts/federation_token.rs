//! `GetFederationToken`.

use podpass_exchange::{FederationTokenRequest, federation_token};

use super::session_answer::{self, Limits};
use super::{
    Sts, caller_policies, exchange_caller, member_values, read_tags, refuse, require, signer,
};
use crate::call::Call;
use crate::query::{ApiError, Xml};
use crate::session::SessionHolder;

/// Gives somebody whom a user vouches for a session within what that user may do.
pub(super) fn issue(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let form = call.form;
    require(form, &["Name"])?;
    let text = |name: &str| form.text(name).map(str::to_owned);
    let request = FederationTokenRequest {
        name: text("Name").unwrap_or_default(),
        policy: text("Policy"),
        policy_arns: member_values(form, "PolicyArns", "arn")?,
        duration_seconds: form.integer("DurationSeconds")?,
        tags: read_tags(form)?,
        context: call.context.clone(),
    };
    let policies = caller_policies(sts, call);
    let context = call.caller.context();
    let caller = exchange_caller(call, &policies, &context);
    let grant =
        federation_token(&request, &caller, call.now).map_err(|denial| refuse(call, denial))?;
    call.report.resource = Some(grant.arn.to_string());
    call.report.exchange = Some(grant.trace.clone());
    let user = signer(call)?;
    let holder = SessionHolder::FederatedUser {
        account: user.account.clone(),
        user_id: user.id.clone(),
        arn: grant.arn.clone(),
    };
    let limits = Limits {
        expires_at: grant.expires_at,
        policy: request.policy,
        policy_arns: &grant.session_policy_arns,
    };
    let session = session_answer::begin(call, holder, limits, grant.context)?;
    let credentials = session_answer::seal(sts, session)?;
    Ok(Xml::with_room(credentials.len(), |xml| {
        credentials.write(xml);
        xml.element("FederatedUser", |xml| {
            xml.text("FederatedUserId", &grant.federated_user_id);
            xml.text("Arn", grant.arn.as_str());
        });
        if let Some(size) = grant.packed_policy_size {
            xml.text("PackedPolicySize", &size.to_string());
        }
    }))
}
