//! One account with a role and an OIDC provider, one issuer with a key, and one token: all of them right.

use std::sync::LazyLock;

use jiff::Timestamp;
use podpass_exchange::{
    Denial, IssuerFailure, OidcProvider, Role, WebIdentityGrant, WebIdentityRequest,
    assume_role_with_web_identity,
};
use podpass_policy::{Document, DocumentKind};
use podpass_token::{Jwks, KeySet, KeySize, SigningKey, Token};
use serde_json::{Value, json};

pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const HOST: &str = "irsa-test-oidc.s3.eu-west-1.amazonaws.com";
pub(crate) const ISSUER: &str = "https://irsa-test-oidc.s3.eu-west-1.amazonaws.com";
pub(crate) const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/irsa-test-oidc.s3.eu-west-1.amazonaws.com";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/apps/irsa-test";
pub(crate) const SUBJECT: &str = "system:serviceaccount:irsa-test:irsa-test";
pub(crate) const AUDIENCE: &str = "sts.amazonaws.com";

pub(crate) static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySize::Rsa2048).unwrap());
pub(crate) static OTHER_KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySize::Rsa2048).unwrap());

/// Everything that a decision depends on. A test changes one thing.
pub(crate) struct World {
    pub(crate) claims: Value,
    pub(crate) token: Option<Token>,
    pub(crate) request: WebIdentityRequest,
    pub(crate) providers: Vec<OidcProvider>,
    pub(crate) keys: Result<KeySet, IssuerFailure>,
    pub(crate) role: Option<Role>,
    pub(crate) now: i64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            claims: json!({
                "aud": [AUDIENCE],
                "exp": NOW + 3600,
                "iat": NOW,
                "iss": ISSUER,
                "kubernetes.io": { "namespace": "irsa-test", "serviceaccount": { "name": "irsa-test", "uid": "u" } },
                "nbf": NOW,
                "sub": SUBJECT,
            }),
            token: None,
            request: WebIdentityRequest::new(ROLE, "session-1", Token::new(String::new())),
            providers: vec![provider(PROVIDER, &["openshift", AUDIENCE])],
            keys: Ok(key_set(&KEY)),
            role: Some(role(&trust_policy())),
            now: NOW,
        }
    }

    pub(crate) fn with_claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    pub(crate) fn without_claim(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn with_trust(mut self, trust: &str) -> Self {
        self.role = Some(role(trust));
        self
    }

    pub(crate) fn exchange(mut self) -> Result<WebIdentityGrant, Denial> {
        let header = json!({ "alg": "RS256", "kid": KEY.kid() }).to_string();
        self.request.token = self
            .token
            .unwrap_or_else(|| KEY.sign(&header, &self.claims.to_string()));
        assume_role_with_web_identity(
            self.request,
            &self.providers,
            self.keys.as_ref().map_err(Clone::clone),
            self.role.as_ref(),
            Timestamp::from_second(self.now).unwrap(),
        )
    }

    /// The denial, and a check that its trace and its text are free of the token.
    pub(crate) fn deny(self) -> Denial {
        let denial = self.exchange().expect_err("the exchange should be denied");
        let json = serde_json::to_string(&denial.trace).unwrap();
        for text in [
            json,
            denial.trace.to_string(),
            denial.to_string(),
            format!("{denial:?}"),
        ] {
            assert!(!text.contains("eyJ"), "a token is in: {text}");
        }
        assert!(
            denial.trace.failed_step().is_some(),
            "no failed step for {denial}"
        );
        assert!(
            denial.trace.first_failure().is_some(),
            "nothing compared for {denial}"
        );
        denial
    }
}

pub(crate) fn provider(arn: &str, client_ids: &[&str]) -> OidcProvider {
    OidcProvider {
        arn: arn.parse().unwrap(),
        client_ids: client_ids.iter().map(|&id| id.to_owned()).collect(),
    }
}

pub(crate) fn key_set(key: &SigningKey) -> KeySet {
    KeySet::from_jwks_json(&Jwks::of(&[key.public().clone()]).to_json()).unwrap()
}

pub(crate) fn role(trust: &str) -> Role {
    Role {
        arn: ROLE.parse().unwrap(),
        id: "AROARZPUZDIKAAAAAAAAA".to_owned(),
        trust: Document::parse(trust, DocumentKind::Trust).unwrap().into(),
        max_session_seconds: 3600,
    }
}

/// The trust policy that `ccoctl` writes, with a condition on the audience.
pub(crate) fn trust_policy() -> String {
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Principal": {{ "Federated": "{PROVIDER}" }},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {{
        "StringEquals": {{
          "{HOST}:aud": "{AUDIENCE}",
          "{HOST}:sub": "{SUBJECT}"
        }}
      }}
    }}
  ]
}}"#
    )
}

/// A trust policy of one statement.
pub(crate) fn trust_with(principal: &Value, action: &Value, condition: &Value) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition }],
    })
    .to_string()
}
