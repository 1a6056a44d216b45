//! What differs between a pod and what it should have been given, each with its reason.

use podpass_inject::{Note, VOLUME_NAME};
use podpass_kinds::Reason;
use serde::Serialize;
use serde_json::Value;

use super::parts::{ContainerParts, Parts, TokenVolume};
use super::remedy::create_anew;
use super::{Account, InjectionRules};

/// Something that a pod has otherwise than it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The reason code.
    pub code: Reason,
    /// The container; `None` for the pod as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// What differs, as one clause.
    pub what: String,
    /// What should be there; `None` for nothing.
    pub expected: Option<String>,
    /// What is there; `None` for nothing.
    pub actual: Option<String>,
    /// What to do.
    pub fix: String,
}

/// A pod in three states.
pub(super) struct Compared<'a> {
    pub(super) pod: &'a Value,
    pub(super) account: Account<'a>,
    pub(super) rules: &'a InjectionRules,
    pub(super) notes: &'a [Note],
    /// Without what a webhook put into it.
    pub(super) own: Parts,
    /// As an injection would make it now.
    pub(super) expected: Parts,
    /// As it is.
    pub(super) actual: Parts,
}

impl Compared<'_> {
    pub(super) fn differences(&self) -> Vec<Difference> {
        if self.expected == self.actual {
            return Vec::new();
        }
        if self.actual == self.own
            && let Some(role) = self.would_add()
        {
            return vec![self.never_injected(role)];
        }
        let mut found = Vec::new();
        for expected in &self.expected.containers {
            if let Some(actual) = self.actual.container(expected) {
                self.compare_container(expected, actual, &mut found);
            }
        }
        for expected in &self.expected.volumes {
            let mut actual = self.actual.volumes.iter();
            let actual = actual.find(|volume| volume.name == expected.name);
            self.compare_volume(expected, actual, &mut found);
        }
        found
    }

    /// The role that an injection would give to a container.
    fn would_add(&self) -> Option<String> {
        self.expected.containers.iter().find_map(|expected| {
            let own = self.own.container(expected)?;
            let added = expected.credentials.as_ref()?;
            (own.credentials.as_ref() != Some(added)).then(|| added.target())
        })
    }

    /// The pod has nothing at all: the webhook has not seen it, or has not seen the annotation.
    fn never_injected(&self, role: String) -> Difference {
        let labels = &self.pod["metadata"]["labels"];
        let (code, fix) = if !labels[SKIP_LABEL].is_null() {
            let code = Reason::WebhookSelectorExcludesPod;
            let fix = format!("remove the label `{SKIP_LABEL}` where the pod comes from");
            (code, format!("{fix}; then {}", create_anew(self.pod)))
        } else if self.rules.has_webhook == Some(false) {
            let code = Reason::WebhookMissing;
            (
                code,
                format!("{}; then {}", code.fix(), create_anew(self.pod)),
            )
        } else {
            (Reason::BornBeforeWebhook, create_anew(self.pod))
        };
        let mut what = "no container has an identity".to_owned();
        if let Some(created) = self.pod["metadata"]["creationTimestamp"].as_str() {
            what = format!("{what}; the pod was created at {created}");
            if let Some(written) = self.account.role_written
                && let Some(time) = written.time
            {
                what = format!(
                    "{what}, the annotation was written at {time} by {}",
                    written.manager
                );
            }
        }
        Difference {
            code,
            container: None,
            what,
            expected: Some(role),
            actual: None,
            fix,
        }
    }

    fn compare_container(
        &self,
        expected: &ContainerParts,
        actual: &ContainerParts,
        found: &mut Vec<Difference>,
    ) {
        let name = &actual.name;
        let mut differs =
            |code: Reason, what: &str, expected: Option<&str>, actual: Option<&str>| {
                found.push(self.difference(code, Some(name), what, expected, actual));
            };
        match (&expected.credentials, &actual.credentials) {
            (Some(expected), None) => {
                differs(
                    Reason::InjectionIncomplete,
                    "the container has no identity",
                    Some(&expected.target()),
                    None,
                );
                return;
            }
            (None, Some(actual)) => {
                let code = if self.is_skipped(name) {
                    Reason::ContainerSkipped
                } else {
                    Reason::StaleRoleInPod
                };
                differs(
                    code,
                    "the container has an identity",
                    None,
                    Some(&actual.target()),
                );
                return;
            }
            (Some(expected), Some(actual)) if expected.target() != actual.target() => {
                differs(
                    Reason::StaleRoleInPod,
                    "the container has another role",
                    Some(&expected.target()),
                    Some(&actual.target()),
                );
            }
            (Some(expected), Some(actual)) if expected.file() != actual.file() => {
                differs(
                    Reason::StaleTokenInPod,
                    "the container looks for its token elsewhere",
                    Some(expected.file()),
                    Some(actual.file()),
                );
            }
            _ => {}
        }
        for variable in &expected.variables {
            if actual.variable(&variable.name).is_none() {
                let what = format!("the container lacks {}", variable.name);
                differs(
                    Reason::InjectionIncomplete,
                    &what,
                    Some(&variable.value),
                    None,
                );
            }
        }
        for mount in &expected.mounts {
            let mut mounts = actual.mounts.iter();
            let mounted = mounts.find(|own| own.volume == mount.volume);
            match mounted {
                None => {
                    let what = format!("the container does not mount `{}`", mount.volume);
                    differs(Reason::InjectionIncomplete, &what, Some(&mount.path), None);
                }
                Some(mounted) if mounted.path != mount.path => {
                    let what = format!("`{}` is mounted elsewhere", mount.volume);
                    let (expected, actual) =
                        (Some(mount.path.as_str()), Some(mounted.path.as_str()));
                    differs(Reason::StaleTokenInPod, &what, expected, actual);
                }
                Some(_) => {}
            }
        }
    }

    fn compare_volume(
        &self,
        expected: &TokenVolume,
        actual: Option<&TokenVolume>,
        found: &mut Vec<Difference>,
    ) {
        let name = &expected.name;
        let Some(actual) = actual else {
            let what = format!("the pod has no token volume `{name}`");
            let audience = expected.audience.as_deref();
            found.push(self.difference(Reason::InjectionIncomplete, None, &what, audience, None));
            return;
        };
        let seconds = |volume: &TokenVolume| volume.expiration_seconds.map(|life| life.to_string());
        let (life, own_life) = (seconds(expected), seconds(actual));
        // Lifetimes of container credentials are drawn at random, and those of all pods where the webhook was told so.
        let is_drawn = *name != VOLUME_NAME || self.rules.settings.irsa_expiration_jitter;
        let own_life = if is_drawn { life.clone() } else { own_life };
        for (what, expected, actual) in [
            (
                "audience",
                expected.audience.as_deref(),
                actual.audience.as_deref(),
            ),
            ("lifetime in seconds", life.as_deref(), own_life.as_deref()),
            (
                "file name",
                Some(expected.path.as_str()),
                Some(actual.path.as_str()),
            ),
        ] {
            if expected != actual {
                let what = format!("the token of `{name}` has another {what}");
                found.push(self.difference(Reason::StaleTokenInPod, None, &what, expected, actual));
            }
        }
    }

    fn is_skipped(&self, container: &str) -> bool {
        let marked = format!("container `{container}` ");
        let mut notes = self.notes.iter();
        notes.any(|note| {
            note.reason == Reason::ContainerSkipped && note.message.starts_with(&marked)
        })
    }

    fn difference(
        &self,
        code: Reason,
        container: Option<&str>,
        what: &str,
        expected: Option<&str>,
        actual: Option<&str>,
    ) -> Difference {
        Difference {
            code,
            container: container.map(str::to_owned),
            what: what.to_owned(),
            expected: expected.map(str::to_owned),
            actual: actual.map(str::to_owned),
            fix: create_anew(self.pod),
        }
    }
}

/// The label by which the peer's own manifests leave pods out.
const SKIP_LABEL: &str = "eks.amazonaws.com/skip-pod-identity-webhook";
