//! What holds for the objects of every choice of options.

use std::collections::BTreeSet;

use podpass_manifests::{FailurePolicy, MANAGED_BY, Tls, WebhookOptions, to_yaml};
use serde_json::{Value, json};

/// Choices that change which objects there are, or what is in them.
fn variants() -> Vec<WebhookOptions> {
    let base = WebhookOptions::default();
    vec![
        base.clone(),
        WebhookOptions::openshift(),
        WebhookOptions {
            tls: Tls::CertManager,
            failure_policy: FailurePolicy::Fail,
            ..base.clone()
        },
        WebhookOptions {
            namespace: "kube-system".to_owned(),
            create_namespace: false,
            network_policy: false,
            ..base.clone()
        },
        WebhookOptions {
            watch_config_map: true,
            enforce_allowed_roles: true,
            evict: true,
            service_monitor: true,
            prometheus_rule: true,
            dashboard: true,
            ..base
        },
    ]
}

#[test]
fn names_are_unique_and_every_object_says_who_installed_it() {
    for options in variants() {
        options.check().unwrap();
        let objects = options.render();
        let names: BTreeSet<String> = objects.iter().map(name).collect();
        assert_eq!(names.len(), objects.len(), "{names:?}");
        for object in &objects {
            assert_eq!(object["metadata"]["labels"][MANAGED_BY.0], MANAGED_BY.1);
        }
        // What is taken away covers what any choice installs.
        let all: BTreeSet<String> = options.render_all().iter().map(name).collect();
        assert!(names.is_subset(&all), "{:?}", names.difference(&all));
        for objects in [objects, options.render_all()] {
            assert_eq!(
                objects.last().unwrap()["kind"],
                "MutatingWebhookConfiguration"
            );
        }
    }
}

/// What somebody else fills in is not rendered: applying again would take it back.
#[test]
fn what_the_controller_writes_is_not_rendered() {
    for options in variants() {
        for object in options.render() {
            match object["kind"].as_str().unwrap() {
                "Secret" => {
                    for absent in ["data", "stringData", "type"] {
                        assert_eq!(object.get(absent), None, "{absent}");
                    }
                }
                "Lease" => assert_eq!(object.get("spec"), None),
                "MutatingWebhookConfiguration" => {
                    let client = &object["webhooks"][0]["clientConfig"];
                    assert_eq!(client.get("caBundle"), None);
                }
                _ => {}
            }
        }
    }
}

/// No pod that the webhook needs to come up is reviewed by it, and the canary's namespace is.
#[test]
fn the_webhook_waits_for_no_pod_that_waits_for_it() {
    for options in variants() {
        let objects = options.render();
        let webhook = &objects.last().unwrap()["webhooks"][0];
        let expressions = webhook["namespaceSelector"]["matchExpressions"]
            .as_array()
            .unwrap();
        let excluded = expressions[0]["values"].as_array().unwrap();
        assert_eq!(expressions[0]["key"], "kubernetes.io/metadata.name");
        assert_eq!(expressions[0]["operator"], "NotIn");
        let mut needed = vec!["kube-system", options.namespace.as_str()];
        if options.tls == Tls::CertManager {
            needed.push("cert-manager");
        }
        for namespace in needed {
            assert!(excluded.contains(&namespace.into()), "{namespace}");
        }
        assert!(!excluded.contains(&"podpass-canary".into()));
        let run_levels =
            json!({"key": "openshift.io/run-level", "operator": "NotIn", "values": ["0", "1"]});
        assert_eq!(expressions[1], run_levels);
        let skip = json!({"matchExpressions": [
            {"key": "eks.amazonaws.com/skip-pod-identity-webhook", "operator": "DoesNotExist"},
        ]});
        assert_eq!(webhook["objectSelector"], skip);
    }
}

/// RBAC cannot limit `create` to a name: whoever may create Secrets may make any.
#[test]
fn nobody_may_create_what_cannot_be_limited_to_a_name() {
    for options in variants() {
        for object in options.render() {
            for rule in object["rules"].as_array().into_iter().flatten() {
                let words = |member: &str| -> Vec<&str> {
                    let words = rule[member].as_array().unwrap().iter();
                    words.map(|word| word.as_str().unwrap()).collect()
                };
                let (resources, verbs) = (words("resources"), words("verbs"));
                assert!(!resources.contains(&"*") && !verbs.contains(&"*"), "{rule}");
                if verbs.contains(&"create") {
                    let harmless = ["events", "pods/eviction"].contains(&resources[0]);
                    let canary = resources == ["pods"]
                        && object["kind"] == "Role"
                        && object["metadata"]["namespace"] == "podpass-canary";
                    assert!(harmless || canary, "{rule}");
                }
                if ["secrets", "configmaps"].contains(&resources[0]) {
                    assert_eq!(rule["resourceNames"].as_array().unwrap().len(), 1, "{rule}");
                }
            }
        }
    }
}

#[test]
fn a_stream_of_documents_reads_back() {
    for options in variants() {
        let objects = options.render();
        let text = to_yaml(&objects);
        let documents = podpass_kinds::yaml::parse(&text).unwrap();
        let read: Vec<Value> = documents
            .iter()
            .map(|document| document.root.as_ref().unwrap().to_json())
            .collect();
        assert_eq!(read, objects);
    }
}

#[test]
fn options_that_cannot_work_are_named() {
    let base = WebhookOptions::default();
    for (options, expected) in [
        (
            WebhookOptions {
                name: "a".repeat(53),
                ..base.clone()
            },
            "name",
        ),
        (
            WebhookOptions {
                name: "1webhook".to_owned(),
                ..base.clone()
            },
            "name",
        ),
        (
            WebhookOptions {
                namespace: "Irsa".to_owned(),
                ..base.clone()
            },
            "namespace",
        ),
        (
            WebhookOptions {
                excluded_namespaces: vec!["podpass-canary".to_owned()],
                ..base.clone()
            },
            "exclude-namespace",
        ),
        (
            WebhookOptions {
                image: "a b".to_owned(),
                ..base.clone()
            },
            "image",
        ),
        (
            WebhookOptions {
                timeout_seconds: 0,
                ..base
            },
            "timeout",
        ),
    ] {
        assert_eq!(options.check().unwrap_err().option, expected);
    }
}

fn name(object: &Value) -> String {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}/{}",
        text(&object["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"])
    )
}
