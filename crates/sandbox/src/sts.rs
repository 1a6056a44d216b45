//! STS: role sessions, and who the caller is.

mod assume_role;
mod caller_identity;
mod session_answer;
mod web_identity;

use podpass_exchange::{Behaviour, Denial};
use podpass_policy::{Context, RoleArn};

use crate::call::Call;
use crate::iam::store::Role;
use crate::issuers::{Fetched, Remote};
use crate::query::{ApiError, Constraint, Form, Input, Xml};
use crate::session::Seal;
use crate::state::State;

/// What an action of STS works with; it changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sts<'a> {
    pub(crate) state: &'a State,
    pub(crate) seal: &'a Seal,
    pub(crate) remote: &'a Remote,
    /// What an issuer elsewhere said when it was asked for this call.
    pub(crate) fetched: Option<&'a Fetched>,
    pub(crate) behaviour: Behaviour,
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

/// What the request brings to conditions, with the tags of the role it names.
fn context(sts: &Sts<'_>, call: &Call<'_>) -> Context {
    let mut context = call.context.clone();
    let role = call
        .form
        .text("RoleArn")
        .and_then(|arn| stored_role(sts, &arn.parse().ok()?));
    if let Some(role) = role {
        role.tags.add_to(&mut context, "aws:ResourceTag");
        role.tags.add_to(&mut context, "iam:ResourceTag");
    }
    context
}

/// The role of that ARN as an exchange needs it.
fn role_at(sts: &Sts<'_>, arn: &RoleArn) -> Option<podpass_exchange::Role> {
    let role = stored_role(sts, arn)?;
    Some(podpass_exchange::Role {
        arn: role.arn.clone(),
        id: role.id.clone(),
        trust: role.trust.document.clone(),
        max_session_seconds: role.max_session_seconds,
    })
}

fn stored_role<'a>(sts: &Sts<'a>, arn: &RoleArn) -> Option<&'a Role> {
    sts.state.account(arn.account())?.role_at(arn)
}

/// Checks that the parameters are there; whether they are what they should be is the exchange's business.
fn require(form: &Form, names: &[&'static str]) -> Result<(), ApiError> {
    let mut input = Input::new(form);
    for name in names {
        // What is missing is reported by `finish`, all of it at once.
        let _ = input.required::<String>(name, &ANYTHING);
    }
    input.finish()
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

const ANYTHING: Constraint = Constraint::length(0, usize::MAX);
const WITH_WEB_IDENTITY: &str = "AssumeRoleWithWebIdentity";
