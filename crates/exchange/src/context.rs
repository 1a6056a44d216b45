//! The context keys that do not depend on how a role is assumed.

use jiff::Timestamp;
use podpass_policy::{Context, SessionName};

use crate::model::Role;
use crate::parameters::Target;

/// Adds the time of the request.
pub(crate) fn add_time(context: &mut Context, now: Timestamp) {
    context.insert("aws:CurrentTime", whole_seconds(now).to_string());
    context.insert("aws:EpochTime", now.as_second());
}

/// Adds the keys of the parameters that every assumption has.
pub(crate) fn add_session_parameters(context: &mut Context, target: &Target) {
    context.insert("sts:RoleSessionName", target.session_name.as_str());
    context.insert_some(
        "sts:DurationSeconds",
        target.duration_seconds.map(i64::from),
    );
    context.insert("aws:ViaAWSService", false);
    context.insert("aws:PrincipalIsAWSService", false);
}

/// Returns the keys of every later request of a session.
pub(crate) fn of_session(role: &Role, session_name: &SessionName, now: Timestamp) -> Context {
    let mut context = Context::new();
    context.insert("aws:PrincipalArn", role.arn.as_str());
    context.insert("aws:PrincipalAccount", role.arn.account().as_str());
    context.insert("aws:PrincipalType", "AssumedRole");
    context.insert("aws:userid", format!("{}:{session_name}", role.id));
    context.insert("aws:TokenIssueTime", whole_seconds(now).to_string());
    context.insert("aws:MultiFactorAuthPresent", false);
    context
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
