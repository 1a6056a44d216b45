//! `GetAccessKeyInfo`, which reads the account out of the access key id itself.

use super::{Sts, authorize};
use crate::call::Call;
use crate::ids;
use crate::query::{ApiError, Constraint, Input, Pattern, Xml};
use crate::state::access_key;

/// Tells the account of an access key, of whatever account and whether it exists or not.
pub(super) fn read(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let mut input = Input::new(call.form);
    let id = input.required::<String>("AccessKeyId", &ACCESS_KEY_ID);
    input.finish()?;
    authorize(sts, call, "sts:GetAccessKeyInfo")?;
    let id = id?;
    // An administrator's key may have been given an id without an account in it.
    let owner = access_key(&sts.state.accounts, &id).map(|(account, _)| account.id.clone());
    let account = owner
        .or_else(|| ids::account_of(&id))
        .ok_or_else(|| ApiError::validation("The access key id has no account in it."))?;
    Ok(Xml::of(|xml| xml.text("Account", account.as_str())))
}

const ACCESS_KEY_ID: Constraint = Constraint {
    min: 16,
    max: 128,
    pattern: Some(Pattern {
        cited: r"[\w]*",
        holds: |text| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        },
    }),
};
