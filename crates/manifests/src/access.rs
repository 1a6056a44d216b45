//! Who the webhook and its controller are, and what they may do: what they use, and nothing else.
//!
//! RBAC cannot limit `create` to a name, so what would have to be created is among the manifests instead: the Secret of
//! the certificate, and the Lease.

use serde_json::{Value, json};

use crate::canary::{CANARY_NAMESPACE, DRY_RUN_ONLY};
use crate::options::WebhookOptions;
use crate::webhook::Component::{self, Admission, Controller};

/// What the controller's objects have behind the name of the webhook's.
pub(crate) const CONTROLLER_SUFFIX: &str = "-controller";

/// The controller's identity, as the API server calls it.
pub(crate) fn controller_user(options: &WebhookOptions) -> String {
    format!(
        "system:serviceaccount:{}:{}",
        options.namespace,
        options.controller()
    )
}

pub(crate) fn objects(options: &WebhookOptions) -> Vec<Value> {
    let mut objects = vec![
        service_account(options, Admission),
        service_account(options, Controller),
    ];
    objects.extend(admission(options));
    objects.extend(controller(options));
    objects
}

/// The replicas that have the open port: they read, and of Secrets only their own.
fn admission(options: &WebhookOptions) -> Vec<Value> {
    let mut cluster_wide = vec![read("", "serviceaccounts")];
    if options.enforce_allowed_roles {
        cluster_wide.push(read("", "namespaces"));
    }
    let mut own = Vec::new();
    if options.manages_tls() {
        own.push(rule("", "secrets", Some(&options.name), READ));
    }
    own.extend(config_map(options));
    grants(options, Admission, &cluster_wide, &own)
}

fn controller(options: &WebhookOptions) -> Vec<Value> {
    let admission = "admissionregistration.k8s.io";
    let policies = [
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ];
    let mut cluster_wide = vec![
        read("", "pods"),
        read("", "serviceaccounts"),
        read("", "namespaces"),
        rule("events.k8s.io", "events", None, &["create", "patch"]),
        rule(
            admission,
            "mutatingwebhookconfigurations",
            Some(&options.name),
            &["get", "list", "watch", "patch"],
        ),
    ];
    cluster_wide
        .extend(policies.map(|policy| rule(admission, policy, Some(DRY_RUN_ONLY), &["get"])));
    if options.evict {
        cluster_wide.push(rule("", "pods/eviction", None, &["create"]));
    }
    let lease = Some(options.controller());
    let mut own = vec![
        rule(
            "coordination.k8s.io",
            "leases",
            lease.as_deref(),
            &["get", "update", "patch"],
        ),
        read("discovery.k8s.io", "endpointslices"),
    ];
    if options.manages_tls() {
        own.push(rule(
            "",
            "secrets",
            Some(&options.name),
            &["get", "list", "watch", "update", "patch"],
        ));
    }
    own.extend(config_map(options));
    let mut objects = grants(options, Controller, &cluster_wide, &own);
    objects.push(json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": options.metadata(&options.controller(), true, Controller),
    }));
    objects
}

/// The permission to create pods in the canary's namespace, where a policy lets only dry runs through.
pub(crate) fn canary_grants(options: &WebhookOptions) -> Vec<Value> {
    let mut objects = grants_in(
        options,
        Component::Canary,
        &options.controller(),
        CANARY_NAMESPACE,
        &[rule("", "pods", None, &["create"])],
    );
    objects[1]["subjects"] = subjects(options, Controller);
    objects
}

fn grants(
    options: &WebhookOptions,
    component: Component,
    cluster_wide: &[Value],
    own: &[Value],
) -> Vec<Value> {
    let name = name(options, component);
    let metadata = options.metadata(&name, false, component);
    let mut objects = bound(
        "ClusterRole",
        &metadata,
        cluster_wide,
        &subjects(options, component),
    );
    if !own.is_empty() {
        objects.extend(grants_in(
            options,
            component,
            &name,
            &options.namespace,
            own,
        ));
    }
    objects
}

fn grants_in(
    options: &WebhookOptions,
    component: Component,
    name: &str,
    namespace: &str,
    rules: &[Value],
) -> Vec<Value> {
    let mut metadata = options.metadata(name, true, component);
    metadata["namespace"] = namespace.into();
    bound("Role", &metadata, rules, &subjects(options, component))
}

/// A role of this kind, and the binding of the same name that gives it to the subjects.
fn bound(kind: &str, metadata: &Value, rules: &[Value], subjects: &Value) -> Vec<Value> {
    let api = format!("{RBAC}/v1");
    let role_ref = json!({"apiGroup": RBAC, "kind": kind, "name": metadata["name"]});
    vec![
        json!({"apiVersion": api, "kind": kind, "metadata": metadata, "rules": rules}),
        json!({
            "apiVersion": api,
            "kind": format!("{kind}Binding"),
            "metadata": metadata,
            "roleRef": role_ref,
            "subjects": subjects,
        }),
    ]
}

fn service_account(options: &WebhookOptions, component: Component) -> Value {
    let metadata = options.metadata(&name(options, component), true, component);
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
}

fn subjects(options: &WebhookOptions, component: Component) -> Value {
    let name = name(options, component);
    json!([{"kind": "ServiceAccount", "name": name, "namespace": options.namespace}])
}

fn name(options: &WebhookOptions, component: Component) -> String {
    match component {
        Controller => options.controller(),
        _ => options.name.clone(),
    }
}

fn config_map(options: &WebhookOptions) -> Option<Value> {
    // The peer's fixed name, whatever the webhook is called.
    let rule = rule("", "configmaps", Some("pod-identity-webhook"), READ);
    options.watch_config_map.then_some(rule)
}

fn read(group: &str, resource: &str) -> Value {
    rule(group, resource, None, READ)
}

fn rule(group: &str, resource: &str, name: Option<&str>, verbs: &[&str]) -> Value {
    let mut rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    if let Some(name) = name {
        rule["resourceNames"] = json!([name]);
    }
    rule
}

const READ: &[&str] = &["get", "list", "watch"];

const RBAC: &str = "rbac.authorization.k8s.io";
