//! One process of the control plane, whose life is tied to its standard input.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// What a server's standard input is: the servers of `testcluster/` end when it does, and remove their folder.
#[derive(Clone, Debug)]
pub(crate) enum Lifetime {
    /// A pipe that this process holds: a server ends with this value, or with this process however that dies.
    Owner,
    /// The FIFO `alive` in the test run's folder, whose writing end the run holds: a server can outlive its test.
    Run(PathBuf),
}

/// Where the servers of one control plane find their programs and put what they write.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) programs: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) lifetime: Lifetime,
}

/// A server. It is killed when this is dropped, unless it was released.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
    released: bool,
}

impl Place {
    /// Starts the program `name`; what it prints goes to `NAME.log` in the folder.
    pub(crate) fn start(&self, name: &'static str, arguments: &[String]) -> Server {
        let log = self.folder.join(name).with_extension("log");
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log can be opened");
        let removed = match &self.lifetime {
            Lifetime::Owner => &self.folder,
            Lifetime::Run(run) => run,
        };
        let mut command = Command::new(self.programs.join(name));
        command
            .args(arguments)
            .env_clear()
            // Some look for configuration of their own there.
            .env("HOME", &self.folder)
            .env("TESTCLUSTER_FOLDER", removed)
            .current_dir(&self.folder)
            .stdout(output.try_clone().expect("a file can be shared"))
            .stderr(output);
        match &self.lifetime {
            Lifetime::Owner => command.stdin(Stdio::piped()),
            Lifetime::Run(run) => {
                let alive = File::open(run.join("alive")).expect("the run's FIFO can be opened");
                // A group of its own: a runner that kills a test's group must not kill what others use.
                command.stdin(alive).process_group(0)
            }
        };
        let child = command.spawn();
        assert!(child.is_ok(), "cannot start {name}: {child:?}");
        Server {
            name,
            child: child.expect("it was just checked"),
            log,
            released: false,
        }
    }
}

impl Server {
    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be looked at")
    }

    /// The name, how it ended, and the last lines it printed.
    pub(crate) fn last_words(&mut self) -> String {
        let status = self.ended().map_or_else(
            || "is still running".to_owned(),
            |status| format!("ended ({status})"),
        );
        format!("{} {status}\n{}", self.name, tail(&self.log))
    }

    /// Leaves it to its [`Lifetime`].
    pub(crate) fn release(mut self) {
        self.released = true;
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.released {
            self.kill();
        }
    }
}

fn tail(log: &Path) -> String {
    const LINES: usize = 15;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
