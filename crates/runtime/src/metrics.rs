//! A server's metrics, in Prometheus' text format 0.0.4.
//!
//! Counters of our own are the library's, whose names end in `_total`; those of the peers keep the names that dashboards
//! and alerts read.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Full;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use crate::Answer;

/// A counter whose name stands as it is given, without `_total`. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct PeerCounter(Arc<AtomicU64>);

impl PeerCounter {
    /// Counts one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts several.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl TypedMetric for PeerCounter {
    const TYPE: MetricType = MetricType::Counter;
}

impl EncodeMetric for PeerCounter {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        // A counter of the library would get the suffix `_total`.
        encoder.encode_gauge(&self.get())
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// The answer to a scrape.
pub fn answer(registry: &Registry) -> Answer {
    let mut page = String::new();
    // Writing to a text does not fail.
    let _ = text::encode(&mut page, registry);
    let mut answer = Response::new(Full::new(page.into()));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// What the system knows of this process, under the names of Prometheus' client libraries: `process_cpu_seconds_total`,
/// `process_resident_memory_bytes`, `process_open_fds`, `process_max_fds`, `process_threads`,
/// `process_start_time_seconds`. Nothing where the system has no `/proc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, kind, value) in read_process().unwrap_or_default() {
            let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
            match kind {
                MetricType::Counter => {
                    metric.encode_counter::<prometheus_client::encoding::NoLabelSet, f64, u64>(
                        &value, None,
                    )?;
                }
                _ => metric.encode_gauge(&value)?,
            }
        }
        Ok(())
    }
}

type Figure = (&'static str, &'static str, MetricType, f64);

/// Reads `/proc/self`, whose fields proc(5) numbers.
#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn read_process() -> Option<Vec<Figure>> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the name, in parentheses, and may hold blanks.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page = rustix::param::page_size() as f64;
    let boot = std::fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "))?;
    let boot: f64 = boot.trim().parse().ok()?;
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count() as f64;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    Some(vec![
        (
            "process_cpu_seconds",
            "CPU time of this process",
            MetricType::Counter,
            (field(14)? + field(15)?) as f64 / ticks,
        ),
        (
            "process_resident_memory_bytes",
            "Memory of this process that is in RAM",
            MetricType::Gauge,
            field(24)? as f64 * page,
        ),
        (
            "process_open_fds",
            "Open file descriptors",
            MetricType::Gauge,
            open,
        ),
        (
            "process_max_fds",
            "Largest number of open file descriptors",
            MetricType::Gauge,
            limit.map_or(f64::INFINITY, |limit| limit as f64),
        ),
        (
            "process_threads",
            "Threads of this process",
            MetricType::Gauge,
            field(20)? as f64,
        ),
        (
            "process_start_time_seconds",
            "When this process started, in seconds since 1970",
            MetricType::Gauge,
            boot + field(22)? as f64 / ticks,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(registry: &Registry) -> String {
        let mut page = String::new();
        text::encode(&mut page, registry).unwrap();
        page
    }

    #[test]
    fn counters_keep_their_names() {
        let mut registry = Registry::default();
        let counter = PeerCounter::default();
        registry.register("pod_identity_webhook_pod_count", "Pods", counter.clone());
        counter.inc();
        counter.add(2);
        let expected = "# HELP pod_identity_webhook_pod_count Pods.\n# TYPE pod_identity_webhook_pod_count counter\n\
                        pod_identity_webhook_pod_count 3\n# EOF\n";
        assert_eq!(page(&registry), expected);
    }

    #[test]
    fn process_tells_what_the_system_knows() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let page = page(&registry);
        let value = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {page}"))
                .trim()
                .parse::<f64>()
                .unwrap()
        };
        assert!(value("process_resident_memory_bytes ") > 1e6);
        assert!(value("process_open_fds ") >= 3.0);
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let started = value("process_start_time_seconds ");
        assert!(started < now.as_secs_f64() && started > now.as_secs_f64() - 3600.0);
        assert!(page.contains("\nprocess_cpu_seconds_total "), "{page}");
    }
}
