//! Whether a statement matches a request.

use super::principal::{self, Grant, match_principal};
use super::resource;
use crate::account::AccountId;
use crate::condition;
use crate::decision::{ConditionTrace, Layer, PolicyTrace, StatementOutcome, StatementTrace};
use crate::document::{ActionClause, Effect, Statement, Version};
use crate::pattern::covers_text;
use crate::request::{Attached, Request};

/// Evaluates every statement of a policy; returns the trace, and the effect of each statement that matches.
pub(super) fn evaluate_policy(
    (layer, level): (Layer, Option<&str>),
    policy: &Attached<'_>,
    request: &Request<'_>,
    resource_account: Option<&AccountId>,
) -> (PolicyTrace, Vec<(Effect, Grant)>) {
    let mut grants = Vec::new();
    let mut statements = Vec::with_capacity(policy.document.statements.len());
    for (index, statement) in policy.document.statements.iter().enumerate() {
        let (outcome, grant, conditions) = evaluate_statement(
            statement,
            layer,
            policy.document.version,
            request,
            resource_account,
        );
        if outcome == StatementOutcome::Matches {
            grants.push((statement.effect, grant));
        }
        statements.push(StatementTrace {
            index,
            sid: statement.sid.clone(),
            effect: statement.effect,
            position: statement.position,
            outcome,
            conditions,
        });
    }
    let source = policy.source.to_owned();
    let trace = PolicyTrace {
        layer,
        level: level.map(str::to_owned),
        source,
        statements,
    };
    (trace, grants)
}

fn evaluate_statement(
    statement: &Statement,
    layer: Layer,
    version: Version,
    request: &Request<'_>,
    resource_account: Option<&AccountId>,
) -> (StatementOutcome, Grant, Vec<ConditionTrace>) {
    let effect = statement.effect;
    let grant = match (&statement.principal, layer) {
        // Here `*` means even those for whom it vouches in no other policy: web identities and services.
        (Some(clause), Layer::ResourceControl) if principal::is_for_everyone(clause) => {
            Grant::Direct
        }
        (Some(clause), _) => {
            match match_principal(clause, effect, request.principal, resource_account) {
                Some(grant) => grant,
                None => {
                    return (
                        principal_differs(principal::show(clause), request),
                        Grant::Direct,
                        Vec::new(),
                    );
                }
            }
        }
        // A resource policy that names nobody reaches nobody.
        (None, Layer::Resource | Layer::ResourceControl) => {
            return (
                principal_differs(Vec::new(), request),
                Grant::Direct,
                Vec::new(),
            );
        }
        (None, Layer::Identity | Layer::Boundary | Layer::Session | Layer::ServiceControl) => {
            Grant::Direct
        }
    };
    if !covers_action(&statement.actions, request.action) {
        let outcome = StatementOutcome::ActionDiffers {
            expected: show_actions(&statement.actions),
            actual: request.action.to_owned(),
        };
        return (outcome, grant, Vec::new());
    }
    if let Some(clause) = &statement.resources
        && !resource::covers(clause, request.resource, version, effect, request.context)
    {
        let outcome = StatementOutcome::ResourceDiffers {
            expected: resource::show(clause, version, request.context),
            actual: request.resource.to_owned(),
        };
        return (outcome, grant, Vec::new());
    }
    let conditions: Vec<ConditionTrace> = statement
        .conditions
        .iter()
        .map(|condition| condition::evaluate(condition, version, effect, request.context))
        .collect();
    let outcome = if conditions.iter().all(|condition| condition.holds) {
        StatementOutcome::Matches
    } else {
        StatementOutcome::ConditionFails
    };
    (outcome, grant, conditions)
}

fn principal_differs(expected: Vec<String>, request: &Request<'_>) -> StatementOutcome {
    StatementOutcome::PrincipalDiffers {
        expected,
        actual: request.principal.arn(),
    }
}

fn covers_action(clause: &ActionClause, action: &str) -> bool {
    let listed = clause
        .values()
        .iter()
        .any(|pattern| is_action_covered(pattern, action));
    match clause {
        ActionClause::Action(_) => listed,
        ActionClause::NotAction(_) => !listed,
    }
}

/// Whether a pattern covers an action; the case of ASCII letters, of which actions are made, does not count.
fn is_action_covered(pattern: &str, action: &str) -> bool {
    let Some(wildcard) = pattern.find(['*', '?']) else {
        return pattern.eq_ignore_ascii_case(action);
    };
    // Most patterns differ before their wildcard or have nothing after it: there is nothing to fold then.
    let (start, rest) = pattern.split_at(wildcard);
    match action.split_at_checked(start.len()) {
        Some((own_start, own_rest)) if start.eq_ignore_ascii_case(own_start) => {
            rest == "*" || covers_text(&rest.to_ascii_lowercase(), &own_rest.to_ascii_lowercase())
        }
        _ => false,
    }
}

fn show_actions(clause: &ActionClause) -> Vec<String> {
    match clause {
        ActionClause::Action(values) => values.to_vec(),
        ActionClause::NotAction(values) => {
            values.iter().map(|value| format!("not {value}")).collect()
        }
    }
}
