//! Healing: pods that were missed are evicted, so that whoever owns them makes new ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podpass_cluster::{Cluster, Eviction};
use podpass_kinds::Reason;
use tokio::time::Instant;

use super::canary::{Canary, CanaryError};
use super::finder::Found;
use super::lacking::{Lacking, Owner};
use super::metrics::{ControllerMetrics, Outcome};

/// Evicts, gently.
pub(crate) struct Healer {
    cluster: Cluster,
    canary: Arc<Canary>,
    metrics: ControllerMetrics,
    /// The first pause after a try that failed.
    pause: Duration,
    /// What was tried, by the owner's uid.
    tried: HashMap<String, Tried>,
    canary_failed: bool,
}

/// What was tried for an owner.
#[derive(Debug)]
struct Tried {
    /// Evictions that were refused, and those of pods that came after one and lack it again.
    failures: u32,
    not_before: Instant,
    /// When its first pod was evicted.
    since: Option<Timestamp>,
    /// The pod that is on its way out.
    evicted: Option<String>,
    last: Instant,
}

/// What is to be done for an owner now.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Evict,
    Wait,
    /// It did not help three times.
    GiveUp,
}

impl Healer {
    pub(crate) fn new(
        cluster: Cluster,
        canary: Arc<Canary>,
        metrics: ControllerMetrics,
        pause: Duration,
    ) -> Self {
        Self {
            cluster,
            canary,
            metrics,
            pause,
            tried: HashMap::new(),
            canary_failed: false,
        }
    }

    /// Evicts at most one pod of each owner: the oldest.
    pub(crate) async fn heal(&mut self, found: &Found) {
        let now = Instant::now();
        self.tried.retain(|_, tried| now < tried.last + FORGET);
        let mut seen: Vec<&str> = Vec::new();
        for (pod, reason) in &found.lacking {
            // One from before the annotation is right as it is, one that has a part may have been made so, and one whose role
            // is not allowed would be refused.
            let (Reason::BornBeforeWebhook, Some(owner)) = (reason, &pod.owner) else {
                continue;
            };
            if seen.contains(&owner.uid.as_str()) {
                continue;
            }
            seen.push(&owner.uid);
            let tried = self
                .tried
                .entry(owner.uid.clone())
                .or_insert_with(|| Tried {
                    failures: 0,
                    not_before: now,
                    since: None,
                    evicted: None,
                    last: now,
                });
            let turn = tried.turn(pod, found, now, self.pause);
            match turn {
                Turn::Wait => {}
                Turn::GiveUp => {
                    tried.not_before = now + FORGET;
                    tracing::warn!(
                        namespace = pod.namespace,
                        owner = owner.name,
                        "Evicting did not help three times; its pods are left alone"
                    );
                }
                Turn::Evict => {
                    if let Err(error) = self.canary.run().await {
                        // That there is no policy was said already.
                        let is_told = matches!(error, CanaryError::NoPolicy);
                        if !is_told && !std::mem::replace(&mut self.canary_failed, true) {
                            tracing::warn!(%error, "No pod is evicted: the canary did not pass");
                        }
                        return;
                    }
                    self.canary_failed = false;
                    self.evict(pod, owner).await;
                }
            }
        }
    }

    async fn evict(&mut self, pod: &Lacking, owner: &Owner) {
        let Lacking {
            namespace,
            name,
            uid,
            ..
        } = pod;
        let evicted = self.cluster.evict(namespace, name, uid).await;
        let result = match &evicted {
            Ok(Eviction::Accepted) => "accepted",
            Ok(Eviction::Blocked(_)) => "blocked",
            Ok(_) => "gone",
            Err(_) => "error",
        };
        self.metrics
            .evictions
            .get_or_create(&Outcome { result })
            .inc();
        let Some(tried) = self.tried.get_mut(&owner.uid) else {
            return;
        };
        match evicted {
            Ok(Eviction::Accepted) => {
                tried.succeeded(uid, Timestamp::now());
                tracing::info!(
                    namespace,
                    pod = name,
                    owner = owner.name,
                    "A pod without its identity was evicted"
                );
            }
            Ok(Eviction::Blocked(why)) => {
                tried.failed(Instant::now(), self.pause);
                tracing::warn!(
                    namespace,
                    pod = name,
                    why,
                    "The eviction is not allowed now"
                );
            }
            Ok(_) => {}
            Err(error) => {
                tried.failed(Instant::now(), self.pause);
                tracing::warn!(namespace, pod = name, %error, "The eviction failed");
            }
        }
    }
}

impl Tried {
    fn turn(&mut self, pod: &Lacking, found: &Found, now: Instant, pause: Duration) -> Turn {
        if now < self.not_before
            || self
                .evicted
                .as_ref()
                .is_some_and(|uid| found.ending.contains(uid))
        {
            return Turn::Wait;
        }
        let evicted = self.evicted.take();
        let created: Option<Timestamp> = pod.created.parse().ok();
        let came_after = self.since.is_some_and(|since| {
            // Creation is known to the second.
            created.is_none_or(|created| created.as_second() >= since.as_second())
        });
        if came_after && evicted.is_some() {
            // What came instead lacks it too.
            self.failed(now, pause);
        }
        if self.failures >= TRIES {
            Turn::GiveUp
        } else if now < self.not_before {
            Turn::Wait
        } else {
            Turn::Evict
        }
    }

    fn failed(&mut self, now: Instant, pause: Duration) {
        self.failures += 1;
        self.last = now;
        self.not_before = now + pause * 5_u32.pow(self.failures.min(TRIES));
    }

    fn succeeded(&mut self, uid: &str, at: Timestamp) {
        self.last = Instant::now();
        self.since.get_or_insert(at);
        self.evicted = Some(uid.to_owned());
    }
}

/// How often it may fail for one owner.
const TRIES: u32 = 3;
/// An owner that was given up is looked at anew after that.
const FORGET: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::super::lacking::Lack;
    use super::*;

    const PAUSE: Duration = Duration::from_mins(1);

    fn pod(uid: &str, created: &str) -> Lacking {
        Lacking {
            namespace: "ns".to_owned(),
            name: "pod".to_owned(),
            uid: uid.to_owned(),
            created: created.to_owned(),
            account: "app".to_owned(),
            owner: None,
            lack: Lack::Everything,
        }
    }

    fn untried() -> Tried {
        Tried {
            failures: 0,
            not_before: Instant::now(),
            since: None,
            evicted: None,
            last: Instant::now(),
        }
    }

    fn turn(tried: &mut Tried, pod: &Lacking, ending: &[&str]) -> Turn {
        let found = Found {
            ending: ending.iter().map(|uid| (*uid).to_owned()).collect(),
            ..Found::default()
        };
        tried.turn(pod, &found, Instant::now(), PAUSE)
    }

    #[tokio::test(start_paused = true)]
    async fn one_pod_after_another_is_evicted_and_old_ones_are_no_failures() {
        let mut tried = untried();
        let at: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        for uid in ["1", "2", "3", "4", "5"] {
            let old = pod(uid, "2026-11-26T09:00:00Z");
            assert_eq!(turn(&mut tried, &old, &[]), Turn::Evict);
            tried.succeeded(uid, at);
            assert_eq!(turn(&mut tried, &old, &[uid]), Turn::Wait);
        }
        assert_eq!(tried.failures, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_help_is_tried_three_times_ever_later() {
        let mut tried = untried();
        let at: Timestamp = "2026-11-26T10:00:00.9Z".parse().unwrap();
        assert_eq!(
            turn(&mut tried, &pod("0", "2026-11-26T09:00:00Z"), &[]),
            Turn::Evict
        );
        tried.succeeded("0", at);
        let after = pod("1", "2026-11-26T10:00:00Z");
        for pause in [5, 25] {
            assert_eq!(turn(&mut tried, &after, &[]), Turn::Wait);
            tokio::time::advance(PAUSE * (pause - 1)).await;
            assert_eq!(turn(&mut tried, &after, &[]), Turn::Wait);
            tokio::time::advance(PAUSE).await;
            assert_eq!(turn(&mut tried, &after, &[]), Turn::Evict);
            tried.succeeded("1", at);
        }
        assert_eq!(turn(&mut tried, &after, &[]), Turn::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_counts_too() {
        let mut tried = untried();
        let pod = pod("0", "2026-11-26T09:00:00Z");
        for pause in [5, 25, 125] {
            assert_eq!(turn(&mut tried, &pod, &[]), Turn::Evict);
            tried.failed(Instant::now(), PAUSE);
            assert_eq!(turn(&mut tried, &pod, &[]), Turn::Wait);
            tokio::time::advance(PAUSE * pause).await;
        }
        assert_eq!(turn(&mut tried, &pod, &[]), Turn::GiveUp);
    }
}
