//! A server as a child process, and what it costs.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::measure::process::{Process, isolated};
use crate::measure::wrk::{Load, Wrk};

/// A child process; it ends with this value.
pub(crate) struct Server {
    process: Process,
    pub(crate) endpoint: String,
    /// From the start of the process to the first connection that it accepts.
    pub(crate) ready: Duration,
    /// What it printed at its start.
    pub(crate) started: Value,
}

impl Server {
    /// `podpass sandbox start` with `accounts`, in a home of its own.
    pub(crate) fn sandbox(podpass: &Path, home: &Path, accounts: usize) -> Result<Self, String> {
        let mut command = isolated(podpass, home);
        command.args([
            "sandbox",
            "start",
            "--listen",
            "127.0.0.1:0",
            "-o",
            "json",
            "--no-remote-issuers",
        ]);
        for number in 0..accounts {
            command.args([
                "--account",
                &format!("{:012}", 123_456_789_012_u64 + number as u64),
            ]);
        }
        let begun = Instant::now();
        let mut process = Process::start(command.stdout(Stdio::piped()))?;
        let mut line = String::new();
        let stdout = process.output().ok_or("the sandbox has no output")?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| format!("the sandbox says nothing: {error}"))?;
        let started: Value = serde_json::from_str(&line)
            .map_err(|error| format!("the sandbox says `{line}`: {error}"))?;
        let endpoint = started["endpoint"].as_str().unwrap_or_default().to_owned();
        await_connection(&endpoint, begun)?;
        Ok(Self {
            process,
            endpoint,
            ready: begun.elapsed(),
            started,
        })
    }

    /// moto's server, from the environment in `folder`.
    pub(crate) fn moto(folder: &Path, home: &Path) -> Result<Self, String> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no free port: {error}"))?
            .port();
        let mut command = isolated(&folder.join("bin/moto_server"), home);
        command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let begun = Instant::now();
        let process = Process::start(&mut command)?;
        let mut server = Self {
            process,
            endpoint: format!("http://127.0.0.1:{port}"),
            ready: Duration::ZERO,
            started: Value::Null,
        };
        await_connection(&server.endpoint, begun)?;
        server.ready = begun.elapsed();
        Ok(server)
    }

    /// Loads it with wrk.
    pub(crate) fn load(&self, wrk: &Wrk, seconds: u32) -> Result<Load, String> {
        wrk.run(&self.process, &self.endpoint, seconds)
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> Result<u64, String> {
        self.process.memory()
    }
}

fn await_connection(endpoint: &str, begun: Instant) -> Result<(), String> {
    let address: SocketAddr = endpoint
        .strip_prefix("http://")
        .and_then(|address| address.parse().ok())
        .ok_or_else(|| format!("`{endpoint}` is no address"))?;
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{endpoint} accepts no connection"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

const PATIENCE: Duration = Duration::from_mins(1);
