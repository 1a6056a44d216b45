//! What a successful exchange grants.

use std::ops::Deref;

use jiff::Timestamp;
use podpass_policy::{
    Arn, Context, Document, OidcProviderArn, PolicyArn, Principal, RoleArn, SessionName,
};

use crate::model::Role;
use crate::parameters::Target;
use crate::session_tags::SessionTag;
use crate::trace::Trace;

/// A session of a role, still without credentials: those are the caller's to make.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The role.
    pub role: RoleArn,
    /// The role's unique id at the time of the grant. A session whose role has another id by now is void.
    pub role_id: String,
    /// The name of the session.
    pub session_name: SessionName,
    /// `arn:…:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub session_arn: Arn,
    /// `AROA…:SESSION`.
    pub assumed_role_id: String,
    /// How long the session lasts, in seconds.
    pub duration_seconds: u32,
    /// When it ends, in whole seconds.
    pub expires_at: Timestamp,
    /// How much of the allotted space policies and tags take, in percent. `AssumeRole` without any has none.
    pub packed_policy_size: Option<u32>,
    /// The inline session policy, which limits the session.
    pub session_policy: Option<Document>,
    /// The managed session policies, which limit the session together with the inline one.
    pub session_policy_arns: Vec<PolicyArn>,
    /// The session tags.
    pub tags: Vec<SessionTag>,
    /// The source identity, which stays through role chaining.
    pub source_identity: Option<String>,
    /// The context keys that later requests of the session carry.
    pub context: Context,
    /// How the decision came about.
    pub trace: Trace,
}

/// A grant for a web identity token. It dereferences to the [`Grant`].
#[derive(Clone, Debug)]
pub struct WebIdentityGrant {
    /// The session.
    pub grant: Grant,
    /// The token's `sub`.
    pub subject: String,
    /// The effective audience: `azp` if the token has one, else its only `aud`.
    pub audience: String,
    /// The OIDC provider. The answer's element `Provider` is its ARN, not the issuer.
    pub provider: OidcProviderArn,
    /// The token's `iss`.
    pub issuer: String,
}

/// The session policies of a grant.
pub(crate) struct Limits {
    pub(crate) packed_policy_size: Option<u32>,
    pub(crate) inline: Option<Document>,
    pub(crate) managed: Vec<PolicyArn>,
}

/// What a session is marked with.
pub(crate) struct Marks {
    pub(crate) tags: Vec<SessionTag>,
    pub(crate) source_identity: Option<String>,
}

impl Grant {
    pub(crate) fn of(
        role: &Role,
        target: &Target,
        now: Timestamp,
        limits: Limits,
        marks: Marks,
        context: Context,
        trace: Trace,
    ) -> Self {
        let duration_seconds = target.duration();
        let end = now.as_second().saturating_add(i64::from(duration_seconds));
        Self {
            session_arn: role.arn.session_arn(&target.session_name),
            assumed_role_id: [&role.id, ":", target.session_name.as_str()].concat(),
            role: role.arn.clone(),
            role_id: role.id.clone(),
            session_name: target.session_name.clone(),
            duration_seconds,
            expires_at: Timestamp::from_second(end).unwrap_or(Timestamp::MAX),
            packed_policy_size: limits.packed_policy_size,
            session_policy: limits.inline,
            session_policy_arns: limits.managed,
            tags: marks.tags,
            source_identity: marks.source_identity,
            context,
            trace,
        }
    }

    /// Returns the session as the principal of later requests.
    pub fn principal(&self) -> Principal {
        Principal::RoleSession {
            role: self.role.clone(),
            session: self.session_arn.clone(),
        }
    }
}

impl Deref for WebIdentityGrant {
    type Target = Grant;

    fn deref(&self) -> &Grant {
        &self.grant
    }
}
