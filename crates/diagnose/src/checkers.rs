//! Who checks each claim of a token: kube-apiserver, STS, the trust policy, or nobody.
//!
//! What kube-apiserver does is that of its `pkg/serviceaccount` (`jwt.go`, `claims.go`), what STS does that of
//! `podpass-exchange`; the trust policy's conditions are evaluated by `simulate`.

mod kubernetes;
mod trusted;

use jiff::Timestamp;
use podpass_exchange::OidcProvider;
use podpass_policy::Position;
use podpass_token::Jwt;
use serde::Serialize;
use serde_json::Value;

use self::trusted::Trusted;
use crate::simulate::TrustPolicy;

/// A claim, or the header's key id, and who checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedClaim {
    /// Its name; that of a member of `kubernetes.io` is its path, such as `kubernetes.io/pod/uid`.
    pub claim: String,
    /// Its value as text; `None` when the token lacks it.
    pub value: Option<String>,
    /// The checks, at least one.
    pub checks: Vec<Check>,
}

/// One check of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Who checks it.
    pub checker: Checker,
    /// What the claim has to be.
    pub against: String,
    /// The values that were given for it: provider ARNs, client ids, values of the trust policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// Where they stand in the trust policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Whether it holds; `None` when that cannot be known from what was given.
    pub holds: Option<bool>,
}

/// Who checks a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Checker {
    /// The Kubernetes API server, when the token is used there.
    #[serde(rename = "kube-apiserver")]
    KubeApiServer,
    /// AWS's token service.
    #[serde(rename = "STS")]
    Sts,
    /// The trust policy of the role.
    #[serde(rename = "trust policy")]
    TrustPolicy,
    /// Nobody.
    #[serde(rename = "nobody")]
    Nobody,
}

/// What there is beside the token.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// OIDC providers of IAM.
    pub providers: &'a [OidcProvider],
    /// The role's trust policy.
    pub trust: Option<&'a TrustPolicy>,
    /// Whether a key of the issuer's made the signature, where the keys are known.
    pub signed: Option<bool>,
    /// The time at which the token would be used.
    pub now: Timestamp,
}

impl Checker {
    /// How a person calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KubeApiServer => "kube-apiserver",
            Self::Sts => "STS",
            Self::TrustPolicy => "trust policy",
            Self::Nobody => "nobody",
        }
    }
}

impl Check {
    fn new(checker: Checker, against: impl Into<String>) -> Self {
        Self {
            checker,
            against: against.into(),
            expected: Vec::new(),
            position: None,
            holds: None,
        }
    }

    fn expected(mut self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.expected = values.into_iter().map(Into::into).collect();
        self
    }

    fn holds(mut self, holds: impl Into<Option<bool>>) -> Self {
        self.holds = holds.into();
        self
    }
}

/// Says of each claim who checks it, and as far as the values are given, whether it holds.
pub fn checked_claims(jwt: &Jwt, given: &Given<'_>) -> Vec<CheckedClaim> {
    let explained = Explained {
        jwt,
        given,
        trusted: given
            .trust
            .map(|trust| Trusted::of(jwt, trust, given.providers)),
    };
    let mut rows = vec![
        explained.key_id(),
        explained.issuer(),
        explained.audience(),
        explained.subject(),
        explained.expires(),
        explained.issued(),
    ];
    for (name, value) in jwt.claims() {
        match name.as_str() {
            "iss" | "aud" | "sub" | "exp" | "iat" => {}
            "azp" => rows.push(explained.authorized_party()),
            "nbf" => rows.push(explained.not_before()),
            "jti" => rows.push(kubernetes::token_id(value)),
            "kubernetes.io" => rows.extend(kubernetes::members(value, given.now)),
            other => rows.push(explained.other(other, value)),
        }
    }
    rows
}

struct Explained<'a> {
    jwt: &'a Jwt,
    given: &'a Given<'a>,
    trusted: Option<Trusted>,
}

impl Explained<'_> {
    fn key_id(&self) -> CheckedClaim {
        let kid = self.jwt.header().get("kid");
        let of_issuer = "a key of the issuer's JWKS that made the signature";
        let checks = vec![
            Check::new(Checker::Sts, of_issuer).holds(self.given.signed),
            Check::new(Checker::KubeApiServer, "one of its own public keys"),
        ];
        row("kid", kid, checks)
    }

    fn issuer(&self) -> CheckedClaim {
        let issuer = self.text("iss");
        let providers = self.given.providers;
        let url = issuer.and_then(without_scheme);
        let arns = providers.iter().map(|provider| provider.arn.to_string());
        let sts = match url {
            // AWS takes no other scheme for a provider's URL.
            None => Check::new(Checker::Sts, "a provider's URL, which starts with https://")
                .holds(false),
            Some(_) if !providers.is_empty() => Check::new(Checker::Sts, "a provider's URL")
                .expected(arns)
                .holds(self.provider().is_some()),
            Some(url) => Check::new(
                Checker::Sts,
                format!("a provider's URL in the role's account: arn:…:oidc-provider/{url}"),
            ),
        };
        let mut checks = vec![sts];
        checks.push(match &self.trusted {
            Some(trusted) => trusted.principal(),
            None => Check::new(
                Checker::TrustPolicy,
                "`Principal.Federated` is that provider's ARN",
            ),
        });
        let own = "one of its --service-account-issuer";
        checks.push(Check::new(Checker::KubeApiServer, own));
        row("iss", self.jwt.claims().get("iss"), checks)
    }

    fn audience(&self) -> CheckedClaim {
        let audiences = self.audiences();
        let has_party = self.text("azp").is_some();
        let mut checks = Vec::new();
        if has_party {
            checks.push(Check::new(Checker::Nobody, "at AWS `azp` counts instead"));
        } else {
            let sts = Check::new(Checker::Sts, CLIENT_ID);
            if audiences.len() > 1 {
                let one = "one audience only, as there is no `azp`";
                checks.push(Check::new(Checker::Sts, one).holds(false));
            } else {
                checks.push(self.of_provider(sts, audiences.first().copied()));
                checks.extend(self.conditions("aud"));
            }
        }
        let own = "one of its --api-audiences; a token for AWS is refused there";
        checks.push(Check::new(Checker::KubeApiServer, own));
        row("aud", self.jwt.claims().get("aud"), checks)
    }

    fn authorized_party(&self) -> CheckedClaim {
        let sts = Check::new(Checker::Sts, format!("{CLIENT_ID}, in place of `aud`"));
        let mut checks = vec![self.of_provider(sts, self.text("azp"))];
        checks.extend(self.conditions("aud"));
        row("azp", self.jwt.claims().get("azp"), checks)
    }

    fn subject(&self) -> CheckedClaim {
        let mut checks = self.conditions("sub");
        checks.push(Check::new(
            Checker::Sts,
            "it is there; it becomes SubjectFromWebIdentityToken",
        ));
        checks.push(Check::new(
            Checker::Nobody,
            "kube-apiserver names the caller by `kubernetes.io` instead",
        ));
        row("sub", self.jwt.claims().get("sub"), checks)
    }

    fn expires(&self) -> CheckedClaim {
        self.time("exp", "later than now", |seconds, now, tolerance| {
            seconds > now.saturating_sub(tolerance)
        })
    }

    fn issued(&self) -> CheckedClaim {
        self.time("iat", "not in the future", begun)
    }

    fn not_before(&self) -> CheckedClaim {
        self.time("nbf", "not in the future", begun)
    }

    fn time(
        &self,
        claim: &str,
        against: &str,
        holds: impl Fn(i64, i64, i64) -> bool,
    ) -> CheckedClaim {
        let value = self.jwt.claims().get(claim);
        let now = self.given.now.as_second();
        let checks = [
            (Checker::Sts, STS_SECONDS),
            (Checker::KubeApiServer, KUBERNETES_SECONDS),
        ]
        .map(|(checker, tolerance)| {
            let against = format!("{against}, {tolerance} s of tolerance");
            let holds = seconds(value).map(|seconds| holds(seconds, now, tolerance));
            Check::new(checker, against).holds(holds)
        });
        let mut row = row(claim, value, checks.to_vec());
        row.value = row
            .value
            .map(|value| with_date(&value, seconds(self.jwt.claims().get(claim))));
        row
    }

    fn other(&self, name: &str, value: &Value) -> CheckedClaim {
        let mut checks = Vec::new();
        if name.starts_with("https://aws.amazon.com/") {
            let into = "it becomes roles, tags or source identity of the session";
            checks.push(Check::new(Checker::Sts, into));
        }
        if let Some(trusted) = &self.trusted {
            checks.extend(trusted.conditions(name));
        }
        if checks.is_empty() {
            checks.push(Check::new(
                Checker::Nobody,
                "neither AWS nor Kubernetes reads it",
            ));
        }
        row(name, Some(value), checks)
    }

    /// The trust policy's check of a claim: its own conditions, or what it should have.
    fn conditions(&self, claim: &str) -> Vec<Check> {
        let Some(trusted) = &self.trusted else {
            let key = match self.text("iss").and_then(without_scheme) {
                Some(url) => format!("{url}:{claim}"),
                None => format!("ISSUER:{claim}"),
            };
            let against = format!("its condition on `{key}`");
            return vec![Check::new(Checker::TrustPolicy, against)];
        };
        trusted.conditions_or_none(claim)
    }

    /// The check of an audience against the client ids of the issuer's provider.
    fn of_provider(&self, check: Check, audience: Option<&str>) -> Check {
        match (self.provider(), audience) {
            (Some(provider), Some(audience)) => {
                let holds = provider.client_ids.iter().any(|id| id == audience);
                check.expected(&provider.client_ids).holds(holds)
            }
            _ => check,
        }
    }

    /// The provider of the token's issuer, among those that were given.
    fn provider(&self) -> Option<&OidcProvider> {
        let url = without_scheme(self.text("iss")?)?;
        let mut providers = self.given.providers.iter();
        providers.find(|provider| provider.arn.issuer_without_scheme() == url)
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.jwt.claims().get(claim)?.as_str()
    }

    fn audiences(&self) -> Vec<&str> {
        audiences(self.jwt)
    }
}

/// The entries of `aud`.
fn audiences(jwt: &Jwt) -> Vec<&str> {
    match jwt.claims().get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn row(claim: impl Into<String>, value: Option<&Value>, checks: Vec<Check>) -> CheckedClaim {
    CheckedClaim {
        claim: claim.into(),
        value: value.map(shown),
        checks,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn without_scheme(issuer: &str) -> Option<&str> {
    issuer.strip_prefix("https://")
}

/// A whole number of seconds, or a text of one, as STS reads it.
fn seconds(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn with_date(value: &str, seconds: Option<i64>) -> String {
    match seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
        Some(at) => format!("{value} ({at})"),
        None => value.to_owned(),
    }
}

fn begun(seconds: i64, now: i64, tolerance: i64) -> bool {
    seconds <= now.saturating_add(tolerance)
}

const CLIENT_ID: &str = "one of the provider's client ids";

/// How far STS lets clocks differ.
const STS_SECONDS: i64 = 300;

/// The same of kube-apiserver: go-jose's `DefaultLeeway`.
const KUBERNETES_SECONDS: i64 = 60;
