//! `GetSessionToken` and `GetFederationToken`: temporary credentials for the very user who calls, and for somebody that
//! user vouches for.

use jiff::Timestamp;
use podpass_kinds::Reason;
use podpass_policy::{
    Arn, Context, Document, Policies, PolicyArn, Principal, Request, ResourceRule, decide,
};

use crate::assume_role::Caller;
use crate::constraint::{Constraints, NAME_PATTERN, Show, is_name_character};
use crate::context::Clock;
use crate::denial::{Code, Denial};
use crate::parameters;
use crate::session_policy::{self, SessionPolicies};
use crate::session_tags::{self, SessionTag};
use crate::trace::{Comparison, StepName, Trace};

/// The parameters of `GetSessionToken`.
#[derive(Clone, Debug, Default)]
pub struct SessionTokenRequest {
    /// `DurationSeconds`; twelve hours if absent.
    pub duration_seconds: Option<i64>,
    /// `SerialNumber` of an MFA device.
    pub serial_number: Option<String>,
    /// `TokenCode` of the MFA device.
    pub token_code: Option<String>,
}

/// The parameters of `GetFederationToken`.
#[derive(Clone, Debug, Default)]
pub struct FederationTokenRequest {
    /// `Name`, what the caller calls the federated user.
    pub name: String,
    /// `Policy`, an inline session policy.
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    pub policy_arns: Vec<String>,
    /// `DurationSeconds`; twelve hours if absent.
    pub duration_seconds: Option<i64>,
    /// `Tags`. None of them is transitive: a federated user assumes no role.
    pub tags: Vec<SessionTag>,
    /// What the call itself brings, such as `aws:SourceIp`.
    pub context: Context,
}

/// Who may be whom, and for how long.
#[derive(Clone, Debug)]
pub struct FederationGrant {
    /// `arn:…:sts::ACCOUNT:federated-user/NAME`.
    pub arn: Arn,
    /// `ACCOUNT:NAME`.
    pub federated_user_id: String,
    /// When the session ends, in whole seconds.
    pub expires_at: Timestamp,
    /// How much of the allotted space policies and tags take, in percent; `None` without any.
    pub packed_policy_size: Option<u32>,
    /// The inline session policy.
    pub session_policy: Option<Document>,
    /// The managed session policies. Without any session policy the federated user may do nothing by itself.
    pub session_policy_arns: Vec<PolicyArn>,
    /// The session tags as context keys of later requests.
    pub context: Context,
    /// How the decision came about.
    pub trace: Trace,
}

/// Decides `GetSessionToken`; returns when the session ends.
///
/// It authenticates and grants nothing new, so no policy is asked.
pub fn session_token(
    request: &SessionTokenRequest,
    caller: &Caller<'_>,
    now: Timestamp,
) -> Result<Timestamp, Denial> {
    let mut trace = Trace::default();
    let mut constraints = Constraints::default();
    constrain_duration(&mut constraints, request.duration_seconds);
    parameters::constrain_mfa(
        &mut constraints,
        request.serial_number.as_deref(),
        request.token_code.as_deref(),
    );
    constraints.finish(&mut trace)?;
    check_caller("GetSessionToken", caller, &mut trace)?;
    // No principal here has an MFA device, so no code can be right.
    if request.serial_number.is_some() || request.token_code.is_some() {
        let comparison = Comparison::failing("SerialNumber and TokenCode", "(absent)", "(present)");
        trace.fail(StepName::Caller, vec![comparison]);
        return Err(Denial::new(
            Code::AccessDenied,
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
            Reason::ParameterInvalid,
            trace,
        ));
    }
    Ok(end(request.duration_seconds, caller, now))
}

/// Decides `GetFederationToken`: parameters, caller, the caller's permission, session policy.
pub fn federation_token(
    request: &FederationTokenRequest,
    caller: &Caller<'_>,
    now: Timestamp,
) -> Result<FederationGrant, Denial> {
    let mut trace = Trace::default();
    let managed = read_parameters(request, &mut trace)?;
    check_caller("GetFederationToken", caller, &mut trace)?;
    let (arn, federated_user_id) = name_user(&request.name, caller, &trace)?;
    ask(request, caller, &arn, now, &mut trace)?;
    let policies = SessionPolicies {
        inline: request.policy.clone(),
        managed,
    };
    let (session_policy, packed) = session_policy::pack(&policies, &request.tags, 0, &mut trace)?;
    let mut context = Context::new();
    session_tags::add_session_keys(&mut context, &request.tags, None);
    Ok(FederationGrant {
        arn,
        federated_user_id,
        expires_at: end(request.duration_seconds, caller, now),
        packed_policy_size: (packed > 0).then_some(packed),
        session_policy,
        session_policy_arns: policies.managed,
        context,
        trace,
    })
}

fn read_parameters(
    request: &FederationTokenRequest,
    trace: &mut Trace,
) -> Result<Vec<PolicyArn>, Denial> {
    let mut constraints = Constraints::default();
    constraints.length("name", &request.name, Show::Value, 2, 32);
    constraints.pattern(
        "name",
        &request.name,
        Show::Value,
        NAME_PATTERN,
        is_name_character,
    );
    constrain_duration(&mut constraints, request.duration_seconds);
    session_policy::constrain(
        &mut constraints,
        request.policy.as_deref(),
        &request.policy_arns,
    );
    session_tags::constrain(&mut constraints, &request.tags, None);
    constraints.finish(trace)?;
    session_tags::refuse_broken_rule(&request.tags, None, trace)?;
    session_policy::read_arns(&request.policy_arns, trace)
}

fn constrain_duration(constraints: &mut Constraints, seconds: Option<i64>) {
    if let Some(seconds) = seconds {
        constraints.range("durationSeconds", seconds, 900, 129_600);
    }
}

/// Only long-term credentials get further ones this way.
fn check_caller(
    operation: &'static str,
    caller: &Caller<'_>,
    trace: &mut Trace,
) -> Result<(), Denial> {
    let arn = caller.principal.arn();
    let is_long_term = match caller.principal {
        Principal::Root { .. } | Principal::User { .. } => {
            // Only temporary credentials have the key.
            caller.context.get("aws:TokenIssueTime").is_none()
        }
        Principal::Anonymous
        | Principal::RoleSession { .. }
        | Principal::WebIdentity { .. }
        | Principal::Service(_) => false,
    };
    if is_long_term {
        trace.pass(StepName::Caller, move || {
            vec![Comparison::holding("caller", CALLERS, &*arn)]
        });
        return Ok(());
    }
    trace.fail(
        StepName::Caller,
        vec![Comparison::failing("caller", CALLERS, arn)],
    );
    Err(Denial::new(
        Code::AccessDenied,
        format!("Cannot call {operation} with session credentials"),
        Reason::ParameterInvalid,
        trace.clone(),
    ))
}

fn name_user(name: &str, caller: &Caller<'_>, trace: &Trace) -> Result<(Arn, String), Denial> {
    let (partition, account) = match caller.principal {
        Principal::Root { partition, account } => (Some(*partition), Some(account.clone())),
        other => (
            other.arn().parse::<Arn>().ok().map(|arn| arn.partition()),
            other.account(),
        ),
    };
    let named = partition.zip(account).and_then(|(partition, account)| {
        let resource = format!("federated-user/{name}");
        let arn = Arn::new(partition, "sts", "", account.as_str(), &resource).ok()?;
        Some((arn, format!("{account}:{name}")))
    });
    named.ok_or_else(|| {
        Denial::new(
            Code::InternalFailure,
            "The caller has no account.",
            Reason::ParameterInvalid,
            trace.clone(),
        )
    })
}

/// Asks the caller's own policies for the operation and, with tags, for tagging.
fn ask(
    request: &FederationTokenRequest,
    caller: &Caller<'_>,
    arn: &Arn,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<(), Denial> {
    let mut context = caller.context.clone();
    context.extend(
        request
            .context
            .iter()
            .map(|(key, value)| (key.to_owned(), value.clone())),
    );
    Clock::at(now).add_to(&mut context);
    context.insert_some("sts:DurationSeconds", request.duration_seconds);
    context.insert_some(
        "aws:ResourceAccount",
        arn.account_id().map(|id| id.to_string()),
    );
    session_tags::add_request_keys(&mut context, &request.tags, None);
    let policies = Policies {
        identity: caller.identity.clone(),
        boundary: caller.boundary,
        session: caller.session.clone(),
        service_controls: caller.service_controls.clone(),
        rule: ResourceRule::Ordinary,
        ..Policies::default()
    };
    let further = session_tags::further_actions(&request.tags, None);
    for action in std::iter::once(FEDERATE).chain(further) {
        let question = Request {
            principal: caller.principal,
            action,
            resource: arn.as_str(),
            context: &context,
        };
        let decision = decide(&question, &policies);
        let allowed = decision.is_allowed();
        let comparison = Comparison::new(
            "the caller's policies",
            [format!("an Allow of {action} on {arn}")],
            allowed.then(|| "an Allow".to_owned()),
            allowed,
        );
        if allowed {
            trace.pass_policies(
                StepName::Permission,
                move || vec![comparison.clone()],
                decision.trace.into(),
            );
            continue;
        }
        let message = decision.denied_message(&question);
        let reason = Reason::of_verdict(decision.verdict).unwrap_or(Reason::ExplicitDeny);
        trace.fail_policies(
            StepName::Permission,
            vec![comparison],
            decision.trace.into(),
        );
        return Err(Denial::new(
            Code::AccessDenied,
            message,
            reason,
            trace.clone(),
        ));
    }
    Ok(())
}

/// When the session ends. A root user's lasts an hour at most, whatever it asks for.
fn end(seconds: Option<i64>, caller: &Caller<'_>, now: Timestamp) -> Timestamp {
    let asked = seconds.unwrap_or(DEFAULT_DURATION);
    let seconds = match caller.principal {
        Principal::Root { .. } => asked.min(MAX_DURATION_OF_ROOT),
        _ => asked,
    };
    Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

const FEDERATE: &str = "sts:GetFederationToken";
const CALLERS: &str = "an IAM user or a root user with long-term credentials";
/// Seconds, as documented for both operations.
const DEFAULT_DURATION: i64 = 43_200;
const MAX_DURATION_OF_ROOT: i64 = 3600;
