//! `GetCallerIdentity`, which is never denied.

use super::Sts;
use crate::call::Call;
use crate::query::{ApiError, Xml};

/// Tells who signed the request.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every operation has this signature"
)]
pub(super) fn read(_: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    Ok(Xml::of(|xml| {
        xml.optional("UserId", call.caller.unique_id().as_deref());
        xml.optional(
            "Account",
            call.caller
                .account_id()
                .map(podpass_policy::AccountId::as_str),
        );
        xml.text("Arn", &call.caller.principal.arn());
    }))
}
