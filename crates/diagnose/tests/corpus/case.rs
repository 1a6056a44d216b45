//! One case of the corpus, and the scenario it stands for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::Timestamp;
use podpass_diagnose::simulate::{
    Bearer, Keys, PermissionsQuestion, Scenario, TrustPolicy, supposed_token,
};
use podpass_exchange::{IssuerFailure, OidcProvider, WebIdentityRequest};
use podpass_policy::{
    AccountId, Attached, Context, ControlLevel, Controls, Document, DocumentKind, Policies,
};
use podpass_token::{Jwks, KeySet, KeySize, SigningKey, Token};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A case as its file has it. What it does not say is taken from `bases.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) covers: Vec<String>,
    /// Claims beside or instead of the base's; null takes one out.
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
    /// Claims that are null.
    #[serde(default)]
    null_claims: Vec<String>,
    header: Option<Value>,
    raw_token: Option<String>,
    signature: Option<String>,
    providers: Option<Vec<Value>>,
    trust: Option<String>,
    /// The Condition of the base trust policy's statement.
    condition: Option<Value>,
    statements: Option<Value>,
    #[serde(default)]
    single_statement: bool,
    version: Option<String>,
    role_arn: Option<String>,
    session_name: Option<String>,
    partition: Option<String>,
    provider_id: Option<String>,
    duration: Option<i64>,
    max_session: Option<u32>,
    session_policy: Option<String>,
    #[serde(default)]
    context: Map<String, Value>,
    pub(crate) ask: Option<Ask>,
    pub(crate) expect: Expected,
}

/// What the session then asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ask {
    action: String,
    resource: String,
    #[serde(default)]
    identity: Vec<Value>,
    boundary: Option<Value>,
    resource_policy: Option<Value>,
    resource_account: Option<String>,
    /// The policies of one level of the caller's organisation.
    service_control: Option<Vec<Value>>,
    /// The policies of one level of the organisation of the resource's account.
    resource_control: Option<Vec<Value>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Value")]
pub(crate) enum Expected {
    Allow,
    Deny(Denied),
}

/// What is expected of a denial; what is absent is not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Denied {
    pub(crate) code: Option<String>,
    pub(crate) deny: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) reason: String,
}

/// The policies of a question, parsed.
pub(crate) struct Documents {
    identity: Vec<Document>,
    boundary: Option<Document>,
    resource: Option<Document>,
    resource_account: Option<AccountId>,
    service_control: Option<Vec<Document>>,
    resource_control: Option<Vec<Document>>,
}

pub(crate) fn bases() -> &'static Value {
    static BASES: LazyLock<Value> = LazyLock::new(|| {
        let text = fs::read_to_string(folder().join("bases.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    &BASES
}

pub(crate) fn cases() -> Vec<Case> {
    FILES
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(folder().join(file)).unwrap();
            serde_json::from_str::<Vec<Case>>(&text).unwrap()
        })
        .collect()
}

impl From<Value> for Expected {
    fn from(value: Value) -> Self {
        match value {
            Value::String(word) if word == "allow" => Self::Allow,
            other => Self::Deny(serde_json::from_value(other).unwrap()),
        }
    }
}

impl Case {
    pub(crate) fn scenario(&self) -> Scenario {
        let (token, keys) = self.token_and_keys();
        let role_arn = self.role_arn.as_deref();
        let session_name = self.session_name.as_deref().unwrap_or("corpus");
        let mut request = WebIdentityRequest::new(
            role_arn.unwrap_or_else(|| bases()["roleArn"].as_str().unwrap()),
            session_name,
            token,
        );
        request.provider_id.clone_from(&self.provider_id);
        request.duration_seconds = self.duration;
        request.policy =
            self.session_policy
                .as_ref()
                .map(|policy| match bases()["policies"].get(policy) {
                    Some(statements) => document_text(statements),
                    None => policy.clone(),
                });
        request.partition = self
            .partition
            .as_ref()
            .map(|partition| partition.parse().unwrap());
        for (key, value) in &self.context {
            request.context.insert(key.clone(), value.as_str().unwrap());
        }
        Scenario {
            request,
            bearer: Bearer::Token,
            keys,
            providers: self.providers(),
            trust: TrustPolicy::read("trust.json", self.trust_text()).unwrap(),
            max_session_seconds: self.max_session.unwrap_or(3600),
            now: Timestamp::from_second(bases()["now"].as_i64().unwrap()).unwrap(),
        }
    }

    fn claims(&self) -> Map<String, Value> {
        let mut claims = bases()["claims"].as_object().unwrap().clone();
        for (name, value) in &self.claims {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        claims.extend(
            self.null_claims
                .iter()
                .map(|name| (name.clone(), Value::Null)),
        );
        claims
    }

    fn token_and_keys(&self) -> (Token, Keys) {
        let claims = Value::Object(self.claims());
        if let Some(raw) = &self.raw_token {
            return (Token::new(raw.clone()), Keys::Unknown);
        }
        if let Some(header) = &self.header {
            return (
                KEY.sign(&header.to_string(), &claims.to_string()),
                Keys::Unknown,
            );
        }
        let Some(signature) = &self.signature else {
            return (supposed_token(claims.as_object().unwrap()), Keys::Unknown);
        };
        let kid = KEY.kid();
        let named = json!({ "alg": "RS256", "kid": kid });
        let nameless = json!({ "alg": "RS256" });
        let jwk = serde_json::to_value(&Jwks::of(&[KEY.public().clone()]).keys[0]).unwrap();
        let with = |member: &str, value: Value| {
            let mut jwk = jwk.clone();
            jwk[member] = value;
            vec![jwk]
        };
        let other = serde_json::to_value(&Jwks::of(&[OTHER_KEY.public().clone()]).keys[0]).unwrap();
        let (header, keys) = match signature.as_str() {
            "published" | "altered" | "jwks-not-json" => (named, vec![jwk]),
            "other-key" => {
                let mut other = other;
                other["kid"] = json!(kid);
                (named, vec![other])
            }
            "unknown-kid" => (json!({ "alg": "RS256", "kid": "nobody's" }), vec![jwk]),
            "no-kid" => (nameless, vec![jwk]),
            "no-kid-two-keys" => (nameless, vec![jwk, other]),
            "jwks-without-kid" => (named, with("kid", Value::Null)),
            "jwks-for-encryption" => (named, with("use", json!("enc"))),
            "jwks-with-key-ops" => (named, with("key_ops", json!(["verify"]))),
            unknown => panic!("{}: no such signature: {unknown}", self.name),
        };
        let mut token = KEY.sign(&header.to_string(), &claims.to_string());
        let mut jwks = json!({ "keys": keys }).to_string();
        if signature == "altered" {
            let signed = KEY.sign(
                &header.to_string(),
                &json!({ "sub": "another" }).to_string(),
            );
            let (unsigned, _) = token.expose().rsplit_once('.').unwrap();
            let (_, foreign) = signed.expose().rsplit_once('.').unwrap();
            token = Token::new(format!("{unsigned}.{foreign}"));
        }
        if signature == "jwks-not-json" {
            jwks.insert_str(0, "<html>");
        }
        let keys = match KeySet::from_jwks_json(&jwks) {
            Ok(keys) => Keys::Known(keys),
            Err(error) => Keys::Unusable(IssuerFailure::of_jwks("keys.json", &error)),
        };
        (token, keys)
    }

    fn providers(&self) -> Vec<OidcProvider> {
        let named = vec![json!("cluster")];
        let read = |entry: &Value| {
            let entry = entry
                .as_str()
                .map_or(entry, |name| &bases()["providers"][name]);
            let client_ids = entry["clientIds"].as_array().unwrap();
            OidcProvider {
                arn: entry["arn"].as_str().unwrap().parse().unwrap(),
                client_ids: client_ids
                    .iter()
                    .map(|id| id.as_str().unwrap().to_owned())
                    .collect(),
            }
        };
        self.providers
            .as_ref()
            .unwrap_or(&named)
            .iter()
            .map(read)
            .collect()
    }

    fn trust_text(&self) -> String {
        let base = self.trust.as_deref().unwrap_or("app");
        let mut statements = self
            .statements
            .clone()
            .unwrap_or_else(|| bases()["trusts"][base].clone());
        if let Some(condition) = &self.condition {
            statements[0]["Condition"] = condition.clone();
        }
        if self.single_statement {
            statements = statements[0].clone();
        }
        let version = self.version.as_deref().unwrap_or("2012-10-17");
        serde_json::to_string_pretty(&json!({ "Version": version, "Statement": statements }))
            .unwrap()
    }
}

impl Ask {
    pub(crate) fn documents(&self) -> Documents {
        let permissions = |entry: &Value| document(entry, DocumentKind::Permissions);
        Documents {
            identity: self.identity.iter().map(permissions).collect(),
            boundary: self.boundary.as_ref().map(permissions),
            resource: self
                .resource_policy
                .as_ref()
                .map(|entry| document(entry, DocumentKind::Bucket)),
            resource_account: self
                .resource_account
                .as_ref()
                .map(|account| account.parse().unwrap()),
            service_control: all(self.service_control.as_ref(), DocumentKind::ServiceControl),
            resource_control: all(
                self.resource_control.as_ref(),
                DocumentKind::ResourceControl,
            ),
        }
    }

    pub(crate) fn question<'a>(&'a self, documents: &'a Documents) -> PermissionsQuestion<'a> {
        let attach = |document: &'a Document| Attached {
            source: "corpus",
            document,
        };
        PermissionsQuestion {
            action: &self.action,
            resource: &self.resource,
            policies: Policies {
                identity: documents.identity.iter().map(attach).collect(),
                boundary: documents.boundary.as_ref().map(attach),
                resource: documents.resource.as_ref().map(attach),
                resource_account: documents.resource_account.as_ref(),
                service_controls: controls(documents.service_control.as_ref()),
                resource_controls: controls(documents.resource_control.as_ref()),
                ..Policies::default()
            },
            context: Context::new(),
        }
    }
}

fn all(entries: Option<&Vec<Value>>, kind: DocumentKind) -> Option<Vec<Document>> {
    entries.map(|entries| entries.iter().map(|entry| document(entry, kind)).collect())
}

fn controls(documents: Option<&Vec<Document>>) -> Controls<'_> {
    let level = documents.map(|documents| ControlLevel {
        target: "account",
        policies: documents
            .iter()
            .map(|document| Attached {
                source: "corpus",
                document,
            })
            .collect(),
    });
    Controls {
        management_account: None,
        levels: level.into_iter().collect(),
    }
}

/// A policy by its name among the bases, or its statements.
fn document(entry: &Value, kind: DocumentKind) -> Document {
    let statements = entry
        .as_str()
        .map_or(entry, |name| &bases()["policies"][name]);
    Document::parse(&document_text(statements), kind).unwrap()
}

fn document_text(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySize::Rsa2048).unwrap());
static OTHER_KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySize::Rsa2048).unwrap());

const FILES: [&str; 4] = ["steps.json", "operators.json", "trust.json", "layers.json"];
