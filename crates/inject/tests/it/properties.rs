//! Properties that hold for every pod, account and setting: nothing is lost, twice is once, nothing panics.

use podpass_inject::{
    Assignments, ContainerCredentials, Identity, Injection, Pod, RoleHome, RoleMap, Settings,
    inject,
};
use podpass_kinds::ServiceAccountView;
use podpass_policy::Partition;
use serde_json::{Value, json};

/// A pod with members that today's Kubernetes does not know, and some that older webhooks dropped.
fn rich_pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "futureField": {"a": [1, null, {"b": 1e300}]},
        "metadata": {
            "name": "p",
            "annotations": {
                "eks.amazonaws.com/skip-containers": "skipped",
                "eks.amazonaws.com/include-containers": "sidecar,app,skipped,role,all,taken",
                "eks.amazonaws.com/region": "us-gov-west-1",
                "podpass.dev/session-name": "name",
                "eks.amazonaws.com/token-expiration": "900"
            },
            "labels": {}
        },
        "spec": {
            "futureField": true,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "os": {"name": "linux"},
            "initContainers": [
                {"name": "sidecar", "restartPolicy": "Always", "env": [], "futureField": 12_345_678_901_234_567_890_u64}
            ],
            "containers": [
                {
                    "name": "app",
                    "resources": {"limits": {"memory": "1Gi"}},
                    "startupProbe": {"grpc": {"port": 8080, "service": null}},
                    "env": [{"name": "EMPTY", "value": ""}, {"name": "FROM", "valueFrom": {"future": {}}}],
                    "volumeMounts": [{"name": "own", "mountPath": "/own", "recursiveReadOnly": "Enabled"}]
                },
                {"name": "skipped", "env": null},
                {"name": "role", "env": [{"name": "AWS_ROLE_ARN", "value": "x"}]},
                {
                    "name": "all",
                    "env": [{"name": "AWS_ROLE_ARN"}, {"name": "AWS_REGION"}, {"name": "AWS_STS_REGIONAL_ENDPOINTS"}]
                },
                {
                    "name": "taken",
                    "volumeMounts": [
                        {"name": "own", "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount/"}
                    ]
                }
            ],
            "volumes": [{"name": "own", "emptyDir": {"sizeLimit": "1Mi"}}]
        }
    })
}

fn accounts() -> Vec<ServiceAccountView> {
    let role = ("role-arn", "arn:aws:iam::123456789012:role/app");
    let lists: [&[(&str, &str)]; 4] = [
        &[role],
        &[
            role,
            ("audience", ""),
            ("token-expiration", "5"),
            ("sts-regional-endpoints", "true"),
            ("region", "eu-west-1"),
            ("include-containers", "app"),
            ("skip-containers", "role"),
        ],
        &[
            ("role-arn", "nonsense"),
            ("token-expiration", "x"),
            ("sts-regional-endpoints", "x"),
            ("region", "x"),
            ("include-containers", "\""),
            ("fs-group", "1000"),
        ],
        &[],
    ];
    let account = |list: &[(&str, &str)]| ServiceAccountView {
        annotations: list
            .iter()
            .map(|(key, value)| (format!("eks.amazonaws.com/{key}"), (*value).to_owned()))
            .collect(),
        ..ServiceAccountView::default()
    };
    let mut accounts: Vec<ServiceAccountView> = lists.into_iter().map(account).collect();
    for (chain, session_name) in [
        ("arn:aws:iam::210987654321:role/b, x", "uid"),
        ("x", "name"),
    ] {
        let mut chained = account(&[role]);
        for (name, value) in [("assume-role-chain", chain), ("session-name", session_name)] {
            let name = format!("podpass.dev/{name}");
            chained.annotations.insert(name, value.to_owned());
        }
        accounts.push(chained);
    }
    accounts
}

/// Container credentials for the accounts above, which have neither namespace nor name.
fn assignments() -> Assignments {
    let file = r#"{"identities": [{"namespace": "", "serviceAccount": ""}]}"#;
    Assignments {
        container_credentials: ContainerCredentials::parse(file).unwrap(),
        roles: RoleMap::default(),
    }
}

fn settings() -> Vec<Settings> {
    let all = Settings {
        default_region: Some("eu-west-1".to_owned()),
        sts_regional_endpoints: true,
        irsa_expiration_jitter: true,
        endpoint_url: Some("http://sandbox:4566".parse().unwrap()),
        compose_role_arn: Some(RoleHome {
            partition: Partition::AwsCn,
            account: "123456789012".parse().unwrap(),
        }),
        ..Settings::default()
    };
    let odd = Settings {
        token_mount_path: "x/../".to_owned(),
        token_audience: String::new(),
        token_expiration: -1,
        ..Settings::default()
    };
    vec![Settings::default(), all, odd]
}

/// The rich pod, and every pod that comes of it by replacing one node with something unexpected.
fn pods() -> Vec<Value> {
    let rich = rich_pod();
    let mut pointers = Vec::new();
    collect_pointers(&rich, String::new(), &mut pointers);
    let unexpected = [
        json!(null),
        json!(5),
        json!("text"),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!({"name": 5}),
    ];
    let mut pods = vec![rich.clone()];
    for pointer in pointers {
        for value in &unexpected {
            let mut pod = rich.clone();
            *pod.pointer_mut(&pointer).unwrap() = value.clone();
            pods.push(pod);
        }
    }
    pods
}

fn collect_pointers(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect_pointers(member, format!("{pointer}/{key}"), pointers);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_pointers(item, format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

/// Whether everything of `before` is still in `after`, lists in the same order with at most insertions; a null may
/// have become a list or an object.
fn keeps(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Null, Value::Array(_) | Value::Object(_)) => true,
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .all(|(key, value)| after.get(key).is_some_and(|after| keeps(value, after))),
        (Value::Array(before), Value::Array(after)) => {
            let mut rest = after.iter();
            before
                .iter()
                .all(|item| rest.any(|after| keeps(item, after)))
        }
        _ => before == after,
    }
}

#[test]
fn nothing_is_lost_and_twice_is_once() {
    let (accounts, assignments) = (accounts(), assignments());
    let with_container_credentials = Identity {
        assignments: Some(&assignments),
        ..Identity::from(&accounts[0])
    };
    let mut identities: Vec<Identity<'_>> = accounts.iter().map(Identity::from).collect();
    identities.push(with_container_credentials);
    let (settings, pods) = (settings(), pods());
    let mut patched = 0;
    for pod in &pods {
        for identity in identities.iter().copied() {
            for settings in &settings {
                let injection = inject(&Pod::from(pod), identity, settings);
                let text = pod.to_string();
                let read = Pod::from_json(text.as_bytes()).unwrap();
                assert_eq!(inject(&read, identity, settings), injection, "{pod}");
                assert!(
                    injection.patch().is_some() || !injection.notes().is_empty(),
                    "nothing said of {pod}"
                );
                let Injection::Patched(patch) = injection else {
                    continue;
                };
                patched += 1;
                let once = patch.apply(pod).unwrap();
                assert!(keeps(pod, &once), "{pod}\n{once}");
                // Another draw for the same pod changes nothing either.
                let identity = Identity {
                    draw: 7,
                    ..identity
                };
                let twice = inject(&Pod::from(&once), identity, settings);
                assert!(
                    matches!(twice, Injection::Unchanged { .. }),
                    "{once}\n{twice:?}"
                );
            }
        }
    }
    assert!(
        patched > 1000,
        "the samples are injected into only {patched} times"
    );
}

#[test]
fn patch_as_json_is_the_patch() {
    let pod = rich_pod();
    let Injection::Patched(patch) = inject(&Pod::from(&pod), &accounts()[0], &Settings::default())
    else {
        panic!()
    };
    let operations: Vec<Value> = serde_json::from_str(&patch.to_json()).unwrap();
    assert_eq!(operations.len(), patch.operations.len());
    for (json, operation) in operations.iter().zip(&patch.operations) {
        assert_eq!(
            *json,
            json!({"op": "add", "path": operation.path, "value": operation.value()})
        );
    }
}
