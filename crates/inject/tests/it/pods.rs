//! Pods and containers: what is added, where, and what is left alone.

use podpass_inject::{Injection, Pod, Settings, inject};
use podpass_kinds::Reason;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn operations_are_small_and_in_order() {
    let pod = json!({
        "metadata": {"annotations": {}},
        "spec": {
            "initContainers": [{"name": "i", "env": null, "volumeMounts": []}],
            "containers": [{"name": "a", "env": [{"name": "HOME"}]}, {"name": "b"}],
            "volumes": [{"name": "own"}]
        }
    });
    let Injection::Patched(patch) =
        inject(&Pod::from(&pod), &account_with_role(), &Settings::default())
    else {
        panic!()
    };
    let paths: Vec<&str> = patch
        .operations
        .iter()
        .map(|operation| operation.path.as_ref())
        .collect();
    assert_eq!(
        paths,
        [
            "/spec/volumes/0",
            "/spec/containers/0/env/-",
            "/spec/containers/0/env/-",
            "/spec/containers/0/volumeMounts",
            "/spec/containers/1/env",
            "/spec/containers/1/volumeMounts",
            "/spec/initContainers/0/env",
            "/spec/initContainers/0/volumeMounts/-",
        ]
    );
    for absent in [json!({}), json!({"volumes": null})] {
        let mut pod = absent;
        pod["containers"] = json!([{"name": "a"}]);
        let Injection::Patched(patch) = inject(
            &Pod::from(&json!({"spec": pod})),
            &account_with_role(),
            &Settings::default(),
        ) else {
            panic!()
        };
        assert_eq!(patch.operations[0].path, "/spec/volumes");
    }
}

#[test]
fn pairs_are_added_both_or_neither() {
    let both = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    let settings = Settings {
        default_region: Some("eu-west-1".to_owned()),
        sts_regional_endpoints: true,
        ..Settings::default()
    };
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "nothing set",
            &[],
            &[
                "AWS_STS_REGIONAL_ENDPOINTS",
                "AWS_DEFAULT_REGION",
                "AWS_REGION",
                both[0],
                both[1],
            ],
        ),
        (
            "role set",
            &["AWS_ROLE_ARN"],
            &[
                "AWS_STS_REGIONAL_ENDPOINTS",
                "AWS_DEFAULT_REGION",
                "AWS_REGION",
            ],
        ),
        (
            "token file set",
            &["AWS_WEB_IDENTITY_TOKEN_FILE"],
            &[
                "AWS_STS_REGIONAL_ENDPOINTS",
                "AWS_DEFAULT_REGION",
                "AWS_REGION",
            ],
        ),
        (
            "region set",
            &["AWS_REGION"],
            &["AWS_STS_REGIONAL_ENDPOINTS", both[0], both[1]],
        ),
        (
            "default region set",
            &["AWS_DEFAULT_REGION"],
            &["AWS_STS_REGIONAL_ENDPOINTS", both[0], both[1]],
        ),
        (
            "STS set",
            &["AWS_STS_REGIONAL_ENDPOINTS"],
            &["AWS_DEFAULT_REGION", "AWS_REGION", both[0], both[1]],
        ),
        (
            "role and STS set",
            &["AWS_ROLE_ARN", "AWS_STS_REGIONAL_ENDPOINTS"],
            &["AWS_DEFAULT_REGION", "AWS_REGION"],
        ),
        (
            "role and region set",
            &["AWS_ROLE_ARN", "AWS_REGION"],
            &["AWS_STS_REGIONAL_ENDPOINTS"],
        ),
        (
            "lower case is another name",
            &["aws_role_arn", "AWS_REGION"],
            &["AWS_STS_REGIONAL_ENDPOINTS", both[0], both[1]],
        ),
    ];
    for (name, set, added) in cases {
        let env: Vec<Value> = set
            .iter()
            .map(|name| json!({"name": name, "valueFrom": {}}))
            .collect();
        let (pod, _) = run(
            &pod_with(json!({"name": "c", "env": env})),
            &account_with_role(),
            &settings,
        );
        let container = &pod["spec"]["containers"][0];
        assert_eq!(env_names(container), [*set, *added].concat(), "{name}");
        assert_eq!(
            container["volumeMounts"][0]["name"], "aws-iam-token",
            "{name}"
        );
    }
}

#[test]
fn container_with_credentials_region_and_sts_is_left_alone() {
    for (credential, region) in [
        ("AWS_ROLE_ARN", "AWS_REGION"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_DEFAULT_REGION"),
    ] {
        let env =
            json!([{"name": credential}, {"name": region}, {"name": "AWS_STS_REGIONAL_ENDPOINTS"}]);
        let before = pod_with(json!({"name": "c", "env": env}));
        let (after, notes) = run(&before, &account_with_role(), &Settings::default());
        assert_eq!(after["spec"]["containers"], before["spec"]["containers"]);
        assert_eq!(after["spec"]["volumes"][0]["name"], "aws-iam-token");
        assert_eq!(reasons(&notes), [Reason::ContainerAlreadyConfigured]);
        assert_eq!(notes[0].pointer, "/spec/containers/0");
    }
}

#[test]
fn own_credentials_are_noted() {
    let env = json!([{"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::123456789012:role/other"}]);
    let (_, notes) = run(
        &pod_with(json!({"name": "c", "env": env})),
        &account_with_role(),
        &Settings::default(),
    );
    assert_eq!(reasons(&notes), [Reason::CredentialsAlreadySet]);
    let env = json!([{"name": "AWS_ACCESS_KEY_ID", "value": "never shown"}]);
    let (pod, notes) = run(
        &pod_with(json!({"name": "c", "env": env})),
        &account_with_role(),
        &Settings::default(),
    );
    assert_eq!(reasons(&notes), [Reason::ShadowedByStaticKeys]);
    assert!(!notes[0].message.contains("never shown"));
    assert_eq!(env_names(&pod["spec"]["containers"][0]).len(), 3);
}

#[test]
fn env_from_is_not_looked_at() {
    let container = json!({"name": "c", "envFrom": [{"configMapRef": {"name": "AWS_ROLE_ARN"}}]});
    let (pod, _) = run(
        &pod_with(container),
        &account_with_role(),
        &Settings::default(),
    );
    assert_eq!(
        env_names(&pod["spec"]["containers"][0]),
        ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]
    );
}

#[test]
fn skipped_containers_get_nothing_but_the_pod_gets_the_volume() {
    let pod = json!({
        "metadata": {"annotations": {"eks.amazonaws.com/skip-containers": "b, i"}},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]}
    });
    let (after, notes) = run(&pod, &account_with_role(), &Settings::default());
    assert_eq!(env_names(&after["spec"]["containers"][0]).len(), 2);
    assert_eq!(after["spec"]["containers"][1], json!({"name": "b"}));
    assert_eq!(after["spec"]["initContainers"][0], json!({"name": "i"}));
    assert_eq!(
        reasons(&notes),
        [Reason::ContainerSkipped, Reason::ContainerSkipped]
    );
    let pointers: Vec<&str> = notes.iter().map(|note| note.pointer.as_str()).collect();
    assert_eq!(pointers, ["/spec/containers/1", "/spec/initContainers/0"]);

    let mut all = pod.clone();
    all["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"] = json!("a,b,i");
    let (after, _) = run(&all, &account_with_role(), &Settings::default());
    assert_eq!(after["spec"]["containers"], pod["spec"]["containers"]);
    assert_eq!(after["spec"]["volumes"][0]["name"], "aws-iam-token");
}

#[test]
fn another_volume_at_the_mount_path_leaves_the_container_alone() {
    for path in [MOUNT_PATH.to_owned(), format!("{MOUNT_PATH}/")] {
        let taken = json!({"name": "taken", "volumeMounts": [{"name": "own", "mountPath": path}]});
        let pod = json!({"spec": {"containers": [taken.clone(), {"name": "free"}]}});
        let (after, notes) = run(&pod, &account_with_role(), &Settings::default());
        assert_eq!(after["spec"]["containers"][0], taken);
        assert_eq!(env_names(&after["spec"]["containers"][1]).len(), 2);
        assert_eq!(reasons(&notes), [Reason::MountPathTaken]);
        assert!(notes[0].message.contains("`own`"), "{}", notes[0].message);
    }
}

#[test]
fn volume_of_that_name_suppresses_the_addition() {
    let ours = json!({"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}});
    let foreign = json!({"name": "aws-iam-token", "emptyDir": {}});
    for (volume, expected) in [(ours, &[][..]), (foreign, &[Reason::VolumeNameTaken])] {
        let mut pod = pod_with(json!({"name": "c"}));
        pod["spec"]["volumes"] = json!([{"name": "a"}, volume]);
        let (after, notes) = run(&pod, &account_with_role(), &Settings::default());
        assert_eq!(after["spec"]["volumes"], pod["spec"]["volumes"]);
        assert_eq!(reasons(&notes), expected);
        assert_eq!(env_names(&after["spec"]["containers"][0]).len(), 2);
    }
}

#[test]
fn ephemeral_containers_get_nothing() {
    let mut pod = pod_with(json!({"name": "c"}));
    pod["spec"]["ephemeralContainers"] = json!([{"name": "debug"}]);
    let (after, _) = run(&pod, &account_with_role(), &Settings::default());
    assert_eq!(
        after["spec"]["ephemeralContainers"],
        json!([{"name": "debug"}])
    );
}

#[test]
fn injected_pod_needs_nothing_more() {
    let (once, _) = run(
        &pod_with(json!({"name": "c"})),
        &account_with_role(),
        &Settings::default(),
    );
    let Injection::Unchanged { notes } = inject(
        &Pod::from(&once),
        &account_with_role(),
        &Settings::default(),
    ) else {
        panic!()
    };
    assert_eq!(reasons(&notes), [Reason::AlreadyInjected]);
    assert_eq!(once["spec"]["containers"][0]["env"][1]["value"], TOKEN_FILE);
}

#[test]
fn malformed_pods_are_left_for_the_api_server() {
    let cases = [
        ("no object", json!(5), "/spec"),
        ("no spec", json!({}), "/spec"),
        ("spec is null", json!({"spec": null}), "/spec"),
        ("no containers", json!({"spec": {}}), "/spec/containers"),
        (
            "empty containers",
            json!({"spec": {"containers": []}}),
            "/spec/containers",
        ),
        (
            "containers are an object",
            json!({"spec": {"containers": {"name": "c"}}}),
            "/spec/containers",
        ),
        (
            "a container is null",
            json!({"spec": {"containers": [{"name": "c"}, null]}}),
            "/spec/containers/1",
        ),
        (
            "init containers are text",
            json!({"spec": {"containers": [{}], "initContainers": "x"}}),
            "/spec/initContainers",
        ),
        (
            "volumes are an object",
            json!({"spec": {"containers": [{}], "volumes": {}}}),
            "/spec/volumes",
        ),
        (
            "a volume is text",
            json!({"spec": {"containers": [{}], "volumes": ["x"]}}),
            "/spec/volumes/0",
        ),
    ];
    for (name, pod, pointer) in cases {
        let Injection::Unchanged { notes } =
            inject(&Pod::from(&pod), &account_with_role(), &Settings::default())
        else {
            panic!("{name}")
        };
        assert_eq!(reasons(&notes), [Reason::PodMalformed], "{name}");
        assert_eq!(notes[0].pointer, pointer, "{name}");
    }
    for (name, container, pointer) in [
        (
            "env is an object",
            json!({"env": {}}),
            "/spec/containers/0/env",
        ),
        (
            "a variable is null",
            json!({"env": [null]}),
            "/spec/containers/0/env/0",
        ),
        (
            "mounts are text",
            json!({"volumeMounts": "x"}),
            "/spec/containers/0/volumeMounts",
        ),
    ] {
        let (after, notes) = run(
            &pod_with(container.clone()),
            &account_with_role(),
            &Settings::default(),
        );
        assert_eq!(after["spec"]["containers"][0], container, "{name}");
        assert_eq!(reasons(&notes), [Reason::PodMalformed], "{name}");
        assert_eq!(notes[0].pointer, pointer, "{name}");
    }
    let mut pod = pod_with(json!({"name": "c"}));
    pod["metadata"] = json!({"annotations": {"eks.amazonaws.com/token-expiration": 700}});
    let (after, notes) = run(&pod, &account_with_role(), &Settings::default());
    assert_eq!(reasons(&notes), [Reason::PodMalformed]);
    assert_eq!(projection(&after)["expirationSeconds"], 86_400);
}
