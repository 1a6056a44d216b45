//! The statement of a trust policy that decides, or that comes nearest to allowing.

use podpass_kinds::Reason;
use podpass_policy::{
    Attached, Comparison as ConditionComparison, ConditionOperator, ConditionTrace, ContextValue,
    Decision, Document, Effect, Layer, Policies, Principal, PrincipalClause, Quantifier, Request,
    ResourceRule, StatementOutcome, StatementTrace, decide,
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

impl Nearest<'_> {
    /// Compares along the statement that allows.
    pub(super) fn allowing(&self) -> Vec<Comparison> {
        let allows = |statement: &&StatementTrace| {
            statement.effect == Effect::Allow && statement.outcome == StatementOutcome::Matches
        };
        self.statements()
            .iter()
            .find(allows)
            .map_or_else(Vec::new, |statement| {
                let mut comparisons = vec![self.matched_action(statement)];
                comparisons.extend(self.condition_comparisons(statement));
                comparisons
            })
    }

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
                comparisons.extend(self.condition_comparisons(statement));
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
                (self.wrong_principal(), vec![principal])
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
                let mut comparisons = vec![self.matched_action(statement)];
                comparisons.extend(self.condition_comparisons(statement));
                (reason, comparisons)
            }
        }
    }

    fn statements(&self) -> &[StatementTrace] {
        let policy = self
            .decision
            .trace
            .iter()
            .find(|policy| policy.layer == Layer::Resource);
        policy.map_or(&[], |policy| policy.statements.as_slice())
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
            rule: ResourceRule::Trust,
            ..Policies::default()
        };
        let decision = decide(self.request, &policies);
        let resource = decision
            .trace
            .into_iter()
            .find(|policy| policy.layer == Layer::Resource)?;
        resource.statements.into_iter().next()
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
        let like = condition.operator.replace("StringEquals", "StringLike");
        let (true, true, Ok(like)) = (has_wildcard, like != condition.operator, like.parse())
        else {
            return false;
        };
        let Some(statement) = self.trust.statements.get(statement.index) else {
            return false;
        };
        let mut statement = statement.clone();
        statement.conditions.retain(|kept| {
            kept.key == condition.key && kept.operator.to_string() == condition.operator
        });
        for kept in &mut statement.conditions {
            kept.operator = like;
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

    fn condition_comparisons(&self, statement: &StatementTrace) -> Vec<Comparison> {
        let label = label(statement);
        let compare = |condition: &ConditionTrace| {
            let operator = condition.operator.parse().ok();
            Comparison {
                what: format!("{} ({}, {label})", condition.key, condition.operator),
                expected: expected_values(condition, operator),
                actual: self.actual_value(condition, operator),
                holds: condition.holds,
                position: Some(condition.position),
            }
        };
        statement.conditions.iter().map(compare).collect()
    }

    /// Returns what the request has, and why it cannot match where the values alone would look as if they did.
    fn actual_value(
        &self,
        condition: &ConditionTrace,
        operator: Option<ConditionOperator>,
    ) -> Option<String> {
        let actual = condition.actual.as_ref()?.join(", ");
        let is_list = matches!(
            self.request.context.get(&condition.key),
            Some(ContextValue::Many(_))
        );
        let needs_prefix = operator.is_some_and(|operator| {
            operator.quantifier == Quantifier::Single
                && operator.comparison != ConditionComparison::Null
        });
        Some(if is_list && needs_prefix {
            format!("[{actual}], a list, which only ForAnyValue: and ForAllValues: compare")
        } else {
            actual
        })
    }

    fn principal_name(&self) -> String {
        self.request.principal.arn()
    }

    fn matched_action(&self, statement: &StatementTrace) -> Comparison {
        let what = format!("Allow ({})", label(statement));
        Comparison::holding(what, self.request.action, self.request.action)
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

/// Returns what the key has to be, in words where the policy's own values would say the contrary.
fn expected_values(condition: &ConditionTrace, operator: Option<ConditionOperator>) -> Vec<String> {
    let values = &condition.expected;
    match operator.map(|operator| operator.comparison) {
        Some(ConditionComparison::Null) => {
            let presence = |value: &String| {
                let absent = value.eq_ignore_ascii_case("true");
                if absent { "(absent)" } else { "(present)" }.to_owned()
            };
            values.iter().map(presence).collect()
        }
        Some(comparison) if comparison.is_negated() && !values.is_empty() => {
            vec![format!("not {}", values.join(", not "))]
        }
        _ => values.clone(),
    }
}

/// Names a statement for a person: its place from 1, and its id.
fn label(statement: &StatementTrace) -> String {
    let place = statement.index + 1;
    match &statement.sid {
        Some(sid) => format!("statement {place} `{sid}`"),
        None => format!("statement {place}"),
    }
}
