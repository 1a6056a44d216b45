//! A pod that lacks what it should have, and why.

use podpass_inject::Operation;
use podpass_kinds::Reason;
use serde_json::Value;

/// What a pod is to the controller: little of it, whatever its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// As the API server writes it, to the second.
    pub(crate) created: String,
    pub(crate) account: String,
    /// Who makes a new one when it is gone.
    pub(crate) owner: Option<Owner>,
    /// Whether it has nothing at all, or only a part.
    pub(crate) is_partial: bool,
    /// Whether its namespace allows the role that it lacks, so that it would be admitted again.
    pub(crate) is_allowed: bool,
}

/// The controller of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

impl Lacking {
    /// Takes down a pod that injection would still add something to.
    pub(crate) fn of(pod: &Value, added: &[Operation]) -> Self {
        let text = |pointer: &str| {
            let text = pod.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        // Whoever was never seen by the webhook lacks the volume that everything else needs.
        let lacks_volume = |operation: &Operation| operation.path.starts_with("/spec/volumes");
        Self {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            created: text("/metadata/creationTimestamp"),
            account: text("/spec/serviceAccountName"),
            owner: owner(pod),
            is_partial: !added.iter().any(lacks_volume),
            is_allowed: true,
        }
    }

    /// Why, where the service account's annotation was written at that time, as far as it is known.
    ///
    /// A pod from before the annotation is right as it is until somebody makes it anew, so it counts as one with a stale
    /// role. Times are known to the second, and what cannot be told apart counts as before.
    pub(crate) fn reason(&self, annotated: Option<jiff::Timestamp>) -> Reason {
        if !self.is_allowed {
            return Reason::RoleNotAllowed;
        }
        let created: Option<jiff::Timestamp> = self.created.parse().ok();
        match (created, annotated) {
            (Some(created), Some(annotated)) if created > annotated => {
                if self.is_partial {
                    Reason::InjectionIncomplete
                } else {
                    Reason::BornBeforeWebhook
                }
            }
            _ => Reason::StaleRoleInPod,
        }
    }
}

fn owner(pod: &Value) -> Option<Owner> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let text = |member: &str| owner[member].as_str().map(str::to_owned);
    Some(Owner {
        api_version: text("apiVersion")?,
        kind: text("kind")?,
        name: text("name")?,
        uid: text("uid")?,
    })
}

/// Whether admission was ever asked about the pod, and still could be: not one of a node's own (mirror pods), not one
/// that is being deleted, not one that has ended.
pub(crate) fn is_of_interest(pod: &Value) -> bool {
    let metadata = &pod["metadata"];
    let phase = pod["status"]["phase"].as_str();
    metadata["deletionTimestamp"].is_null()
        && metadata["annotations"][MIRROR].is_null()
        && owner(pod).is_none_or(|owner| owner.kind != "Node")
        && !matches!(phase, Some("Succeeded" | "Failed"))
}

/// What the kubelet writes on the mirror of a static pod.
const MIRROR: &str = "kubernetes.io/config.mirror";

#[cfg(test)]
mod tests {
    use podpass_inject::{Injection, Pod, Settings, inject};
    use podpass_kinds::ServiceAccountView;
    use serde_json::json;

    use super::*;

    fn lacking(pod: &Value) -> Lacking {
        let role = "arn:aws:iam::123456789012:role/app".to_owned();
        let account = ServiceAccountView {
            annotations: [("eks.amazonaws.com/role-arn".to_owned(), role)].into(),
            ..ServiceAccountView::default()
        };
        let injection = inject(&Pod::from(pod), &account, &Settings::default());
        let Injection::Patched(patch) = injection else {
            panic!("{injection:?}")
        };
        Lacking::of(pod, &patch.operations)
    }

    #[test]
    fn reason_is_told_by_what_is_missing_and_since_when() {
        let bare = json!({
            "metadata": {"creationTimestamp": "2026-11-26T10:00:00Z"},
            "spec": {"containers": [{"name": "a"}]},
        });
        let mut partial = bare.clone();
        partial["spec"]["volumes"] = json!([{"name": "aws-iam-token", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}}
        ]}}]);
        let (bare, partial) = (lacking(&bare), lacking(&partial));
        let before = "2026-11-26T09:59:59Z".parse().ok();
        assert_eq!(bare.reason(before), Reason::BornBeforeWebhook);
        assert_eq!(partial.reason(before), Reason::InjectionIncomplete);
        for annotated in ["2026-11-26T10:00:00Z", "2026-11-26T10:00:01Z"] {
            let annotated = annotated.parse().ok();
            assert_eq!(bare.reason(annotated), Reason::StaleRoleInPod);
        }
        assert_eq!(bare.reason(None), Reason::StaleRoleInPod);
        let refused = Lacking {
            is_allowed: false,
            ..bare
        };
        assert_eq!(refused.reason(before), Reason::RoleNotAllowed);
    }

    #[test]
    fn owner_is_the_controller() {
        let reference = |kind: &str, controller: Value| json!({"apiVersion": "apps/v1", "kind": kind, "name": "n", "uid": "u", "controller": controller});
        let pod = |references: Value| {
            json!({
                "metadata": {"ownerReferences": references},
                "spec": {"containers": [{"name": "a"}]},
            })
        };
        let one = pod(json!([
            reference("Other", json!(false)),
            reference("ReplicaSet", json!(true))
        ]));
        assert_eq!(lacking(&one).owner.unwrap().kind, "ReplicaSet");
        let none = pod(json!([reference("Other", json!(null))]));
        assert_eq!(lacking(&none).owner, None);
        assert!(is_of_interest(&one));
        let static_pod = pod(json!([reference("Node", json!(true))]));
        assert!(!is_of_interest(&static_pod));
        for other in [
            json!({"metadata": {"deletionTimestamp": "x"}}),
            json!({"metadata": {"annotations": {MIRROR: "x"}}}),
            json!({"metadata": {}, "status": {"phase": "Succeeded"}}),
        ] {
            assert!(!is_of_interest(&other), "{other}");
        }
    }
}
