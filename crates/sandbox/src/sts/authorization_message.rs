//! `DecodeAuthorizationMessage`.

use super::{Sts, authorize};
use crate::call::Call;
use crate::query::{ApiError, Constraint, Input, Xml};

/// Refuses the message: only denials of services such as EC2 are encoded, and none of them is here, so that no message
/// can be one of this sandbox's.
pub(super) fn decode(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let mut input = Input::new(call.form);
    let _ = input.required::<String>("EncodedMessage", &Constraint::length(1, 10_240));
    input.finish()?;
    authorize(sts, call, "sts:DecodeAuthorizationMessage")?;
    Err(ApiError::new(
        400,
        "InvalidAuthorizationMessageException",
        "Message is not valid",
    ))
}
