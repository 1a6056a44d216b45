//! A server's log, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object in a line, for collectors.
    Json,
    /// For people.
    Text,
}

impl Format {
    /// Text on a terminal, JSON elsewhere.
    pub fn of_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Text
        } else {
            Self::Json
        }
    }
}

/// Starts the log. `verbosity` is klog's: from 3 on each admission is told, from 4 on each request and more.
///
/// Libraries are heard from 6 on. The environment is not read. Does nothing when a log has started already.
pub fn start(format: Format, verbosity: u8) {
    let filter = match verbosity {
        // The Kubernetes client logs each failed call; podpass tells of it once, in its own words.
        0..=2 => "warn,kube_client=off,podpass=info",
        3 => "warn,kube_client=off,podpass=debug",
        4..=5 => "warn,kube_client=off,podpass=trace",
        _ => "debug,podpass=trace",
    };
    // The crates of podpass are called `podpass_…`, which `podpass` stands for as a prefix of targets.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr);
    let _ = match format {
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
        Format::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
    };
}
