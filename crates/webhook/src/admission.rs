//! One admission: from the body of a review to its answer.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podpass_inject::{Identity, Injection, Note, Pod, RoleNotAllowed, Settings, inject, roles};
use podpass_kinds::Reason;
use tokio::time::Instant;

use crate::identities::{Identities, Known, NotAsked};
use crate::metrics::{Ended, Metrics};
use crate::namespaces::Namespaces;
use crate::review::{Envelope, Review, Verdict};

/// Decides about pods.
pub(crate) struct Admission {
    pub(crate) identities: Arc<Identities>,
    pub(crate) settings: Settings,
    /// The roles that are allowed in each namespace; `None` enforces nothing.
    pub(crate) namespaces: Option<Arc<Namespaces>>,
    /// Whether a pod is held back when its identity cannot be found out.
    pub(crate) strict: bool,
    pub(crate) metrics: Metrics,
}

/// What the HTTP server answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// 200 with an AdmissionReview.
    Review(Vec<u8>),
    /// 500 with a text, so that the registration's `failurePolicy` decides.
    Failed(String),
}

impl Admission {
    /// Answers a body, within the time that the API server waits.
    pub(crate) async fn answer(&self, body: &[u8], timeout: Duration) -> Answered {
        let begun = Instant::now();
        let review = match Review::read(body) {
            Ok(review) => review,
            Err(refused) => {
                tracing::warn!(
                    uid = &*refused.envelope.uid,
                    problem = refused.message,
                    "Review refused"
                );
                let took = begun.elapsed();
                self.metrics.count_admission(Ended::Refused, "", took);
                return Answered::Review(refusal(&refused.envelope, &refused.message));
            }
        };
        let deadline = begun + margin_kept(timeout);
        let (namespace, name) = (review.namespace, &*review.service_account);
        let known = match self.identities.of(namespace, name, deadline).await {
            Ok(known) => known,
            Err(NotAsked(why)) => return self.undecided(&review, &why, begun),
        };
        match self.not_allowed(&known, deadline).await {
            Ok(None) => self.decide(&review, &known, begun),
            Ok(Some(refused)) => {
                let reason = refused.reason().code();
                self.tell(&review, Ended::Refused, &[], begun, reason);
                Answered::Review(refusal(
                    &review.envelope,
                    &format!("podpass: {reason}: {refused}"),
                ))
            }
            // What is enforced is not left out because it could not be looked up.
            Err(NotAsked(why)) => {
                let reason = Reason::RoleNotAllowed.code();
                self.tell(&review, Ended::Failed, &[], begun, reason);
                let message = format!(
                    "podpass: namespace `{namespace}` could not be read, so it is not known which roles it allows: {why}"
                );
                Answered::Failed(message)
            }
        }
    }

    /// The role of the pod that its namespace does not allow, if there is one.
    async fn not_allowed(
        &self,
        known: &Known,
        deadline: Instant,
    ) -> Result<Option<RoleNotAllowed>, NotAsked> {
        let Some(namespaces) = self
            .namespaces
            .as_ref()
            .filter(|_| known.may_have_identity())
        else {
            return Ok(None);
        };
        let roles = roles(known.identity(), &self.settings);
        if roles.is_empty() {
            return Ok(None);
        }
        let rule = namespaces.rule(&known.account.namespace, deadline).await?;
        Ok(rule.and_then(|allowed| allowed.check(&roles).err()))
    }

    fn decide(&self, review: &Review<'_>, known: &Known, begun: Instant) -> Answered {
        let pod = match Self::read_pod(review, known) {
            Ok(Some(pod)) => pod,
            Ok(None) => {
                let reason = if known.exists {
                    Reason::NoRoleAnnotation
                } else {
                    Reason::ServiceAccountMissing
                };
                self.tell(review, Ended::Unchanged, &[], begun, reason.code());
                return Answered::Review(admitted(&review.envelope, None, &[], &[]));
            }
            Err(error) => {
                let message = format!("`request.object` is no pod: {error}");
                self.tell(review, Ended::Refused, &[], begun, "");
                return Answered::Review(refusal(&review.envelope, &message));
            }
        };
        let identity = Identity {
            draw: draw(),
            ..known.identity()
        };
        let injection = inject(&pod, identity, &self.settings);
        let notes = injection.notes();
        let has_identity = !notes
            .iter()
            .any(|note| note.reason == Reason::NoRoleAnnotation);
        if has_identity {
            let by_file = known.has_container_credentials();
            self.metrics.count_pod(by_file);
        }
        let warnings: Vec<String> = notes
            .iter()
            .filter(|note| is_warning(note))
            .map(|note| format!("podpass: {note}"))
            .collect();
        let (ended, patch) = match &injection {
            Injection::Patched(patch) => (Ended::Mutated, Some(STANDARD.encode(patch.to_json()))),
            Injection::Unchanged { .. } => (Ended::Unchanged, None),
        };
        let reason = notes.first().map_or("", |note| note.reason.code());
        self.tell(review, ended, notes, begun, reason);
        let audit = if has_identity {
            audit_of(ended, notes)
        } else {
            Vec::new()
        };
        let json = admitted(&review.envelope, patch.as_deref(), &warnings, &audit);
        Answered::Review(json)
    }

    /// Reads the pod; `None` when nothing gives its account an identity, so that most pods are never looked at.
    fn read_pod<'a>(
        review: &Review<'a>,
        known: &Known,
    ) -> Result<Option<Pod<'a>>, serde_json::Error> {
        if !known.may_have_identity() {
            return Ok(None);
        }
        Pod::from_json(review.pod).map(Some)
    }

    fn undecided(&self, review: &Review<'_>, why: &str, begun: Instant) -> Answered {
        let (namespace, name) = (review.namespace, &*review.service_account);
        tracing::error!(
            uid = &*review.envelope.uid,
            namespace,
            service_account = name,
            error = why,
            strict = self.strict,
            "The identity of a pod could not be found out"
        );
        let took = begun.elapsed();
        let reason = Reason::ServiceAccountNotRead.code();
        self.metrics.count_admission(Ended::Failed, reason, took);
        let message = format!(
            "podpass: {reason}: service account `{namespace}/{name}` could not be read, so it is not known whether the pod needs an identity: {why}"
        );
        if self.strict {
            return Answered::Failed(message);
        }
        let warning = format!("{message}; the pod is admitted without");
        let audit = [("decision", "undecided".to_owned())];
        Answered::Review(admitted(&review.envelope, None, &[warning], &audit))
    }

    fn tell(
        &self,
        review: &Review<'_>,
        ended: Ended,
        notes: &[Note],
        begun: Instant,
        reason: &'static str,
    ) {
        let took = begun.elapsed();
        self.metrics.count_admission(ended, reason, took);
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        let message = match ended {
            Ended::Mutated => "Pod was mutated",
            Ended::Unchanged => "Pod was not mutated",
            Ended::Refused | Ended::Failed => "Pod was refused",
        };
        tracing::debug!(
            uid = &*review.envelope.uid,
            namespace = review.namespace,
            service_account = &*review.service_account,
            reason,
            notes = notes.join("; "),
            micros,
            "{message}"
        );
    }
}

/// Whether the user should hear of it: something will not work as it was meant.
fn is_warning(note: &Note) -> bool {
    !matches!(
        note.reason,
        Reason::NoRoleAnnotation
            | Reason::AlreadyInjected
            | Reason::ContainerSkipped
            | Reason::ContainerAlreadyConfigured
    )
}

fn audit_of(ended: Ended, notes: &[Note]) -> Vec<(&'static str, String)> {
    let decision = match ended {
        Ended::Mutated => "mutated",
        _ => "unchanged",
    };
    let mut audit = vec![("decision", decision.to_owned())];
    if !notes.is_empty() {
        let codes: Vec<&str> = notes.iter().map(|note| note.reason.code()).collect();
        audit.push(("reasons", codes.join(",")));
    }
    audit
}

fn admitted(
    envelope: &Envelope<'_>,
    patch: Option<&str>,
    warnings: &[String],
    audit: &[(&'static str, String)],
) -> Vec<u8> {
    let verdict = Verdict {
        envelope,
        refusal: None,
        patch,
        warnings,
        audit,
    };
    verdict.to_json()
}

fn refusal(envelope: &Envelope<'_>, message: &str) -> Vec<u8> {
    let verdict = Verdict {
        envelope,
        refusal: Some(message),
        patch: None,
        warnings: &[],
        audit: &[],
    };
    verdict.to_json()
}

/// A number that spreads the lifetimes of tokens; nobody gains by guessing it.
#[allow(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
fn draw() -> u32 {
    RandomState::new().hash_one(0_u8) as u32
}

/// What is left for deciding when the API server waits that long: the answer has to arrive in time too.
fn margin_kept(timeout: Duration) -> Duration {
    timeout
        .saturating_sub(Duration::from_secs(1))
        .max(timeout / 2)
}
