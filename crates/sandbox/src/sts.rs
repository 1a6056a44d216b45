//! STS: sessions of roles and users, and who the caller is.

mod access_key_info;
mod assume_role;
mod authorization_message;
mod caller_identity;
mod federation_token;
mod session_answer;
mod session_token;
mod web_identity;

use podpass_exchange::{Behaviour, Denial, SessionTag};
use podpass_policy::{Context, RoleArn};

use crate::call::Call;
use crate::caller::{CallerPolicies, Person};
use crate::iam::store::{NamedDocument, Role};
use crate::issuers::{Fetched, Remote};
use crate::query::{ApiError, Form, Input, Member, Xml};
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
        "DecodeAuthorizationMessage" => authorization_message::decode,
        "GetAccessKeyInfo" => access_key_info::read,
        "GetCallerIdentity" => caller_identity::read,
        "GetFederationToken" => federation_token::issue,
        "GetSessionToken" => session_token::issue,
        _ => return None,
    })
}

/// Whether an action takes unsigned calls.
pub(crate) fn is_unsigned(action: &str) -> bool {
    action == WITH_WEB_IDENTITY
}

/// What the request brings to conditions, with the tags of the role it names; asked for once, since it is moved.
fn context(sts: &Sts<'_>, call: &mut Call<'_>) -> Context {
    let mut context = std::mem::take(&mut call.context);
    let role = call
        .form
        .text("RoleArn")
        .and_then(|arn| stored_role(sts, &arn.parse().ok()?));
    if let Some(role) = role {
        add_role_tags(&mut context, role);
    }
    context
}

fn add_role_tags(context: &mut Context, role: &Role) {
    role.tags.add_to(context, "aws:ResourceTag");
    role.tags.add_to(context, "iam:ResourceTag");
}

/// The role of that ARN as an exchange needs it.
fn role_at(sts: &Sts<'_>, arn: &RoleArn) -> Option<podpass_exchange::Role> {
    stored_role(sts, arn).map(Role::known)
}

fn stored_role<'a>(sts: &Sts<'a>, arn: &RoleArn) -> Option<&'a Role> {
    sts.state.account(arn.account())?.role_at(arn)
}

/// The policies of the caller, as they are at this moment.
fn caller_policies<'a>(sts: &Sts<'a>, call: &Call<'a>) -> CallerPolicies<'a> {
    let account = call
        .caller
        .account_id()
        .and_then(|id| sts.state.account(id));
    account
        .map(|account| call.caller.policies(account))
        .unwrap_or_default()
}

/// The caller as an exchange needs it.
fn exchange_caller<'a>(
    call: &Call<'a>,
    policies: &'a CallerPolicies<'_>,
    context: &'a Context,
) -> podpass_exchange::Caller<'a> {
    let attached = |documents: &'a [NamedDocument<'_>]| {
        documents.iter().map(NamedDocument::attached).collect()
    };
    podpass_exchange::Caller {
        principal: &call.caller.principal,
        context,
        identity: attached(&policies.held.identity),
        boundary: policies.held.boundary.as_ref().map(NamedDocument::attached),
        session: policies.session.as_deref().map(attached),
        service_controls: policies.service_controls.clone(),
    }
}

/// The parameter `Tags`, and which of the keys `TransitiveTagKeys` lists.
fn read_tags(form: &Form) -> Result<Vec<SessionTag>, ApiError> {
    let transitive = form.list("TransitiveTagKeys")?.unwrap_or_default();
    let is_transitive = |key: &str| {
        transitive
            .iter()
            .filter_map(Member::value)
            .any(|listed| listed.eq_ignore_ascii_case(key))
    };
    let members = form.list("Tags")?.unwrap_or_default();
    Ok(members
        .iter()
        .map(|member| {
            let key = member.field("Key").unwrap_or_default();
            let value = member.field("Value").unwrap_or_default().to_owned();
            SessionTag {
                key: key.to_owned(),
                value,
                transitive: is_transitive(key),
            }
        })
        .collect())
}

/// Asks for an action of STS that is about no resource.
fn authorize(sts: &Sts<'_>, call: &mut Call<'_>, action: &str) -> Result<(), ApiError> {
    let account = &signer(call)?.account;
    let account = sts.state.account(account).ok_or_else(unsigned)?;
    call.authorize(account, action, "*", Context::new())
}

/// The user or role whose credentials signed the call.
fn signer<'a>(call: &Call<'a>) -> Result<&'a Person, ApiError> {
    call.caller.person().ok_or_else(unsigned)
}

fn unsigned() -> ApiError {
    ApiError {
        code: "MissingAuthenticationToken",
        ..ApiError::denied("Request is missing Authentication Token")
    }
}

/// Checks that the parameters are there; whether they are what they should be is the exchange's business.
fn require(form: &Form, names: &[&'static str]) -> Result<(), ApiError> {
    let mut input = Input::new(form);
    for name in names {
        input.present(name);
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

const WITH_WEB_IDENTITY: &str = "AssumeRoleWithWebIdentity";
