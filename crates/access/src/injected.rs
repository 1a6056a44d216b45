//! What pods were given by the webhook, beside what their service account says that they should have.
//!
//! What should be there is decided by the injection itself, applied to the pod without its injected parts. Compared is
//! what makes the identity: credentials variables, mount and token volume; and region and STS variables that are missing.

mod difference;
mod look;
mod parts;
mod remedy;
mod rules;
#[cfg(test)]
mod tests;

use podpass_cluster::Annotated;
use podpass_inject::{Identity, Injection, Note, Pod, inject};
use podpass_kinds::{ServiceAccountView, annotations};
use serde::Serialize;
use serde_json::{Value, json};

pub use difference::Difference;
pub use look::{LookError, Selection, look};
pub use parts::{ContainerParts, Credentials, Mount, TokenVolume, Variable};
pub use rules::InjectionRules;

use difference::Compared;
use parts::Parts;

/// A service account and the pods that run as it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountReport {
    /// `namespace/name`.
    pub service_account: String,
    /// Whether it exists.
    pub exists: bool,
    /// What a pod of it should get; `None` when that is nothing.
    pub expected: Option<ExpectedIdentity>,
    /// Why it is nothing, or what will not work.
    pub notes: Vec<Note>,
    /// The pods that were looked at.
    pub pods: Vec<PodReport>,
}

/// What a container that sets nothing itself should get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedIdentity {
    /// How its SDK gets credentials.
    pub credentials: Credentials,
    /// All variables, in the order of the injection.
    pub variables: Vec<Variable>,
    /// The token.
    pub token: TokenVolume,
}

/// A pod beside what it should have been given.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodReport {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its controller as `Kind/name`; `None` for a pod that nothing makes anew.
    pub controller: Option<String>,
    /// Its containers as they are, init containers first.
    pub containers: Vec<ContainerParts>,
    /// The volumes with a token that an injection can add, as they are.
    pub token_volumes: Vec<TokenVolume>,
    /// What differs.
    pub differences: Vec<Difference>,
    /// What was left out on purpose, or will not work although it is there.
    pub notes: Vec<Note>,
    /// The pod as the API server has it.
    #[serde(skip)]
    pub object: Value,
}

/// Whom a pod runs as.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The service account; namespace and name alone when the cluster does not have it.
    pub view: &'a ServiceAccountView,
    /// Who wrote the role annotation last, as far as the cluster says so.
    pub role_written: Option<&'a Annotated>,
}

impl ExpectedIdentity {
    /// The value of a variable, where it is plain text.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter();
        let found = variables.find(|variable| variable.name == name)?;
        Some(&found.value)
    }

    /// What the injection would give; the notes say why nothing, or what will not work.
    pub fn of(account: &ServiceAccountView, rules: &InjectionRules) -> (Option<Self>, Vec<Note>) {
        let pod = json!({"spec": {"containers": [{"name": "bare"}]}});
        // What only some containers get is what is asked for.
        let prefix = &rules.settings.annotation_prefix;
        let mut account = account.clone();
        let list = annotations::name(prefix, annotations::INCLUDE_CONTAINERS);
        account.annotations.remove(&list);
        let (injected, notes) = injected(&pod, &account, rules);
        let Parts {
            mut containers,
            mut volumes,
        } = Parts::of(&injected, &rules.settings);
        let expected = containers.pop().and_then(|container| {
            Some(Self {
                credentials: container.credentials?,
                variables: container.variables,
                token: volumes.pop()?,
            })
        });
        (expected, notes)
    }
}

impl PodReport {
    /// Compares a pod, as the API server has it, with what it should have.
    pub fn of(pod: &Value, account: Account<'_>, rules: &InjectionRules) -> Self {
        let bare = parts::without_injected(pod, &rules.settings);
        let (expected, notes) = injected(&bare, account.view, rules);
        let compared = Compared {
            pod,
            account,
            rules,
            notes: &notes,
            own: Parts::of(&bare, &rules.settings),
            expected: Parts::of(&expected, &rules.settings),
            actual: Parts::of(pod, &rules.settings),
        };
        let differences = compared.differences();
        let text = |pointer: &str| {
            let text = pod.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Self {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            controller: remedy::controller(pod),
            containers: compared.actual.containers,
            token_volumes: compared.actual.volumes,
            differences,
            notes,
            object: pod.clone(),
        }
    }

    /// The token that a container mounts.
    pub fn token_of(&self, container: &ContainerParts) -> Option<&TokenVolume> {
        container.mounts.iter().find_map(|mount| {
            let mut volumes = self.token_volumes.iter();
            volumes.find(|volume| volume.name == mount.volume)
        })
    }
}

/// The pod after the injection, with its notes.
fn injected(
    pod: &Value,
    account: &ServiceAccountView,
    rules: &InjectionRules,
) -> (Value, Vec<Note>) {
    let identity = Identity {
        assignments: Some(&rules.assignments),
        ..Identity::from(account)
    };
    match inject(&Pod::from(pod), identity, &rules.settings) {
        Injection::Unchanged { notes } => (pod.clone(), notes),
        Injection::Patched(patch) => {
            let injected = patch.apply(pod);
            let injected = injected
                .unwrap_or_else(|error| unreachable!("the patch was made for this pod: {error}"));
            (injected, patch.notes)
        }
    }
}
