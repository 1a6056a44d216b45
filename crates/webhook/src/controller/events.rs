//! Telling users about pods that were missed, where `kubectl describe` shows it: Events on whoever makes the pods.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use podpass_cluster::Cluster;
use podpass_kinds::Reason;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::finder::Found;
use super::lacking::Lacking;

/// Records Events, one for an owner and a reason.
#[derive(Debug)]
pub(crate) struct Reporter {
    cluster: Cluster,
    instance: String,
    recorded: BTreeMap<Key, Recorded>,
}

/// The uid of whom an Event is about, and the reason.
type Key = (String, &'static str);

#[derive(Debug)]
struct Recorded {
    times: u32,
    last: Instant,
}

/// What one Event is about.
struct Subject<'a> {
    first: &'a Lacking,
    reason: Reason,
    pods: usize,
}

impl Reporter {
    /// `instance` is this process's name, in at most 128 characters.
    pub(crate) fn new(cluster: Cluster, instance: &str) -> Self {
        Self {
            cluster,
            instance: instance.chars().take(128).collect(),
            recorded: BTreeMap::new(),
        }
    }

    /// Records what was found, unless it was recorded lately; an Event that cannot be recorded is logged.
    pub(crate) async fn report(&mut self, found: &Found) {
        let mut subjects: BTreeMap<Key, Subject<'_>> = BTreeMap::new();
        for (pod, reason) in &found.lacking {
            let uid = pod.owner.as_ref().map_or(&pod.uid, |owner| &owner.uid);
            let subject = subjects.entry((uid.clone(), reason.code()));
            subject
                .or_insert(Subject {
                    first: pod,
                    reason: *reason,
                    pods: 0,
                })
                .pods += 1;
        }
        self.recorded.retain(|key, _| subjects.contains_key(key));
        for (key, subject) in subjects {
            let times = match self.recorded.get(&key) {
                Some(recorded) if recorded.last.elapsed() < AGAIN => continue,
                Some(recorded) => recorded.times + 1,
                None => {
                    tracing::warn!(
                        namespace = subject.first.namespace,
                        pod = subject.first.name,
                        owner = subject.first.owner.as_ref().map(|owner| &owner.name),
                        reason = subject.reason.code(),
                        "A pod runs without its identity"
                    );
                    1
                }
            };
            let now = format!("{:.6}", Timestamp::now());
            let event = event(&key, &subject, &self.instance, &now);
            // Another leader may have recorded it already, how often is not known.
            let again = json!({"series": {"count": times.max(2), "lastObservedTime": now}});
            let namespace = &subject.first.namespace;
            match self.cluster.record_event(namespace, &event, &again).await {
                Ok(()) => {
                    let last = Instant::now();
                    self.recorded.insert(key, Recorded { times, last });
                }
                Err(error) => tracing::warn!(%error, "An Event was not recorded"),
            }
        }
    }
}

fn event(key: &Key, subject: &Subject<'_>, instance: &str, now: &str) -> Value {
    let Subject {
        first,
        reason,
        pods,
    } = subject;
    let Lacking {
        namespace,
        name,
        account,
        ..
    } = first;
    let regarding = match &first.owner {
        Some(owner) => json!({
            "apiVersion": owner.api_version, "kind": owner.kind,
            "namespace": namespace, "name": owner.name, "uid": owner.uid,
        }),
        None => json!({
            "apiVersion": "v1", "kind": "Pod",
            "namespace": namespace, "name": name, "uid": first.uid,
        }),
    };
    let about = regarding["name"].as_str().unwrap_or_default().to_owned();
    let which = match pods {
        1 => format!("Pod `{name}` lacks"),
        _ => format!("{pods} pods lack, `{name}` among them,"),
    };
    let (hint, fix) = (reason.hint(), reason.fix());
    let note = format!(
        "{which} what the identity of the service account `{account}` needs: {hint}. To do: {fix}."
    );
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": event_name(&about, key)},
        "eventTime": now,
        "type": "Warning",
        "reason": reason.condition(),
        "action": "LookForMissedPods",
        "note": note.chars().take(NOTE_LENGTH).collect::<String>(),
        "regarding": regarding,
        "reportingController": "podpass.dev/webhook-controller",
        "reportingInstance": instance,
    })
}

/// The same for every process that reports the same, so that no two of them record it twice.
fn event_name(about: &str, (uid, code): &Key) -> String {
    // FNV-1a, 64 bits.
    let hash = uid
        .bytes()
        .chain(code.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    // Names are at most 253 characters; that of an owner has no other than ASCII ones.
    let about: String = about.chars().take(230).collect();
    format!("{about}.{hash:016x}")
}

/// Events are kept for an hour by default: one that goes on is recorded again before.
const AGAIN: Duration = Duration::from_mins(30);
/// The API server's limit is 1 kB.
const NOTE_LENGTH: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_owner_and_reason_alone() {
        let key = |uid: &str, code| (uid.to_owned(), code);
        let name = event_name("app-1", &key("u", "A"));
        assert_eq!(name, event_name("app-1", &key("u", "A")));
        assert!(name.starts_with("app-1.") && name.len() == 22, "{name}");
        assert_ne!(name, event_name("app-1", &key("u", "B")));
        assert_ne!(name, event_name("app-1", &key("v", "A")));
        assert_eq!(event_name(&"a".repeat(253), &key("u", "A")).len(), 247);
    }
}
