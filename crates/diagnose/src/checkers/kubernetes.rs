//! What kube-apiserver alone reads of a token.

use jiff::Timestamp;
use serde_json::Value;

use super::{Check, CheckedClaim, Checker, row, seconds, with_date};

/// `jti`.
pub(super) fn token_id(value: &Value) -> CheckedClaim {
    let against = "kube-apiserver writes it to the audit log as credential-id";
    row(
        "jti",
        Some(value),
        vec![Check::new(Checker::Nobody, against)],
    )
}

/// The members of `kubernetes.io`, each object's name before its uid.
pub(super) fn members(claim: &Value, now: Timestamp) -> Vec<CheckedClaim> {
    let Some(members) = claim.as_object() else {
        let against = "an object, which it is not";
        let check = Check::new(Checker::KubeApiServer, against).holds(false);
        return vec![row("kubernetes.io", Some(claim), vec![check])];
    };
    let has_pod = members.contains_key("pod");
    let mut rows = Vec::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("warnafter", _) => rows.push(warn_after(value, now)),
            ("namespace", _) => rows.push(checked(name, value, "the service account's namespace")),
            (_, Value::Object(object)) => {
                for (part, value) in object {
                    let path = format!("{name}/{part}");
                    rows.push(match of_object(name, part, has_pod) {
                        Some(against) => checked(&path, value, against),
                        None => unread(&path, value),
                    });
                }
            }
            _ => rows.push(unread(name, value)),
        }
    }
    rows
}

/// What it has to be; `None` where nobody looks.
fn of_object(object: &str, part: &str, has_pod: bool) -> Option<&'static str> {
    Some(match (object, part) {
        ("serviceaccount", "name") => "a service account that exists",
        ("serviceaccount", "uid") => "its uid: one made anew has another",
        ("pod", "name") => "a pod that exists",
        ("pod", "uid") => "its uid: the token dies with the pod",
        // With a pod, the node is only told on to whoever asks who the caller is.
        ("node", _) if has_pod => return None,
        ("node", "name") => "a node that exists",
        ("node", "uid") => "its uid: the token dies with the node",
        ("secret", "name") => "a Secret that exists",
        ("secret", "uid") => "its uid: the token dies with the Secret",
        _ => return None,
    })
}

fn warn_after(value: &Value, now: Timestamp) -> CheckedClaim {
    let at = seconds(Some(value));
    let stale = at.is_some_and(|at| at < now.as_second());
    let against = if stale {
        "it is past: kube-apiserver still takes the token and counts it as stale"
    } else {
        "from then on kube-apiserver counts the token as stale, and still takes it"
    };
    let mut row = row(
        "kubernetes.io/warnafter",
        Some(value),
        vec![Check::new(Checker::Nobody, against)],
    );
    row.value = row.value.map(|value| with_date(&value, at));
    row
}

fn checked(path: &str, value: &Value, against: &str) -> CheckedClaim {
    let check = Check::new(Checker::KubeApiServer, against);
    row(format!("kubernetes.io/{path}"), Some(value), vec![check])
}

fn unread(path: &str, value: &Value) -> CheckedClaim {
    let check = Check::new(
        Checker::Nobody,
        "kube-apiserver passes it on as a fact of the caller",
    );
    row(format!("kubernetes.io/{path}"), Some(value), vec![check])
}
