//! A server as a child process, and what it costs.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A child process; it ends with this value.
pub(crate) struct Server {
    child: Child,
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
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| format!("the sandbox says nothing: {error}"))?;
        let started: Value = serde_json::from_str(&line)
            .map_err(|error| format!("the sandbox says `{line}`: {error}"))?;
        let endpoint = started["endpoint"].as_str().unwrap_or_default().to_owned();
        await_connection(&endpoint, begun)?;
        Ok(Self {
            child,
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
        let child = spawn(&mut command)?;
        let mut server = Self {
            child,
            endpoint: format!("http://127.0.0.1:{port}"),
            ready: Duration::ZERO,
            started: Value::Null,
        };
        await_connection(&server.endpoint, begun)?;
        server.ready = begun.elapsed();
        Ok(server)
    }

    /// CPU time of all its threads so far, in user and system mode.
    pub(crate) fn cpu(&self) -> Result<Duration, String> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = read(&path)?;
        // The second field, in parentheses, can hold anything; the times are the 14th and the 15th.
        let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks: Option<u64> = fields
            .get(11..13)
            .and_then(|times| times.iter().map(|time| time.parse::<u64>().ok()).sum());
        let ticks = ticks.ok_or_else(|| format!("cannot read `{path}`"))?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_A_SECOND))
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> Result<u64, String> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = read(&path)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| format!("cannot read `{path}`"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that sees nothing of the caller's environment.
pub(crate) fn isolated(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    let program = command.get_program().to_owned();
    command
        .spawn()
        .map_err(|error| format!("cannot start `{}`: {error}", program.display()))
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

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))
}

/// What Linux counts CPU time of processes in (USER_HZ, the same on every machine that Rust's standard library runs on).
const TICKS_A_SECOND: u64 = 100;
const PATIENCE: Duration = Duration::from_mins(1);
