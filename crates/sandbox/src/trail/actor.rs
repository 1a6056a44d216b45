//! Who made a call, as a record's `userIdentity` says it.

use podpass_policy::{AccountId, ContextValue};
use serde_json::{Value, json};

use crate::caller::{Caller, Identity, RoleSession};
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
        let (identity, user_name) = match &caller.identity {
            Identity::Anonymous => return None,
            Identity::User { name, .. } => (
                json!({
                    "type": "IAMUser",
                    "principalId": principal_id,
                    "arn": arn,
                    "accountId": account.as_str(),
                    "accessKeyId": access_key_id,
                    "userName": name.as_str(),
                }),
                name.to_string(),
            ),
            Identity::Session(role) => (
                json!({
                    "type": "AssumedRole",
                    "principalId": principal_id,
                    "arn": arn,
                    "accountId": account.as_str(),
                    "accessKeyId": access_key_id,
                    "sessionContext": session_context(role),
                }),
                role.session.name.to_string(),
            ),
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

fn session_context(role: &RoleSession) -> Value {
    let session = &role.session;
    let arn = &session.role;
    let text = |key: &str| match session.context.get(key) {
        Some(ContextValue::One(value)) => Some(value.clone()),
        _ => None,
    };
    let mut context = json!({
        "sessionIssuer": {
            "type": "Role",
            "principalId": session.role_id,
            "arn": arn.as_str(),
            "accountId": arn.account().as_str(),
            "userName": arn.name().as_str(),
        },
        "attributes": {
            "creationDate": words::date(session.issued_at),
            "mfaAuthenticated": "false",
        },
    });
    if let Some(provider) = text("aws:FederatedProvider") {
        // Real records have no attributes here, although invented ones show the token's claims.
        context["webIdFederationData"] = json!({ "federatedProvider": provider, "attributes": {} });
    }
    if let Some(source) = text("aws:SourceIdentity") {
        context["sourceIdentity"] = source.into();
    }
    context
}
