//! The whole way of one service account, really gone: token, exchange, caller identity.
//!
//! The first step that breaks says what is wrong; those after it are not reached. What AWS itself leaves open is left
//! open here too, and its possible causes are listed.

mod chain;
mod kube;
mod refusal;

use std::fmt;

use jiff::Timestamp;
use podpass_cloud::{CallerIdentity, Exchange, Session, WebIdentityRequest};
use podpass_cluster::{Cluster, TokenRequest};
use podpass_kinds::{Reason, ServiceAccountRef, ServiceAccountView, annotations};
use podpass_policy::RoleArn;
use podpass_token::{Jwt, KeySet, SignatureError, Token};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::injected::{ExpectedIdentity, InjectionRules};
use crate::local::SESSION_NAME;

pub use refusal::{Broken, Cause, Origin};

/// What is to be verified.
#[derive(Clone, Debug)]
pub struct Question {
    /// The service account.
    pub account: ServiceAccountRef,
    /// The role, instead of the annotated one.
    pub role: Option<RoleArn>,
    /// How the session is called where the service account says nothing of it.
    pub session_name: String,
    /// The trust policy of the chain's last role, to tell why STS refuses it.
    pub last_trust: Option<podpass_policy::Document>,
    /// What the webhook goes by: it decides role and audience.
    pub rules: InjectionRules,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// `namespace/name`.
    pub service_account: String,
    /// Whether the service account gets its role.
    pub verified: bool,
    /// The role; of a chain the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Whom AWS takes the service account for, in the words of GetCallerIdentity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_identity: Option<Caller>,
    /// Each step of the way, in order.
    pub steps: Vec<StepReport>,
}

/// The answer of GetCallerIdentity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caller {
    /// The role's unique id and the session's name.
    pub user_id: String,
    /// The account's twelve digits.
    pub account: String,
    /// The ARN of the session.
    pub arn: String,
}

/// A step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The service account exists.
    ServiceAccount,
    /// Something names its role, and it is the ARN of one.
    Role,
    /// The API server gives a token.
    Token,
    /// A key that the API server publishes made the token's signature.
    SigningKey,
    /// STS takes the token for credentials of the role.
    Exchange,
    /// The role's session may take on the next role of the chain. A service account without a chain has no such step.
    Chain,
    /// The credentials work, and are the role's.
    CallerIdentity,
    /// The API server takes a token of its own audience; not on the way to the role.
    ApiWithToken,
    /// Without a token it takes nobody; not on the way to the role.
    ApiWithoutToken,
}

/// A step with its result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// Its result.
    pub result: StepResult,
    /// What was found, by name; an object in JSON.
    #[serde(serialize_with = "as_object")]
    pub found: Vec<(&'static str, String)>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// It holds.
    Ok,
    /// It could not be looked at, and the way goes on without it.
    NotChecked,
    /// It is broken.
    Broken,
    /// A step before it is.
    NotReached,
}

impl Step {
    /// The steps of a service account, in order.
    fn path(chained: bool) -> Vec<Self> {
        let mut path = vec![
            Self::ServiceAccount,
            Self::Role,
            Self::Token,
            Self::SigningKey,
            Self::Exchange,
        ];
        path.extend(chained.then_some(Self::Chain));
        path.push(Self::CallerIdentity);
        path
    }

    /// The step's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "service account",
            Self::Role => "role",
            Self::Token => "token",
            Self::SigningKey => "signing key",
            Self::Exchange => "exchange",
            Self::Chain => "chain",
            Self::CallerIdentity => "caller identity",
            Self::ApiWithToken => "API with token",
            Self::ApiWithoutToken => "API without token",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Verification {
    /// Goes the way. The exchange is not signed, so `exchange` needs no credentials.
    pub async fn of<E: Exchange>(cluster: &Cluster, exchange: &E, question: &Question) -> Self {
        let mut way = Way {
            cluster,
            exchange,
            question,
            steps: Vec::new(),
            role_arn: None,
            chained: false,
        };
        let gone = way.go().await;
        let mut steps = way.steps;
        let path = Step::path(way.chained);
        let caller_identity = match gone {
            Ok(identity) => Some(Caller::of(identity)),
            Err(broken) => {
                steps.push(StepReport {
                    step: path[steps.len()],
                    result: StepResult::Broken,
                    found: Vec::new(),
                    broken: Some(*broken),
                });
                None
            }
        };
        let reached = steps.len();
        steps.extend(path[reached..].iter().map(|&step| StepReport {
            step,
            result: StepResult::NotReached,
            found: Vec::new(),
            broken: None,
        }));
        Self {
            service_account: question.account.to_string(),
            verified: caller_identity.is_some(),
            role_arn: way.role_arn,
            caller_identity,
            steps,
        }
    }

    /// What is wrong with the step that broke.
    pub fn broken(&self) -> Option<&Broken> {
        self.steps.iter().find_map(|report| report.broken.as_ref())
    }
}

impl Caller {
    fn of(identity: CallerIdentity) -> Self {
        Self {
            user_id: identity.user_id,
            account: identity.account,
            arn: identity.arn,
        }
    }
}

/// The way, as far as it was gone.
struct Way<'a, E> {
    cluster: &'a Cluster,
    exchange: &'a E,
    question: &'a Question,
    steps: Vec<StepReport>,
    role_arn: Option<String>,
    chained: bool,
}

/// The step broke.
type Gone<T> = Result<T, Box<Broken>>;

impl<E: Exchange> Way<'_, E> {
    async fn go(&mut self) -> Gone<CallerIdentity> {
        let account = self.service_account().await?;
        let expected = self.role(account)?;
        let (token, claims) = self.token(&expected).await?;
        self.signing_key(&token, &claims).await?;
        let session = self.exchanged(&expected, token, &claims).await?;
        let session = self.chained(&expected, session).await?;
        self.caller_identity(&session).await
    }

    async fn service_account(&mut self) -> Gone<ServiceAccountView> {
        let account = &self.question.account;
        let found = self
            .cluster
            .service_account(account.namespace(), account.name())
            .await
            .map_err(Broken::cluster)?;
        let Some(found) = found else {
            let (namespace, name) = (account.namespace(), account.name());
            let broken = Broken::here(None, format!("there is no service account `{account}`"));
            return Err(broken
                .fixed_by(format!(
                    "check namespace and name, or make it: `kubectl -n {namespace} create serviceaccount {name}`"
                ))
                .into());
        };
        let uid = found.view.uid.clone().unwrap_or_default();
        self.holds(Step::ServiceAccount, vec![("uid", uid)]);
        Ok(found.view)
    }

    fn role(&mut self, mut account: ServiceAccountView) -> Gone<ExpectedIdentity> {
        let rules = &self.question.rules;
        let annotation =
            annotations::name(&rules.settings.annotation_prefix, annotations::ROLE_ARN);
        if let Some(role) = &self.question.role {
            account.annotations.insert(annotation, role.to_string());
        }
        let (expected, notes) = ExpectedIdentity::of(&account, rules);
        let note = |reason| notes.iter().find(|note| note.reason == reason);
        let Some(expected) = expected else {
            let message = notes.first().map(|note| note.message.clone());
            let message =
                message.unwrap_or_else(|| "nothing gives the service account a role".to_owned());
            let account = &self.question.account;
            return Err(Broken::here(Some(Reason::NoRoleAnnotation), message)
                .fixed_by(format!(
                    "`podpass bind {account} --role-arn ARN` annotates it"
                ))
                .into());
        };
        if let Some(bad) = note(Reason::BadRoleArn).or_else(|| note(Reason::ChainInvalid)) {
            return Err(Broken::here(Some(bad.reason), bad.message.clone()).into());
        }
        let [first, further @ ..] = expected.credentials.roles() else {
            let message = "the service account has container credentials (EKS Pod Identity), which no token is exchanged for";
            let broken = Broken::here(None, message);
            return Err(broken
                .fixed_by("verify it in a pod: nothing outside has its endpoint")
                .into());
        };
        self.chained = !further.is_empty();
        self.role_arn = further.last().or(Some(first)).cloned();
        let mut found = vec![("role", first.clone())];
        found.extend(further.iter().map(|role| ("then", role.clone())));
        self.holds(Step::Role, found);
        Ok(expected)
    }

    async fn token(&mut self, expected: &ExpectedIdentity) -> Gone<(Token, Claims)> {
        let account = &self.question.account;
        let request = TokenRequest {
            namespace: account.namespace().to_owned(),
            service_account: account.name().to_owned(),
            audiences: expected.token.audience.iter().cloned().collect(),
            expiration_seconds: Some(SHORTEST_TOKEN),
            pod: None,
        };
        let (token, _) = self
            .cluster
            .request_token(&request)
            .await
            .map_err(Broken::cluster)?;
        let claims = Claims::of(&token).map_err(|error| {
            Broken::here(
                Some(Reason::TokenMalformed),
                format!("the API server's token cannot be read: {error}"),
            )
        })?;
        self.holds(Step::Token, claims.found());
        Ok((token, claims))
    }

    /// Whether a key of the API server's own JWKS made the signature. Whoever may not read it can go on: STS verifies it.
    async fn signing_key(&mut self, token: &Token, claims: &Claims) -> Gone<()> {
        let published = match self.cluster.published_issuer().await {
            Ok(published) => published,
            Err(error) if error.is_forbidden() || error.is_not_found() => {
                self.steps.push(StepReport {
                    step: Step::SigningKey,
                    result: StepResult::NotChecked,
                    found: vec![("why", error.to_string())],
                    broken: None,
                });
                return Ok(());
            }
            Err(error) => return Err(Broken::cluster(error).into()),
        };
        let keys = KeySet::from_jwks_json(&published.jwks).map_err(|error| {
            Broken::here(
                Some(Reason::IssuerDocumentInvalid),
                format!("the API server's JWKS: {error}"),
            )
        })?;
        let all: Vec<&str> = keys.key_ids().collect();
        let all = all.join(", ");
        let jwt = Jwt::decode(token)
            .map_err(|error| Broken::here(Some(Reason::TokenMalformed), error.to_string()))?;
        keys.verify(jwt).map_err(|error| {
            let reason = match error {
                SignatureError::NoUsableKey { .. } => Reason::IssuerKeyMissing,
                _ => Reason::TokenSignatureInvalid,
            };
            Broken::here(Some(reason), format!("the API server's JWKS: {error}"))
                .compared("kid", claims.kid.clone())
        })?;
        self.holds(Step::SigningKey, vec![("publishedKids", all)]);
        Ok(())
    }

    async fn exchanged(
        &mut self,
        expected: &ExpectedIdentity,
        token: Token,
        claims: &Claims,
    ) -> Gone<Session> {
        let role = expected.credentials.roles().first();
        let role = role.map_or("", String::as_str);
        let mut request = WebIdentityRequest::new(role, self.session_name(expected), token);
        request.duration_seconds = Some(SHORTEST_SESSION);
        let session = self
            .exchange
            .assume_role_with_web_identity(&request)
            .await
            .map_err(|error| refusal::of_exchange(error, role, claims, &self.question.account))?;
        let expires = Timestamp::from_second(session.expires_at);
        let found = [
            ("session", Some(session.assumed_role_arn.clone())),
            ("provider", session.provider.clone()),
            ("expires", expires.ok().map(|time| time.to_string())),
        ];
        let found = found
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        self.holds(Step::Exchange, found.collect());
        Ok(session)
    }

    /// What the service account's pods call their sessions, where that is known before there is a pod.
    fn session_name<'e>(&'e self, expected: &'e ExpectedIdentity) -> &'e str {
        let named = expected.variable(SESSION_NAME);
        named.unwrap_or(&self.question.session_name)
    }

    async fn caller_identity(&mut self, session: &Session) -> Gone<CallerIdentity> {
        let caller = self.exchange.with_credentials(&session.credentials);
        let identity = caller.caller_identity().await;
        let identity = identity.map_err(|error| refusal::of_session(error, session))?;
        if identity.arn != session.assumed_role_arn {
            return Err(refusal::of_another_caller(&identity, session).into());
        }
        self.holds(Step::CallerIdentity, vec![("arn", identity.arn.clone())]);
        Ok(identity)
    }

    fn holds(&mut self, step: Step, found: Vec<(&'static str, String)>) {
        self.steps.push(StepReport {
            step,
            result: StepResult::Ok,
            found,
            broken: None,
        });
    }
}

/// What the token says.
#[derive(Clone, Debug, Default)]
struct Claims {
    issuer: String,
    subject: String,
    audience: String,
    kid: String,
}

impl Claims {
    fn of(token: &Token) -> Result<Self, podpass_token::MalformedToken> {
        let jwt = Jwt::decode(token)?;
        let claims = jwt.claims();
        let text = |name: &str| {
            claims
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let audience = match claims.get("aud") {
            Some(Value::Array(several)) => {
                let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
                several.join(", ")
            }
            _ => text("aud"),
        };
        Ok(Self {
            issuer: text("iss"),
            subject: text("sub"),
            audience,
            kid: jwt.kid().unwrap_or_default().to_owned(),
        })
    }

    fn found(&self) -> Vec<(&'static str, String)> {
        vec![
            ("iss", self.issuer.clone()),
            ("sub", self.subject.clone()),
            ("aud", self.audience.clone()),
            ("kid", self.kid.clone()),
        ]
    }
}

/// Writes names and values as the members of an object, in their order.
fn as_object<S: Serializer>(
    members: &[(&'static str, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
}

/// The API server gives no token for less.
const SHORTEST_TOKEN: i64 = 600;

/// STS gives no session for less.
const SHORTEST_SESSION: i64 = 900;
