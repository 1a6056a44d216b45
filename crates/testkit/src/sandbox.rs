//! `podpass sandbox start` as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::Home;

/// A running sandbox on a free loopback port; it ends with this value.
#[derive(Debug)]
pub struct SandboxProcess {
    child: Child,
    // Held open so that a child that reads it does not see its end.
    _stdin: Option<ChildStdin>,
    started: Value,
}

impl SandboxProcess {
    /// Starts `binary sandbox start --listen 127.0.0.1:0 -o json --no-remote-issuers` with `arguments` and waits for its line.
    ///
    /// # Panics
    /// When the process ends, or prints anything but its JSON line, before it accepts connections.
    pub fn start(binary: impl AsRef<Path>, home: &Home, arguments: &[&str]) -> Self {
        let mut child = home
            .command(binary.as_ref())
            .args(["sandbox", "start", "--listen", "127.0.0.1:0", "-o", "json"])
            // No test resolves or reaches a name outside of this machine.
            .arg("--no-remote-issuers")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("stdout can be read");
        let started = serde_json::from_str(&line);
        assert!(started.is_ok(), "not a JSON line: {line:?}");
        let started = started.expect("it was just checked");
        Self {
            _stdin: child.stdin.take(),
            child,
            started,
        }
    }

    /// What `start -o json` printed.
    pub fn started(&self) -> &Value {
        &self.started
    }

    /// The endpoint, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        self.started["endpoint"]
            .as_str()
            .expect("the line has an endpoint")
    }

    /// The administrator's access key of the account at `index`: id and secret.
    pub fn admin_key(&self, index: usize) -> (&str, &str) {
        let account = &self.started["accounts"][index];
        let text = |name: &str| account[name].as_str().expect("an account has a key");
        (text("accessKeyId"), text("secretAccessKey"))
    }

    /// A command of `home` that is the first account's administrator at this endpoint.
    pub fn command(&self, home: &Home, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.anonymous_command(home, program);
        let (id, secret) = self.admin_key(0);
        command
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        command
    }

    /// A command of `home` that knows this endpoint and has no credentials.
    pub fn anonymous_command(&self, home: &Home, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = home.command(program);
        command
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Sends the signal (`INT`, `TERM`, `KILL`) and waits for the end.
    pub fn end_with(mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "the signal could not be sent"
        );
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
