//! From arguments and files to a scenario.

use std::path::Path;
use std::str::FromStr;

use jiff::Timestamp;
use podpass_diagnose::simulate::{Bearer, Keys, Scenario, TrustPolicy, pod_claims, supposed_token};
use podpass_exchange::{IssuerFailure, OidcProvider, WebIdentityRequest};
use podpass_kinds::ServiceAccountRef;
use podpass_policy::{OidcProviderArn, PolicyError};
use podpass_token::{KeySet, Token};

use crate::failure::Failure;
use crate::files;

/// What a scenario is made of, as the command line has it.
pub(crate) struct ScenarioInputs<'a> {
    pub(crate) token: Option<&'a Path>,
    pub(crate) jwks: Option<&'a Path>,
    /// Issuer, subject and audience.
    pub(crate) described: Option<((&'a str, &'a ServiceAccountRef), &'a str)>,
    pub(crate) trust: &'a Path,
    pub(crate) providers: &'a [Provider],
    pub(crate) role_arn: Option<&'a str>,
    pub(crate) now: Option<Time>,
}

/// `ARN=CLIENT-ID[,…]`.
#[derive(Clone, Debug)]
pub(crate) struct Provider(pub(crate) OidcProvider);

/// RFC 3339, or seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(Timestamp);

pub(crate) fn read(inputs: &ScenarioInputs<'_>) -> Result<Scenario, Failure> {
    let now = inputs.now.map_or_else(Timestamp::now, |time| time.0);
    let (token, bearer) = match (inputs.token, inputs.described) {
        (Some(path), _) => {
            let text = files::read_text(path)?;
            (Token::new(text.trim().to_owned()), Bearer::Token)
        }
        (None, Some(((issuer, subject), audience))) => {
            let claims = pod_claims(issuer, &subject.subject(), audience, now);
            (supposed_token(&claims), Bearer::Described)
        }
        (None, None) => return Err(Failure::usage("neither a token nor an issuer is given")),
    };
    let keys = match inputs.jwks {
        None => Keys::Unknown,
        Some(path) => match KeySet::from_jwks_json(&files::read_text(path)?) {
            Ok(keys) => Keys::Known(keys),
            Err(error) => {
                Keys::Unusable(IssuerFailure::of_jwks(path.display().to_string(), &error))
            }
        },
    };
    let providers: Vec<OidcProvider> = inputs.providers.iter().map(|each| each.0.clone()).collect();
    let role_arn = match (inputs.role_arn, providers.first()) {
        (Some(arn), _) => arn.to_owned(),
        (None, Some(provider)) => format!(
            "arn:{}:iam::{}:role/simulated",
            provider.arn.partition(),
            provider.arn.account()
        ),
        (None, None) => return Err(Failure::usage("neither a role nor a provider is given")),
    };
    Ok(Scenario {
        request: WebIdentityRequest::new(role_arn, SESSION_NAME, token),
        bearer,
        keys,
        providers,
        trust: read_trust(inputs.trust)?,
        max_session_seconds: DEFAULT_MAX_SESSION_SECONDS,
        now,
    })
}

pub(crate) fn read_trust(path: &Path) -> Result<TrustPolicy, Failure> {
    let name = path.display().to_string();
    TrustPolicy::read(name.clone(), files::read_text(path)?)
        .map_err(|error| not_a_policy(&name, &error))
}

/// A file that IAM would not take as a policy.
pub(crate) fn not_a_policy(file: &str, error: &PolicyError) -> Failure {
    let place = error.position;
    Failure::usage(format!(
        "{file}:{}:{}: {}",
        place.line, place.column, error.kind
    ))
    .detail("AWS says", error.aws_message())
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (arn, client_ids) = text.split_once('=').unwrap_or((text, ""));
        let arn: OidcProviderArn = arn.parse().map_err(|error| format!("{error}"))?;
        let listed = client_ids.split(',').filter(|id| !id.is_empty());
        Ok(Self(OidcProvider {
            arn,
            client_ids: listed.map(str::to_owned).collect(),
        }))
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = match text.parse::<i64>() {
            Ok(seconds) => Timestamp::from_second(seconds),
            Err(_) => text.parse(),
        };
        time.map(Self).map_err(|_| {
            "write the time as 2026-01-31T12:00:00Z, or as seconds since 1970".to_owned()
        })
    }
}

const SESSION_NAME: &str = "podpass-simulate";

/// What IAM gives a role that names none.
const DEFAULT_MAX_SESSION_SECONDS: u32 = 3600;
