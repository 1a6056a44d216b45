//! What the controller counts.

use std::sync::atomic::AtomicU64;

use podpass_runtime::metrics::Process;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControllerMetrics {
    /// Whether this process holds the Lease.
    pub(crate) leader: Gauge,
    /// Whether the last canary passed.
    pub(crate) canary: Gauge,
    pub(crate) unmutated: Family<Why, Gauge>,
    pub(crate) evictions: Family<Outcome, Counter>,
    /// Certificates that replicas were told to serve.
    pub(crate) certificates: Counter,
    pub(crate) expiry: Gauge<f64, AtomicU64>,
    pub(crate) watch_failures: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Why {
    /// A reason code.
    pub(crate) reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) result: &'static str,
}

impl ControllerMetrics {
    /// Takes back what only the one that acts may say.
    pub(crate) fn stop_leading(&self) {
        self.leader.set(0);
        self.canary.set(0);
        self.unmutated.clear();
        self.expiry.set(0.0);
    }

    /// All that a scrape shows.
    pub(crate) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        let own = self.clone();
        registry.register(
            "podpass_controller_leader",
            "1 while this process holds the Lease",
            own.leader,
        );
        registry.register(
            "podpass_canary_success",
            "1 if the last pod that was created as a dry run got its identity, 0 if not or if there was none",
            own.canary,
        );
        registry.register(
            "podpass_unmutated_pods",
            "Pods that run without the identity that they should have, by reason code",
            own.unmutated,
        );
        registry.register(
            "podpass_evictions",
            "Evictions that were asked for, by what became of them",
            own.evictions,
        );
        registry.register(
            "podpass_certificates_issued",
            "Serving certificates that replicas were given",
            own.certificates,
        );
        registry.register(
            "podpass_secret_certificate_expiry_timestamp_seconds",
            "When the certificate in the Secret expires, in seconds since 1970; 0 while this process keeps none",
            own.expiry,
        );
        registry.register(
            "podpass_watch_failures",
            "Times that a watch broke and was begun anew",
            own.watch_failures,
        );
        registry.register_collector(Box::new(Process));
        registry
    }
}
