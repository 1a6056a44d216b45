//! `DecodeAuthorizationMessage`.

use super::{Sts, authorize, signer};
use crate::authorization_message::decode as open;
use crate::call::Call;
use crate::query::{ApiError, Constraint, Input, Xml};

/// Decodes what a denial in the caller's own account carried.
pub(super) fn decode(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let mut input = Input::new(call.form);
    let encoded = input.required::<String>("EncodedMessage", &Constraint::length(1, 10_240));
    input.finish()?;
    authorize(sts, call, "sts:DecodeAuthorizationMessage")?;
    let decoded = open(sts.seal, &signer(call)?.account, &encoded?);
    let decoded = decoded.ok_or_else(|| {
        ApiError::new(
            400,
            "InvalidAuthorizationMessageException",
            "Message is not valid",
        )
    })?;
    Ok(Xml::of(|xml| xml.secret("DecodedMessage", &decoded)))
}
