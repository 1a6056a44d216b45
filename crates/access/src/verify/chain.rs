//! Further roles: each is taken on with the session of the one before.

use std::sync::Arc;

use jiff::Timestamp;
use podpass_cloud::{AssumeRoleRequest, Exchange, Session};
use podpass_exchange::{Caller, Denial, Role, assume_role};
use podpass_policy::{Attached, Context, Controls, Document, Principal};

use super::{Gone, SHORTEST_SESSION, Step, Way, refusal};
use crate::injected::ExpectedIdentity;

impl<E: Exchange> Way<'_, E> {
    /// Takes on the roles after the first; returns the last session.
    pub(super) async fn chained(
        &mut self,
        expected: &ExpectedIdentity,
        first: Session,
    ) -> Gone<Session> {
        let roles = expected.credentials.roles();
        let mut session = first;
        let mut found = Vec::new();
        for (index, pair) in roles.windows(2).enumerate() {
            let [from, role] = pair else { continue };
            let request = AssumeRoleRequest {
                role_arn: role.clone(),
                role_session_name: self.session_name(expected).to_owned(),
                duration_seconds: Some(SHORTEST_SESSION),
                ..AssumeRoleRequest::default()
            };
            let exchange = self.exchange.with_credentials(&session.credentials);
            let taken = exchange.assume_role(&request).await;
            session = taken.map_err(|error| {
                let is_last = index + 2 == roles.len();
                let trust = self.question.last_trust.as_ref().filter(|_| is_last);
                let judged = trust.and_then(|trust| judge(&request, &session, from, trust));
                refusal::of_chain(error, &session, from, role, judged.as_ref())
            })?;
            found.push(("session", session.assumed_role_arn.clone()));
        }
        if !found.is_empty() {
            self.holds(Step::Chain, found);
        }
        Ok(session)
    }
}

/// Asks the role's trust policy what STS asked it; whether the caller's own policies allow the call is not known here
/// and taken for granted. `None` when the policy allows it.
fn judge(
    request: &AssumeRoleRequest,
    session: &Session,
    from: &str,
    trust: &Document,
) -> Option<Denial> {
    let principal = Principal::RoleSession {
        role: from.parse().ok()?,
        session: session.assumed_role_arn.parse().ok()?,
    };
    let role = Role {
        arn: request.role_arn.parse().ok()?,
        id: String::new(),
        trust: Arc::new(trust.clone()),
        max_session_seconds: 3_600,
    };
    let everything = Document::parse(EVERYTHING, podpass_policy::DocumentKind::Permissions).ok()?;
    let caller = Caller {
        principal: &principal,
        context: &Context::default(),
        identity: vec![Attached {
            source: "taken for granted",
            document: &everything,
        }],
        boundary: None,
        session: None,
        service_controls: Controls::default(),
    };
    assume_role(request, &caller, Some(&role), Timestamp::now()).err()
}

const EVERYTHING: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
