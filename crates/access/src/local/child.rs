//! A command that is run in podpass's stead: same terminal, same signals, same exit code.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;
use tokio::process::{Child, Command};

use super::signals::{Received, Signals};

/// A command that cannot be run.
#[derive(Debug, Error)]
#[error("cannot run `{}`", program.display())]
pub struct SpawnError {
    program: OsString,
    source: io::Error,
}

impl SpawnError {
    /// What a shell exits with: 127 for a command that is not found, 126 for one that cannot be executed.
    pub fn exit_code(&self) -> u8 {
        if self.is_not_found() { 127 } else { 126 }
    }

    /// Whether there is no such command.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Runs `command` to its end, passes on what `signals` receive, and polls `meanwhile`; returns the exit code.
///
/// The code is the command's, or 128 and the number of the signal that ended it, as in a shell; one that came before the
/// command was started ends the run without it. A signal from the
/// terminal is not passed on: the command, in the same foreground group, has it already, and programs take a second
/// Ctrl-C for something else than the first.
pub async fn supervise(
    mut command: Command,
    signals: &mut Signals,
    meanwhile: impl Future<Output = Infallible>,
) -> Result<u8, SpawnError> {
    let program = command.as_std().get_program().to_owned();
    let refused = |source| SpawnError {
        program: program.clone(),
        source,
    };
    if let Some(early) = signals.already_here() {
        return Ok(code_of_signal(early.number));
    }
    let mut child = command.kill_on_drop(true).spawn().map_err(refused)?;
    let mut meanwhile = std::pin::pin!(meanwhile);
    loop {
        tokio::select! {
            ended = child.wait() => return ended.map(exit_code).map_err(refused),
            received = signals.next() => pass_on(&child, received),
            never = &mut meanwhile => match never {},
        }
    }
}

fn pass_on(child: &Child, received: Received) {
    let sender = received.sender.and_then(|pid| u32::try_from(pid).ok());
    let by_child = sender.is_some() && sender == child.id();
    if !received.from_terminal && !by_child {
        send(child, received.number);
    }
}

fn send(child: &Child, signal: i32) {
    // Without an id the child was waited for, and the number may be another's by now.
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
        let _ = kill_process(pid, signal);
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(u8::MAX),
        (None, Some(signal)) => code_of_signal(signal),
        (None, None) => u8::MAX,
    }
}

fn code_of_signal(signal: i32) -> u8 {
    u8::try_from(SIGNALLED + signal).unwrap_or(u8::MAX)
}

/// What a shell adds to the number of the signal that ended a command.
const SIGNALLED: i32 = 128;

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    async fn ran(script: &str) -> u8 {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        let mut signals = Signals::listen().unwrap();
        supervise(command, &mut signals, pending()).await.unwrap()
    }

    #[tokio::test]
    async fn the_exit_code_is_the_commands() {
        for (script, code) in [
            ("exit 0", 0),
            ("exit 42", 42),
            ("exit 255", 255),
            ("kill -9 $$", 137),
            ("kill -15 $$", 143),
        ] {
            assert_eq!(ran(script).await, code, "{script}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_run_is_told_apart_as_in_a_shell() {
        let mut signals = Signals::listen().unwrap();
        for (program, code) in [
            ("/nonexistent/program", 127),
            ("no-such-program-anywhere", 127),
            ("/", 126),
            ("/etc/passwd", 126),
        ] {
            let error = supervise(Command::new(program), &mut signals, pending())
                .await
                .unwrap_err();
            assert_eq!(error.exit_code(), code, "{program}");
            assert!(error.to_string().contains(program), "{error}");
        }
    }
}
