//! The plan: what exists, what is missing, and the steps that close the gap, as data.
//!
//! A [`Step`] is one call to the cloud. Each is idempotent, so that a run interrupted anywhere is finished by running
//! it again. Who applies the steps, and how many at a time, is not decided here.

mod step;

use std::fmt;

use podpass_policy::RoleName;
use serde::Serialize;

use crate::names::BucketName;

pub use step::{ObjectUpload, PublicAccessBlock, Replaces, Step};

/// The resources looked at and the steps that bring them to the desired state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every resource the plan is about, also those that need no step, in the order of the path.
    pub resources: Vec<Resource>,
    /// What has to be done, in order.
    pub steps: Vec<Step>,
    /// What a person should know about what was found and left alone.
    pub notes: Vec<String>,
}

/// A cloud resource by kind and name; prints as `kind/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Resource {
    /// `bucket`, `object`, `oidc-provider`, `role` or `distribution`.
    pub kind: &'static str,
    /// The name within the kind; an object's is `BUCKET/KEY`, a provider's its issuer without the scheme.
    pub name: String,
}

/// What became of a resource, in kubectl's words. Of several steps on one resource the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was as it should be.
    Unchanged,
    /// It existed and was changed.
    Configured,
    /// It did not exist.
    Created,
    /// It exists no more.
    Deleted,
}

// === impl Plan ===

impl Plan {
    /// Whether everything is as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the plan does to `resource`.
    pub fn outcome(&self, resource: &Resource) -> Outcome {
        self.steps
            .iter()
            .filter(|step| step.resource() == *resource)
            .map(Step::outcome)
            .max()
            .unwrap_or(Outcome::Unchanged)
    }

    /// Adds another plan's resources, steps and notes after this one's.
    pub fn extend(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.steps.extend(other.steps);
        self.notes.extend(other.notes);
    }
}

/// The numbered steps, one a line, then the notes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            writeln!(f, "Nothing to do.")?;
        }
        let digits = self.steps.len().to_string().len();
        let width = self
            .steps
            .iter()
            .map(|step| step.action().len())
            .max()
            .unwrap_or_default();
        for (index, step) in self.steps.iter().enumerate() {
            write!(
                f,
                "{:>digits$}. {:<width$}  {}",
                index + 1,
                step.action(),
                step.describe()
            )?;
            match step.tags_of_new() {
                Some(tags) => writeln!(f, ", tagged {tags}")?,
                None => writeln!(f)?,
            }
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

// === impl Resource ===

impl Resource {
    /// A bucket.
    pub fn bucket(name: &BucketName) -> Self {
        Self::of("bucket", name.as_str())
    }

    /// An object in a bucket.
    pub fn object(bucket: &BucketName, key: &str) -> Self {
        Self::of("object", format!("{bucket}/{key}"))
    }

    /// An OIDC provider, by its issuer URL.
    pub fn oidc_provider(issuer: &str) -> Self {
        Self::of(
            "oidc-provider",
            issuer.strip_prefix("https://").unwrap_or(issuer),
        )
    }

    /// A role.
    pub fn role(name: &RoleName) -> Self {
        Self::of("role", name.to_string())
    }

    /// A CloudFront distribution, by its domain.
    pub fn distribution(domain: &str) -> Self {
        Self::of("distribution", domain)
    }

    fn of(kind: &'static str, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

// === impl Outcome ===

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
        })
    }
}
