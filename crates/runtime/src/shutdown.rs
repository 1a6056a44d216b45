//! The end of a server, in order.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How far the end of a server is. Clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stage: watch::Sender<Stage>,
}

/// How far the end of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It has not begun.
    Serving,
    /// The server says that it is not ready, and still accepts: whoever routes to it needs time to notice.
    Draining,
    /// Nothing is accepted any more; what was begun may finish.
    Closing,
}

impl Shutdown {
    /// Nothing ends yet.
    pub fn new() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Serving),
        }
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Waits until it is as far as that, or farther.
    pub async fn reached(&self, stage: Stage) {
        let mut stages = self.stage.subscribe();
        // The sender is in `self`, so it cannot be gone.
        let _ = stages.wait_for(|now| *now >= stage).await;
    }

    /// Begins, and closes after the delay.
    pub async fn drain(&self, delay: Duration) {
        self.stage.send_replace(Stage::Draining);
        tokio::time::sleep(delay).await;
        self.stage.send_replace(Stage::Closing);
    }

    /// Waits for SIGTERM or SIGINT, then drains; a second one ends the process at once with exit code 1.
    pub async fn on_signals(self, delay: Duration) -> std::io::Result<()> {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let mut either = async || {
            tokio::select! {
                _ = term.recv() => "SIGTERM",
                _ = int.recv() => "SIGINT",
            }
        };
        let signal = either().await;
        tracing::info!(signal, "Shutting down");
        tokio::select! {
            () = async {
                self.drain(delay).await;
                std::future::pending::<()>().await;
            } => {}
            _ = either() => {
                #[allow(clippy::exit, reason = "who signals twice does not want to wait")]
                std::process::exit(1);
            }
        }
        Ok(())
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn closing_comes_after_the_delay() {
        let shutdown = Shutdown::new();
        let draining = shutdown.clone();
        let task = tokio::spawn(async move { draining.drain(Duration::from_secs(5)).await });
        shutdown.reached(Stage::Draining).await;
        assert_eq!(shutdown.stage(), Stage::Draining);
        let begun = tokio::time::Instant::now();
        shutdown.reached(Stage::Closing).await;
        assert_eq!(begun.elapsed().as_secs(), 5);
        shutdown.reached(Stage::Draining).await;
        task.await.unwrap();
    }
}
