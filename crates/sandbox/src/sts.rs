//! STS: role sessions, and who the caller is.

mod assume_role;
mod caller_identity;
mod session_answer;
mod web_identity;

use crate::call::Call;
use crate::query::{ApiError, Form, Xml};
use crate::session::Seal;
use crate::state::State;
use podpass_exchange::Denial;

/// What an action of STS works with; it changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sts<'a> {
    pub(crate) state: &'a State,
    pub(crate) seal: &'a Seal,
}

/// An action of the API.
pub(crate) type Operation = fn(&Sts<'_>, &mut Call<'_>) -> Result<Xml, ApiError>;

/// The action of that name.
pub(crate) fn operation(action: &str) -> Option<Operation> {
    Some(match action {
        WITH_WEB_IDENTITY => web_identity::assume,
        "AssumeRole" => assume_role::assume,
        "GetCallerIdentity" => caller_identity::read,
        _ => return None,
    })
}

/// Whether an action takes unsigned calls.
pub(crate) fn is_unsigned(action: &str) -> bool {
    action == WITH_WEB_IDENTITY
}

/// The values of a list parameter whose members have one field.
fn member_values(form: &Form, list: &str, field: &str) -> Result<Vec<String>, ApiError> {
    let members = form.list(list)?.unwrap_or_default();
    Ok(members
        .iter()
        .map(|member| member.field(field).unwrap_or_default().to_owned())
        .collect())
}

/// Keeps the trace of a denial and turns it into the answer.
fn refuse(call: &mut Call<'_>, denial: Denial) -> ApiError {
    let error = ApiError {
        reason: Some(denial.reason),
        ..ApiError::denied(denial.message)
    };
    call.report.exchange = Some(denial.trace);
    ApiError {
        status: denial.status,
        code: denial.code,
        ..error
    }
}

const WITH_WEB_IDENTITY: &str = "AssumeRoleWithWebIdentity";
