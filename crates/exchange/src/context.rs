//! The context keys that do not depend on how a role is assumed.

use jiff::Timestamp;
use podpass_policy::{Context, SessionName};

use crate::model::Role;
use crate::parameters::Target;

/// The time of a request as condition keys have it.
pub(crate) struct Clock {
    seconds: i64,
    /// ISO 8601, in whole seconds.
    text: String,
}

impl Clock {
    pub(crate) fn at(now: Timestamp) -> Self {
        let seconds = now.as_second();
        let whole = Timestamp::from_second(seconds).unwrap_or(now);
        Self {
            seconds,
            text: whole.to_string(),
        }
    }

    /// Adds the time of the request.
    pub(crate) fn add_to(&self, context: &mut Context) {
        context.insert("aws:CurrentTime", self.text.as_str());
        context.insert("aws:EpochTime", self.seconds);
    }
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

/// Returns the keys of every later request of a session that begins now.
pub(crate) fn of_session(role: &Role, session_name: &SessionName, clock: Clock) -> Context {
    let mut context = Context::new();
    context.insert("aws:PrincipalArn", role.arn.as_str());
    context.insert("aws:PrincipalAccount", role.arn.account().as_str());
    context.insert("aws:PrincipalType", "AssumedRole");
    context.insert(
        "aws:userid",
        [role.id.as_str(), ":", session_name.as_str()].concat(),
    );
    context.insert("aws:TokenIssueTime", clock.text);
    context.insert("aws:MultiFactorAuthPresent", false);
    context
}
