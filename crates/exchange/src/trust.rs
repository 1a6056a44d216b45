//! Asking the trust policy, and finding out from its trace why it does not allow.

mod nearest;

use podpass_kinds::Reason;
use podpass_policy::{
    Attached, Context, Decision, Layer, Policies, Principal, Request, ResourceRule, RoleArn,
    Verdict, decide,
};

use self::nearest::Nearest;
use crate::model::Role;
use crate::trace::{Comparison, StepName, Trace};

/// Who wants to do what with which role.
pub(crate) struct Question<'a> {
    pub(crate) principal: &'a Principal,
    /// All of these have to be allowed.
    pub(crate) actions: &'a [&'a str],
    pub(crate) role: &'a Role,
    pub(crate) context: &'a Context,
    /// The caller's own policies; the trust policy is added to them.
    pub(crate) policies: Policies<'a>,
}

/// Why the answer is no.
pub(crate) struct Denied {
    pub(crate) reason: Reason,
    pub(crate) action: String,
}

impl Question<'_> {
    /// Asks for each action and records what was compared.
    pub(crate) fn ask(&self, trace: &mut Trace) -> Result<(), Denied> {
        let source = format!("trust policy of role {}", self.role.arn.name());
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
            let (reason, comparisons) = self.explain(&request, &decision);
            trace.push_policies(
                StepName::TrustPolicy,
                reason.is_none(),
                comparisons,
                decision.trace,
            );
            if let Some(reason) = reason {
                return Err(Denied {
                    reason,
                    action: action.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn explain(
        &self,
        request: &Request<'_>,
        decision: &Decision,
    ) -> (Option<Reason>, Vec<Comparison>) {
        let nearest = Nearest {
            request,
            trust: &self.role.trust,
            decision,
        };
        match decision.verdict {
            Verdict::Allowed => (None, nearest.allowing()),
            Verdict::ExplicitDeny(Layer::Resource) => {
                (Some(Reason::TrustExplicitDeny), nearest.denying())
            }
            Verdict::ImplicitDeny(Layer::Resource) => {
                let (reason, comparisons) = nearest.missed();
                (Some(reason), comparisons)
            }
            Verdict::ExplicitDeny(layer) => (
                Some(Reason::ExplicitDeny),
                vec![Comparison::failing(
                    policies_of(layer),
                    format!("no Deny of {} on {}", request.action, request.resource),
                    "a Deny statement matches",
                )],
            ),
            Verdict::ImplicitDeny(layer) => (
                Some(denied_by(layer)),
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
    wanted: &RoleArn,
    trace: &mut Trace,
) -> Result<&'a Role, Reason> {
    let found = role.map(|role| role.arn.to_string());
    let matching = role.filter(|role| role.arn == *wanted);
    let comparison = Comparison::new("role", [wanted.as_str()], found, matching.is_some());
    trace.push(StepName::Role, vec![comparison]);
    matching.ok_or(Reason::RoleMissing)
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
