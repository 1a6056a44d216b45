//! What the webhook counts: the peer's names for the dashboards that there are, and better ones beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use podpass_cluster::ServiceAccountIndex;
use podpass_runtime::Certificates;
use podpass_runtime::metrics::{PeerCounter, Process};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, gauge};
use prometheus_client::registry::Registry;

use crate::reads::Read;

/// The counters that are not read from elsewhere. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: Family<Request, PeerCounter>,
    latencies: Family<Route, Histogram, fn() -> Histogram>,
    duration_sum: Family<Route, PeerCounter>,
    duration_count: Family<Route, PeerCounter>,
    pods: Family<Method, PeerCounter>,
    pub(crate) missing_service_accounts: PeerCounter,
    admissions: Family<Admission, Counter>,
    durations: Family<Outcome, Histogram, fn() -> Histogram>,
    reads: Family<Outcome, Counter>,
    pub(crate) watch_failures: Counter,
    rotations: Histogram,
}

/// How an admission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The pod got something.
    Mutated,
    /// It was admitted as it was.
    Unchanged,
    /// It was refused.
    Refused,
    /// It could not be decided.
    Failed,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    verb: String,
    path: &'static str,
    code: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    verb: String,
    path: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Method {
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Admission {
    result: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

impl Ended {
    fn name(self) -> &'static str {
        match self {
            Self::Mutated => "mutated",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "error",
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            requests: Family::default(),
            // The peer's buckets, in microseconds: all of them are longer than an admission takes.
            latencies: Family::new_with_constructor(|| {
                Histogram::new([125e3, 250e3, 500e3, 1e6, 2e6, 4e6, 8e6])
            }),
            duration_sum: Family::default(),
            duration_count: Family::default(),
            pods: Family::default(),
            missing_service_accounts: PeerCounter::default(),
            admissions: Family::default(),
            durations: Family::new_with_constructor(|| {
                Histogram::new([
                    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1,
                    0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
                ])
            }),
            reads: Family::default(),
            watch_failures: Counter::default(),
            // From a minute to three months.
            rotations: Histogram::new([
                60.0, 3600.0, 14400.0, 86400.0, 604_800.0, 2.592e6, 7.776e6,
            ]),
        }
    }

    /// Counts a request to one of the paths that the peer counts.
    pub(crate) fn count_request(&self, verb: &str, path: &'static str, code: u16, took: Duration) {
        let verb = verb.to_owned();
        let route = Route {
            verb: verb.clone(),
            path,
        };
        let micros = took.as_micros();
        let whole = u64::try_from(micros).unwrap_or(u64::MAX);
        self.duration_sum.get_or_create(&route).add(whole);
        self.duration_count.get_or_create(&route).inc();
        self.latencies
            .get_or_create(&route)
            .observe(took.as_secs_f64() * 1e6);
        self.requests
            .get_or_create(&Request { verb, path, code })
            .inc();
    }

    /// Counts an admission; the reason is a code, or empty where nothing is to be said.
    pub(crate) fn count_admission(&self, ended: Ended, reason: &'static str, took: Duration) {
        let result = ended.name();
        self.admissions
            .get_or_create(&Admission { result, reason })
            .inc();
        self.durations
            .get_or_create(&Outcome { result })
            .observe(took.as_secs_f64());
    }

    /// Counts a pod that has an identity.
    pub(crate) fn count_pod(&self, container_credentials: bool) {
        let method = if container_credentials {
            "container_credentials"
        } else {
            "sts_web_identity"
        };
        self.pods.get_or_create(&Method { method }).inc();
    }

    /// Counts a serving certificate that another one has replaced, by the time that it was served.
    pub(crate) fn count_rotation(&self, served: Duration) {
        self.rotations.observe(served.as_secs_f64());
    }

    pub(crate) fn count_read<T>(&self, read: &Read<T>) {
        let result = match read {
            Read::Found(_) => "found",
            Read::Missing => "missing",
            Read::Failed(_) => "error",
        };
        self.reads.get_or_create(&Outcome { result }).inc();
    }

    /// All that a scrape shows.
    pub(crate) fn registry(
        &self,
        index: Arc<ServiceAccountIndex>,
        certificates: Arc<Certificates>,
    ) -> Registry {
        let mut registry = Registry::default();
        let own = self.clone();
        registry.register("http_request_count", "Requests", own.requests);
        registry.register(
            "http_request_latencies",
            "Time of requests in microseconds",
            own.latencies,
        );
        registry.register(
            "http_request_duration_microseconds_sum",
            "Time of all requests together in microseconds",
            own.duration_sum,
        );
        registry.register(
            "http_request_duration_microseconds_count",
            "Requests that were timed",
            own.duration_count,
        );
        registry.register(
            "pod_identity_webhook_pod_count",
            "Pods whose service account has an identity, by the way it gets credentials",
            own.pods,
        );
        registry.register(
            "pod_identity_webhook_missing_sa_count",
            "Pods whose service account did not exist",
            own.missing_service_accounts,
        );
        registry.register(
            "podpass_admission_requests",
            "Admissions by result and reason code",
            own.admissions,
        );
        registry.register(
            "podpass_admission_duration_seconds",
            "Time of admissions",
            own.durations,
        );
        registry.register(
            "podpass_service_account_reads",
            "Service accounts read from the API server because the watch had not told of them",
            own.reads,
        );
        registry.register(
            "podpass_watch_failures",
            "Times that a watch broke and was begun anew",
            own.watch_failures,
        );
        registry.register(
            "certificate_manager_server_rotation_seconds",
            "How long certificates of the Secret were served before they were replaced",
            own.rotations,
        );
        registry.register_collector(Box::new(State {
            index,
            certificates,
        }));
        registry.register_collector(Box::new(Process));
        registry
    }
}

/// What is looked up when somebody scrapes.
#[derive(Debug)]
struct State {
    index: Arc<ServiceAccountIndex>,
    certificates: Arc<Certificates>,
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let size = self.index.size();
        let accounts: Family<Annotated, Gauge> = Family::default();
        for (annotated, number) in [("true", size.annotated), ("false", size.plain)] {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            accounts.get_or_create(&Annotated { annotated }).set(number);
        }
        accounts.encode(encoder.encode_descriptor(
            "podpass_service_accounts",
            "Service accounts that are known",
            None,
            MetricType::Gauge,
        )?)?;
        let used: Gauge<i64, AtomicI64> = Gauge::default();
        used.set((size.annotated + size.plain > 0).into());
        used.encode(encoder.encode_descriptor(
            "pod_identity_webhook_used",
            "1 as soon as any service account was seen",
            None,
            MetricType::Gauge,
        )?)?;
        if let Some(served) = self.certificates.current() {
            let expiry: gauge::Gauge<f64, AtomicU64> = Gauge::default();
            let since = served.not_after().duration_since(std::time::UNIX_EPOCH);
            expiry.set(since.unwrap_or_default().as_secs_f64());
            expiry.encode(encoder.encode_descriptor(
                "podpass_serving_certificate_expiry_timestamp_seconds",
                "When the serving certificate expires, in seconds since 1970",
                None,
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Annotated {
    annotated: &'static str,
}
