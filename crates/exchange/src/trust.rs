//! Asking the trust policy, and finding out from its trace why it does not allow.

mod nearest;

use std::sync::Arc;

use podpass_kinds::Reason;
use podpass_policy::{
    Attached, Context, Decision, Layer, Policies, PolicyTrace, Principal, Request, ResourceRule,
    Verdict, decide,
};

use self::nearest::{Nearest, allowing};
use crate::model::Role;
use crate::parameters::Target;
use crate::trace::{Comparison, StepName, Trace};

/// Who wants to do what with which role.
pub(crate) struct Question<'a> {
    pub(crate) principal: &'a Principal,
    /// All of these have to be allowed.
    pub(crate) actions: &'a [&'static str],
    pub(crate) role: &'a Role,
    pub(crate) context: &'a Context,
    /// The caller's own policies; the trust policy is added to them.
    pub(crate) policies: Policies<'a>,
}

/// Why the answer is no.
pub(crate) struct Denied {
    pub(crate) reason: Reason,
    pub(crate) action: &'static str,
}

impl Question<'_> {
    /// Asks for each action and records what was compared.
    pub(crate) fn ask(&self, trace: &mut Trace) -> Result<(), Denied> {
        let source = ["trust policy of role ", self.role.arn.name().as_str()].concat();
        let policies = Policies {
            resource: Some(Attached {
                source: &source,
                document: &self.role.trust,
            }),
            resource_account: Some(self.role.arn.account()),
            rule: ResourceRule::Trust,
            ..self.policies.clone()
        };
        for &action in self.actions {
            let request = Request {
                principal: self.principal,
                action,
                resource: self.role.arn.as_str(),
                context: self.context,
            };
            let decision = decide(&request, &policies);
            if decision.is_allowed() {
                let policies: Arc<[PolicyTrace]> = decision.trace.into();
                let worded = Arc::clone(&policies);
                let wording = move || allowing(&worded, action);
                trace.pass_policies(StepName::TrustPolicy, wording, policies);
                continue;
            }
            let (reason, comparisons) = self.explain(&request, &decision);
            let policies = decision.trace.into();
            trace.fail_policies(StepName::TrustPolicy, comparisons, policies);
            return Err(Denied { reason, action });
        }
        Ok(())
    }

    fn explain(&self, request: &Request<'_>, decision: &Decision) -> (Reason, Vec<Comparison>) {
        let nearest = Nearest {
            request,
            trust: &self.role.trust,
            decision,
        };
        match decision.verdict {
            Verdict::ExplicitDeny(Layer::Resource) => {
                (Reason::TrustExplicitDeny, nearest.denying())
            }
            Verdict::Allowed | Verdict::ImplicitDeny(Layer::Resource) => nearest.missed(),
            Verdict::ExplicitDeny(layer) => (
                Reason::ExplicitDeny,
                vec![Comparison::failing(
                    policies_of(layer),
                    format!("no Deny of {} on {}", request.action, request.resource),
                    "a Deny statement matches",
                )],
            ),
            Verdict::ImplicitDeny(layer) => (
                denied_by(layer),
                vec![Comparison::absent(
                    policies_of(layer),
                    format!("an Allow of {} on {}", request.action, request.resource),
                )],
            ),
        }
    }
}

/// Checks that the role is there and is the one that was asked for.
///
/// Names of roles are unique whatever their case, but a request has to spell the ARN as it is.
pub(crate) fn find_role<'a>(
    role: Option<&'a Role>,
    target: &Arc<Target>,
    trace: &mut Trace,
) -> Result<&'a Role, Reason> {
    match role {
        Some(role) if role.arn == target.role => {
            let target = Arc::clone(target);
            trace.pass(StepName::Role, move || {
                let wanted = target.role.as_str();
                vec![Comparison::holding("role", wanted, wanted)]
            });
            Ok(role)
        }
        other => {
            let found = other.map(|role| role.arn.to_string());
            let comparison = Comparison::new("role", [target.role.as_str()], found, false);
            trace.fail(StepName::Role, vec![comparison]);
            Err(Reason::RoleMissing)
        }
    }
}

fn denied_by(layer: Layer) -> Reason {
    match layer {
        Layer::Identity => Reason::PermissionDeniedIdentity,
        Layer::Resource => Reason::PermissionDeniedResource,
        Layer::Boundary => Reason::PermissionDeniedBoundary,
        Layer::Session => Reason::PermissionDeniedSession,
        Layer::ServiceControl => Reason::PermissionDeniedServiceControl,
        Layer::ResourceControl => Reason::PermissionDeniedResourceControl,
    }
}

fn policies_of(layer: Layer) -> &'static str {
    match layer {
        Layer::Identity => "the caller's permissions policies",
        Layer::Resource => "the trust policy",
        Layer::Boundary => "the caller's permissions boundary",
        Layer::Session => "the caller's session policies",
        Layer::ServiceControl => "the service control policies on the caller's account",
        Layer::ResourceControl => "the resource control policies on the role's account",
    }
}
