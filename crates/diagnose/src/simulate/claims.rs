//! Claims that were described instead of issued, and what the claims of a token say about the call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use podpass_exchange::present;
use podpass_policy::OidcProviderArn;
use podpass_token::{Jwt, Token};
use serde_json::{Map, Value, json};

use super::Scenario;

/// Makes the claims that a kube-apiserver would put into a token for a service account, as far as AWS looks at them.
pub fn pod_claims(
    issuer: &str,
    subject: &str,
    audience: &str,
    now: Timestamp,
) -> Map<String, Value> {
    let now = now.as_second();
    [
        ("iss", json!(issuer)),
        ("sub", json!(subject)),
        ("aud", json!([audience])),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now.saturating_add(LIFETIME_SECONDS))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Writes claims as a token that nobody signed: it can be rehearsed with and never verified.
pub fn supposed_token(claims: &Map<String, Value>) -> Token {
    let header = json!({ "alg": "RS256" }).to_string();
    let payload = Value::Object(claims.clone()).to_string();
    let text = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    Token::new(text)
}

/// What the token of a scenario says.
pub(super) struct Facts {
    pub(super) claims: Map<String, Value>,
    pub(super) issuer: String,
    pub(super) subject: String,
    /// The effective audience; `None` if there is not exactly one.
    pub(super) audience: Option<String>,
    /// The ARN that the OIDC provider must have.
    pub(super) provider: Option<OidcProviderArn>,
}

impl Facts {
    pub(super) fn of(scenario: &Scenario) -> Option<Self> {
        let claims = Jwt::decode(&scenario.request.token).ok()?.claims().clone();
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let audience = text("azp").or_else(|| match audiences(&claims).as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        });
        let subject = match claims.get("sub") {
            Some(Value::Number(number)) => number.to_string(),
            _ => text("sub").unwrap_or_default(),
        };
        let provider = present(scenario.request.clone(), scenario.now)
            .ok()
            .and_then(|presented| presented.provider_arn());
        Some(Self {
            issuer: text("iss").unwrap_or_default(),
            subject,
            audience,
            provider,
            claims,
        })
    }

    /// The condition key of a claim.
    pub(super) fn key(&self, claim: &str) -> Option<String> {
        let host = self.provider.as_ref()?.issuer_without_scheme();
        Some(format!("{host}:{claim}"))
    }
}

pub(super) fn audiences(claims: &Map<String, Value>) -> Vec<String> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// What a kubelet asks for by default.
const LIFETIME_SECONDS: i64 = 3600;
