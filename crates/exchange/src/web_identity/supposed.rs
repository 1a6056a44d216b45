//! What would happen if the signature were the issuer's: for simulation, where nobody has the issuer's keys.
//!
//! The types are distinct from those of the real exchange and lead nowhere: a [`Supposed`] ends in a [`Rehearsal`], and
//! neither becomes a [`Verified`] or a [`Grant`](crate::Grant).

use podpass_policy::{
    Arn, Context, Document, OidcProviderArn, PolicyArn, Principal, RoleArn, SessionName,
};

use super::authorised::{Identity, Registered, Verified};
use super::presented::Presented;
use crate::denial::Denial;
use crate::grant::WebIdentityGrant;
use crate::model::Role;
use crate::trace::{StepName, Trace};

/// A request whose signature nobody checked and whose claims are taken at their word.
#[derive(Debug)]
pub struct Supposed(Verified);

/// What would be granted, were the token the issuer's. It is no session and has no credentials.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The role.
    pub role: RoleArn,
    /// The name that the session would have.
    pub session_name: SessionName,
    /// The ARN that the session would have.
    pub session_arn: Arn,
    /// The token's `sub`, unproven.
    pub subject: String,
    /// The effective audience, unproven.
    pub audience: String,
    /// The OIDC provider.
    pub provider: OidcProviderArn,
    /// The inline session policy, which would limit the session.
    pub session_policy: Option<Document>,
    /// The managed session policies, which would limit the session too.
    pub session_policy_arns: Vec<PolicyArn>,
    /// The context keys that later requests of the session would carry.
    pub context: Context,
    /// How the decision came about; its signature step is not checked.
    pub trace: Trace,
}

impl Registered {
    /// Goes on without looking at the signature, for simulation only.
    pub fn suppose_signed(self) -> Supposed {
        let Presented {
            parameters,
            jwt,
            claims,
            now,
            mut trace,
        } = self.presented;
        trace.skip(StepName::Signature);
        Supposed(Verified {
            parameters,
            identity: Identity {
                claims,
                audience: self.audience,
                provider: self.provider,
            },
            claims: jwt.into_claims(),
            now,
            trace,
        })
    }
}

impl Supposed {
    /// Asks the role's trust policy and checks duration and session policy, as [`Verified::authorise`] does.
    pub fn rehearse(self, role: Option<&Role>) -> Result<Rehearsal, Denial> {
        self.0.authorise(role).map(Rehearsal::of)
    }
}

impl Rehearsal {
    /// Returns the session as the principal of later requests.
    pub fn principal(&self) -> Principal {
        Principal::RoleSession {
            role: self.role.clone(),
            session: self.session_arn.clone(),
        }
    }

    fn of(granted: WebIdentityGrant) -> Self {
        let grant = granted.grant;
        Self {
            role: grant.role,
            session_name: grant.session_name,
            session_arn: grant.session_arn,
            subject: granted.subject,
            audience: granted.audience,
            provider: granted.provider,
            session_policy: grant.session_policy,
            session_policy_arns: grant.session_policy_arns,
            context: grant.context,
            trace: grant.trace,
        }
    }
}
