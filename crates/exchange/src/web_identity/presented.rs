//! Parameters, the form of the token and its required claims; then the OIDC provider, times and audience.

use std::sync::Arc;

use jiff::Timestamp;
use podpass_kinds::Reason;
use podpass_policy::{Context, OidcProviderArn, RoleArn};
use podpass_token::{Jwt, MalformedToken, Token};

use super::WebIdentityRequest;
use super::authorised::Registered;
use super::claims::{self, RequiredClaims};
use super::known::KnownClaims;
use crate::behaviour::Behaviour;
use crate::constraint::{Constraints, Show};
use crate::denial::{Code, Denial};
use crate::issuer::{look_alike, without_scheme};
use crate::model::OidcProvider;
use crate::parameters::{self, Target};
use crate::session_policy::{self, SessionPolicies};
use crate::trace::{Comparison, StepName, Trace};

/// A well-formed request with a decoded token, whose signature nobody has checked yet.
#[derive(Debug)]
pub struct Presented {
    pub(super) parameters: Parameters,
    pub(super) jwt: Jwt<KnownClaims>,
    pub(super) claims: Arc<RequiredClaims>,
    pub(super) now: Timestamp,
    pub(super) trace: Trace,
}

/// The parameters, parsed.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) target: Arc<Target>,
    pub(super) policies: SessionPolicies,
    pub(super) context: Context,
    pub(super) behaviour: Behaviour,
}

/// Checks the parameters, decodes the token and looks for the required claims: steps 1 to 4.
pub fn present(request: WebIdentityRequest, now: Timestamp) -> Result<Presented, Denial> {
    let mut trace = Trace::default();
    let token = request.token.clone();
    let parameters = read_parameters(request, &mut trace)?;
    let jwt = decode(&token, &mut trace)?;
    let claims = claims::require(jwt.claims(), &mut trace)?;
    Ok(Presented {
        parameters,
        jwt,
        claims,
        now,
        trace,
    })
}

impl Presented {
    /// Returns the role that is asked for. Its account is where provider and role have to be.
    pub fn role_arn(&self) -> &RoleArn {
        &self.parameters.target.role
    }

    /// Gives access to what the call brings to conditions, for what only the role's ARN leads to, such as the role's tags.
    pub fn context_mut(&mut self) -> &mut Context {
        &mut self.parameters.context
    }

    /// Returns the token's `iss`, which is not proven.
    pub fn issuer(&self) -> &str {
        &self.claims.issuer
    }

    /// Returns the ARN that the OIDC provider must have; `None` if the issuer is not an https URL that IAM could hold.
    pub fn provider_arn(&self) -> Option<OidcProviderArn> {
        let role = &self.parameters.target.role;
        let url = without_scheme(&self.claims.issuer)?;
        OidcProviderArn::new(role.partition(), role.account().clone(), &url).ok()
    }

    /// Finds the OIDC provider of the issuer and checks times and audience: steps 5 to 7.
    ///
    /// Providers of other accounts and issuers may be among those given; they make the trace of a denial more telling.
    pub fn at<'a>(
        mut self,
        providers: impl IntoIterator<Item = &'a OidcProvider>,
    ) -> Result<Registered, Denial> {
        let provider = self.find_provider(providers)?;
        let Self {
            parameters,
            jwt,
            claims,
            now,
            mut trace,
        } = self;
        let behaviour = parameters.behaviour;
        claims.check_times(now, behaviour.oldest_token, &mut trace)?;
        let audience = claims.effective_audience(
            &provider.client_ids,
            behaviour.audience_answer,
            &mut trace,
        )?;
        Ok(Registered {
            presented: Self {
                parameters,
                jwt,
                claims,
                now,
                trace,
            },
            provider: provider.arn.clone(),
            audience,
        })
    }

    fn find_provider<'a>(
        &mut self,
        providers: impl IntoIterator<Item = &'a OidcProvider>,
    ) -> Result<&'a OidcProvider, Denial> {
        let issuer = &self.claims.issuer;
        let wanted = without_scheme(issuer);
        let role = &self.parameters.target.role;
        let mut registered = Vec::new();
        let mut elsewhere = None;
        for provider in providers {
            let arn = &provider.arn;
            let is_of_issuer = wanted.as_deref() == Some(arn.issuer_without_scheme());
            let is_of_account = arn.account() == role.account();
            if is_of_issuer && is_of_account && arn.partition() == role.partition() {
                let claims = Arc::clone(&self.claims);
                self.trace.pass(StepName::OidcProvider, move || {
                    let url = without_scheme(&claims.issuer).unwrap_or_default();
                    let registered = format!("https://{url}");
                    vec![Comparison::holding("issuer", registered, &*claims.issuer)]
                });
                return Ok(provider);
            }
            if is_of_account {
                registered.push(format!("https://{}", arn.issuer_without_scheme()));
            } else if is_of_issuer {
                elsewhere = Some(arn.account().to_string());
            }
        }
        let nearest = registered.iter().position(|url| look_alike(url, issuer));
        let reason = match nearest {
            Some(index) => {
                registered.swap(0, index);
                Reason::IssuerStringMismatch
            }
            None if elsewhere.is_some() => Reason::OidcProviderWrongAccount,
            None => Reason::OidcProviderMissing,
        };
        let mut comparisons = vec![Comparison::new(
            "issuer",
            registered,
            Some(issuer.clone()),
            false,
        )];
        if let Some(account) = elsewhere {
            comparisons.push(Comparison::failing(
                "account of the provider",
                role.account().to_string(),
                account,
            ));
        }
        self.trace.fail(StepName::OidcProvider, comparisons);
        Err(Denial::new(
            Code::InvalidIdentityToken,
            format!("No OpenIDConnect provider found in your account for {issuer}"),
            reason,
            self.trace.clone(),
        ))
    }
}

fn read_parameters(request: WebIdentityRequest, trace: &mut Trace) -> Result<Parameters, Denial> {
    let mut constraints = Constraints::default();
    parameters::constrain(
        &mut constraints,
        &request.role_arn,
        &request.role_session_name,
        request.duration_seconds,
    );
    constraints.length(
        "webIdentityToken",
        request.token.expose(),
        Show::Nothing,
        4,
        20_000,
    );
    if let Some(provider) = &request.provider_id {
        constraints.length("providerId", provider, Show::Value, 4, 2048);
    }
    session_policy::constrain(
        &mut constraints,
        request.policy.as_deref(),
        &request.policy_arns,
    );
    constraints.finish(trace)?;

    let target = parameters::read(
        &request.role_arn,
        &request.role_session_name,
        request.duration_seconds,
        request.partition,
        trace,
    )?;
    let managed = session_policy::read_arns(&request.policy_arns, trace)?;
    if let Some(provider) = &request.provider_id {
        return Err(refuse_provider_id(provider, trace));
    }
    target.accept(trace);
    Ok(Parameters {
        target,
        policies: SessionPolicies {
            inline: request.policy,
            managed,
        },
        context: request.context,
        behaviour: request.behaviour,
    })
}

fn refuse_provider_id(provider: &str, trace: &mut Trace) -> Denial {
    let comparison = Comparison::new("ProviderId", ["(absent)"], Some(provider.to_owned()), false);
    trace.fail(StepName::Parameters, vec![comparison]);
    let (code, message) = match provider {
        "www.amazon.com" => (
            Code::InvalidIdentityToken,
            "Provided Token is not a Login With Amazon token",
        ),
        "graph.facebook.com" => (
            Code::IdpRejectedClaim,
            "The identity provider graph.facebook.com rejected the token",
        ),
        _ => (
            Code::AccessDenied,
            "Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens",
        ),
    };
    Denial::new(code, message, Reason::ProviderIdGiven, trace.clone())
}

fn decode(token: &Token, trace: &mut Trace) -> Result<Jwt<KnownClaims>, Denial> {
    let error = match Jwt::decode_as(token) {
        Ok(jwt) => {
            let (algorithm, kid) = (jwt.algorithm(), jwt.kid().map(str::to_owned));
            trace.pass(StepName::TokenFormat, move || {
                let supported = "a supported signature algorithm";
                vec![
                    Comparison::holding("alg", supported, algorithm.as_str()),
                    Comparison::new("kid", ["the id of a published key"], kid.clone(), true),
                ]
            });
            return Ok(jwt);
        }
        Err(error) => error,
    };
    let reason = match error {
        MalformedToken::AlgorithmUnsupported { .. } => Reason::TokenAlgorithmUnsupported,
        _ => Reason::TokenMalformed,
    };
    let comparison = match &error {
        MalformedToken::SegmentCount { found } => Comparison::failing(
            "segments of the token",
            "3, separated by dots",
            found.to_string(),
        ),
        MalformedToken::AlgorithmUnsupported { found } => Comparison::new(
            "alg",
            ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"],
            Some(found.clone()),
            false,
        ),
        MalformedToken::AlgorithmMissing => {
            Comparison::absent("alg", "a supported signature algorithm")
        }
        MalformedToken::CriticalExtensions => Comparison::failing("crit", "(absent)", "(present)"),
        other => Comparison::failing("token", "a signed JSON Web Token", other.to_string()),
    };
    trace.fail(StepName::TokenFormat, vec![comparison]);
    Err(Denial::new(
        Code::InvalidIdentityToken,
        claims::NOT_A_JWT,
        reason,
        trace.clone(),
    ))
}
