//! The statement of a trust policy that decides, or that comes nearest to allowing.

use podpass_kinds::Reason;
use podpass_policy::{
    Attached, Comparison as ConditionComparison, ConditionOperator, ConditionTrace, ContextValue,
    Decision, Document, Effect, Layer, Policies, PolicyTrace, Principal, PrincipalClause,
    Quantifier, Request, StatementOutcome, StatementTrace, decide,
};

use crate::trace::Comparison;

/// A decision about a trust policy, looked at statement by statement.
pub(super) struct Nearest<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) trust: &'a Document,
    pub(super) decision: &'a Decision,
}

/// How far a statement is from allowing; the smallest is the nearest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// Principal and action match, so many conditions do not hold.
    Conditions(usize),
    /// The principal matches, the action does not.
    Action,
    /// The action matches, the principal does not.
    Principal,
    /// Neither matches.
    Both,
}

/// Compares along the statement that allows.
pub(super) fn allowing(policies: &[PolicyTrace], action: &str) -> Vec<Comparison> {
    let allows = |statement: &&StatementTrace| {
        statement.effect == Effect::Allow && statement.outcome == StatementOutcome::Matches
    };
    let statement = statements(policies).iter().find(allows);
    statement.map_or_else(Vec::new, |statement| matched(statement, action))
}

impl Nearest<'_> {
    /// Compares along the statement that denies.
    pub(super) fn denying(&self) -> Vec<Comparison> {
        let denies = |statement: &&StatementTrace| {
            statement.effect == Effect::Deny && statement.outcome == StatementOutcome::Matches
        };
        self.statements()
            .iter()
            .find(denies)
            .map_or_else(Vec::new, |statement| {
                let mut verdict = Comparison::failing(
                    format!("Deny ({})", label(statement)),
                    format!("a statement that does not match {}", self.request.action),
                    "it matches",
                );
                verdict.position = Some(statement.position);
                let mut comparisons = vec![verdict];
                comparisons.extend(condition_comparisons(statement));
                comparisons
            })
    }

    /// Finds the Allow statement that comes nearest, and compares along it.
    pub(super) fn missed(&self) -> (Reason, Vec<Comparison>) {
        let allow = self
            .statements()
            .iter()
            .filter(|statement| statement.effect == Effect::Allow);
        let nearest = allow.map(|statement| (self.distance(statement), statement));
        let Some((distance, statement)) = nearest.min_by_key(|(distance, _)| *distance) else {
            let action = Comparison::absent("Action", self.request.action);
            return (Reason::TrustActionMissing, vec![action]);
        };
        match &statement.outcome {
            StatementOutcome::PrincipalDiffers { expected, .. } if distance == Distance::Both => {
                let principal =
                    difference("Principal", statement, expected, &self.principal_name());
                let action = difference(
                    "Action",
                    statement,
                    &self.actions(statement),
                    self.request.action,
                );
                (Reason::TrustActionMissing, vec![action, principal])
            }
            StatementOutcome::PrincipalDiffers { expected, .. } => {
                let principal =
                    difference("Principal", statement, expected, &self.principal_name());
                (self.other_principal(expected), vec![principal])
            }
            StatementOutcome::ActionDiffers { expected, actual } => (
                Reason::TrustActionMissing,
                vec![difference("Action", statement, expected, actual)],
            ),
            StatementOutcome::ResourceDiffers { expected, actual } => (
                Reason::TrustConditionMismatch,
                vec![difference("Resource", statement, expected, actual)],
            ),
            StatementOutcome::ConditionFails | StatementOutcome::Matches => {
                let reason = statement
                    .conditions
                    .iter()
                    .find(|condition| !condition.holds)
                    .map_or_else(
                        || self.wrong_principal(),
                        |condition| self.failed_condition(statement, condition),
                    );
                (reason, matched(statement, self.request.action))
            }
        }
    }

    fn statements(&self) -> &[StatementTrace] {
        statements(&self.decision.trace)
    }

    fn distance(&self, statement: &StatementTrace) -> Distance {
        match &statement.outcome {
            StatementOutcome::PrincipalDiffers { .. } => match self.outcome_for_anyone(statement) {
                Some(StatementOutcome::ActionDiffers { .. }) => Distance::Both,
                _ => Distance::Principal,
            },
            StatementOutcome::ActionDiffers { .. } | StatementOutcome::ResourceDiffers { .. } => {
                Distance::Action
            }
            StatementOutcome::ConditionFails | StatementOutcome::Matches => {
                let failing = statement
                    .conditions
                    .iter()
                    .filter(|condition| !condition.holds);
                Distance::Conditions(failing.count())
            }
        }
    }

    /// Evaluates the statement as if it named the caller.
    fn outcome_for_anyone(&self, statement: &StatementTrace) -> Option<StatementOutcome> {
        let mut statement = self.trust.statements.get(statement.index)?.clone();
        statement.principal = Some(match self.request.principal {
            Principal::WebIdentity { provider } => PrincipalClause::federated(provider.as_str()),
            Principal::Service(name) => PrincipalClause::service(name.as_str()),
            _ => PrincipalClause::everyone(),
        });
        self.sole_outcome(Document::new(vec![statement]))
            .map(|statement| statement.outcome)
    }

    fn sole_outcome(&self, document: Document) -> Option<StatementTrace> {
        let document = Document {
            version: self.trust.version,
            ..document
        };
        let policies = Policies {
            resource: Some(Attached {
                source: "one statement",
                document: &document,
            }),
            ..Policies::default()
        };
        let decision = decide(self.request, &policies);
        let resource = decision
            .trace
            .into_iter()
            .find(|policy| policy.layer == Layer::Resource)?;
        resource.statements.into_iter().next()
    }

    /// The statement names others: perhaps another session of the caller's own role.
    fn other_principal(&self, named: &[String]) -> Reason {
        let own = self.principal_name();
        let is_session = matches!(self.request.principal, Principal::RoleSession { .. });
        match own.rsplit_once('/') {
            Some((role, _))
                if is_session
                    && named
                        .iter()
                        .any(|arn| arn.rsplit_once('/').is_some_and(|(of, _)| of == role)) =>
            {
                Reason::ChainSessionNameMismatch
            }
            _ => self.wrong_principal(),
        }
    }

    fn wrong_principal(&self) -> Reason {
        match self.request.principal {
            Principal::WebIdentity { .. } => Reason::TrustWrongProvider,
            _ => Reason::TrustPrincipalMismatch,
        }
    }

    fn failed_condition(&self, statement: &StatementTrace, condition: &ConditionTrace) -> Reason {
        let Principal::WebIdentity { provider } = self.request.principal else {
            return Reason::TrustConditionMismatch;
        };
        if condition.key.starts_with("arn:") && condition.key.contains(":oidc-provider/") {
            return Reason::TrustKeyHasArnPrefix;
        }
        if self.wildcard_is_literal(statement, condition) {
            return Reason::TrustWildcardInStringequals;
        }
        let is_claim = |claim: &str| {
            let key = format!("{}:{claim}", provider.issuer_without_scheme());
            key.to_lowercase() == condition.key.to_lowercase()
        };
        if is_claim("sub") {
            Reason::TrustSubMismatch
        } else if is_claim("aud") {
            Reason::TrustAudMismatch
        } else {
            Reason::TrustConditionMismatch
        }
    }

    /// Tells whether the condition would hold if its `StringEquals` were `StringLike`.
    fn wildcard_is_literal(&self, statement: &StatementTrace, condition: &ConditionTrace) -> bool {
        let has_wildcard = condition
            .expected
            .iter()
            .any(|value| value.contains(['*', '?']));
        if !has_wildcard || condition.operator.comparison != ConditionComparison::StringEquals {
            return false;
        }
        let Some(statement) = self.trust.statements.get(statement.index) else {
            return false;
        };
        let mut statement = statement.clone();
        statement
            .conditions
            .retain(|kept| kept.key == condition.key && kept.operator == condition.operator);
        for kept in &mut statement.conditions {
            kept.operator.comparison = ConditionComparison::StringLike;
        }
        self.sole_outcome(Document::new(vec![statement]))
            .is_some_and(|statement| statement.outcome == StatementOutcome::Matches)
    }

    fn actions(&self, statement: &StatementTrace) -> Vec<String> {
        match self.outcome_for_anyone(statement) {
            Some(StatementOutcome::ActionDiffers { expected, .. }) => expected,
            _ => Vec::new(),
        }
    }

    fn principal_name(&self) -> String {
        self.request.principal.arn()
    }
}

/// Returns what was seen of the trust policy.
fn statements(policies: &[PolicyTrace]) -> &[StatementTrace] {
    let of_role = |policy: &&PolicyTrace| policy.layer == Layer::Resource;
    let policy = policies.iter().find(of_role);
    policy.map_or(&[], |policy| policy.statements.as_slice())
}

/// Compares along a statement whose principal and action match.
fn matched(statement: &StatementTrace, action: &str) -> Vec<Comparison> {
    let what = format!("Allow ({})", label(statement));
    let mut comparisons = vec![Comparison::holding(what, action, action)];
    comparisons.extend(condition_comparisons(statement));
    comparisons
}

fn condition_comparisons(statement: &StatementTrace) -> Vec<Comparison> {
    let label = label(statement);
    let compare = |condition: &ConditionTrace| Comparison {
        what: format!("{} ({}, {label})", condition.key, condition.operator),
        expected: condition.wanted(),
        actual: condition
            .actual
            .as_ref()
            .map(|actual| actual_value(condition.operator, actual)),
        holds: condition.holds,
        position: Some(condition.position),
    };
    statement.conditions.iter().map(compare).collect()
}

/// Returns what the request has, and why it cannot match where the values alone would look as if they did.
fn actual_value(operator: ConditionOperator, actual: &ContextValue) -> String {
    let values = actual.as_slice().join(", ");
    let needs_prefix = operator.quantifier == Quantifier::Single
        && operator.comparison != ConditionComparison::Null;
    match actual {
        ContextValue::Many(_) if needs_prefix => {
            format!("[{values}], a list, which only ForAnyValue: and ForAllValues: compare")
        }
        _ => values,
    }
}

fn difference(
    element: &str,
    statement: &StatementTrace,
    expected: &[String],
    actual: &str,
) -> Comparison {
    let mut comparison = Comparison::new(
        format!("{element} ({})", label(statement)),
        expected,
        Some(actual.to_owned()),
        false,
    );
    comparison.position = Some(statement.position);
    comparison
}

/// Names a statement for a person: its place from 1, and its id.
fn label(statement: &StatementTrace) -> String {
    let place = statement.index + 1;
    match &statement.sid {
        Some(sid) => format!("statement {place} `{sid}`"),
        None => format!("statement {place}"),
    }
}
