//! Container credentials (EKS Pod Identity): what a pod gets, and what is left alone.
//!
//! Expectations are the peer's recorded behaviour: order of variables and operations, label, jitter.

use podpass_inject::{
    Assignments, ContainerCredentials, ContainerCredentialsSettings, Identity, Injection, Pod,
    RoleMap, Settings, inject,
};
use podpass_kinds::{Reason, ServiceAccountView};
use serde_json::{Value, json};

use crate::support::*;

const FILE: &str = r#"{"identities": [{"namespace": "ns", "serviceAccount": "sa"}]}"#;
const OWN_MOUNT_PATH: &str = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount";

fn assignments() -> Assignments {
    Assignments {
        container_credentials: ContainerCredentials::parse(FILE).unwrap(),
        roles: RoleMap::default(),
    }
}

fn identity<'a>(account: &'a ServiceAccountView, assignments: &'a Assignments) -> Identity<'a> {
    Identity {
        service_account: account,
        assignments: Some(assignments),
        draw: u32::MAX,
    }
}

#[test]
fn pod_gets_label_volume_and_variables_in_the_peers_order() {
    let (account, assignments) = (account_with_role(), assignments());
    let settings = Settings {
        default_region: Some("eu-west-1".to_owned()),
        sts_regional_endpoints: true,
        ..Settings::default()
    };
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "c"}]}});
    let Injection::Patched(patch) = inject(
        &Pod::from(&pod),
        identity(&account, &assignments),
        &settings,
    ) else {
        panic!()
    };
    let expected = json!([
        {"op": "add", "path": "/metadata/labels", "value": {"eks.amazonaws.com/pod-identity": "enabled"}},
        {"op": "add", "path": "/spec/volumes", "value": [{
            "name": "eks-pod-identity-token",
            "projected": {"sources": [{"serviceAccountToken": {
                "audience": "pods.eks.amazonaws.com", "expirationSeconds": 86_400, "path": "eks-pod-identity-token"
            }}]}
        }]},
        {"op": "add", "path": "/spec/containers/0/env", "value": [
            {"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"},
            {"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"},
            {"name": "AWS_REGION", "value": "eu-west-1"},
            {"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"},
            {"name": "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "value": format!("{OWN_MOUNT_PATH}/eks-pod-identity-token")}
        ]},
        {"op": "add", "path": "/spec/containers/0/volumeMounts", "value": [
            {"name": "eks-pod-identity-token", "readOnly": true, "mountPath": OWN_MOUNT_PATH}
        ]}
    ]);
    assert_eq!(serde_json::to_value(&patch).unwrap(), expected);
}

#[test]
fn settings_name_audience_paths_volume_and_endpoint() {
    let (account, assignments) = (account(&[]), assignments());
    let settings = Settings {
        container_credentials: ContainerCredentialsSettings {
            audience: String::new(),
            token_mount_path: "/x//y/".to_owned(),
            token_volume_name: "v".to_owned(),
            token_path: "t".to_owned(),
            full_uri: "http://[fd00:ec2::23]/v1/credentials".to_owned(),
        },
        ..Settings::default()
    };
    let (pod, _) = run(
        &pod_with(json!({"name": "c"})),
        identity(&account, &assignments),
        &settings,
    );
    let token = json!({"expirationSeconds": 86_400, "path": "t"});
    assert_eq!(projection(&pod), token);
    let container = &pod["spec"]["containers"][0];
    assert_eq!(
        container["volumeMounts"][0],
        json!({"name": "v", "readOnly": true, "mountPath": "/x//y/"})
    );
    assert_eq!(
        container["env"][0]["value"],
        "http://[fd00:ec2::23]/v1/credentials"
    );
    assert_eq!(container["env"][1]["value"], "/x/y/t");
}

#[test]
fn label_is_set_whatever_the_labels_are() {
    let (account, assignments) = (account(&[]), assignments());
    let run = |metadata: Option<Value>| {
        let mut pod = pod_with(json!({"name": "c"}));
        if let Some(metadata) = metadata {
            pod["metadata"] = metadata;
        }
        run(&pod, identity(&account, &assignments), &Settings::default())
    };
    let enabled = json!({"eks.amazonaws.com/pod-identity": "enabled"});
    for metadata in [
        None,
        Some(json!(null)),
        Some(json!({})),
        Some(json!({"labels": null})),
        Some(json!({"labels": {}})),
        Some(json!({"labels": {"eks.amazonaws.com/pod-identity": "disabled"}})),
        Some(json!({"labels": enabled})),
    ] {
        let (pod, notes) = run(metadata);
        assert_eq!(pod["metadata"]["labels"], enabled);
        assert_eq!(reasons(&notes), []);
    }
    let (pod, _) = run(Some(json!({"labels": {"app": "a"}})));
    assert_eq!(pod["metadata"]["labels"]["app"], "a");
    for (metadata, pointer) in [
        (json!("x"), "/metadata"),
        (json!({"labels": []}), "/metadata/labels"),
    ] {
        let (pod, notes) = run(Some(metadata.clone()));
        assert_eq!(pod["metadata"], metadata);
        assert_eq!(
            (notes[0].reason, notes[0].pointer.as_str()),
            (Reason::PodMalformed, pointer)
        );
    }
}

#[test]
fn own_variables_of_the_pair_are_kept() {
    let (account, assignments) = (account(&[]), assignments());
    for name in [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ] {
        let container = json!({"name": "c", "env": [{"name": name, "value": "own"}]});
        let (pod, notes) = run(
            &pod_with(container.clone()),
            identity(&account, &assignments),
            &Settings::default(),
        );
        assert_eq!(pod["spec"]["containers"][0]["env"], container["env"]);
        assert_eq!(
            pod["spec"]["containers"][0]["volumeMounts"][0]["name"],
            "eks-pod-identity-token"
        );
        assert_eq!(reasons(&notes), [Reason::CredentialsAlreadySet], "{name}");
    }
    let all = json!({"name": "c", "env": [
        {"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI"}, {"name": "AWS_REGION"}, {"name": "AWS_STS_REGIONAL_ENDPOINTS"}
    ]});
    let (pod, notes) = run(
        &pod_with(all.clone()),
        identity(&account, &assignments),
        &Settings::default(),
    );
    assert_eq!(pod["spec"]["containers"][0], all);
    assert_eq!(reasons(&notes), [Reason::ContainerAlreadyConfigured]);
}

#[test]
fn variables_that_sdks_prefer_are_kept_and_noted() {
    let (account, assignments) = (account(&[]), assignments());
    for (name, reason) in [
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            Reason::ContainerCredentialsShadowed,
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            Reason::ContainerCredentialsShadowed,
        ),
        ("AWS_ACCESS_KEY_ID", Reason::ShadowedByStaticKeys),
    ] {
        let container = json!({"name": "c", "env": [{"name": name, "value": "x"}]});
        let (pod, notes) = run(
            &pod_with(container),
            identity(&account, &assignments),
            &Settings::default(),
        );
        let env = env_names(&pod["spec"]["containers"][0]);
        assert_eq!(
            env,
            [
                name,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
            ]
        );
        assert_eq!(reasons(&notes), [reason], "{name}");
    }
}

#[test]
fn lifetime_of_exactly_a_day_is_spread() {
    let (account, assignments) = (account(&[]), assignments());
    let with_draw = |draw, pod: &Value| {
        let identity = Identity {
            draw,
            ..identity(&account, &assignments)
        };
        projection(&run(pod, identity, &Settings::default()).0)["expirationSeconds"].clone()
    };
    let mut pod = pod_with(json!({"name": "c"}));
    assert_eq!(with_draw(0, &pod), 79_200);
    assert_eq!(with_draw(u32::MAX, &pod), 86_400);
    for (annotation, expected) in [("86400", 79_200), ("86399", 86_399), ("5", 600)] {
        pod["metadata"] =
            json!({"annotations": {"eks.amazonaws.com/token-expiration": annotation}});
        assert_eq!(with_draw(0, &pod), expected, "{annotation}");
    }
    // Never with a role.
    let role = account_with_role();
    let identity = Identity {
        draw: 0,
        ..Identity::from(&role)
    };
    let (pod, _) = run(
        &pod_with(json!({"name": "c"})),
        identity,
        &Settings::default(),
    );
    assert_eq!(projection(&pod)["expirationSeconds"], 86_400);
}

#[test]
fn windows_path_is_told_in_its_words() {
    let (account, assignments) = (account(&[]), assignments());
    let mut pod = pod_with(json!({"name": "c"}));
    pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
    let (pod, _) = run(&pod, identity(&account, &assignments), &Settings::default());
    let container = &pod["spec"]["containers"][0];
    assert_eq!(
        container["env"][1]["value"],
        r"C:\var\run\secrets\pods.eks.amazonaws.com\serviceaccount\eks-pod-identity-token"
    );
    assert_eq!(container["volumeMounts"][0]["mountPath"], OWN_MOUNT_PATH);
}

#[test]
fn sts_and_lifetime_come_from_annotations_then_the_config_map_then_settings() {
    let roles = RoleMap::parse(
        r#"{"ns/sa": {"RoleARN": "unused", "Audience": "unused", "UseRegionalSTS": true, "TokenExpiration": 5000},
            "*/sa": {"RoleARN": "unused", "TokenExpiration": 7000}}"#,
    )
    .unwrap();
    let mut assignments = assignments();
    assignments.roles = roles;
    let settings = Settings {
        token_expiration: 4000,
        ..Settings::default()
    };
    let outcome = |account: &ServiceAccountView, assignments: &Assignments| {
        let (pod, _) = run(
            &pod_with(json!({"name": "c"})),
            identity(account, assignments),
            &settings,
        );
        let first = pod["spec"]["containers"][0]["env"][0]["name"].clone();
        (
            projection(&pod)["expirationSeconds"].as_i64().unwrap(),
            first == "AWS_STS_REGIONAL_ENDPOINTS",
        )
    };
    assert_eq!(outcome(&account(&[]), &assignments), (5000, true));
    let annotated = account(&[
        ("token-expiration", "900"),
        ("sts-regional-endpoints", "false"),
    ]);
    assert_eq!(outcome(&annotated, &assignments), (900, false));
    // The entry for any namespace is not consulted, as by the peer.
    assignments.roles =
        RoleMap::parse(r#"{"*/sa": {"RoleARN": "unused", "TokenExpiration": 7000}}"#).unwrap();
    assert_eq!(outcome(&account(&[]), &assignments), (4000, false));
}
