//! How a pod is made anew.

use serde_json::Value;

/// The pod's controller as `Kind/name`; `None` for a pod without one.
pub(super) fn controller(pod: &Value) -> Option<String> {
    let owner = owner(pod)?;
    Some(format!(
        "{}/{}",
        owner["kind"].as_str()?,
        owner["name"].as_str()?
    ))
}

/// What makes the pod anew, so that the webhook sees it again.
pub(super) fn create_anew(pod: &Value) -> String {
    let text = |pointer: &str| {
        let text = pod.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default()
    };
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let Some(owner) = owner(pod) else {
        return format!(
            "the pod has no controller, so nothing makes it anew: delete it and create it from its manifest (`kubectl -n \
             {namespace} get pod {name} -o yaml` keeps it)"
        );
    };
    let owner_name = owner["name"].as_str().unwrap_or_default();
    let restart = |kind: &str, name: &str| {
        format!("create the pods anew: `kubectl -n {namespace} rollout restart {kind}/{name}`")
    };
    match owner["kind"].as_str().unwrap_or_default() {
        "StatefulSet" => restart("statefulset", owner_name),
        "DaemonSet" => restart("daemonset", owner_name),
        "ReplicaSet" => {
            // A Deployment's ReplicaSet is named after it and the hash of its template.
            let hash = text("/metadata/labels/pod-template-hash");
            let deployment = owner_name
                .strip_suffix(hash)
                .and_then(|rest| rest.strip_suffix('-'))
                .filter(|_| !hash.is_empty());
            match deployment {
                Some(deployment) => restart("deployment", deployment),
                None => deleted(namespace, name, "ReplicaSet", owner_name),
            }
        }
        kind => deleted(namespace, name, kind, owner_name),
    }
}

fn deleted(namespace: &str, name: &str, kind: &str, owner: &str) -> String {
    format!(
        "create the pod anew: `kubectl -n {namespace} delete pod {name}`, then {kind}/{owner} makes another"
    )
}

fn owner(pod: &Value) -> Option<&Value> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)
}
