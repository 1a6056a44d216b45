//! The decision: how the layers of policies work together.

mod controls;
mod principal;
mod resource;
mod statement;

use principal::Grant;
use statement::evaluate_policy;

use crate::account::AccountId;
use crate::decision::{Decision, Layer, PolicyTrace, Verdict};
use crate::document::Effect;
use crate::request::{Attached, ControlLevel, Policies, Principal, Request, ResourceRule};

/// Decides whether a request is allowed under the policies that apply to it.
///
/// A matching Deny in any layer wins. Then each level of the organisations has to allow, by its resource control policies
/// and by its service control policies. Then, in one account, either the resource policy or the identity policies have to
/// allow, within the permissions boundary and the session policies, unless the resource policy names the very user or
/// session. Between accounts both sides have to allow. The rules are those of AWS's policy evaluation logic.
///
/// Permissions policies, boundary and session policies do not apply to an anonymous caller, a web identity or an AWS
/// service, permissions policies and boundary not to a root user. Service control policies apply to users, sessions and
/// root users of member accounts, resource control policies to every caller; a service-linked role and the management
/// account are free of both.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let layers = Layers::evaluate(request, policies);
    let (verdict, level) = layers.decide(request.principal, policies);
    Decision {
        verdict,
        level: level.map(str::to_owned),
        trace: layers.trace,
    }
}

/// What one layer says.
#[derive(Clone, Copy, Debug, Default)]
struct Opinion {
    denies: bool,
    allows: Option<Grant>,
}

/// What one level of an organisation says, and how it is called.
type LevelOpinion<'a> = (&'a str, Opinion);

/// What every layer says; a layer that does not apply has no opinion.
struct Layers<'a> {
    identity: Option<Opinion>,
    resource: Opinion,
    boundary: Option<Opinion>,
    session: Option<Opinion>,
    service_controls: Vec<LevelOpinion<'a>>,
    resource_controls: Vec<LevelOpinion<'a>>,
    trace: Vec<PolicyTrace>,
}

/// How the caller stands to permissions policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It may do what its own policies allow.
    Governed,
    /// It may do everything in its account.
    Root,
    /// It has no policies of its own: only the resource policy speaks for it.
    Outside,
}

impl<'a> Layers<'a> {
    fn evaluate(request: &Request<'_>, policies: &Policies<'a>) -> Self {
        let mut trace = Vec::new();
        let mut ask = |layer, level, attached: &[Attached<'_>]| {
            let mut opinion = Opinion::default();
            for policy in attached {
                let (policy_trace, grants) =
                    evaluate_policy((layer, level), policy, request, policies.resource_account);
                trace.push(policy_trace);
                for (effect, grant) in grants {
                    match effect {
                        Effect::Deny => opinion.denies = true,
                        Effect::Allow => opinion.allows = opinion.allows.max(Some(grant)),
                    }
                }
            }
            opinion
        };
        let standing = Standing::of(request.principal);
        let governed = standing == Standing::Governed;
        let identity = governed.then(|| ask(Layer::Identity, None, &policies.identity));
        let resource = ask(Layer::Resource, None, policies.resource.as_slice());
        let boundary = policies
            .boundary
            .filter(|_| governed)
            .map(|boundary| ask(Layer::Boundary, None, &[boundary]));
        let session = policies
            .session
            .as_ref()
            .filter(|_| standing != Standing::Outside)
            .map(|session| ask(Layer::Session, None, session));
        let mut ask_levels = |layer, levels: &[ControlLevel<'a>]| {
            levels
                .iter()
                .map(|level| {
                    let opinion = ask(layer, Some(level.target), &level.policies);
                    (level.target, opinion)
                })
                .collect()
        };
        let service_controls = ask_levels(
            Layer::ServiceControl,
            controls::on_caller(request, policies),
        );
        let resource_controls = ask_levels(
            Layer::ResourceControl,
            controls::on_resource(request, policies),
        );
        Self {
            identity,
            resource,
            boundary,
            session,
            service_controls,
            resource_controls,
            trace,
        }
    }

    /// The verdict, and the level of the organisation that it comes from.
    fn decide(&self, principal: &Principal, policies: &Policies<'_>) -> (Verdict, Option<&'a str>) {
        if let Some((layer, level)) = self.explicit_deny() {
            return (Verdict::ExplicitDeny(layer), level);
        }
        // Before all grants, since control policies limit even the one that names the caller.
        let silent = self
            .controls()
            .find(|(_, (_, opinion))| opinion.allows.is_none());
        match silent {
            Some((layer, (level, _))) => (Verdict::ImplicitDeny(layer), Some(level)),
            None => (self.decide_within_controls(principal, policies), None),
        }
    }

    fn decide_within_controls(&self, principal: &Principal, policies: &Policies<'_>) -> Verdict {
        let grant = self.resource.allows;
        if Standing::of(principal) == Standing::Outside {
            return match grant {
                Some(_) => Verdict::Allowed,
                None => Verdict::ImplicitDeny(Layer::Resource),
            };
        }
        let same_account = is_same_account(principal, policies.resource_account);
        if same_account && grant == Some(Grant::Direct) {
            return Verdict::Allowed;
        }
        let required = !same_account || policies.rule == ResourceRule::Trust;
        if required && grant.is_none() {
            return Verdict::ImplicitDeny(Layer::Resource);
        }
        let stands_for_identity = same_account && grant == Some(Grant::Role);
        let limits = [
            (
                Layer::Identity,
                self.identity.filter(|_| !stands_for_identity),
            ),
            (Layer::Boundary, self.boundary),
            (Layer::Session, self.session),
        ];
        limits
            .into_iter()
            .find(|(_, opinion)| opinion.is_some_and(|opinion| opinion.allows.is_none()))
            .map_or(Verdict::Allowed, |(layer, _)| Verdict::ImplicitDeny(layer))
    }

    fn explicit_deny(&self) -> Option<(Layer, Option<&'a str>)> {
        let denies = |opinion: Option<Opinion>| opinion.is_some_and(|opinion| opinion.denies);
        let own = [
            (Layer::Identity, self.identity),
            (Layer::Resource, Some(self.resource)),
            (Layer::Boundary, self.boundary),
            (Layer::Session, self.session),
        ]
        .into_iter()
        .find(|(_, opinion)| denies(*opinion))
        .map(|(layer, _)| (layer, None));
        own.or_else(|| {
            self.controls()
                .find(|(_, (_, opinion))| opinion.denies)
                .map(|(layer, (level, _))| (layer, Some(level)))
        })
    }

    /// What each level of the organisations says, in AWS's order: first those of the resource.
    fn controls(&self) -> impl Iterator<Item = (Layer, LevelOpinion<'a>)> {
        let resource = self.resource_controls.iter();
        let caller = self.service_controls.iter();
        resource
            .map(|level| (Layer::ResourceControl, *level))
            .chain(caller.map(|level| (Layer::ServiceControl, *level)))
    }
}

impl Standing {
    fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Anonymous | Principal::WebIdentity { .. } | Principal::Service(_) => {
                Self::Outside
            }
            Principal::Root { .. } => Self::Root,
            Principal::User { .. } | Principal::RoleSession { .. } => Self::Governed,
        }
    }
}

fn is_same_account(principal: &Principal, resource_account: Option<&AccountId>) -> bool {
    resource_account.is_none_or(|owner| principal.account().as_ref() == Some(owner))
}

/// Whether an account owns the resource, which is the caller's own when no other is named.
fn is_owner(
    account: &AccountId,
    principal: &Principal,
    resource_account: Option<&AccountId>,
) -> bool {
    match resource_account {
        Some(owner) => owner == account,
        None => principal.account().as_ref() == Some(account),
    }
}
