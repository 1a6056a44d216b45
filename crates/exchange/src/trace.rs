//! The trace of a decision: each step with what was compared.
//!
//! Few read why something was granted, so a passed step keeps the values that it compared, and finds the words for them
//! when somebody does read.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use podpass_policy::{PolicyTrace, Position};
use serde::{Serialize, Serializer};

/// Every step that was taken, in order; in a denial the last one failed.
///
/// A trace never holds a token or a credential. It does hold claims, which name the workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which step.
    pub name: StepName,
    /// How it ended.
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Comparisons::are_none")]
    comparisons: Comparisons,
    /// Each statement of each policy that was asked, for the steps that ask policies.
    #[serde(skip_serializing_if = "is_empty", serialize_with = "serialize_all")]
    pub policies: Arc<[PolicyTrace]>,
}

#[derive(Clone)]
enum Comparisons {
    Worded(Vec<Comparison>),
    /// Those of a passed step.
    Later(Arc<Wording>),
}

type Wording = dyn Fn() -> Vec<Comparison> + Send + Sync;

/// The steps, in the order in which AWS takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StepName {
    /// The form of the request's parameters.
    Parameters,
    /// Decoding the token.
    TokenFormat,
    /// The claims that must be there.
    RequiredClaims,
    /// Finding the OIDC provider of the token's issuer in the role's account.
    OidcProvider,
    /// `exp`, `iat` and `nbf`.
    TokenTimes,
    /// The effective audience against the provider's client ids.
    Audience,
    /// The token's signature against the issuer's published keys.
    Signature,
    /// The claims of AWS's own: roles, session tags, source identity.
    SessionClaims,
    /// Who calls (`AssumeRole` only).
    Caller,
    /// The caller's own policies (`GetFederationToken` only).
    Permission,
    /// Finding the role.
    Role,
    /// The trust policy, for `AssumeRole` together with the caller's own policies.
    TrustPolicy,
    /// The duration against the role's maximum.
    Duration,
    /// The session policy and the packed size.
    SessionPolicy,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The next step follows.
    Passed,
    /// Nobody looked; what follows supposes that it would have passed. Never in the trace of a grant.
    NotChecked,
    /// The decision is a denial.
    Failed,
}

/// One thing that was compared with what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// What was compared, such as `exp` or `example.com:sub (StringEquals)`.
    pub what: String,
    /// The values or rules of which one has to be met.
    pub expected: Vec<String>,
    /// What was found; `None` when there was nothing.
    pub actual: Option<String>,
    /// Whether it is as expected.
    pub holds: bool,
    /// Where the expected values stand in a policy document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

// === impl Trace ===

impl Trace {
    /// Returns the step that failed.
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps
            .iter()
            .find(|step| step.outcome == Outcome::Failed)
    }

    /// Returns the comparison that decided: the first one of the failed step that does not hold.
    pub fn first_failure(&self) -> Option<&Comparison> {
        match &self.failed_step()?.comparisons {
            Comparisons::Worded(comparisons) => {
                comparisons.iter().find(|comparison| !comparison.holds)
            }
            Comparisons::Later(_) => None,
        }
    }

    /// Adds a step that passed, and how to word what it compared.
    pub(crate) fn pass(
        &mut self,
        name: StepName,
        wording: impl Fn() -> Vec<Comparison> + Send + Sync + 'static,
    ) {
        self.pass_policies(name, wording, Arc::default());
    }

    /// Adds a step that failed.
    pub(crate) fn fail(&mut self, name: StepName, comparisons: Vec<Comparison>) {
        self.fail_policies(name, comparisons, Arc::default());
    }

    /// Adds a step that nobody took.
    pub(crate) fn skip(&mut self, name: StepName) {
        let comparisons = Comparisons::Worded(Vec::new());
        self.push(name, Outcome::NotChecked, comparisons, Arc::default());
    }

    /// Adds a passed step that asked policies.
    pub(crate) fn pass_policies(
        &mut self,
        name: StepName,
        wording: impl Fn() -> Vec<Comparison> + Send + Sync + 'static,
        policies: Arc<[PolicyTrace]>,
    ) {
        let comparisons = Comparisons::Later(Arc::new(wording));
        self.push(name, Outcome::Passed, comparisons, policies);
    }

    /// Adds a failed step that asked policies.
    pub(crate) fn fail_policies(
        &mut self,
        name: StepName,
        comparisons: Vec<Comparison>,
        policies: Arc<[PolicyTrace]>,
    ) {
        let comparisons = Comparisons::Worded(comparisons);
        self.push(name, Outcome::Failed, comparisons, policies);
    }

    fn push(
        &mut self,
        name: StepName,
        outcome: Outcome,
        comparisons: Comparisons,
        policies: Arc<[PolicyTrace]>,
    ) {
        if self.steps.is_empty() {
            self.steps.reserve(USUAL_STEPS);
        }
        self.steps.push(Step {
            name,
            outcome,
            comparisons,
            policies,
        });
    }
}

impl fmt::Display for Trace {
    /// Prints one line for each step, and below it expected and actual values of what does not hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{step}")?;
        }
        Ok(())
    }
}

// === impl Step ===

impl Step {
    /// Returns what the step compared.
    pub fn comparisons(&self) -> Cow<'_, [Comparison]> {
        self.comparisons.words()
    }

    /// Changes what the step compared: for who keeps traces and has to bound their length.
    pub fn reword(&mut self, change: impl FnMut(&mut Comparison)) {
        let mut comparisons = self.comparisons().into_owned();
        comparisons.iter_mut().for_each(change);
        self.comparisons = Comparisons::Worded(comparisons);
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Passed => "ok",
            Outcome::NotChecked => "?",
            Outcome::Failed => "failed",
        };
        write!(f, "{outcome:<6}  {}", self.name)?;
        for comparison in self.comparisons().iter() {
            write!(f, "\n        {comparison}")?;
        }
        Ok(())
    }
}

// === impl Comparisons ===

impl Comparisons {
    fn words(&self) -> Cow<'_, [Comparison]> {
        match self {
            Self::Worded(comparisons) => Cow::Borrowed(comparisons),
            Self::Later(wording) => Cow::Owned(wording()),
        }
    }

    fn are_none(&self) -> bool {
        self.words().is_empty()
    }
}

impl fmt::Debug for Comparisons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

impl PartialEq for Comparisons {
    fn eq(&self, other: &Self) -> bool {
        self.words() == other.words()
    }
}

impl Eq for Comparisons {}

impl Serialize for Comparisons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.words().serialize(serializer)
    }
}

// === impl StepName ===

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parameters => "parameters",
            Self::TokenFormat => "token format",
            Self::RequiredClaims => "required claims",
            Self::OidcProvider => "OIDC provider",
            Self::TokenTimes => "token times",
            Self::Audience => "audience",
            Self::Signature => "signature",
            Self::SessionClaims => "session claims",
            Self::Caller => "caller",
            Self::Permission => "permission",
            Self::Role => "role",
            Self::TrustPolicy => "trust policy",
            Self::Duration => "duration",
            Self::SessionPolicy => "session policy",
        })
    }
}

// === impl Comparison ===

impl Comparison {
    pub(crate) fn new(
        what: impl Into<String>,
        expected: impl IntoIterator<Item = impl Into<String>>,
        actual: Option<String>,
        holds: bool,
    ) -> Self {
        Self {
            what: what.into(),
            expected: expected.into_iter().map(Into::into).collect(),
            actual,
            holds,
            position: None,
        }
    }

    pub(crate) fn holding(
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self::new(what, [expected.into()], Some(actual.into()), true)
    }

    pub(crate) fn failing(
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self::new(what, [expected.into()], Some(actual.into()), false)
    }

    /// A comparison with something that is not there.
    pub(crate) fn absent(what: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(what, [expected.into()], None, false)
    }
}

impl fmt::Display for Comparison {
    /// Prints `what: actual` if it holds, else `what` and below it the expected and the actual values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = Printable(&self.what);
        let actual = Printable(self.actual.as_deref().unwrap_or("(absent)"));
        if self.holds {
            return write!(f, "{what}: {actual}");
        }
        write!(f, "{what}")?;
        if let Some(position) = &self.position {
            write!(f, " (line {}, column {})", position.line, position.column)?;
        }
        if self.expected.is_empty() {
            f.write_str("\n          = expected  (nothing is listed)")?;
        }
        for expected in &self.expected {
            write!(f, "\n          = expected  {}", Printable(expected))?;
        }
        write!(f, "\n          = actual    {actual}")
    }
}

/// A text on one line of a terminal. Claims are the sender's words: a line break or an escape sequence in one must not
/// write lines of its own into the trace.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            match part.chars().next_back().filter(|last| last.is_control()) {
                Some(last) => {
                    f.write_str(&part[..part.len() - last.len_utf8()])?;
                    write!(f, "{}", last.escape_default())?;
                }
                None => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

// serde sees through an `Arc` only with a feature that nothing else here needs.

fn is_empty(policies: &Arc<[PolicyTrace]>) -> bool {
    policies.is_empty()
}

fn serialize_all<S: Serializer>(
    policies: &Arc<[PolicyTrace]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    policies.serialize(serializer)
}

/// The steps of a granted exchange.
const USUAL_STEPS: usize = 12;
