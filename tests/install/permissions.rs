//! What the two identities may do, asked of the API server: all that they need, and nothing more.

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::stand::Stand;

const NAMESPACE: &str = "podpass-webhook";

/// Identity, verb, group/resource, namespace, name; and whether it may.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
);

const WEBHOOK: &str = "pod-identity-webhook";
const CONTROLLER: &str = "pod-identity-webhook-controller";

/// What each needs by the specification of the webhook, beside what would be an escalation.
const EVICTING: [Row; 39] = [
    (WEBHOOK, "list", "serviceaccounts", "", "", true),
    (WEBHOOK, "watch", "serviceaccounts", "", "", true),
    (WEBHOOK, "get", "secrets", NAMESPACE, WEBHOOK, true),
    (WEBHOOK, "watch", "secrets", NAMESPACE, WEBHOOK, true),
    (WEBHOOK, "get", "configmaps", NAMESPACE, WEBHOOK, true),
    (WEBHOOK, "get", "namespaces", "", "", true),
    (WEBHOOK, "get", "secrets", NAMESPACE, "other", false),
    (WEBHOOK, "list", "secrets", NAMESPACE, "", false),
    (WEBHOOK, "get", "secrets", "default", WEBHOOK, false),
    (WEBHOOK, "create", "secrets", NAMESPACE, "", false),
    (WEBHOOK, "patch", "secrets", NAMESPACE, WEBHOOK, false),
    (WEBHOOK, "get", "configmaps", NAMESPACE, "other", false),
    (
        WEBHOOK,
        "patch",
        "admissionregistration.k8s.io/mutatingwebhookconfigurations",
        "",
        WEBHOOK,
        false,
    ),
    (
        WEBHOOK,
        "create",
        "serviceaccounts/token",
        NAMESPACE,
        WEBHOOK,
        false,
    ),
    (WEBHOOK, "list", "pods", "", "", false),
    (WEBHOOK, "create", "pods", "podpass-canary", "", false),
    (CONTROLLER, "list", "pods", "", "", true),
    (CONTROLLER, "list", "serviceaccounts", "", "", true),
    (CONTROLLER, "watch", "namespaces", "", "", true),
    (
        CONTROLLER,
        "create",
        "events.k8s.io/events",
        "default",
        "",
        true,
    ),
    (CONTROLLER, "update", "secrets", NAMESPACE, WEBHOOK, true),
    (
        CONTROLLER,
        "patch",
        "admissionregistration.k8s.io/mutatingwebhookconfigurations",
        "",
        WEBHOOK,
        true,
    ),
    (
        CONTROLLER,
        "get",
        "admissionregistration.k8s.io/validatingadmissionpolicies",
        "",
        "podpass-canary-dry-run-only",
        true,
    ),
    (
        CONTROLLER,
        "update",
        "coordination.k8s.io/leases",
        NAMESPACE,
        CONTROLLER,
        true,
    ),
    (
        CONTROLLER,
        "list",
        "discovery.k8s.io/endpointslices",
        NAMESPACE,
        "",
        true,
    ),
    (CONTROLLER, "create", "pods/eviction", "default", "", true),
    (CONTROLLER, "create", "pods", "podpass-canary", "", true),
    (CONTROLLER, "create", "pods", NAMESPACE, "", false),
    (CONTROLLER, "create", "pods", "default", "", false),
    (CONTROLLER, "delete", "pods", "default", "", false),
    (CONTROLLER, "create", "secrets", NAMESPACE, "", false),
    (CONTROLLER, "get", "secrets", NAMESPACE, "other", false),
    (CONTROLLER, "list", "secrets", "", "", false),
    (
        CONTROLLER,
        "patch",
        "admissionregistration.k8s.io/mutatingwebhookconfigurations",
        "",
        "other",
        false,
    ),
    (
        CONTROLLER,
        "create",
        "admissionregistration.k8s.io/mutatingwebhookconfigurations",
        "",
        "",
        false,
    ),
    (
        CONTROLLER,
        "delete",
        "admissionregistration.k8s.io/validatingadmissionpolicies",
        "",
        "podpass-canary-dry-run-only",
        false,
    ),
    (
        CONTROLLER,
        "patch",
        "serviceaccounts",
        "podpass-canary",
        "canary",
        false,
    ),
    (
        CONTROLLER,
        "create",
        "serviceaccounts/token",
        "default",
        "default",
        false,
    ),
    (
        CONTROLLER,
        "update",
        "coordination.k8s.io/leases",
        "kube-system",
        CONTROLLER,
        false,
    ),
];

/// What is not granted unless it is asked for.
const PLAIN: [Row; 3] = [
    (CONTROLLER, "create", "pods/eviction", "default", "", false),
    (WEBHOOK, "get", "namespaces", "", "", false),
    (WEBHOOK, "get", "configmaps", NAMESPACE, WEBHOOK, false),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_identity_may_do_what_it_needs_and_nothing_more() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let extras = ["--evict", "--watch-config-map", "--enforce-allowed-roles"];
    for (flags, rows) in [(&extras[..], &EVICTING[..]), (&[], &PLAIN[..])] {
        let install = ["install", "webhook", "--yes"];
        stand.podpass(&[&install, flags].concat()).succeeded();
        let reviews: Api<SubjectAccessReview> = Api::all(stand.control_plane.admin());
        for &(who, verb, resource, namespace, name, expected) in rows {
            let (group, resource) = resource
                .split_once('/')
                .filter(|(group, _)| group.contains('.'))
                .unwrap_or(("", resource));
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let review = serde_json::from_value(json!({"metadata": {}, "spec": {
                "user": format!("system:serviceaccount:{NAMESPACE}:{who}"),
                "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{NAMESPACE}"), "system:authenticated"],
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                    "namespace": namespace, "name": name,
                },
            }}));
            let answered = reviews
                .create(&PostParams::default(), &review.unwrap())
                .await;
            let allowed = answered.unwrap().status.unwrap().allowed;
            assert_eq!(
                allowed, expected,
                "{who} {verb} {group}/{resource}/{subresource} in `{namespace}` `{name}`"
            );
        }
    }
}
