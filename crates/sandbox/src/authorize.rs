//! The one place where a call is weighed against the policies that apply to it.

use podpass_policy::{
    AccountId, Attached, Context, Decision, Policies, Request, ResourceRule, decide,
};

use crate::caller::Caller;
use crate::iam::store::{Account, NamedDocument};

/// A question for the evaluator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) caller: &'a Caller,
    /// The caller's own account; `None` for anonymous callers.
    pub(crate) account: Option<&'a Account>,
    /// `service:Name`.
    pub(crate) action: &'a str,
    /// The ARN, or `*`.
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context,
    pub(crate) resource_policy: Option<Attached<'a>>,
    /// The account that owns the resource; `None` for the caller's own.
    pub(crate) resource_account: Option<&'a AccountId>,
}

impl Question<'_> {
    /// Evaluates every layer that applies.
    pub(crate) fn decide(&self) -> Decision {
        let policies = self
            .account
            .map(|account| self.caller.policies(account))
            .unwrap_or_default();
        decide(
            &self.request(),
            &Policies {
                identity: policies
                    .held
                    .identity
                    .iter()
                    .map(NamedDocument::attached)
                    .collect(),
                resource: self.resource_policy,
                boundary: policies.held.boundary.as_ref().map(NamedDocument::attached),
                session: policies
                    .session
                    .as_ref()
                    .map(|documents| documents.iter().map(NamedDocument::attached).collect()),
                resource_account: self.resource_account,
                rule: ResourceRule::Ordinary,
                service_controls: policies.service_controls.clone(),
                ..Policies::default()
            },
        )
    }

    /// The question in the evaluator's terms, for the words of its answer.
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            principal: &self.caller.principal,
            action: self.action,
            resource: self.resource,
            context: self.context,
        }
    }
}
