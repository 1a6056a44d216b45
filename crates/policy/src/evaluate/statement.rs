//! Whether a statement matches a request.

use super::principal::{self, Grant, match_principal};
use super::resource;
use crate::account::AccountId;
use crate::condition;
use crate::decision::{ConditionTrace, Layer, PolicyTrace, StatementOutcome, StatementTrace};
use crate::document::{ActionClause, Effect, Statement, Version};
use crate::pattern::Pattern;
use crate::request::{Attached, Request};

/// Evaluates every statement of a policy; returns the trace, and the effect of each statement that matches.
pub(super) fn evaluate_policy(
    layer: Layer,
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
        (None, Layer::Resource) => {
            return (
                principal_differs(Vec::new(), request),
                Grant::Direct,
                Vec::new(),
            );
        }
        (None, Layer::Identity | Layer::Boundary | Layer::Session) => Grant::Direct,
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
    let action = action.to_lowercase();
    let listed = clause
        .values()
        .iter()
        .any(|pattern| Pattern::of_wildcards(&pattern.to_lowercase()).matches(&action));
    match clause {
        ActionClause::Action(_) => listed,
        ActionClause::NotAction(_) => !listed,
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
