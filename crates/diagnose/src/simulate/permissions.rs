//! What a simulated session may do: its permissions policies, and the layers around them.

use podpass_kinds::Reason;
use podpass_policy::{
    AccountId, Attached, Context, Decision, Document, Effect, Layer, Policies, PolicyTrace,
    Request, StatementOutcome, Verdict as Decided, decide,
};
use serde::Serialize;

use super::{Attempt, Scenario, attempt};
use crate::simulate::Verdict;

/// One action on one resource, and the policies that bear on it.
#[derive(Clone, Debug)]
pub struct PermissionsQuestion<'a> {
    /// The action, `service:Name`.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// Everything but the session policy, which the session brings itself.
    pub policies: Policies<'a>,
    /// What the request brings beside the session's own keys.
    pub context: Context,
}

/// Whether the session may do it, and which statement decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionSimulation {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// Whether it is allowed.
    pub verdict: Verdict,
    /// `explicit` where a Deny matches, `implicit` where nothing allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<DenyKind>,
    /// The cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// AWS's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The statement that allows or denies, or that comes nearest to allowing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementPlace>,
    /// Every policy that was looked at.
    pub trace: Vec<PolicyTrace>,
}

/// How something is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DenyKind {
    /// By a Deny statement.
    Explicit,
    /// By the absence of an Allow.
    Implicit,
}

/// Which statement of which policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementPlace {
    /// The policy, as the caller named it.
    pub source: String,
    /// The place among the statements, from 1.
    pub statement: usize,
    /// The statement's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Where it starts in its text.
    pub position: podpass_policy::Position,
    /// Which of its elements differs, if one does.
    pub outcome: StatementOutcome,
}

/// Asks what the session of a scenario may do; `None` if the scenario grants no session.
pub fn permit(
    scenario: &Scenario,
    question: &PermissionsQuestion<'_>,
) -> Option<PermissionSimulation> {
    let Attempt { outcome: Ok(held) } = attempt(scenario) else {
        return None;
    };
    let mut context = held.context.clone();
    let own = question.context.iter();
    context.extend(own.map(|(key, value)| (key.to_owned(), value.clone())));
    let request = Request {
        principal: &held.principal,
        action: question.action,
        resource: question.resource,
        context: &context,
    };
    let mut policies = question.policies.clone();
    if policies.session.is_none() {
        policies.session = held.session_policy.as_ref().map(session_layer);
    }
    let account: &AccountId = held.role.account();
    policies.resource_account = policies.resource_account.or(Some(account));
    let decision = decide(&request, &policies);
    Some(PermissionSimulation::of(&request, decision))
}

fn session_layer(document: &Document) -> Vec<Attached<'_>> {
    vec![Attached {
        source: "session policy",
        document,
    }]
}

impl PermissionSimulation {
    fn of(request: &Request<'_>, decision: Decision) -> Self {
        let allowed = decision.is_allowed();
        let (deny, layer) = match decision.verdict {
            Decided::Allowed => (None, None),
            Decided::ExplicitDeny(layer) => (Some(DenyKind::Explicit), Some(layer)),
            Decided::ImplicitDeny(layer) => (Some(DenyKind::Implicit), Some(layer)),
        };
        Self {
            action: request.action.to_owned(),
            resource: request.resource.to_owned(),
            verdict: if allowed {
                Verdict::Allow
            } else {
                Verdict::Deny
            },
            deny,
            reason: Reason::of_verdict(decision.verdict),
            message: layer.map(|_| decision.denied_message(request)),
            statement: deciding(&decision.trace, deny, layer),
            trace: decision.trace,
        }
    }
}

fn deciding(
    trace: &[PolicyTrace],
    deny: Option<DenyKind>,
    layer: Option<Layer>,
) -> Option<StatementPlace> {
    let effect = if deny == Some(DenyKind::Explicit) {
        Effect::Deny
    } else {
        Effect::Allow
    };
    let candidates = trace
        .iter()
        .filter(|policy| layer.is_none_or(|layer| policy.layer == layer))
        .flat_map(|policy| {
            policy
                .statements
                .iter()
                .map(move |statement| (policy, statement))
        })
        .filter(|(_, statement)| statement.effect == effect);
    candidates
        .min_by_key(|(_, statement)| match statement.outcome {
            StatementOutcome::Matches => 0,
            StatementOutcome::ConditionFails => 1,
            StatementOutcome::ResourceDiffers { .. } => 2,
            StatementOutcome::ActionDiffers { .. } => 3,
            StatementOutcome::PrincipalDiffers { .. } => 4,
        })
        .map(|(policy, statement)| StatementPlace {
            source: policy.source.clone(),
            statement: statement.index + 1,
            sid: statement.sid.clone(),
            position: statement.position,
            outcome: statement.outcome.clone(),
        })
}
