//! The decision: how the layers of policies work together.

mod principal;
mod resource;
mod statement;

use principal::Grant;
use statement::evaluate_policy;

use crate::account::AccountId;
use crate::decision::{Decision, Layer, PolicyTrace, Verdict};
use crate::document::Effect;
use crate::request::{Attached, Policies, Principal, Request, ResourceRule};

/// Decides whether a request is allowed under the policies that apply to it.
///
/// A matching Deny in any layer wins. Then, in one account, either the resource policy or the identity policies have to
/// allow, within the permissions boundary and the session policies, unless the resource policy names the very user or
/// session. Between accounts both sides have to allow. The rules are those of AWS's policy evaluation logic.
///
/// Permissions policies, boundary and session policies do not apply to an anonymous caller, a web identity or an AWS
/// service, permissions policies and boundary not to a root user.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let layers = Layers::evaluate(request, policies);
    let verdict = layers.decide(request.principal, policies);
    Decision {
        verdict,
        trace: layers.trace,
    }
}

/// What one layer says.
#[derive(Clone, Copy, Debug, Default)]
struct Opinion {
    denies: bool,
    allows: Option<Grant>,
}

/// What every layer says; a layer that does not apply has no opinion.
struct Layers {
    identity: Option<Opinion>,
    resource: Opinion,
    boundary: Option<Opinion>,
    session: Option<Opinion>,
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

impl Layers {
    fn evaluate(request: &Request<'_>, policies: &Policies<'_>) -> Self {
        let mut trace = Vec::new();
        let mut ask = |layer, attached: &[Attached<'_>]| {
            let mut opinion = Opinion::default();
            for policy in attached {
                let (policy_trace, grants) =
                    evaluate_policy(layer, policy, request, policies.resource_account);
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
        let identity = governed.then(|| ask(Layer::Identity, &policies.identity));
        let resource = ask(Layer::Resource, policies.resource.as_slice());
        let boundary = policies
            .boundary
            .filter(|_| governed)
            .map(|boundary| ask(Layer::Boundary, &[boundary]));
        let session = policies
            .session
            .as_ref()
            .filter(|_| standing != Standing::Outside)
            .map(|session| ask(Layer::Session, session));
        Self {
            identity,
            resource,
            boundary,
            session,
            trace,
        }
    }

    fn decide(&self, principal: &Principal, policies: &Policies<'_>) -> Verdict {
        if let Some(layer) = self.explicit_deny() {
            return Verdict::ExplicitDeny(layer);
        }
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

    fn explicit_deny(&self) -> Option<Layer> {
        [
            (Layer::Identity, self.identity),
            (Layer::Resource, Some(self.resource)),
            (Layer::Boundary, self.boundary),
            (Layer::Session, self.session),
        ]
        .into_iter()
        .find(|(_, opinion)| opinion.is_some_and(|opinion| opinion.denies))
        .map(|(layer, _)| layer)
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
