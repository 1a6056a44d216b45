//! Service accounts and pods in few words.

use podpass_inject::{Identity, Injection, Note, Pod, Settings, inject};
use podpass_kinds::{Reason, ServiceAccountView};
use serde_json::{Value, json};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/app";
pub(crate) const TOKEN_FILE: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";
pub(crate) const MOUNT_PATH: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

pub(crate) fn account(annotations: &[(&str, &str)]) -> ServiceAccountView {
    let annotations = annotations
        .iter()
        .map(|(key, value)| (format!("eks.amazonaws.com/{key}"), (*value).to_owned()));
    ServiceAccountView {
        namespace: "ns".to_owned(),
        name: "sa".to_owned(),
        uid: None,
        annotations: annotations.collect(),
    }
}

pub(crate) fn account_with_role() -> ServiceAccountView {
    account(&[("role-arn", ROLE)])
}

pub(crate) fn run<'a>(
    pod: &Value,
    identity: impl Into<Identity<'a>>,
    settings: &Settings,
) -> (Value, Vec<Note>) {
    match inject(&Pod::from(pod), identity, settings) {
        Injection::Patched(patch) => (patch.apply(pod).unwrap(), patch.notes),
        Injection::Unchanged { notes } => (pod.clone(), notes),
    }
}

pub(crate) fn reasons(notes: &[Note]) -> Vec<Reason> {
    notes.iter().map(|note| note.reason).collect()
}

pub(crate) fn pod_with(container: impl Into<Value>) -> Value {
    json!({"spec": {"containers": [container.into()]}})
}

pub(crate) fn env_names(container: &Value) -> Vec<&str> {
    let env = container["env"].as_array().map_or(&[][..], Vec::as_slice);
    env.iter()
        .filter_map(|variable| variable["name"].as_str())
        .collect()
}

pub(crate) fn projection(pod: &Value) -> Value {
    pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"].clone()
}
