//! The signature, then the role: trust policy, duration, session policy.

use std::sync::Arc;

use podpass_kinds::Reason;
use podpass_policy::{Context, ContextValue, OidcProviderArn, Policies, Principal, RoleArn};
use podpass_token::{Jwt, KeySet, SignatureError, Unusable};
use serde_json::Value;

use super::claims::RequiredClaims;
use super::known::KnownClaims;
use super::presented::{Parameters, Presented};
use super::session_claims::SessionClaims;
use crate::context::{self, Clock};
use crate::denial::{Code, Denial};
use crate::grant::{Grant, Limits, Marks, WebIdentityGrant};
use crate::issuer::{IssuerFailure, NO_VERIFICATION_KEY};
use crate::model::Role;
use crate::session_policy;
use crate::session_tags;
use crate::trace::{Comparison, StepName, Trace};
use crate::trust::{self, Question};

/// A request whose issuer is registered in the role's account and whose signature nobody has checked yet.
#[derive(Debug)]
pub struct Registered {
    pub(super) presented: Presented,
    pub(super) provider: OidcProviderArn,
    pub(super) audience: String,
}

/// A request whose token is proven to be the issuer's.
#[derive(Debug)]
pub struct Verified {
    pub(super) parameters: Parameters,
    pub(super) identity: Identity,
    pub(super) claims: KnownClaims,
    pub(super) now: jiff::Timestamp,
    pub(super) trace: Trace,
}

/// Who the token is for, proven.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) claims: Arc<RequiredClaims>,
    pub(super) audience: String,
    pub(super) provider: OidcProviderArn,
}

impl Registered {
    /// Returns the token's issuer: the URL below which the discovery document is.
    pub fn issuer(&self) -> &str {
        self.presented.issuer()
    }

    /// Returns the role that is asked for.
    pub fn role_arn(&self) -> &RoleArn {
        self.presented.role_arn()
    }

    /// Returns the OIDC provider.
    pub fn provider_arn(&self) -> &OidcProviderArn {
        &self.provider
    }

    /// Returns the id of the key that the token names, so that a cache can tell whether its keys are too old.
    pub fn kid(&self) -> Option<&str> {
        self.presented.jwt.kid()
    }

    /// Checks the signature with the issuer's keys, or says why there are none: step 8.
    pub fn verify(self, keys: Result<&KeySet, IssuerFailure>) -> Result<Verified, Denial> {
        let Presented {
            parameters,
            jwt,
            claims,
            now,
            mut trace,
        } = self.presented;
        let verified = match keys {
            Ok(keys) => check_signature(keys, jwt, &mut trace)?,
            Err(failure) => {
                trace.fail(StepName::Signature, vec![failure.comparison()]);
                return Err(Denial::new(
                    Code::InvalidIdentityToken,
                    failure.message(),
                    failure.reason(),
                    trace,
                ));
            }
        };
        Ok(Verified {
            parameters,
            identity: Identity {
                claims,
                audience: self.audience,
                provider: self.provider,
            },
            claims: verified,
            now,
            trace,
        })
    }
}

impl Verified {
    /// Returns the role that is asked for.
    pub fn role_arn(&self) -> &RoleArn {
        &self.parameters.target.role
    }

    /// Returns the proven subject.
    pub fn subject(&self) -> &str {
        &self.identity.claims.subject
    }

    /// Returns the effective audience, which the OIDC provider lists.
    pub fn audience(&self) -> &str {
        &self.identity.audience
    }

    /// Asks the role's trust policy, checks duration and session policy, and grants the session: steps 9 to 12.
    ///
    /// To AWS a role that does not exist is a denial like any other; the reason tells them apart.
    pub fn authorise(self, role: Option<&Role>) -> Result<WebIdentityGrant, Denial> {
        let Self {
            parameters:
                Parameters {
                    target,
                    policies,
                    context: mut request_context,
                    behaviour: _,
                },
            identity,
            claims,
            now,
            mut trace,
        } = self;
        let session_claims = SessionClaims::read(&claims, &target.role, &mut trace)?;
        let role = trust::find_role(role, &target, &mut trace)
            .map_err(|reason| not_authorized(reason, &trace))?;

        let clock = Clock::at(now);
        clock.add_to(&mut request_context);
        context::add_session_parameters(&mut request_context, &target);
        identity.add_trust_keys(
            &mut request_context,
            &claims,
            session_claims.role_authorized,
        );
        session_tags::add_request_keys(
            &mut request_context,
            &session_claims.tags,
            session_claims.source_identity.as_deref(),
        );
        let mut actions = vec![ACTION];
        actions.extend(session_tags::further_actions(
            &session_claims.tags,
            session_claims.source_identity.as_deref(),
        ));
        let question = Question {
            principal: &Principal::WebIdentity {
                provider: identity.provider.clone(),
            },
            actions: &actions,
            role,
            context: &request_context,
            policies: Policies::default(),
        };
        question
            .ask(&mut trace)
            .map_err(|denied| not_authorized(denied.reason, &trace))?;
        target.check_duration(role, &mut trace)?;
        let (session_policy, packed_policy_size) = session_policy::pack(
            &policies,
            &session_claims.tags,
            identity.packed_percent(session_claims.source_identity.is_some()),
            &mut trace,
        )?;

        let mut session_context = context::of_session(role, &target.session_name, clock);
        identity.add_session_keys(&mut session_context, &claims);
        session_tags::add_session_keys(
            &mut session_context,
            &session_claims.tags,
            session_claims.source_identity.as_deref(),
        );
        let limits = Limits {
            packed_policy_size: Some(packed_policy_size),
            inline: session_policy,
            managed: policies.managed,
        };
        let marks = Marks {
            tags: session_claims.tags,
            source_identity: session_claims.source_identity,
        };
        let grant = Grant::of(role, &target, now, limits, marks, session_context, trace);
        Ok(WebIdentityGrant {
            grant,
            subject: identity.claims.subject.clone(),
            audience: identity.audience,
            provider: identity.provider,
            issuer: identity.claims.issuer.clone(),
        })
    }
}

impl Identity {
    /// Adds the context keys that a trust policy sees for a token.
    ///
    /// Claims beside these are not condition keys for an issuer of one's own, whatever they are called.
    fn add_trust_keys(&self, context: &mut Context, claims: &KnownClaims, role_authorized: bool) {
        let account = self.provider.account();
        self.add_session_keys(context, claims);
        let original = match self.claims.audiences.as_slice() {
            [only] => ContextValue::from(only),
            several => ContextValue::from(several.to_vec()),
        };
        context.insert(self.key("oaud"), original);
        if let Some(Value::String(address)) = claims.get("email") {
            context.insert(self.key("email"), address);
        }
        context.insert("aws:PrincipalAccount", account.as_str());
        context.insert("aws:PrincipalType", "User");
        context.insert("aws:userid", self.provider.as_str());
        context.insert("aws:ResourceAccount", account.as_str());
        context.insert("sts:RoleAuthorizedByIdp", role_authorized);
    }

    /// Adds the keys that stay with the session.
    fn add_session_keys(&self, context: &mut Context, claims: &KnownClaims) {
        context.insert("aws:FederatedProvider", self.provider.as_str());
        context.insert(self.key("aud"), self.audience.as_str());
        context.insert(self.key("sub"), self.claims.subject.as_str());
        if let Some(Value::Array(methods)) = claims.get("amr") {
            let methods = methods.iter().filter_map(Value::as_str).map(str::to_owned);
            context.insert(self.key("amr"), methods.collect::<Vec<_>>());
        }
    }

    fn key(&self, claim: &str) -> String {
        [self.provider.issuer_without_scheme(), ":", claim].concat()
    }

    /// Returns what the identity takes of the packed size: measured 24 to 25 % for short subjects, one more with a
    /// source identity, 34 % for a subject of 256 characters.
    fn packed_percent(&self, has_source_identity: bool) -> u32 {
        let subject = u32::try_from(self.claims.subject.len() / 26).unwrap_or(u32::MAX);
        subject.saturating_add(24 + u32::from(has_source_identity))
    }
}

fn check_signature(
    keys: &KeySet,
    jwt: Jwt<KnownClaims>,
    trace: &mut Trace,
) -> Result<KnownClaims, Denial> {
    let error = match keys.verify(jwt) {
        Ok(verified) => {
            let (claims, key_id) = verified.into_parts();
            trace.pass(StepName::Signature, move || {
                let expected = "made with a published key";
                vec![Comparison::holding("signature", expected, &*key_id)]
            });
            return Ok(claims);
        }
        Err(error) => error,
    };
    let (comparison, message, reason) = match error {
        SignatureError::NoUsableKey {
            kid,
            available,
            unusable,
            algorithm,
        } => {
            let keyless = |key: &podpass_token::UnusableKey| key.why == Unusable::NoKid;
            let reason = match unusable {
                None if keys.unusable().iter().any(keyless) => Reason::JwksMissingKid,
                _ => Reason::IssuerKeyMissing,
            };
            let actual = match (kid, unusable) {
                (None, _) => None,
                (Some(kid), None) => Some(kid),
                (Some(kid), Some(Unusable::OtherAlgorithm)) => {
                    Some(format!("{kid}, whose key does not fit {algorithm}"))
                }
                (Some(kid), Some(why)) => Some(format!("{kid}, but the key is not usable: {why}")),
            };
            (
                Comparison::new("kid", available, actual, false),
                NO_VERIFICATION_KEY,
                reason,
            )
        }
        SignatureError::Invalid { kid } => (
            Comparison::failing(
                "signature",
                format!("made with the key {kid}"),
                "made with another key, or altered",
            ),
            "Token signature invalid",
            Reason::TokenSignatureInvalid,
        ),
        other => (
            Comparison::failing("signature", "made with a published key", other.to_string()),
            NO_VERIFICATION_KEY,
            Reason::TokenSignatureInvalid,
        ),
    };
    trace.fail(StepName::Signature, vec![comparison]);
    Err(Denial::new(
        Code::InvalidIdentityToken,
        message,
        reason,
        trace.clone(),
    ))
}

fn not_authorized(reason: Reason, trace: &Trace) -> Denial {
    Denial::new(
        Code::AccessDenied,
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        reason,
        trace.clone(),
    )
}

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
