//! A pod that lacks what it should have, and why.

use podpass_inject::{Identity, Operation, Pod, Settings, inject};
use podpass_kinds::Reason;
use serde_json::{Value, json};

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
    pub(crate) lack: Lack,
}

/// What a pod lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It has nothing: the webhook has not seen it.
    Everything,
    /// It has the token, and lacks a variable or a mount.
    Part,
    /// It has everything for another role than its service account names.
    Role,
    /// Its namespace does not allow the role, so it would be refused if it were made anew.
    Permission,
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
    /// Takes down a pod.
    pub(crate) fn of(pod: &Value, lack: Lack) -> Self {
        let text = |pointer: &str| {
            let text = pod.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Self {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            created: text("/metadata/creationTimestamp"),
            account: text("/spec/serviceAccountName"),
            owner: owner(pod),
            lack,
        }
    }

    /// Why, where the service account's annotation was written at that time, as far as it is known.
    ///
    /// A pod from before the annotation is right as it is until somebody makes it anew, so it counts as one with a stale
    /// role. Times are known to the second, and what cannot be told apart counts as before.
    pub(crate) fn reason(&self, annotated: Option<jiff::Timestamp>) -> Reason {
        let created: Option<jiff::Timestamp> = self.created.parse().ok();
        match (self.lack, created, annotated) {
            (Lack::Permission, _, _) => Reason::RoleNotAllowed,
            (Lack::Everything, Some(created), Some(annotated)) if created > annotated => {
                Reason::BornBeforeWebhook
            }
            (Lack::Part, Some(created), Some(annotated)) if created > annotated => {
                Reason::InjectionIncomplete
            }
            _ => Reason::StaleRoleInPod,
        }
    }
}

impl Lack {
    /// What a pod lacks that injection would still add something to.
    pub(crate) fn of_added(added: &[Operation]) -> Self {
        // Whoever was never seen by the webhook lacks the volume that everything else needs.
        let has_volume = |operation: &Operation| operation.path.starts_with("/spec/volumes");
        if added.iter().any(has_volume) {
            Self::Everything
        } else {
            Self::Part
        }
    }

    /// What a pod lacks that injection would add nothing to, because it was given to it before, for another role.
    ///
    /// A role that does not stand beside the token of an injection is the user's own and none of this.
    pub(crate) fn of_role(
        pod: &Value,
        role: &str,
        identity: Identity<'_>,
        settings: &Settings,
    ) -> Option<Self> {
        let lists = ["containers", "initContainers"].map(|list| pod["spec"][list].as_array());
        let containers = lists.into_iter().flatten().flatten();
        let mut others = containers
            .filter(|container| variable(container, "AWS_ROLE_ARN").is_some_and(|own| own != role));
        let other = others.next()?;
        let bare = json!({"spec": {
            "nodeSelector": pod["spec"]["nodeSelector"],
            "os": pod["spec"]["os"],
            "containers": [{"name": "bare"}],
        }});
        let injection = inject(&Pod::from(&bare), identity, settings);
        let injected = injection.patch()?.apply(&bare).ok()?;
        let file = variable(&injected["spec"]["containers"][0], TOKEN_FILE)?;
        std::iter::once(other)
            .chain(others)
            .any(|container| variable(container, TOKEN_FILE) == Some(file))
            .then_some(Self::Role)
    }
}

fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let mut variables = container["env"].as_array().into_iter().flatten();
    let variable = variables.find(|variable| variable["name"] == name)?;
    variable["value"].as_str()
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

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// What the kubelet writes on the mirror of a static pod.
const MIRROR: &str = "kubernetes.io/config.mirror";

#[cfg(test)]
mod tests {
    use podpass_inject::Injection;
    use podpass_kinds::ServiceAccountView;

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn account() -> ServiceAccountView {
        ServiceAccountView {
            annotations: [("eks.amazonaws.com/role-arn".to_owned(), ROLE.to_owned())].into(),
            ..ServiceAccountView::default()
        }
    }

    fn injection(pod: &Value) -> Injection {
        inject(&Pod::from(pod), &account(), &Settings::default())
    }

    fn lack(pod: &Value) -> Lack {
        Lack::of_added(&injection(pod).patch().unwrap().operations)
    }

    #[test]
    fn lack_is_told_by_what_is_missing() {
        let mut pod = json!({"spec": {"containers": [{"name": "a"}]}});
        assert_eq!(lack(&pod), Lack::Everything);
        pod["spec"]["volumes"] = json!([{"name": "aws-iam-token", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}}
        ]}}]);
        assert_eq!(lack(&pod), Lack::Part);
    }

    #[test]
    fn another_role_is_one_beside_the_token_of_an_injection() {
        let bare = json!({"spec": {"containers": [{"name": "a"}], "nodeSelector": {"kubernetes.io/os": "windows"}}});
        let injected = injection(&bare).patch().unwrap().apply(&bare).unwrap();
        let account = account();
        let lack = |pod: &Value| {
            let identity = Identity::from(&account);
            Lack::of_role(pod, ROLE, identity, &Settings::default())
        };
        assert_eq!(lack(&injected), None);
        let mut stale = injected.clone();
        let env = &mut stale["spec"]["containers"][0]["env"];
        env[0]["value"] = "arn:aws:iam::123456789012:role/before".into();
        assert_eq!(env[0]["name"], "AWS_ROLE_ARN");
        assert_eq!(lack(&stale), Some(Lack::Role));
        // The user's own pair.
        stale["spec"]["containers"][0]["env"][1]["value"] = "/own/token".into();
        assert_eq!(lack(&stale), None);
    }

    #[test]
    fn reason_is_told_by_the_lack_and_since_when() {
        let pod = json!({"metadata": {"creationTimestamp": "2026-11-26T10:00:00Z"}});
        let reason = |lack, annotated: Option<&str>| {
            let annotated = annotated.map(|time| time.parse().unwrap());
            Lacking::of(&pod, lack).reason(annotated)
        };
        let before = Some("2026-11-26T09:59:59Z");
        assert_eq!(reason(Lack::Everything, before), Reason::BornBeforeWebhook);
        assert_eq!(reason(Lack::Part, before), Reason::InjectionIncomplete);
        assert_eq!(reason(Lack::Role, before), Reason::StaleRoleInPod);
        let same_and_after = ["2026-11-26T10:00:00Z", "2026-11-26T10:00:01Z"].map(Some);
        for annotated in [None, same_and_after[0], same_and_after[1]] {
            for lack in [Lack::Everything, Lack::Part, Lack::Role] {
                assert_eq!(reason(lack, annotated), Reason::StaleRoleInPod);
            }
            assert_eq!(reason(Lack::Permission, annotated), Reason::RoleNotAllowed);
        }
    }

    #[test]
    fn owner_is_the_controller() {
        let reference = |kind: &str, controller: Value| json!({"apiVersion": "apps/v1", "kind": kind, "name": "n", "uid": "u", "controller": controller});
        let pod = |references: Value| json!({"metadata": {"ownerReferences": references}});
        let one = pod(json!([
            reference("Other", json!(false)),
            reference("ReplicaSet", json!(true))
        ]));
        assert_eq!(owner(&one).unwrap().kind, "ReplicaSet");
        let none = pod(json!([reference("Other", json!(null))]));
        assert_eq!(owner(&none), None);
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
