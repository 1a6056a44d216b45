//! What the user is told while a command runs: kubectl's words for `podpass`, ccoctl's log lines for `ccoctl`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use podpass_cloud::Applied;
use podpass_provision::{
    DISCOVERY_KEY, DeletionPlan, JWKS_KEY, OidcProviderArn, Outcome, Plan, Resource, Selection,
    Skipped, Step,
};

use crate::failure::Failure;
use crate::output;

/// Whose words are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// `kind/name created` on stdout, the rest on stderr.
    Podpass,
    /// ccoctl's log lines on stderr, nothing on stdout.
    Ccoctl,
    /// Nothing: the demo narrates by itself, from what is remembered.
    Quiet,
}

/// Tells the user what happens.
pub(crate) struct Report {
    voice: Voice,
    bar: Mutex<Option<ProgressBar>>,
    remembered: Mutex<Remembered>,
}

/// What a quiet report was told.
#[derive(Default)]
pub(crate) struct Remembered {
    /// What became of each resource.
    pub(crate) reached: Vec<(Resource, Outcome)>,
    /// The documents that were left out, and why.
    pub(crate) skipped: Vec<Skipped>,
}

/// Something that happened.
pub(crate) enum Event<'a> {
    GeneratingKeyPair,
    UsingKeyPair(&'a Path),
    UsingPublicKey(&'a Path),
    WritingPrivateKey(&'a Path),
    WritingPublicKey(&'a Path),
    CopyingSigningKey,
    ReadingPublicKey,
    DocumentSkipped(&'a Skipped),
    Note(&'a str),
    BucketFound(&'a str),
    StepTaken(&'a Step, &'a Applied),
    ProviderFound(&'a OidcProviderArn),
    RoleFound(&'a str),
    SecretWritten(&'a Path),
    AuthenticationWritten {
        path: &'a Path,
        issuer: &'a str,
    },
    FileSaved {
        description: &'a str,
        path: &'a Path,
    },
    Reached(&'a Resource, Outcome),
    DeletionPlanned(&'a DeletionPlan),
    Next(&'a str),
}

impl Report {
    pub(crate) fn new(voice: Voice) -> Self {
        Self {
            voice,
            bar: Mutex::new(None),
            remembered: Mutex::default(),
        }
    }

    /// Tells of `event`, if this voice has words for it.
    pub(crate) fn tell(&self, event: &Event<'_>) -> Result<(), Failure> {
        match self.voice {
            Voice::Quiet => {
                self.remember(event);
                Ok(())
            }
            Voice::Podpass => self.tell_as_podpass(event),
            Voice::Ccoctl => {
                for line in ccoctl_lines(event) {
                    self.log(&line);
                }
                Ok(())
            }
        }
    }

    /// What a quiet report was told so far.
    pub(crate) fn into_remembered(self) -> Remembered {
        self.remembered
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, event: &Event<'_>) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Reached(resource, outcome) => {
                remembered.reached.push(((*resource).clone(), *outcome));
            }
            Event::DocumentSkipped(skipped) => remembered.skipped.push((*skipped).clone()),
            _ => {}
        }
    }

    /// Tells what the plan leaves alone, and what a person should know about it.
    pub(crate) fn notes(&self, plan: &Plan) -> Result<(), Failure> {
        plan.notes
            .iter()
            .try_for_each(|note| self.tell(&Event::Note(note)))
    }

    /// Tells which documents become no role, and what a person should know about those that do.
    pub(crate) fn selection(&self, selection: &Selection) -> Result<(), Failure> {
        for skipped in &selection.skipped {
            self.tell(&Event::DocumentSkipped(skipped))?;
        }
        let mut notes = selection.notes.iter();
        notes.try_for_each(|note| self.tell(&Event::Note(note)))
    }

    /// Shows a bar for `total` pieces of work, where a person can see it.
    pub(crate) fn start_bar(&self, what: &'static str, total: usize) {
        if self.voice != Voice::Podpass || total < 2 || !std::io::stderr().is_terminal() {
            return;
        }
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = ProgressBar::new(total as u64)
            .with_style(style)
            .with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.bar() = Some(bar);
    }

    /// One piece of the work is done.
    pub(crate) fn advance_bar(&self) {
        if let Some(bar) = self.bar().as_ref() {
            bar.inc(1);
        }
    }

    /// Removes the bar.
    pub(crate) fn end_bar(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes while the bar is out of the way.
    fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn log(&self, line: &str) {
        self.aside(|| output::note(&crate::ccoctl::timestamped(line)));
    }

    fn tell_as_podpass(&self, event: &Event<'_>) -> Result<(), Failure> {
        let text = match event {
            Event::Reached(resource, outcome) => {
                return self.aside(|| output::line(&format!("{resource} {outcome}")));
            }
            Event::GeneratingKeyPair => "Generating an RSA key pair of 4096 bits".to_owned(),
            Event::UsingKeyPair(path) => format!("Using the key pair of {}", path.display()),
            Event::UsingPublicKey(path) => {
                format!(
                    "Using the public key {}; its private key stays where it is",
                    path.display()
                )
            }
            Event::WritingPrivateKey(path) | Event::WritingPublicKey(path) => {
                format!("Writing {}", path.display())
            }
            Event::CopyingSigningKey => {
                "Copying the signing key to tls/ for the installer".to_owned()
            }
            Event::DocumentSkipped(skipped) => skipped.to_string(),
            Event::Note(note) => format!("note: {note}"),
            Event::SecretWritten(path) => format!("Wrote {}", path.display()),
            Event::AuthenticationWritten { path, issuer } => {
                format!("Wrote {} with the issuer {issuer}", path.display())
            }
            Event::FileSaved { description, path } => {
                format!("Wrote {} ({description})", path.display())
            }
            Event::Next(hint) => format!("next: {hint}"),
            Event::DeletionPlanned(plan) => plan.to_string().trim_end().to_owned(),
            Event::ReadingPublicKey
            | Event::BucketFound(_)
            | Event::StepTaken(..)
            | Event::ProviderFound(_)
            | Event::RoleFound(_) => return Ok(()),
        };
        self.aside(|| output::note(&text));
        Ok(())
    }
}

/// ccoctl's lines for an event, without the time.
fn ccoctl_lines(event: &Event<'_>) -> Vec<String> {
    let line = match event {
        Event::GeneratingKeyPair => "Generating RSA keypair".to_owned(),
        Event::UsingKeyPair(path) => {
            format!("Using existing RSA keypair found at {}", path.display())
        }
        Event::UsingPublicKey(path) => {
            format!("Using existing public key found at {}", path.display())
        }
        Event::WritingPrivateKey(path) => format!("Writing private key to {}", path.display()),
        Event::WritingPublicKey(path) => format!("Writing public key to {}", path.display()),
        Event::CopyingSigningKey => "Copying signing key for use by installer".to_owned(),
        Event::ReadingPublicKey => "Reading public key".to_owned(),
        Event::DocumentSkipped(skipped) => skipped.text.clone(),
        Event::Note(note) => format!("Note: {note}"),
        Event::BucketFound(bucket) => {
            format!("Bucket {bucket} already exists and is owned by the user")
        }
        Event::StepTaken(step, applied) => return step_lines(step, applied),
        Event::ProviderFound(arn) => format!("Existing Identity Provider found with ARN: {arn}"),
        Event::RoleFound(arn) => format!("Existing role {arn} found"),
        Event::SecretWritten(path) => {
            format!("Saved credentials configuration to: {}", path.display())
        }
        Event::AuthenticationWritten { path, issuer } => {
            return vec![
                format!(
                    "Wrote cluster authentication manifest at path {}",
                    path.display()
                ),
                format!("Issuer URL (serviceAccountIssuer) is {issuer}"),
            ];
        }
        Event::FileSaved { description, path } => {
            format!("Saving {description} locally at {}", path.display())
        }
        Event::DeletionPlanned(planned) => {
            let notes = planned.plan.notes.iter().cloned();
            let others = planned.others().map(ToString::to_string);
            return notes
                .chain(others)
                .map(|note| format!("Note: {note}"))
                .collect();
        }
        Event::Reached(..) | Event::Next(_) => return Vec::new(),
    };
    vec![line]
}

fn step_lines(step: &Step, applied: &Applied) -> Vec<String> {
    let line = match (step, applied) {
        (Step::CreateBucket { bucket, .. }, _) => format!("Bucket {bucket} created"),
        (Step::PutObject { upload, .. }, _) if upload.key == DISCOVERY_KEY => {
            format!(
                "OpenID Connect discovery document in the S3 bucket {} at {DISCOVERY_KEY} updated",
                upload.bucket
            )
        }
        (Step::PutObject { upload, .. }, _) if upload.key == JWKS_KEY => {
            format!(
                "JSON web key set (JWKS) in the S3 bucket {} at {JWKS_KEY} updated",
                upload.bucket
            )
        }
        (Step::CreateOidcProvider { .. }, Applied::OidcProvider(arn)) => {
            format!("Identity Provider created with ARN: {arn}")
        }
        (Step::CreateRole { .. }, Applied::Role(arn)) => format!("Role {arn} created"),
        (Step::PutRolePolicy { role, .. }, _) => format!("Updated Role policy for Role {role}"),
        (Step::UpdateTrustPolicy { role, .. }, _) => {
            format!("Updated trust policy for Role {role}")
        }
        (Step::DeleteObject { bucket, key }, _) => {
            format!("Identity Provider object {key} deleted from the bucket {bucket}")
        }
        (Step::DeleteBucket { bucket }, _) => format!("Identity Provider bucket {bucket} deleted"),
        (Step::RemoveFromInstanceProfile { role, profile }, _) => {
            format!("IAM Role {role} removed from instance profile {profile}")
        }
        (Step::DetachRolePolicy { role, policy }, _) => {
            format!("Policy {policy} detached from IAM Role {role}")
        }
        (Step::DeleteRolePolicy { role, policy_name }, _) => {
            format!("Policy {policy_name} associated with IAM Role {role} deleted")
        }
        (Step::DeleteRole { role }, _) => format!("IAM Role {role} deleted"),
        (Step::DeleteOidcProvider { provider }, _) => {
            format!("Identity Provider with ARN {provider} deleted")
        }
        _ => return Vec::new(),
    };
    vec![line]
}
