//! A child process, and what it costs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A child process; it ends with this value.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let program = command.get_program().to_owned();
        let child = command.spawn();
        child
            .map(Self)
            .map_err(|error| format!("cannot start `{}`: {error}", program.display()))
    }

    /// What it writes to its standard output, which has to be piped; once.
    pub(crate) fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.0.stdout.take()
    }

    /// The same of its standard error.
    #[allow(dead_code, reason = "each benchmark takes what it needs")]
    pub(crate) fn errors(&mut self) -> Option<std::process::ChildStderr> {
        self.0.stderr.take()
    }

    /// CPU time of all its threads so far, in user and system mode.
    pub(crate) fn cpu(&self) -> Result<Duration, String> {
        let path = format!("/proc/{}/stat", self.0.id());
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
        let path = format!("/proc/{}/status", self.0.id());
        let status = read(&path)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| format!("cannot read `{path}`"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
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

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))
}

/// What Linux counts CPU time of processes in (USER_HZ, the same on every machine that Rust's standard library runs on).
const TICKS_A_SECOND: u64 = 100;
