//! A sandbox in a process of its own, for tests that kill it, limit it or look at what it uses.

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};

use podpass_sandbox::Settings;

use crate::client::{Client, Faults};
use crate::fixture::{Fixture, long_term, two_accounts};

/// The folder for a child's state; empty for none.
const FOLDER: &str = "PODPASS_TEST_STATE_OF_CHILD";
/// The child prints its address behind this.
const ADDRESS: &str = "address=";

/// This test is the child: where nobody asked for one, there is nothing to do.
#[test]
fn a_child_serves_until_it_is_ended() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let state = (!folder.is_empty()).then(|| folder.into());
    let fixture = Fixture::start_as(Settings {
        state,
        ..two_accounts()
    });
    println!("\n{ADDRESS}{}", fixture.sandbox.address());
    // It ends with its parent, whose end closes the pipe.
    let mut rest = String::new();
    let _ = std::io::stdin().read_line(&mut rest);
    let Fixture {
        sandbox, runtime, ..
    } = fixture;
    runtime.block_on(sandbox.stop());
}

/// A sandbox in another process.
pub(crate) struct Child {
    process: std::process::Child,
    /// Open, so that the child can print on.
    _printed: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Child {
    /// With a state.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_by("exec \"$@\"", folder)
    }

    /// No file that it writes may be longer than so many KiB; writing more fails, as on a full disk.
    pub(crate) fn start_limited(folder: &Path, kibibytes: usize) -> Self {
        // In blocks of 512 bytes. Without the trap, the signal would end the process.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", 2 * kibibytes);
        Self::start_by(&script, folder)
    }

    /// Without a state, and with so many file descriptors at most.
    pub(crate) fn start_with_descriptors(count: usize) -> Self {
        let script = format!("ulimit -n {count}; exec \"$@\"");
        Self::start_by(&script, Path::new(""))
    }

    fn start_by(script: &str, folder: &Path) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child::a_child_serves_until_it_is_ended",
                "--nocapture",
            ])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = printed
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(ADDRESS)?.parse().ok());
        Self {
            address: address.expect("the child prints its address"),
            _printed: printed,
            process,
        }
    }

    pub(crate) fn admin(&self) -> Client {
        Client {
            address: self.address,
            keys: Some(long_term("admin_1")),
            region: "eu-west-1".to_owned(),
            faults: Faults::default(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        1024 * number.unwrap().parse::<usize>().unwrap()
    }

    /// How many file descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets it stop its sandbox, and waits for its end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        drop(self.process.stdin.take());
        self.process.wait().unwrap()
    }
}
