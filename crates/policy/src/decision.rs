//! The outcome of an evaluation, with the reason for it.

use serde::Serialize;

use crate::condition::{Comparison, ConditionOperator};
use crate::context::ContextValue;
use crate::document::Effect;
use crate::position::Position;
use crate::request::{Principal, Request};

/// A verdict and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether the request is allowed, and if not, by which layer.
    pub verdict: Verdict,
    /// The level of the organisation that denies, when a control policy does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Every policy that was looked at, in the order of the layers.
    pub trace: Vec<PolicyTrace>,
}

/// Whether a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Verdict {
    /// Allowed.
    Allowed,
    /// A statement with the effect Deny matches.
    ExplicitDeny(Layer),
    /// No statement of a layer that has to allow does.
    ImplicitDeny(Layer),
}

/// A kind of policy, by the place where it is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Layer {
    /// Permissions policies of a user or role.
    Identity,
    /// The policy of the resource: bucket policy or trust policy.
    Resource,
    /// The permissions boundary.
    Boundary,
    /// The session policies.
    Session,
    /// The service control policies on the caller's account.
    ServiceControl,
    /// The resource control policies on the resource's account.
    ResourceControl,
}

/// How one policy was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyTrace {
    /// Where the policy is attached.
    pub layer: Layer,
    /// The level of the organisation, for a control policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The name that the caller gave to the policy.
    pub source: String,
    /// Its statements, in order.
    pub statements: Vec<StatementTrace>,
}

/// How one statement was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementTrace {
    /// The place among the statements, from 0.
    pub index: usize,
    /// The statement's id.
    pub sid: Option<String>,
    /// Its effect, were it to match.
    pub effect: Effect,
    /// Where it starts in its text.
    pub position: Position,
    /// Whether it matches, or the first element that does not.
    pub outcome: StatementOutcome,
    /// Its conditions; empty when an element before them did not match.
    pub conditions: Vec<ConditionTrace>,
}

/// Whether a statement matches, or the first of its elements that does not.
///
/// Elements are compared in the order principal, action, resource, condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum StatementOutcome {
    /// It matches.
    Matches,
    /// The caller is not among the principals, or is among those exempted.
    PrincipalDiffers {
        /// The principals of the statement; those of a NotPrincipal each start with `not `.
        expected: Vec<String>,
        /// The caller.
        actual: String,
    },
    /// The action is not among the actions.
    ActionDiffers {
        /// The actions of the statement; those of a NotAction each start with `not `.
        expected: Vec<String>,
        /// The action of the request.
        actual: String,
    },
    /// The resource is not among the resources.
    ResourceDiffers {
        /// The resources of the statement; those of a NotResource each start with `not `.
        expected: Vec<String>,
        /// The resource of the request.
        actual: String,
    },
    /// A condition does not hold.
    ConditionFails,
}

/// How one condition (an operator and a key) was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConditionTrace {
    /// The operator, with prefix and suffix.
    pub operator: ConditionOperator,
    /// The context key as written.
    pub key: String,
    /// The values of the policy, with variables replaced where that was possible.
    pub expected: Vec<String>,
    /// What the request has; `None` when it does not have the key.
    pub actual: Option<ContextValue>,
    /// Whether it holds.
    pub holds: bool,
    /// Where the key stands in the policy's text.
    pub position: Position,
}

/// How a service words a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStyle {
    /// With the reason: IAM, STS and the JSON services.
    WithReason,
    /// With the reason and the resource in double quotes, and no more than "Access Denied" for an anonymous caller: S3.
    S3,
    /// Without the reason: AssumeRole.
    WithoutReason,
}

impl ConditionTrace {
    /// Returns what the key has to be, in words where the policy's own values would say the contrary.
    pub fn wanted(&self) -> Vec<String> {
        match self.operator.comparison {
            Comparison::Null => {
                let presence = |value: &String| {
                    let absent = value.eq_ignore_ascii_case("true");
                    if absent { "(absent)" } else { "(present)" }.to_owned()
                };
                self.expected.iter().map(presence).collect()
            }
            comparison if comparison.is_negated() && !self.expected.is_empty() => {
                vec![format!("not {}", self.expected.join(", not "))]
            }
            _ => self.expected.clone(),
        }
    }
}

impl Layer {
    /// What AWS's messages call a policy of this layer, such as `identity-based policy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        }
    }

    const fn with_article(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::Resource => "a resource-based policy",
            Self::Boundary => "a permissions boundary",
            Self::Session => "a session policy",
            Self::ServiceControl => "a service control policy",
            Self::ResourceControl => "a resource control policy",
        }
    }
}

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }

    /// The message that IAM and STS answer with; it has no reason when the request is in fact allowed.
    pub fn denied_message(&self, request: &Request<'_>) -> String {
        self.denied_message_in(MessageStyle::WithReason, request)
    }

    /// The message that a service answers with, in its own style.
    pub fn denied_message_in(&self, style: MessageStyle, request: &Request<'_>) -> String {
        if style == MessageStyle::S3 && *request.principal == Principal::Anonymous {
            return "Access Denied".to_owned();
        }
        let action = request.action;
        let resource = match style {
            MessageStyle::S3 => format!("\"{}\"", request.resource),
            MessageStyle::WithReason | MessageStyle::WithoutReason => request.resource.to_owned(),
        };
        let reason = match (style, self.verdict) {
            (MessageStyle::WithoutReason, _) | (_, Verdict::Allowed) => String::new(),
            (_, Verdict::ExplicitDeny(layer)) => {
                format!(" with an explicit deny in {}", layer.with_article())
            }
            (_, Verdict::ImplicitDeny(layer)) => {
                format!(" because no {} allows the {action} action", layer.as_str())
            }
        };
        let caller = request.principal.arn();
        format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource}{reason}"
        )
    }
}
