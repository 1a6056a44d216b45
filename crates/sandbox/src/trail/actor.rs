//! Who made a call, as a record's `userIdentity` says it.

use podpass_policy::{AccountId, ContextValue};
use serde_json::{Value, json};

use crate::caller::{Caller, Identity, LiveSession};
use crate::session::SessionHolder;
use crate::words;

/// Who made a call.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// The member `userIdentity`.
    pub(super) identity: Value,
    /// What its own account's records go by; `None` for a web identity.
    pub(super) account: Option<AccountId>,
    pub(super) access_key_id: Option<String>,
    /// What `LookupEvents` calls `Username`.
    pub(super) user_name: Option<String>,
}

/// A web identity whose token was verified.
#[derive(Clone, Debug)]
pub(crate) struct WebIdentity {
    /// The OIDC provider's ARN.
    pub(crate) provider: String,
    pub(crate) audience: String,
    pub(crate) subject: String,
}

impl Actor {
    /// A caller whose signature was verified; `None` when there was none.
    pub(crate) fn of_caller(caller: &Caller, access_key_id: &str) -> Option<Self> {
        let account = caller.account_id()?.clone();
        let principal_id = caller.unique_id().unwrap_or_default();
        let arn = caller.principal.arn();
        let mut identity = json!({
            "type": "IAMUser",
            "principalId": principal_id,
            "arn": arn,
            "accountId": account.as_str(),
            "accessKeyId": access_key_id,
        });
        let user_name = match &caller.identity {
            Identity::Anonymous => return None,
            Identity::User(person) => {
                identity["userName"] = person.name.as_str().into();
                person.name.clone()
            }
            Identity::Session(live) => {
                identity["sessionContext"] = session_context(live);
                match &live.session.holder {
                    SessionHolder::Role { name, .. } => {
                        identity["type"] = "AssumedRole".into();
                        name.to_string()
                    }
                    SessionHolder::User { .. } => {
                        identity["userName"] = live.person.name.as_str().into();
                        live.person.name.clone()
                    }
                    SessionHolder::FederatedUser { arn, .. } => {
                        identity["type"] = "FederatedUser".into();
                        let name = arn.resource().rsplit('/').next();
                        name.unwrap_or_default().to_owned()
                    }
                }
            }
        };
        Some(Self {
            identity,
            account: Some(account),
            access_key_id: Some(access_key_id.to_owned()),
            user_name: Some(user_name),
        })
    }

    /// The subject of a verified token, as the only caller that has no credentials.
    pub(super) fn of_web_identity(web: &WebIdentity) -> Self {
        let WebIdentity {
            provider,
            audience,
            subject,
        } = web;
        Self {
            identity: json!({
                "type": "WebIdentityUser",
                "principalId": format!("{provider}:{audience}:{subject}"),
                "userName": subject,
                "identityProvider": provider,
            }),
            account: None,
            access_key_id: None,
            user_name: Some(subject.clone()),
        }
    }

    /// The same caller in the records of another account, which learns the account and the unique id.
    pub(super) fn seen_from_elsewhere(&self) -> Self {
        Self {
            identity: json!({
                "type": "AWSAccount",
                "principalId": self.identity["principalId"],
                "accountId": self.identity["accountId"],
            }),
            access_key_id: None,
            user_name: None,
            ..self.clone()
        }
    }
}

fn session_context(live: &LiveSession) -> Value {
    let session = &live.session;
    let text = |key: &str| match session.context.get(key) {
        Some(ContextValue::One(value)) => Some(value.clone()),
        _ => None,
    };
    let mut context = json!({
        "attributes": {
            "creationDate": words::date(session.issued_at),
            "mfaAuthenticated": "false",
        },
    });
    match &session.holder {
        SessionHolder::Role { role, role_id, .. } => {
            context["sessionIssuer"] = json!({
                "type": "Role",
                "principalId": role_id,
                "arn": role.as_str(),
                "accountId": role.account().as_str(),
                "userName": role.name().as_str(),
            });
        }
        // Nobody issued it but the user itself.
        SessionHolder::User { .. } => {}
        SessionHolder::FederatedUser { user_id, .. } => {
            context["sessionIssuer"] = json!({
                "type": "IAMUser",
                "principalId": user_id,
                "accountId": live.person.account.as_str(),
                "userName": live.person.name,
            });
        }
    }
    if let Some(provider) = text("aws:FederatedProvider") {
        // Real records have no attributes here, although invented ones show the token's claims.
        context["webIdFederationData"] = json!({ "federatedProvider": provider, "attributes": {} });
    }
    if let Some(source) = text("aws:SourceIdentity") {
        context["sourceIdentity"] = source.into();
    }
    context
}
