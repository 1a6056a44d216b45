//! The signals that a wrapper passes on, with where they came from.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Origin};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Receives SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 for as long as the process runs.
///
/// A signal that was ignored when the process started stays ignored, for its children too: that is what `nohup` asks for.
#[derive(Debug)]
pub struct Signals {
    received: UnboundedReceiver<Received>,
    handle: Handle,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub number: i32,
    /// Whether the terminal sent it, as it does at Ctrl-C: then each process of the foreground group has it already.
    pub from_terminal: bool,
    /// The process that sent it, if one did.
    pub sender: Option<i32>,
}

impl Signals {
    /// Begins to receive; from here on none of them ends the process.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored_signals();
        let wanted = PASSED_ON.iter().filter(|signal| !is_in(ignored, **signal));
        let mut signals = SignalsInfo::<WithOrigin>::new(wanted)?;
        let handle = signals.handle();
        let (sender, received) = unbounded_channel();
        // The iterator blocks; it ends when the handle is closed.
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for origin in signals.forever() {
                    if sender.send(Received::of(&origin)).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { received, handle })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Received {
        match self.received.recv().await {
            Some(received) => received,
            // The thread ended; nothing will come any more.
            None => std::future::pending().await,
        }
    }

    /// Takes one that came already.
    pub fn already_here(&mut self) -> Option<Received> {
        self.received.try_recv().ok()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Received {
    /// What a shell says of a command that this signal ended.
    pub fn exit_code(&self) -> u8 {
        u8::try_from(128 + self.number).unwrap_or(u8::MAX)
    }

    fn of(origin: &Origin) -> Self {
        Self {
            number: origin.signal,
            // macOS does not say that it was the kernel, only that there is no sender.
            from_terminal: origin.cause == Cause::Kernel
                || (origin.cause == Cause::Unknown && origin.process.is_none()),
            sender: origin.process.map(|process| process.pid),
        }
    }
}

/// The set of signals that were ignored when this process started, where the system says so (Linux).
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    ignored.unwrap_or_default()
}

fn is_in(set: u64, signal: i32) -> bool {
    set >> (signal - 1) & 1 == 1
}

const PASSED_ON: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];
