//! The trace of a decision: each step with what was compared.

use std::fmt;

use podpass_policy::{PolicyTrace, Position};
use serde::Serialize;

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
    /// What it compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// Each statement of each policy that was asked, for the steps that ask policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyTrace>,
}

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
        self.failed_step()?
            .comparisons
            .iter()
            .find(|comparison| !comparison.holds)
    }

    /// Adds a step, which failed if one of its comparisons does not hold.
    pub(crate) fn push(&mut self, name: StepName, comparisons: Vec<Comparison>) {
        let holds = comparisons.iter().all(|comparison| comparison.holds);
        self.push_policies(name, holds, comparisons, Vec::new());
    }

    /// Adds a step that nobody took.
    pub(crate) fn push_unchecked(&mut self, name: StepName) {
        self.steps.push(Step {
            name,
            outcome: Outcome::NotChecked,
            comparisons: Vec::new(),
            policies: Vec::new(),
        });
    }

    pub(crate) fn push_policies(
        &mut self,
        name: StepName,
        passed: bool,
        comparisons: Vec<Comparison>,
        policies: Vec<PolicyTrace>,
    ) {
        self.steps.push(Step {
            name,
            outcome: if passed {
                Outcome::Passed
            } else {
                Outcome::Failed
            },
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Passed => "ok",
            Outcome::NotChecked => "?",
            Outcome::Failed => "failed",
        };
        write!(f, "{outcome:<6}  {}", self.name)?;
        for comparison in &self.comparisons {
            write!(f, "\n        {comparison}")?;
        }
        Ok(())
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
