//! A Lease: of several processes, the one that may act.
//!
//! The rule is that of Kubernetes' own controllers (client-go's `leaderelection`): nobody's clock is compared with anybody
//! else's. A holder counts as gone when the record has not changed for as long as it says, measured here from the moment at
//! which the last change was seen. Who writes names the version that it read, so of two that try at once one is refused.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};
use crate::object::resources::LEASE;

/// A Lease that exists, and this process as one that wants it. Needs `get` and `update` on the one name.
#[derive(Debug)]
pub struct Lease {
    cluster: Cluster,
    namespace: String,
    name: String,
    election: Election,
}

/// Why a Lease is held no more.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeaseLost {
    /// Another process holds it; who.
    Taken(String),
    /// It could not be renewed in time; the last error, if any came.
    NotRenewed(Option<ClusterError>),
}

impl Lease {
    /// Wants the Lease as `identity`, which no other process has. `duration` is how long it is kept without being renewed,
    /// in whole seconds; it is renewed seven times as often, and given up at two thirds.
    pub fn new(
        cluster: Cluster,
        namespace: &str,
        name: &str,
        identity: &str,
        duration: Duration,
    ) -> Self {
        Self {
            cluster,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            election: Election::new(identity, duration),
        }
    }

    /// Waits until this process holds it. Errors are told, and it is tried again.
    pub async fn acquire(&mut self, mut tell: impl FnMut(ClusterError)) {
        loop {
            match self.step().await {
                Ok(Turn::Take(_)) => return,
                Ok(Turn::Wait(_)) => {}
                Err(error) => tell(error),
            }
            sleep(self.election.retry()).await;
        }
    }

    /// Renews it for as long as that works. Once this returns, another process may hold it: whoever acts has stopped by then.
    pub async fn keep(&mut self) -> LeaseLost {
        let mut renewed = Instant::now();
        loop {
            let deadline = renewed + self.election.duration * 2 / 3;
            let mut failed = None;
            // The pause is part of the deadline: a renewal that comes too late is none.
            sleep(self.election.retry()).await;
            loop {
                match timeout_at(deadline, self.step()).await {
                    Ok(Ok(Turn::Take(_))) => break renewed = Instant::now(),
                    Ok(Ok(Turn::Wait(holder))) => return LeaseLost::Taken(holder),
                    // Somebody wrote at the same time: who, the next look tells.
                    Ok(Err(error)) => failed = Some(error),
                    Err(_) => return LeaseLost::NotRenewed(failed),
                }
                let pause = Instant::now() + self.election.retry();
                if pause >= deadline {
                    sleep_until(deadline).await;
                    return LeaseLost::NotRenewed(failed);
                }
                sleep_until(pause).await;
            }
        }
    }

    /// Gives it up, so that another process need not wait; does nothing when it is not held.
    pub async fn release(&mut self) -> Result<(), ClusterError> {
        let mut lease = self.read().await?;
        if lease["spec"]["holderIdentity"] != self.election.identity.as_str() {
            return Ok(());
        }
        lease["spec"]["holderIdentity"] = "".into();
        // As client-go does, for those that look at the duration alone.
        lease["spec"]["leaseDurationSeconds"] = 1.into();
        self.write(&lease).await.map(drop)
    }

    /// Looks at the record and takes or renews it where the rule says so.
    async fn step(&mut self) -> Result<Turn, ClusterError> {
        let mut lease = self.read().await?;
        let turn = self
            .election
            .turn(&lease["spec"], Instant::now(), Timestamp::now());
        if let Turn::Take(spec) = &turn {
            lease["spec"] = spec.clone();
            let written = self.write(&lease).await?;
            self.election.saw(&written["spec"], Instant::now());
        }
        Ok(turn)
    }

    async fn read(&self) -> Result<Value, ClusterError> {
        let (namespace, name) = (&self.namespace, &self.name);
        let found = self.cluster.get(LEASE, Some(namespace), name).await?;
        found.ok_or_else(|| {
            let message = format!(
                "there is no Lease `{namespace}/{name}`: it is among the webhook's manifests, apply them"
            );
            ClusterError::new(ErrorKind::NotFound, message)
        })
    }

    async fn write(&self, lease: &Value) -> Result<Value, ClusterError> {
        self.cluster
            .replace(LEASE, Some(&self.namespace), &self.name, lease)
            .await
    }
}

/// What a look at the record comes to.
#[derive(Debug, PartialEq)]
enum Turn {
    /// This process may write the spec, which takes or renews the Lease.
    Take(Value),
    /// Another one holds it; who.
    Wait(String),
}

/// The rule, without a cluster.
#[derive(Debug)]
struct Election {
    identity: String,
    duration: Duration,
    /// The record as last seen, and when it was first seen so.
    seen: Option<(Value, Instant)>,
}

impl Election {
    fn new(identity: &str, duration: Duration) -> Self {
        Self {
            identity: identity.to_owned(),
            duration,
            seen: None,
        }
    }

    /// client-go's proportion of 2 s to 15 s.
    fn retry(&self) -> Duration {
        self.duration * 2 / 15
    }

    fn saw(&mut self, spec: &Value, now: Instant) {
        if self.seen.as_ref().is_none_or(|(seen, _)| seen != spec) {
            self.seen = Some((spec.clone(), now));
        }
    }

    fn turn(&mut self, spec: &Value, now: Instant, wall: Timestamp) -> Turn {
        self.saw(spec, now);
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let holder = spec["holderIdentity"].as_str().unwrap_or_default();
        let lasts = Duration::from_secs(spec["leaseDurationSeconds"].as_u64().unwrap_or_default());
        let is_own = holder == self.identity;
        if !holder.is_empty() && !is_own && now < since + lasts {
            return Turn::Wait(holder.to_owned());
        }
        let wall = format!("{wall:.6}");
        let transitions = spec["leaseTransitions"].as_u64().unwrap_or_default();
        let (acquired, transitions) = if is_own {
            (spec["acquireTime"].clone(), transitions)
        } else {
            (json!(wall), transitions + 1)
        };
        Turn::Take(json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.duration.as_secs().max(1),
            "acquireTime": acquired,
            "renewTime": wall,
            "leaseTransitions": transitions,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn wall() -> Timestamp {
        "2026-11-26T10:00:00.5Z".parse().unwrap()
    }

    fn held(by: &str, renewed: &str) -> Value {
        json!({
            "holderIdentity": by, "leaseDurationSeconds": 15, "leaseTransitions": 3,
            "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": renewed,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_or_released_lease_is_taken_at_once() {
        let mut released = held("", "x");
        released["leaseDurationSeconds"] = 1.into();
        for (spec, transitions) in [(Value::Null, 1), (released, 4)] {
            let turn = Election::new("a", DURATION).turn(&spec, Instant::now(), wall());
            let expected = json!({
                "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": transitions,
                "acquireTime": "2026-11-26T10:00:00.500000Z", "renewTime": "2026-11-26T10:00:00.500000Z",
            });
            assert_eq!(turn, Turn::Take(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_counts_as_gone_only_when_its_record_stood_still_here() {
        let mut election = Election::new("a", DURATION);
        // Whatever time the holder's clock says, the past or the future: it is not compared.
        for renewed in ["2000-01-01T00:00:00.000000Z", "2100-01-01T00:00:00.000000Z"] {
            let spec = held("b", renewed);
            let waits = Turn::Wait("b".to_owned());
            assert_eq!(election.turn(&spec, Instant::now(), wall()), waits);
            tokio::time::advance(Duration::from_millis(14_999)).await;
            assert_eq!(election.turn(&spec, Instant::now(), wall()), waits);
        }
        let spec = held("b", "2100-01-01T00:00:00.000000Z");
        tokio::time::advance(Duration::from_millis(1)).await;
        let turn = election.turn(&spec, Instant::now(), wall());
        let Turn::Take(taken) = turn else {
            panic!("{turn:?}")
        };
        assert_eq!(taken["holderIdentity"], "a");
        assert_eq!(taken["leaseTransitions"], 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_holder_renews_and_keeps_when_it_acquired() {
        let mut election = Election::new("a", DURATION);
        let spec = held("a", "2026-11-26T09:59:00.000000Z");
        let turn = election.turn(&spec, Instant::now(), wall());
        let Turn::Take(renewed) = turn else {
            panic!("{turn:?}")
        };
        assert_eq!(renewed["acquireTime"], spec["acquireTime"]);
        assert_eq!(renewed["renewTime"], "2026-11-26T10:00:00.500000Z");
        assert_eq!(renewed["leaseTransitions"], 3);
    }
}
