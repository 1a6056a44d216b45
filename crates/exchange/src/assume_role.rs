//! `AssumeRole`.

use std::sync::Arc;

use jiff::Timestamp;
use podpass_kinds::Reason;
use podpass_policy::{Attached, Context, ContextValue, Controls, Partition, Policies, Principal};

use crate::constraint::{Constraints, Show};
use crate::context::{self, Clock};
use crate::denial::{Code, Denial};
use crate::grant::{Grant, Limits, Marks};
use crate::model::Role;
use crate::parameters::{self, Target};
use crate::session_policy::{self, SessionPolicies};
use crate::session_tags::{self, SET_SOURCE_IDENTITY, SessionTag};
use crate::trace::{Comparison, StepName, Trace};
use crate::trust::{self, Question};

/// The parameters of a call.
#[derive(Clone, Debug, Default)]
pub struct AssumeRoleRequest {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub role_session_name: String,
    /// `Policy`, an inline session policy.
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    pub policy_arns: Vec<String>,
    /// `DurationSeconds`; one hour if absent, whatever the role allows.
    pub duration_seconds: Option<i64>,
    /// `Tags` and `TransitiveTagKeys`. Tags that the caller's session passes on are the caller's to add.
    pub tags: Vec<SessionTag>,
    /// `ExternalId`, which trust policies see as `sts:ExternalId`.
    pub external_id: Option<String>,
    /// `SourceIdentity`. A caller whose context has `aws:SourceIdentity` already passes it on and cannot change it.
    pub source_identity: Option<String>,
    /// `SerialNumber` of an MFA device.
    pub serial_number: Option<String>,
    /// `TokenCode` of the MFA device.
    pub token_code: Option<String>,
    /// The partition of the endpoint that is called; `None` accepts a role of any partition.
    pub partition: Option<Partition>,
    /// What the call itself brings: `aws:SourceIp`, `aws:SecureTransport`, `aws:UserAgent`, `aws:RequestedRegion`.
    pub context: Context,
}

/// Who calls, and under which policies.
#[derive(Clone, Debug)]
pub struct Caller<'a> {
    /// The caller.
    pub principal: &'a Principal,
    /// The context keys of the caller, such as `aws:PrincipalArn`, `aws:userid` and `aws:PrincipalTag/…`.
    pub context: &'a Context,
    /// The permissions policies of the user and its groups, or of the role.
    pub identity: Vec<Attached<'a>>,
    /// The permissions boundary.
    pub boundary: Option<Attached<'a>>,
    /// The session policies; `None` for a caller without any.
    pub session: Option<Vec<Attached<'a>>>,
    /// The service control policies on the caller's account.
    pub service_controls: Controls<'a>,
}

/// Decides a call: parameters, caller, the role's trust policy together with the caller's policies, duration, session
/// policy.
///
/// A role that does not exist is denied in the same words as one that does not trust the caller.
pub fn assume_role(
    request: &AssumeRoleRequest,
    caller: &Caller<'_>,
    role: Option<&Role>,
    now: Timestamp,
) -> Result<Grant, Denial> {
    let mut trace = Trace::default();
    let (target, policies) = read_parameters(request, &mut trace)?;
    check_caller(request, caller, &target, &mut trace)?;

    let not_authorized = |action: &str, reason: Reason, trace: &Trace| {
        Denial::new(
            Code::AccessDenied,
            format!(
                "User: {} is not authorized to perform: {action} on resource: {}",
                caller.principal.arn(),
                request.role_arn
            ),
            reason,
            trace.clone(),
        )
    };
    let role = trust::find_role(role, &target, &mut trace)
        .map_err(|reason| not_authorized(ACTION, reason, &trace))?;

    let mut request_context = caller.context.clone();
    for (key, value) in request.context.iter() {
        request_context.insert(key.to_owned(), value.clone());
    }
    let clock = Clock::at(now);
    clock.add_to(&mut request_context);
    context::add_session_parameters(&mut request_context, &target);
    request_context.insert_some("sts:ExternalId", request.external_id.as_deref());
    request_context.insert("aws:ResourceAccount", role.arn.account().as_str());
    let source_identity = find_source_identity(request, caller).map_err(|comparison| {
        trace.fail(StepName::Caller, vec![comparison]);
        not_authorized(SET_SOURCE_IDENTITY, Reason::ParameterInvalid, &trace)
    })?;
    session_tags::add_request_keys(&mut request_context, &request.tags, source_identity);
    let mut actions = vec![ACTION];
    actions.extend(session_tags::further_actions(
        &request.tags,
        source_identity,
    ));
    let question = Question {
        principal: caller.principal,
        actions: &actions,
        role,
        context: &request_context,
        policies: Policies {
            identity: caller.identity.clone(),
            boundary: caller.boundary,
            session: caller.session.clone(),
            service_controls: caller.service_controls.clone(),
            ..Policies::default()
        },
    };
    question
        .ask(&mut trace)
        .map_err(|denied| not_authorized(denied.action, denied.reason, &trace))?;
    target.check_duration(role, &mut trace)?;
    let (session_policy, packed) = session_policy::pack(&policies, &request.tags, 0, &mut trace)?;

    let mut session_context = context::of_session(role, &target.session_name, clock);
    session_tags::add_session_keys(&mut session_context, &request.tags, source_identity);
    let limits = Limits {
        packed_policy_size: (packed > 0).then_some(packed),
        inline: session_policy,
        managed: policies.managed,
    };
    let marks = Marks {
        tags: request.tags.clone(),
        source_identity: source_identity.map(str::to_owned),
    };
    Ok(Grant::of(
        role,
        &target,
        now,
        limits,
        marks,
        session_context,
        trace,
    ))
}

fn read_parameters(
    request: &AssumeRoleRequest,
    trace: &mut Trace,
) -> Result<(Arc<Target>, SessionPolicies), Denial> {
    let mut constraints = Constraints::default();
    parameters::constrain(
        &mut constraints,
        &request.role_arn,
        &request.role_session_name,
        request.duration_seconds,
    );
    session_policy::constrain(
        &mut constraints,
        request.policy.as_deref(),
        &request.policy_arns,
    );
    session_tags::constrain(
        &mut constraints,
        &request.tags,
        request.source_identity.as_deref(),
    );
    if let Some(external_id) = &request.external_id {
        constraints.length("externalId", external_id, Show::Value, 2, 1224);
        constraints.pattern(
            "externalId",
            external_id,
            Show::Value,
            r"[\w+=,.@:\/-]*",
            is_external_id_character,
        );
    }
    parameters::constrain_mfa(
        &mut constraints,
        request.serial_number.as_deref(),
        request.token_code.as_deref(),
    );
    constraints.finish(trace)?;
    session_tags::refuse_broken_rule(&request.tags, request.source_identity.as_deref(), trace)?;
    let target = parameters::read(
        &request.role_arn,
        &request.role_session_name,
        request.duration_seconds,
        request.partition,
        trace,
    )?;
    let managed = session_policy::read_arns(&request.policy_arns, trace)?;
    target.accept(trace);
    let policies = SessionPolicies {
        inline: request.policy.clone(),
        managed,
    };
    Ok((target, policies))
}

fn check_caller(
    request: &AssumeRoleRequest,
    caller: &Caller<'_>,
    target: &Target,
    trace: &mut Trace,
) -> Result<(), Denial> {
    let arn = caller.principal.arn();
    let (comparison, code, message, reason) = match caller.principal {
        Principal::Anonymous | Principal::WebIdentity { .. } => (
            Comparison::failing("caller", CALLERS, arn),
            Code::MissingAuthenticationToken,
            "Request is missing Authentication Token",
            Reason::ParameterInvalid,
        ),
        Principal::Root { .. } => (
            Comparison::failing("caller", CALLERS, arn),
            Code::AccessDenied,
            "Roles may not be assumed by root accounts.",
            Reason::RootCannotAssumeRole,
        ),
        // No principal here has an MFA device, so no code can be right.
        _ if request.serial_number.is_some() || request.token_code.is_some() => (
            Comparison::failing("SerialNumber and TokenCode", "(absent)", "(present)"),
            Code::AccessDenied,
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
            Reason::ParameterInvalid,
        ),
        Principal::RoleSession { .. } if target.duration() > MAX_CHAINED_DURATION => (
            Comparison::failing(
                "DurationSeconds",
                format!("at most {MAX_CHAINED_DURATION} when a role session assumes a role"),
                target.duration().to_string(),
            ),
            Code::ValidationError,
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            Reason::ChainDuration,
        ),
        _ => {
            trace.pass(StepName::Caller, move || {
                vec![Comparison::holding("caller", "an AWS principal", &*arn)]
            });
            return Ok(());
        }
    };
    trace.fail(StepName::Caller, vec![comparison]);
    Err(Denial::new(code, message, reason, trace.clone()))
}

fn is_external_id_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character)
}

/// Returns the source identity of the new session: the caller's own, once it has one, stays through every chaining.
fn find_source_identity<'a>(
    request: &'a AssumeRoleRequest,
    caller: &'a Caller<'_>,
) -> Result<Option<&'a str>, Comparison> {
    let inherited = match caller.context.get("aws:SourceIdentity") {
        Some(ContextValue::One(identity)) => Some(identity.as_str()),
        Some(ContextValue::Many(_)) | None => None,
    };
    match (request.source_identity.as_deref(), inherited) {
        (Some(wanted), Some(inherited)) if wanted != inherited => {
            Err(Comparison::failing("SourceIdentity", inherited, wanted))
        }
        (wanted, inherited) => Ok(inherited.or(wanted)),
    }
}

const ACTION: &str = "sts:AssumeRole";
const CALLERS: &str = "an IAM user or a role session";
const MAX_CHAINED_DURATION: u32 = 3600;
