//! The serving certificate in a Secret.

use std::error::Error as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podpass_cluster::resources::SECRET;
use podpass_cluster::{Access, Cluster, WatchState};
use podpass_runtime::Certificates;
use serde_json::Value;
use tokio::time::Instant;

use crate::metrics::Metrics;

/// What a Secret of type `kubernetes.io/tls` has to hold.
const MEMBERS: [&str; 2] = ["tls.crt", "tls.key"];

/// The first verb that is missing to follow the Secret, if any; a question that fails counts as yes.
pub(crate) async fn missing_verb(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Option<&'static str> {
    for verb in ["get", "list", "watch"] {
        let access = Access {
            verb,
            resource: SECRET,
            namespace: Some(namespace),
            name: Some(name),
        };
        if let Ok(false) = cluster.may(access).await {
            return Some(verb);
        }
    }
    None
}

/// Serves what the Secret holds, whenever it changes; it never ends. While it holds nothing usable, what was served stays.
pub(crate) async fn follow(
    cluster: Cluster,
    namespace: String,
    name: String,
    certificates: Arc<Certificates>,
    metrics: Metrics,
    mut tell: impl FnMut(WatchState),
) {
    let mut since: Option<Instant> = None;
    let seen = |object: Option<Value>| {
        let secret = format!("{namespace}/{name}");
        let Some(object) = object else {
            tracing::warn!(
                secret,
                "The Secret of the serving certificate does not exist"
            );
            return;
        };
        let [certificate, key] = MEMBERS.map(|member| {
            let text = object["data"][member].as_str().unwrap_or_default();
            STANDARD.decode(text).unwrap_or_default()
        });
        if certificate.is_empty() || key.is_empty() {
            tracing::info!(secret, "The Secret holds no serving certificate yet");
            return;
        }
        let served = certificates.current();
        if served.is_some_and(|served| served.is_of(&certificate)) {
            return;
        }
        match certificates.replace(&certificate, &key) {
            Ok(()) => {
                tracing::info!(secret, "Serving certificate taken from the Secret");
                if let Some(since) = since.replace(Instant::now()) {
                    metrics.count_rotation(since.elapsed());
                }
            }
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::error!(secret, %error, cause, "The Secret's serving certificate is not used");
            }
        }
    };
    cluster
        .watch_object(SECRET, Some(&namespace), &name, seen, &mut tell)
        .await;
}
