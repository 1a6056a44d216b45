//! The servers that are measured, as child processes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::measure::process::{Process, isolated};

/// A webhook.
pub(crate) struct Webhook {
    pub(crate) process: Process,
    pub(crate) url: String,
    metrics: SocketAddr,
}

/// Starts the floor: the same stack with a constant answer.
pub(crate) fn bare(home: &Path) -> Result<(Process, String), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = isolated(&own, home);
    command
        .args(["bare", "tls.crt", "tls.key"])
        .stdout(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    let mut line = String::new();
    let output = process.output().ok_or("the floor has no output")?;
    BufReader::new(output)
        .read_line(&mut line)
        .map_err(|error| format!("the floor says nothing: {error}"))?;
    Ok((process, format!("https://{}", line.trim())))
}

impl Webhook {
    /// Starts one and waits until it has read all service accounts.
    pub(crate) fn start(podpass: &Path, home: &Path) -> Result<Self, String> {
        let mut command = isolated(podpass, home);
        command
            .args(["webhook", "--bind-address=127.0.0.1", "--port=0"])
            .args([
                "--metrics-port=0",
                "--in-cluster=false",
                "--log-format=json",
            ])
            .args(["--tls-cert=tls.crt", "--tls-key=tls.key"])
            .args(["--kubeconfig=kubeconfig", "--aws-default-region=eu-west-1"])
            .arg("--sts-regional-endpoint")
            .stderr(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let errors = process.errors().ok_or("the webhook has no log")?;
        let mut lines = BufReader::new(errors).lines().map_while(Result::ok);
        let mut last = String::new();
        let addresses = lines.find_map(|line| {
            let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
            last = line;
            let address = |member: &str| parsed[member].as_str()?.parse().ok();
            Some((address("address")?, address("metrics_address")?))
        });
        // Read on, so that a full pipe holds nothing up.
        std::thread::spawn(move || lines.for_each(drop));
        let (address, metrics): (SocketAddr, SocketAddr) =
            addresses.ok_or_else(|| format!("the webhook does not start: {last}"))?;
        let webhook = Self {
            process,
            url: format!("https://{address}"),
            metrics,
        };
        let begun = Instant::now();
        while !webhook.page("/readyz")?.starts_with("HTTP/1.1 200") {
            if begun.elapsed() > PATIENCE {
                return Err("the webhook is not ready".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(webhook)
    }

    /// How many service accounts it read from the API server beside its watch.
    pub(crate) fn reads(&self) -> Result<u64, String> {
        let page = self.page("/metrics")?;
        let reads = page
            .lines()
            .filter(|line| line.starts_with("podpass_service_account_reads_total{"))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        Ok(reads.sum())
    }

    fn page(&self, path: &str) -> Result<String, String> {
        let read = || {
            let mut stream = TcpStream::connect(self.metrics)?;
            let host = self.metrics;
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
            )?;
            let mut page = String::new();
            stream.read_to_string(&mut page)?;
            Ok(page)
        };
        read().map_err(|error: std::io::Error| format!("cannot read {path}: {error}"))
    }
}

const PATIENCE: Duration = Duration::from_mins(2);
