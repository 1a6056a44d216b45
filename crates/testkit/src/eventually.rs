//! Waiting for something that other processes bring about.

use std::time::{Duration, Instant};

/// Asks `probe` every 50 ms until it gives a value.
///
/// # Panics
/// When it has given none `within` the time; the message names `what` was awaited.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(
            start.elapsed() < within,
            "waited {within:?} in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
