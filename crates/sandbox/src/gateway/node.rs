//! What the instance metadata needs of the gateway: the node's role as it is now, the seal, and a place in the events.

use std::sync::PoisonError;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use jiff::Timestamp;
use podpass_exchange::{Grant, Role};

use super::{Gateway, with_event};
use crate::call::Report;
use crate::event::Outcome;
use crate::iam::instance_profile_of;
use crate::metadata::{Issued, Node, NodeRole};
use crate::random::RandomFailure;

/// What an account knows of its node's role.
pub(crate) struct NodeState {
    /// The name that was asked for.
    pub(crate) wanted: String,
    /// The role, when there is one.
    pub(crate) role: Option<Role>,
    /// ARN and id of the instance profile that holds it.
    pub(crate) profile: Option<(String, String)>,
}

impl Gateway {
    /// The time by the sandbox's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The role of the node, and the instance profile that holds it.
    pub(crate) fn node_state(&self, node: &Node) -> NodeState {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let account = state.account(node.account());
        let name = match node.role() {
            NodeRole::Name(name) => name,
            NodeRole::Arn(arn) => arn.name(),
        };
        let role = account.and_then(|account| match node.role() {
            NodeRole::Name(name) => account.roles.find(name.as_str()),
            NodeRole::Arn(arn) => account.role_at(arn),
        });
        let profile = account
            .zip(role)
            .and_then(|(account, role)| instance_profile_of(account, role.arn.name().as_str()));
        NodeState {
            wanted: name.to_string(),
            role: role.map(crate::iam::store::Role::known),
            profile,
        }
    }

    /// The credentials of the node's role.
    pub(crate) fn issue_to_node(
        &self,
        node: &Node,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Issued, RandomFailure> {
        node.issue(grant, &self.seal, now)
    }

    /// Records a request of the metadata, and gives its answer the event's id.
    pub(crate) fn record_metadata(
        &self,
        report: Report,
        response: Response<Full<Bytes>>,
        outcome: Outcome,
    ) -> Response<Full<Bytes>> {
        let (id, now) = (self.events.next_id(), self.clock.now());
        let event = report.into_event(id, now, response.status(), outcome, Vec::new());
        self.events.record(event, 0);
        with_event(response, id)
    }
}
