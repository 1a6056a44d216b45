//! Reading single objects from the API server while a pod waits: few calls, shared by all who ask for the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use podpass_cluster::{ClusterError, ErrorKind};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::causes::with_causes;

/// A function from a key to the object.
pub(crate) type Fetch<T> = Box<dyn Fn(String) -> Fetched<T> + Send + Sync>;
type Fetched<T> =
    std::pin::Pin<Box<dyn Future<Output = Result<Option<T>, ClusterError>> + Send + 'static>>;

/// What came of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read<T> {
    /// The object.
    Found(T),
    /// It does not exist, or did not when the API server was asked after the request for it had come.
    Missing,
    /// The API server could not be asked; why.
    Failed(Arc<str>),
}

/// Reads of one kind of object.
///
/// Who asks for what is being read already gets that answer, unless the answer is that it does not exist: the object may
/// have come into being since the question, so it is asked once more. Nothing is kept longer than that.
#[derive(Debug)]
pub(crate) struct Reads<T, F> {
    shared: Arc<Shared<T, F>>,
}

#[derive(Debug)]
struct Shared<T, F> {
    running: Mutex<Running<T>>,
    permits: Semaphore,
    fetch: F,
}

#[derive(Debug)]
struct Running<T> {
    /// Counts the reads.
    started: u64,
    reads: HashMap<String, Started<T>>,
}

#[derive(Debug)]
struct Started<T> {
    number: u64,
    outcome: watch::Receiver<Option<Read<T>>>,
}

impl<T, F, A> Reads<T, F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(String) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<T>, ClusterError>> + Send + 'static,
{
    /// Reads with a function from a key to the object.
    pub(crate) fn new(fetch: F) -> Self {
        Self {
            shared: Arc::new(Shared {
                running: Mutex::new(Running {
                    started: 0,
                    reads: HashMap::new(),
                }),
                permits: Semaphore::new(MOST_AT_A_TIME),
                fetch,
            }),
        }
    }

    /// Reads an object, until the deadline at most. Failures that may pass are tried again until then.
    pub(crate) async fn read(&self, key: &str, deadline: Instant) -> Read<T> {
        let before = self.lock().started;
        loop {
            let (number, mut outcome) = self.join(key);
            let outcome = match timeout_at(deadline, outcome.wait_for(Option::is_some)).await {
                Ok(Ok(outcome)) => outcome.clone(),
                Ok(Err(_)) => None,
                Err(_) => Some(Read::Failed("the API server did not answer in time".into())),
            };
            match outcome {
                Some(Read::Missing) if number <= before => {}
                Some(outcome) => return outcome,
                None => return Read::Failed("the read was given up".into()),
            }
        }
    }

    /// The read of this key that is running, or a new one.
    fn join(&self, key: &str) -> (u64, watch::Receiver<Option<Read<T>>>) {
        let mut running = self.lock();
        if let Some(read) = running.reads.get(key) {
            return (read.number, read.outcome.clone());
        }
        running.started += 1;
        let number = running.started;
        let (tell, outcome) = watch::channel(None);
        let started = Started {
            number,
            outcome: outcome.clone(),
        };
        running.reads.insert(key.to_owned(), started);
        drop(running);
        let shared = Arc::clone(&self.shared);
        let key = key.to_owned();
        tokio::spawn(async move {
            let read = shared.run(&key, &tell).await;
            // Taken out first: who comes now asks anew.
            shared.lock().reads.remove(&key);
            tell.send_replace(Some(read));
        });
        (number, outcome)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Running<T>> {
        self.shared.lock()
    }
}

impl<T, F, A> Shared<T, F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(String) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Option<T>, ClusterError>> + Send + 'static,
{
    fn lock(&self) -> std::sync::MutexGuard<'_, Running<T>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, key: &str, tell: &watch::Sender<Option<Read<T>>>) -> Read<T> {
        let mut pause = FIRST_PAUSE;
        let end = Instant::now() + LONGEST;
        loop {
            let Ok(permit) = self.permits.acquire().await else {
                return Read::Failed("the server ends".into());
            };
            let tried = timeout(ATTEMPT, (self.fetch)(key.to_owned())).await;
            drop(permit);
            let failure: Arc<str> = match tried {
                Ok(Ok(Some(object))) => return Read::Found(object),
                Ok(Ok(None)) => return Read::Missing,
                Ok(Err(error)) if is_final(&error) => {
                    return Read::Failed(with_causes(&error).into());
                }
                Ok(Err(error)) => with_causes(&error).into(),
                Err(_) => "the API server did not answer in time".into(),
            };
            // The running read's own receiver in the table is one.
            if tell.receiver_count() <= 1 || Instant::now() + pause >= end {
                return Read::Failed(failure);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether trying again within seconds cannot help.
fn is_final(error: &ClusterError) -> bool {
    error.is_forbidden()
        || matches!(
            error.kind(),
            ErrorKind::NotAuthenticated | ErrorKind::Invalid
        )
}

/// Calls in flight at a time; more wait for one of them.
const MOST_AT_A_TIME: usize = 64;
/// How long one call may take before it is tried again.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The longest that anybody waits: the longest time-out that a webhook can have.
const LONGEST: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use podpass_cluster::Cluster;

    use super::*;

    /// A failure that may pass, as far as anybody can tell.
    async fn failure() -> ClusterError {
        let refused = Cluster::connect_component(None, Some("no URL")).await;
        refused.expect_err("a text with a blank is no URL")
    }

    fn in_seconds(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_the_same_shares_one_call() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let reads = Reads::new(move |key: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                sleep(Duration::from_millis(10)).await;
                Ok(Some(key))
            }
        });
        let all = (0..20).map(|_| reads.read("ns/a", in_seconds(5)));
        for read in join_all(all).await {
            assert_eq!(read, Read::Found("ns/a".to_owned()));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        // Nothing is kept: the next one asks anew.
        reads.read("ns/a", in_seconds(5)).await;
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn absence_counts_only_for_who_asked_before_the_question() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        // The object comes into being while the first question is on its way.
        let reads = Reads::new(move |_: String| {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                sleep(Duration::from_millis(10)).await;
                Ok((number > 0).then_some(number))
            }
        });
        let later = async {
            sleep(Duration::from_millis(5)).await;
            reads.read("ns/a", in_seconds(5)).await
        };
        let (first, later) = tokio::join!(reads.read("ns/a", in_seconds(5)), later);
        assert_eq!(first, Read::Missing);
        assert_eq!(later, Read::Found(1));
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_again_until_the_deadline() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let reads = Reads::new(move |key: String| {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match key.as_str() {
                    "recovers" if number >= 3 => Ok(Some(number)),
                    // A server that does not answer is left after a while.
                    "hangs" => std::future::pending().await,
                    _ => Err(failure().await),
                }
            }
        });
        assert_eq!(reads.read("recovers", in_seconds(9)).await, Read::Found(3));
        for key in ["fails", "hangs"] {
            let begun = Instant::now();
            let read = reads.read(key, in_seconds(9)).await;
            assert!(matches!(read, Read::Failed(_)), "{read:?}");
            assert_eq!(begun.elapsed().as_secs(), 9, "{key}");
        }
        // Nobody waits for it any more, so it stops.
        sleep(Duration::from_secs(5)).await;
        let so_far = calls.load(Ordering::Relaxed);
        sleep(Duration::from_mins(1)).await;
        assert_eq!(calls.load(Ordering::Relaxed), so_far);
    }

    #[tokio::test(start_paused = true)]
    async fn few_calls_are_in_flight_at_a_time() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, seen) = (Arc::clone(&now), Arc::clone(&most));
        let reads = Reads::new(move |key: String| {
            let (now, most) = (Arc::clone(&counted), Arc::clone(&seen));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(Some(key))
            }
        });
        let keys: Vec<String> = (0..1_000).map(|number| format!("ns/{number}")).collect();
        let all = keys.iter().map(|key| reads.read(key, in_seconds(9)));
        for (read, key) in join_all(all).await.into_iter().zip(&keys) {
            assert_eq!(read, Read::Found(key.clone()));
        }
        assert_eq!(most.load(Ordering::SeqCst), MOST_AT_A_TIME);
    }
}
