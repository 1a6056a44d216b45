//! The proof: the failed call simulated with the caller's own files.

use std::path::Path;

use podpass_diagnose::explain::{Explanation, Proof, Topic};
use podpass_diagnose::simulate::{Simulation, simulate};
use podpass_exchange::OidcProvider;
use podpass_policy::OidcProviderArn;
use podpass_token::{Jwt, Token};
use serde_json::Value;

use super::ExplainArgs;
use crate::commands::simulate::{Provider, ScenarioInputs, read_scenario, read_trust};
use crate::failure::Failure;
use crate::files;

/// What a simulation showed, and what it had to suppose.
pub(super) struct Shown {
    pub(super) proof: Proof,
    pub(super) simulation: Simulation,
    pub(super) supposed: Vec<String>,
    /// The trust policy's file.
    pub(super) trust: String,
}

/// Simulates the call if its files are given.
pub(super) fn of(
    arguments: &ExplainArgs,
    explanation: &mut Explanation,
) -> Result<Option<Shown>, Failure> {
    let (Some(token), Some(trust)) = (&arguments.token, &arguments.trust) else {
        return Ok(None);
    };
    let mut supposed = Vec::new();
    let mut providers = arguments.providers.clone();
    if providers.is_empty() {
        let needs_provider = [Topic::ProviderMissing, Topic::AudienceWrong];
        if needs_provider.contains(&explanation.topic) {
            return Err(Failure::usage("this message is about the OIDC provider, which is not given")
                .help("add `--provider ARN=CLIENT-ID`, as `aws iam get-open-id-connect-provider` shows it"));
        }
        let provider = fitting(arguments.role_arn.as_deref(), token, trust)?;
        if let Some(provider) = &provider {
            supposed.push(format!(
                "that the OIDC provider {} exists with the client ids {}",
                provider.0.arn,
                provider.0.client_ids.join(", ")
            ));
        }
        providers.extend(provider);
    }
    if arguments.jwks.is_none() {
        supposed.push("that the signature is the issuer's (no `--jwks`)".to_owned());
    }
    let role_arn = arguments.role_arn.clone().or_else(|| {
        providers
            .is_empty()
            .then(|| "arn:aws:iam::000000000000:role/simulated".to_owned())
    });
    let scenario = read_scenario(&ScenarioInputs {
        token: Some(token),
        jwks: arguments.jwks.as_deref(),
        described: None,
        trust,
        providers: &providers,
        role_arn: role_arn.as_deref(),
        now: arguments.now,
    })?;
    let simulation = simulate(&scenario);
    Ok(Some(Shown {
        proof: explanation.prove(&simulation),
        simulation,
        supposed,
        trust: scenario.trust.name,
    }))
}

/// A provider that fits the token, in the account of the role or of the trust policy's own provider.
fn fitting(
    role_arn: Option<&str>,
    token: &Path,
    trust: &Path,
) -> Result<Option<Provider>, Failure> {
    let token = Token::new(files::read_text(token)?.trim().to_owned());
    let trust = read_trust(trust)?;
    let trusted = trust
        .document()
        .statements
        .iter()
        .flat_map(podpass_policy::Statement::federated_principals)
        .find_map(|arn| arn.parse::<OidcProviderArn>().ok());
    let role = role_arn.and_then(|arn| arn.parse::<podpass_policy::RoleArn>().ok());
    let home = role
        .map(|role| (role.partition(), role.account().clone()))
        .or_else(|| trusted.map(|arn| (arn.partition(), arn.account().clone())));
    let (Some((partition, account)), Ok(jwt)) = (home, Jwt::decode(&token)) else {
        return Ok(None);
    };
    let claims = jwt.claims();
    let url = claims
        .get("iss")
        .and_then(Value::as_str)
        .and_then(|issuer| issuer.strip_prefix("https://"));
    let client_ids = match claims.get("azp").or_else(|| claims.get("aud")) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let arn = url.and_then(|url| OidcProviderArn::new(partition, account, url).ok());
    Ok(arn.map(|arn| Provider(OidcProvider { arn, client_ids })))
}
