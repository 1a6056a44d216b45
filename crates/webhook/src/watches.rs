//! The watches that webhook and controller both have.

use std::sync::Arc;

use podpass_cluster::resources::{CONFIG_MAP, SERVICE_ACCOUNT};
use podpass_cluster::{Cluster, WatchState};
use prometheus_client::metrics::counter::Counter;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::identities::{Identities, ROLE_MAP};

/// Keeps what is known of service accounts, and of the ConfigMap where it counts.
pub(crate) fn watch_identities(
    watches: &mut JoinSet<()>,
    cluster: &Cluster,
    identities: &Arc<Identities>,
    failures: &Counter,
) {
    let (own, known) = (cluster.clone(), Arc::clone(identities));
    let tell = teller("serviceaccounts", failures);
    watches.spawn(async move {
        own.watch_annotations(SERVICE_ACCOUNT, known.index(), tell)
            .await;
    });
    if let Some(namespace) = identities.role_map_namespace() {
        let (own, known) = (cluster.clone(), Arc::clone(identities));
        let (namespace, tell) = (namespace.to_owned(), teller("configmaps", failures));
        watches.spawn(async move {
            let seen = |object: Option<Value>| known.take_role_map(object.as_ref());
            own.watch_object(CONFIG_MAP, Some(&namespace), ROLE_MAP, seen, tell)
                .await;
        });
    }
}

/// Logs how a watch is doing: that it broke once, however often it is tried, and that it works again.
pub(crate) fn teller(what: &'static str, failures: &Counter) -> impl FnMut(WatchState) + use<> {
    let failures = failures.clone();
    let mut broken = false;
    move |state| {
        let WatchState::Broken(error) = state else {
            broken = false;
            tracing::info!("All {what} are read");
            return;
        };
        failures.inc();
        if !std::mem::replace(&mut broken, true) {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, hint = error.hint(), "The watch of {what} broke and is tried again");
        }
    }
}
