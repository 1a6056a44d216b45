//! What the evaluator says to a simulated call, in the simulator's terms.

use podpass_policy::{
    AccountId, Arn, Attached, Context, Controls, Decision, Document, Effect, Layer, Policies,
    PolicyTrace, Position, Principal, Request, ResourceRule, StatementOutcome, StatementTrace,
    Verdict, decide,
};

use super::super::store::Account;
use super::input::Details;
use super::subject::{Source, Subject};

/// Everything that stays the same from one simulated call to the next.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    principal: Principal,
    context: Context,
    identity: Vec<Source<'a>>,
    boundary: Option<Source<'a>>,
    resource_policy: Option<Source<'a>>,
    service_controls: Controls<'a>,
    owner: Option<&'a AccountId>,
}

/// What became of one action on one resource.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) action: String,
    pub(super) resource: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub(super) decision: &'static str,
    pub(super) statements: Vec<Matched>,
    pub(super) missing_keys: Vec<String>,
    /// `None` without a permissions boundary.
    pub(super) allowed_by_boundary: Option<bool>,
    /// `None` without service control policies.
    pub(super) allowed_by_organization: Option<bool>,
    /// What each kind of policy says, for a call into another account.
    pub(super) by_kind: Vec<(&'static str, &'static str)>,
}

/// A statement that decided.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) source: String,
    pub(super) kind: &'static str,
    pub(super) start: Position,
    pub(super) end: Position,
}

impl<'a> Scene<'a> {
    /// Puts the subject's own policies and those of the call together.
    pub(super) fn of(account: &'a Account, mut subject: Subject<'a>, details: &'a Details) -> Self {
        if let Some(caller) = &details.caller {
            subject.called_by(account, caller);
        }
        let mut context = subject.context;
        for (key, value) in details.context.iter() {
            context.insert(key.to_owned(), value.clone());
        }
        let sent = details.policies.iter().enumerate();
        let sent = sent.map(|(index, policy)| Source {
            id: format!("PolicyInputList.{}", index + 1),
            document: &policy.document,
        });
        let boundary = details.boundary.as_ref().map(|policy| Source {
            id: "PermissionsBoundaryPolicyInputList.1".to_owned(),
            document: &policy.document,
        });
        Self {
            principal: subject.principal,
            context,
            identity: subject.identity.into_iter().chain(sent).collect(),
            // One that is sent stands in for the subject's own.
            boundary: boundary.or(subject.boundary),
            resource_policy: details.resource_policy.as_ref().map(|policy| Source {
                id: "ResourcePolicy".to_owned(),
                document: &policy.document,
            }),
            service_controls: subject.service_controls,
            owner: details.owner.as_ref(),
        }
    }

    /// Asks the evaluator.
    pub(super) fn simulate(&self, action: &str, resource: &str) -> Outcome {
        let owner = self.owner_of(resource);
        let request = Request {
            principal: &self.principal,
            action,
            resource,
            context: &self.context,
        };
        let decision = decide(
            &request,
            &Policies {
                identity: self.identity.iter().map(Source::attached).collect(),
                resource: self.resource_policy.as_ref().map(Source::attached),
                boundary: self.boundary.as_ref().map(Source::attached),
                resource_account: owner.as_ref(),
                rule: ResourceRule::Ordinary,
                service_controls: self.service_controls.clone(),
                ..Policies::default()
            },
        );
        let is_foreign = owner.is_some_and(|owner| self.principal.account() != Some(owner));
        let by_kind = KINDS
            .iter()
            .filter(|_| is_foreign)
            .filter_map(|(layer, kind)| Some((*kind, word(opinion(&decision, *layer)?))));
        Outcome {
            action: action.to_owned(),
            resource: resource.to_owned(),
            decision: word(decision.verdict),
            statements: self.matched(&decision),
            missing_keys: self.missing_keys(&decision),
            allowed_by_boundary: allowed_by(&decision, Layer::Boundary),
            allowed_by_organization: allowed_by(&decision, Layer::ServiceControl),
            by_kind: by_kind.collect(),
        }
    }

    /// Who owns a resource, where that bears on the decision: as its ARN says, or as the call says.
    fn owner_of(&self, resource: &str) -> Option<AccountId> {
        let written = resource
            .parse::<Arn>()
            .ok()
            .and_then(|arn| arn.account_id());
        match (&self.resource_policy, self.owner) {
            (None, None) => None,
            (_, owner) => written.or_else(|| owner.cloned()),
        }
    }

    /// The statements behind the verdict: of a denial those that deny, else those that allow.
    fn matched(&self, decision: &Decision) -> Vec<Matched> {
        let deciding = match decision.verdict {
            Verdict::ExplicitDeny(_) => Effect::Deny,
            Verdict::Allowed | Verdict::ImplicitDeny(_) => Effect::Allow,
        };
        let of_policy = |(policy, source): (&PolicyTrace, &Source<'_>)| {
            let matching = matching(policy).filter(|statement| statement.effect == deciding);
            let places = matching.filter_map(|trace| {
                let statement = source.document.statements.get(trace.index)?;
                Some(Matched {
                    source: source.id.clone(),
                    kind: kind_of(policy.layer)?,
                    start: behind_brace(statement.position),
                    end: statement.end,
                })
            });
            places.collect::<Vec<_>>()
        };
        self.traced(decision).flat_map(of_policy).collect()
    }

    /// The keys that statements about the action look at and the call does not have.
    fn missing_keys(&self, decision: &Decision) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        for (policy, source) in self.traced(decision) {
            for trace in policy.statements.iter().filter(|trace| is_about(trace)) {
                let Some(statement) = source.document.statements.get(trace.index) else {
                    continue;
                };
                for key in statement.context_keys(source.document.version) {
                    if self.context.get(&key).is_none() && !missing.contains(&key) {
                        missing.push(key);
                    }
                }
            }
        }
        missing
    }

    /// The traces of the policies that have a source here; the evaluator asks them in this order.
    fn traced<'s>(
        &'s self,
        decision: &'s Decision,
    ) -> impl Iterator<Item = (&'s PolicyTrace, &'s Source<'a>)> {
        let of = |layer: Layer, sources: Vec<&'s Source<'a>>| {
            let traces = decision.trace.iter();
            traces
                .filter(move |trace| trace.layer == layer)
                .zip(sources)
        };
        of(Layer::Identity, self.identity.iter().collect())
            .chain(of(Layer::Resource, self.resource_policy.iter().collect()))
            .chain(of(Layer::Boundary, self.boundary.iter().collect()))
    }
}

impl Source<'_> {
    fn attached(&self) -> Attached<'_> {
        let document: &Document = self.document;
        Attached {
            source: &self.id,
            document,
        }
    }
}

/// What the policies of a layer say; `None` when there are none.
fn opinion(decision: &Decision, layer: Layer) -> Option<Verdict> {
    let mut policies = decision
        .trace
        .iter()
        .filter(|policy| policy.layer == layer)
        .peekable();
    policies.peek()?;
    let effects: Vec<Effect> = policies
        .flat_map(matching)
        .map(|statement| statement.effect)
        .collect();
    Some(if effects.contains(&Effect::Deny) {
        Verdict::ExplicitDeny(layer)
    } else if effects.contains(&Effect::Allow) {
        Verdict::Allowed
    } else {
        Verdict::ImplicitDeny(layer)
    })
}

fn allowed_by(decision: &Decision, layer: Layer) -> Option<bool> {
    opinion(decision, layer).map(|opinion| opinion == Verdict::Allowed)
}

fn matching(policy: &PolicyTrace) -> impl Iterator<Item = &StatementTrace> {
    policy
        .statements
        .iter()
        .filter(|statement| statement.outcome == StatementOutcome::Matches)
}

/// Whether a statement is about the caller and the action.
fn is_about(trace: &StatementTrace) -> bool {
    !matches!(
        trace.outcome,
        StatementOutcome::PrincipalDiffers { .. } | StatementOutcome::ActionDiffers { .. }
    )
}

/// The simulator counts a statement from behind its opening brace, as AWS's own examples show.
fn behind_brace(position: Position) -> Position {
    Position {
        column: position.column + 1,
        ..position
    }
}

fn kind_of(layer: Layer) -> Option<&'static str> {
    KINDS
        .iter()
        .find(|(known, _)| *known == layer)
        .map(|(_, kind)| *kind)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::ExplicitDeny(_) => "explicitDeny",
        Verdict::ImplicitDeny(_) => "implicitDeny",
    }
}

const KINDS: [(Layer, &str); 3] = [
    (Layer::Identity, "IAM Policy"),
    (Layer::Resource, "Resource Policy"),
    (Layer::Boundary, "Permissions Boundary Policy"),
];
