//! `GetSessionToken`.

use podpass_exchange::{SessionTokenRequest, session_token};
use podpass_policy::Context;

use super::session_answer::{self, Limits};
use super::{Sts, caller_policies, exchange_caller, refuse, signer};
use crate::call::Call;
use crate::query::{ApiError, Xml};
use crate::session::SessionHolder;

/// Gives a user temporary credentials of its own.
pub(super) fn issue(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let text = |name: &str| call.form.text(name).map(str::to_owned);
    let request = SessionTokenRequest {
        duration_seconds: call.form.integer("DurationSeconds")?,
        serial_number: text("SerialNumber"),
        token_code: text("TokenCode"),
    };
    let policies = caller_policies(sts, call);
    let context = call.caller.context();
    let caller = exchange_caller(call, &policies, &context);
    let expires_at =
        session_token(&request, &caller, call.now).map_err(|denial| refuse(call, denial))?;
    let user = signer(call)?;
    let holder = SessionHolder::User {
        account: user.account.clone(),
        user_id: user.id.clone(),
    };
    let limits = Limits {
        expires_at,
        policy: None,
        policy_arns: &[],
    };
    let session = session_answer::begin(call, holder, limits, Context::new())?;
    let credentials = session_answer::seal(sts, session)?;
    Ok(Xml::with_room(credentials.len(), |xml| {
        credentials.write(xml);
    }))
}
