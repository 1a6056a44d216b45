//! The cluster's side of the demo: admission, by the pure crates.

use podpass_inject::{Pod, Settings, inject};
use podpass_kinds::{annotations, read_pods, read_service_accounts};
use serde_json::Value;

use crate::failure::Failure;

/// A pod after admission, as far as the demo shows it.
pub(crate) struct Admitted {
    pub(crate) role_arn: String,
    pub(crate) expiration_seconds: i64,
    pod: Value,
}

/// Injects into the pod of `pod` as the webhook would, for the service account of `service_account`.
pub(crate) fn admit(pod: &str, service_account: &str) -> Result<Admitted, Failure> {
    let broken = |what: &str| Failure::failed(format!("an example of the demo is broken: {what}"));
    let accounts = read_service_accounts("service-account.yaml", service_account)
        .map_err(|error| broken(&error.to_string()))?;
    let pods = read_pods("pod.yaml", pod).map_err(|error| broken(&error.to_string()))?;
    let (Some(account), Some(pod)) = (accounts.first(), pods.first()) else {
        return Err(broken("no service account or no pod"));
    };
    let pod = pod.pod();
    let injection = inject(&Pod::from(&pod), account, &Settings::default());
    let patch = injection
        .patch()
        .ok_or_else(|| broken("the pod is not injected"))?;
    let pod = patch
        .apply(&pod)
        .map_err(|error| broken(&error.to_string()))?;
    let role_arn = account.annotation(annotations::DEFAULT_PREFIX, annotations::ROLE_ARN);
    let expiration =
        pod.pointer("/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds");
    Ok(Admitted {
        role_arn: role_arn
            .ok_or_else(|| broken("no role annotation"))?
            .to_owned(),
        expiration_seconds: expiration
            .and_then(Value::as_i64)
            .ok_or_else(|| broken("no token volume"))?,
        pod,
    })
}

impl Admitted {
    /// What the pod has now that it did not have before, a line each.
    pub(crate) fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let entries = |pointer: &str| {
            self.pod
                .pointer(pointer)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        for variable in entries("/spec/containers/0/env") {
            let (name, value) = (text(&variable, "/name"), text(&variable, "/value"));
            if name.starts_with("AWS_") {
                lines.push(format!("env    {name}={value}"));
            }
        }
        for mount in entries("/spec/containers/0/volumeMounts") {
            lines.push(format!(
                "mount  {} at {}, read-only",
                text(&mount, "/name"),
                text(&mount, "/mountPath")
            ));
        }
        for volume in entries("/spec/volumes") {
            let audience = text(&volume, "/projected/sources/0/serviceAccountToken/audience");
            lines.push(format!(
                "volume {}: a token for {audience} that lives {} s",
                text(&volume, "/name"),
                self.expiration_seconds
            ));
        }
        lines
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
