//! The review that is sent: 2.9 KB, three containers with twenty variables each, as an API server writes it.

use serde_json::{Value, json};

/// The review of a pod that runs as an account of the namespace `default`.
pub(crate) fn of(account: &str) -> String {
    let variables: Vec<Value> = (0..20)
        .map(|number| json!({"name": format!("V{number}"), "value": format!("value-{number}")}))
        .collect();
    let container = |name: &str| json!({"name": name, "image": "registry.example.com/team/application:1.2.3", "env": variables});
    let containers = ["a", "b", "c"].map(container);
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "default",
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": {
                "kind": "Pod",
                "apiVersion": "v1",
                "metadata": {"generateName": "app-5d5b8f-", "labels": {"app": "app"}},
                "spec": {
                    "volumes": [{"name": "kube-api-access", "emptyDir": {}}],
                    "containers": containers,
                    "serviceAccountName": account,
                },
            },
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    });
    review.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn review_has_the_size_that_is_told() {
        let length = of("app").len();
        assert!((2_800..3_000).contains(&length), "{length} bytes");
    }
}
