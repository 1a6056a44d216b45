//! `simulate`: what STS would answer to a token, offline, with the reason and the smallest edit that changes the answer.
//!
//! The decision is the one of `podpass-exchange`: nothing here decides, it arranges the question and reads the trace.

mod candidates;
mod claims;
mod edit;
mod outcome;
mod permissions;
mod repair;
mod spans;
mod trust_edits;

use std::sync::Arc;

use jiff::Timestamp;
use podpass_exchange::{
    Denial, IssuerFailure, OidcProvider, Rehearsal, Role, Trace, WebIdentityRequest, present,
};
use podpass_policy::{Context, Document, DocumentKind, PolicyError, Principal, RoleArn};
use podpass_token::KeySet;

pub use self::claims::{pod_claims, supposed_token};
pub use self::edit::{Edit, EditFailure, TextEdit};
pub use self::outcome::{
    Answer, ConditionRow, Difference, NearMiss, Session, Signature, Simulation, Verdict,
};
pub use self::permissions::{PermissionSimulation, PermissionsQuestion, permit};

/// Everything that a decision about a token depends on.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The call, with the token.
    pub request: WebIdentityRequest,
    /// Whether the token exists or is made up from what was said about it.
    pub bearer: Bearer,
    /// The issuer's published keys.
    pub keys: Keys,
    /// The OIDC providers that IAM has, of any account.
    pub providers: Vec<OidcProvider>,
    /// The trust policy of the role.
    pub trust: TrustPolicy,
    /// The role's maximum session duration.
    pub max_session_seconds: u32,
    /// The time of the call.
    pub now: Timestamp,
}

/// Where the claims come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// From a token as a pod has it.
    Token,
    /// From a description: issuer, subject, audience. Form and times of the token are supposed to be right.
    Described,
}

/// The issuer's keys, as far as they are known.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Nobody has them: the signature is not checked.
    Unknown,
    /// They are known.
    Known(KeySet),
    /// What was published is of no use.
    Unusable(IssuerFailure),
}

/// A trust policy with its text, so that places and edits can be named.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    /// How to call it: the file's name.
    pub name: String,
    text: String,
    document: Document,
}

impl TrustPolicy {
    /// Reads a trust policy.
    pub fn read(name: impl Into<String>, text: impl Into<String>) -> Result<Self, PolicyError> {
        let text = text.into();
        let document = Document::parse(&text, DocumentKind::Trust)?;
        Ok(Self {
            name: name.into(),
            text,
            document,
        })
    }

    /// Returns the text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the policy.
    pub fn document(&self) -> &Document {
        &self.document
    }
}

/// Decides what STS would answer and, if that is a denial, looks for the smallest edit that would allow.
pub fn simulate(scenario: &Scenario) -> Simulation {
    let attempt = attempt(scenario);
    let edits = match attempt.outcome {
        Ok(_) => Vec::new(),
        Err(_) => repair::repair(scenario),
    };
    Simulation::of(scenario, attempt, edits)
}

/// The decision alone.
struct Attempt {
    outcome: Result<Held, Denial>,
}

/// What a later request of the session needs to know of it.
#[derive(Clone, Debug)]
struct Held {
    role: RoleArn,
    session_arn: String,
    subject: String,
    audience: String,
    provider: String,
    principal: Principal,
    context: Context,
    session_policy: Option<Document>,
    trace: Trace,
}

impl Attempt {
    fn trace(&self) -> &Trace {
        match &self.outcome {
            Ok(held) => &held.trace,
            Err(denial) => &denial.trace,
        }
    }
}

fn attempt(scenario: &Scenario) -> Attempt {
    Attempt {
        outcome: exchange(scenario),
    }
}

fn exchange(scenario: &Scenario) -> Result<Held, Denial> {
    let presented = present(scenario.request.clone(), scenario.now)?;
    let role = Role {
        arn: presented.role_arn().clone(),
        id: SIMULATED_ROLE_ID.to_owned(),
        trust: Arc::new(scenario.trust.document.clone()),
        max_session_seconds: scenario.max_session_seconds,
    };
    let registered = presented.at(&scenario.providers)?;
    let keys = match &scenario.keys {
        Keys::Unknown => {
            let rehearsal = registered.suppose_signed().rehearse(Some(&role))?;
            return Ok(Held::of_rehearsal(rehearsal));
        }
        Keys::Known(keys) => Ok(keys),
        Keys::Unusable(failure) => Err(failure.clone()),
    };
    let granted = registered.verify(keys)?.authorise(Some(&role))?;
    Ok(Held {
        principal: granted.principal(),
        session_arn: granted.session_arn.to_string(),
        subject: granted.subject,
        audience: granted.audience,
        provider: granted.provider.to_string(),
        role: granted.grant.role,
        context: granted.grant.context,
        session_policy: granted.grant.session_policy,
        trace: granted.grant.trace,
    })
}

impl Held {
    fn of_rehearsal(rehearsal: Rehearsal) -> Self {
        Self {
            principal: rehearsal.principal(),
            session_arn: rehearsal.session_arn.to_string(),
            subject: rehearsal.subject,
            audience: rehearsal.audience,
            provider: rehearsal.provider.to_string(),
            role: rehearsal.role,
            context: rehearsal.context,
            session_policy: rehearsal.session_policy,
            trace: rehearsal.trace,
        }
    }
}

/// The role of a simulation has no id of its own; AWS's smallest stands for it in `aws:userid`.
const SIMULATED_ROLE_ID: &str = "AROAAAAAAAAAAAAAAAAAA";
