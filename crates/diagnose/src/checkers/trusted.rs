//! What a trust policy says to the claims of a token.

use podpass_exchange::{OidcProvider, StepName, WebIdentityRequest};
use podpass_policy::{OidcProviderArn, Position, StatementOutcome};
use podpass_token::Jwt;
use serde_json::Value;

use super::{Check, Checker, audiences, seconds, without_scheme};
use crate::simulate::{
    Bearer, ConditionRow, Keys, Scenario, Simulation, TrustPolicy, simulate, supposed_token,
};

/// A trust policy after it was asked about a token that nothing else stops: a provider of its issuer is there, takes its
/// audience, and it is the moment of its issue.
pub(super) struct Trusted {
    /// The providers that the policy trusts.
    federated: Vec<String>,
    /// The place of the first statement.
    first: Option<Position>,
    /// Whether the policy was asked: a token without a required claim does not come so far.
    asked: bool,
    /// The place of the first statement that is for the provider.
    statement: Option<Position>,
    conditions: Vec<ConditionRow>,
}

impl Trusted {
    pub(super) fn of(jwt: &Jwt, trust: &TrustPolicy, providers: &[OidcProvider]) -> Self {
        let statements = &trust.document().statements;
        let federated: Vec<String> = statements
            .iter()
            .flat_map(podpass_policy::Statement::federated_principals)
            .cloned()
            .collect();
        let issuer = jwt.claims().get("iss").and_then(Value::as_str);
        let url = issuer.and_then(without_scheme);
        let provider = url.and_then(|url| {
            let given = providers.iter().map(|provider| provider.arn.clone());
            let trusted = federated.iter().filter_map(|arn| arn.parse().ok());
            let mut known: Vec<OidcProviderArn> = given.chain(trusted).collect();
            // One of the issuer first; of another, account and partition are what counts.
            known.sort_by_key(|arn| arn.issuer_without_scheme() != url);
            let like = known.first()?;
            OidcProviderArn::new(like.partition(), like.account().clone(), url).ok()
        });
        let simulation = provider
            .as_ref()
            .map(|provider| simulate(&scenario(jwt, trust, provider)));
        let statement = simulation.as_ref().and_then(reached);
        Self {
            federated,
            first: statements.first().map(|statement| statement.position),
            asked: simulation.as_ref().is_some_and(is_asked),
            statement,
            conditions: simulation.map_or_else(Vec::new, |simulation| simulation.conditions),
        }
    }

    /// Whether the policy is for the issuer's provider.
    pub(super) fn principal(&self) -> Check {
        let mut check = Check::new(Checker::TrustPolicy, "`Principal.Federated`")
            .expected(&self.federated)
            .holds(self.asked.then_some(self.statement.is_some()));
        check.position = self.statement.or(self.first);
        check
    }

    /// The conditions on a claim.
    pub(super) fn conditions(&self, claim: &str) -> Vec<Check> {
        let of_claim = |row: &&ConditionRow| {
            let (_, name) = row.key.rsplit_once(':').unwrap_or(("", &row.key));
            // The names of condition keys are compared without regard to case.
            name.eq_ignore_ascii_case(claim)
        };
        let rows = self.conditions.iter().filter(of_claim);
        let check = |row: &ConditionRow| {
            let against = format!("`{}`", row.operator);
            let mut check = Check::new(Checker::TrustPolicy, against)
                .expected(&row.expected)
                .holds(row.result);
            check.position = Some(row.position);
            check
        };
        rows.map(check).collect()
    }

    /// The same, or what it means that there is none.
    pub(super) fn conditions_or_none(&self, claim: &str) -> Vec<Check> {
        let found = self.conditions(claim);
        if !found.is_empty() {
            return found;
        }
        let against = match (self.statement, claim) {
            (None, _) if !self.asked => "not reached: STS refuses the token before",
            (None, _) => "not reached: no statement is for this issuer's provider",
            (Some(_), "sub") => "no condition: every service account of the issuer passes",
            (Some(_), _) => "no condition: every client id of the provider passes",
        };
        let mut check = Check::new(Checker::TrustPolicy, against);
        check.position = self.statement;
        vec![check]
    }
}

fn scenario(jwt: &Jwt, trust: &TrustPolicy, provider: &OidcProviderArn) -> Scenario {
    let role = format!(
        "arn:{}:iam::{}:role/simulated",
        provider.partition(),
        provider.account()
    );
    let mut claims = jwt.claims().clone();
    let party = claims.get("azp").and_then(Value::as_str);
    // Of several audiences none counts; for the other claims one has to.
    let audience = party.or_else(|| audiences(jwt).first().copied());
    let accepted = audience.map(str::to_owned);
    if let (Some(Value::Array(_)), Some(audience)) = (claims.get("aud"), &accepted) {
        claims.insert("aud".to_owned(), audience.as_str().into());
    }
    let issued = seconds(claims.get("iat"));
    let issued = issued.and_then(|at| jiff::Timestamp::from_second(at).ok());
    Scenario {
        request: WebIdentityRequest::new(role, "podpass-explain", supposed_token(&claims)),
        bearer: Bearer::Described,
        keys: Keys::Unknown,
        providers: vec![OidcProvider {
            arn: provider.clone(),
            client_ids: accepted.into_iter().collect(),
        }],
        trust: trust.clone(),
        max_session_seconds: 3600,
        now: issued.unwrap_or(jiff::Timestamp::UNIX_EPOCH),
    }
}

fn is_asked(simulation: &Simulation) -> bool {
    let mut steps = simulation.trace.steps.iter();
    steps.any(|step| step.name == StepName::TrustPolicy)
}

/// The place of the first statement whose principal is the provider.
fn reached(simulation: &Simulation) -> Option<Position> {
    let steps = simulation.trace.steps.iter();
    let mut statements = steps
        .flat_map(|step| step.policies.iter())
        .flat_map(|policy| &policy.statements);
    let is_for_it =
        |outcome: &StatementOutcome| !matches!(outcome, StatementOutcome::PrincipalDiffers { .. });
    let found = statements.find(|statement| is_for_it(&statement.outcome));
    found.map(|statement| statement.position)
}
