//! Roles that a pod takes on one after the other, and what its sessions are called.

use podpass_inject::{
    Assignments, ContainerCredentials, Identity, Injection, Pod, RoleMap, Settings, inject,
};
use podpass_kinds::{Reason, ServiceAccountView};
use serde_json::{Value, json};

use crate::support::*;

const TARGET: &str = "arn:aws:iam::210987654321:role/target";
const CONFIG_FILE: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount/aws-config";

/// The account with annotations of podpass's own.
fn account_with(annotations: &[(&str, &str)]) -> ServiceAccountView {
    let mut account = account_with_role();
    for (name, value) in annotations {
        let name = format!("podpass.dev/{name}");
        account.annotations.insert(name, (*value).to_owned());
    }
    account
}

fn chained() -> ServiceAccountView {
    account_with(&[("assume-role-chain", TARGET)])
}

fn config() -> String {
    format!(
        "[default]\nrole_arn = {TARGET}\nsource_profile = podpass-0\n\
         [profile podpass-0]\nrole_arn = {ROLE}\nweb_identity_token_file = {TOKEN_FILE}\n"
    )
}

#[test]
fn pod_gets_a_config_file_in_place_of_the_pair() {
    let pod = json!({"spec": {"containers": [{"name": "c"}]}});
    let account = chained();
    let Injection::Patched(patch) = inject(&Pod::from(&pod), &account, &Settings::default()) else {
        panic!()
    };
    let expected = json!([
        {"op": "add", "path": "/metadata", "value": {"annotations": {"podpass.dev/aws-config": config()}}},
        {"op": "add", "path": "/spec/volumes", "value": [{
            "name": "aws-iam-token",
            "projected": {"sources": [
                {"serviceAccountToken": {
                    "audience": "sts.amazonaws.com", "expirationSeconds": 86_400, "path": "token"
                }},
                {"downwardAPI": {"items": [{
                    "path": "aws-config",
                    "fieldRef": {"fieldPath": "metadata.annotations['podpass.dev/aws-config']"}
                }]}}
            ]}
        }]},
        {"op": "add", "path": "/spec/containers/0/env", "value": [
            {"name": "AWS_CONFIG_FILE", "value": CONFIG_FILE},
            {"name": "AWS_SDK_LOAD_CONFIG", "value": "1"}
        ]},
        {"op": "add", "path": "/spec/containers/0/volumeMounts", "value": [
            {"name": "aws-iam-token", "readOnly": true, "mountPath": MOUNT_PATH}
        ]}
    ]);
    assert_eq!(serde_json::to_value(&patch).unwrap(), expected);
    assert_eq!(patch.notes, []);
}

#[test]
fn annotations_and_labels_of_the_pod_stay() {
    for (metadata, path) in [
        (json!({"labels": {"a": "b"}}), "/metadata/annotations"),
        (
            json!({"annotations": {"a": "b"}}),
            "/metadata/annotations/podpass.dev~1aws-config",
        ),
        (
            json!({"annotations": {"a": "b", "podpass.dev/aws-config": "stale"}}),
            "/metadata/annotations/podpass.dev~1aws-config",
        ),
    ] {
        let pod = json!({"metadata": metadata, "spec": {"containers": [{"name": "c"}]}});
        let account = chained();
        let injection = inject(&Pod::from(&pod), &account, &Settings::default());
        assert_eq!(injection.patch().unwrap().operations[0].path, path);
        let (injected, _) = run(&pod, &account, &Settings::default());
        let metadata = &injected["metadata"];
        assert_eq!(
            metadata["annotations"]["podpass.dev/aws-config"],
            config().as_str()
        );
        let kept = [&metadata["labels"]["a"], &metadata["annotations"]["a"]];
        assert!(kept.contains(&&json!("b")), "{metadata}");
        // Twice is once.
        let (again, notes) = run(&injected, &account, &Settings::default());
        assert_eq!(again, injected);
        assert_eq!(reasons(&notes), [Reason::AlreadyInjected]);
    }
}

/// SDKs prefer the pair, and a profile of the user's is not in our file.
#[test]
fn what_a_container_sets_itself_disables_the_chain_in_it() {
    for own in [
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONFIG_FILE",
        "AWS_PROFILE",
    ] {
        let pod = pod_with(json!({"name": "c", "env": [{"name": own, "value": "x"}]}));
        let (injected, notes) = run(&pod, &chained(), &Settings::default());
        let container = &injected["spec"]["containers"][0];
        assert_eq!(env_names(container), [own]);
        assert_eq!(reasons(&notes), [Reason::CredentialsAlreadySet], "{own}");
        assert!(notes[0].message.contains(own), "{}", notes[0]);
    }
    let pod =
        pod_with(json!({"name": "c", "env": [{"name": "AWS_SDK_LOAD_CONFIG", "value": "true"}]}));
    let (injected, notes) = run(&pod, &chained(), &Settings::default());
    assert_eq!(
        env_names(&injected["spec"]["containers"][0]),
        ["AWS_SDK_LOAD_CONFIG", "AWS_CONFIG_FILE"]
    );
    assert_eq!(notes, []);
}

#[test]
fn a_pods_own_volume_of_that_name_has_to_hold_the_file() {
    let token = json!({"serviceAccountToken": {"path": "token"}});
    let file = json!({"downwardAPI": {"items": [{"path": "aws-config", "fieldRef": {}}]}});
    for (sources, lacks) in [
        (json!([file]), Some("service account token")),
        (json!([token]), Some("`aws-config`")),
        (json!([file, token]), None),
    ] {
        let mut pod = pod_with(json!({"name": "c"}));
        pod["spec"]["volumes"] =
            json!([{"name": "aws-iam-token", "projected": {"sources": sources}}]);
        let (_, notes) = run(&pod, &chained(), &Settings::default());
        let message = notes.first().map(|note| note.message.as_str());
        assert_eq!(message.is_some(), lacks.is_some(), "{notes:?}");
        assert!(
            message
                .unwrap_or_default()
                .contains(lacks.unwrap_or_default()),
            "{notes:?}"
        );
    }
}

#[test]
fn what_is_no_role_stays_and_is_noted() {
    let account = account_with(&[("assume-role-chain", "arn:aws:iam::10xxxxxxxx83:role/a")]);
    let (injected, notes) = run(
        &pod_with(json!({"name": "c"})),
        &account,
        &Settings::default(),
    );
    assert_eq!(reasons(&notes), [Reason::ChainInvalid]);
    let config = injected["metadata"]["annotations"]["podpass.dev/aws-config"].as_str();
    assert!(config.unwrap().contains("10xxxxxxxx83"));
    // Nothing is no chain.
    let account = account_with(&[("assume-role-chain", " ,")]);
    let (injected, notes) = run(
        &pod_with(json!({"name": "c"})),
        &account,
        &Settings::default(),
    );
    assert_eq!(
        env_names(&injected["spec"]["containers"][0]),
        ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]
    );
    assert_eq!(notes, []);
}

#[test]
fn container_credentials_are_not_chained() {
    let assignments = Assignments {
        container_credentials: ContainerCredentials::parse(
            r#"{"identities": [{"namespace": "ns", "serviceAccount": "sa"}]}"#,
        )
        .unwrap(),
        roles: RoleMap::default(),
    };
    let account = chained();
    let identity = Identity {
        service_account: &account,
        assignments: Some(&assignments),
        draw: u32::MAX,
    };
    let (injected, notes) = run(
        &pod_with(json!({"name": "c"})),
        identity,
        &Settings::default(),
    );
    assert_eq!(reasons(&notes), [Reason::ChainNeedsWebIdentity]);
    assert_eq!(
        env_names(&injected["spec"]["containers"][0])[0],
        "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    );
}

fn session_name(container: &Value) -> Option<&Value> {
    let env = container["env"].as_array().unwrap();
    env.iter()
        .find(|variable| variable["name"] == "AWS_ROLE_SESSION_NAME")
}

#[test]
fn sessions_are_named_after_pod_or_account() {
    let field = |path: &str| json!({"name": "AWS_ROLE_SESSION_NAME", "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let text = |text: &str| json!({"name": "AWS_ROLE_SESSION_NAME", "value": text});
    let (long, longest) = ("x".repeat(65), "x".repeat(64));
    for (annotation, metadata, expected) in [
        ("uid", json!({}), Some(field("metadata.uid"))),
        ("name", json!({"name": "app-0"}), Some(text("app-0"))),
        (
            "name",
            json!({"generateName": "app-"}),
            Some(field("metadata.name")),
        ),
        ("name", json!({"name": long}), None),
        ("name", json!({"name": longest}), Some(text(&longest))),
        // STS takes no name of one character, and none with others than its own.
        ("name", json!({"name": "a"}), None),
        ("name", json!({"name": "a b"}), None),
        // The API server keeps 58 characters of it.
        (
            "name",
            json!({"generateName": long}),
            Some(field("metadata.name")),
        ),
        (
            "name",
            json!({"name": "app-0", "generateName": "app-"}),
            Some(text("app-0")),
        ),
        ("name", json!({}), None),
        ("serviceaccount", json!({}), Some(text("ns.sa"))),
        ("pod", json!({}), None),
    ] {
        let account = account_with(&[("session-name", annotation)]);
        let pod = json!({"metadata": metadata, "spec": {"containers": [{"name": "c"}]}});
        let (injected, notes) = run(&pod, &account, &Settings::default());
        let container = &injected["spec"]["containers"][0];
        assert_eq!(session_name(container), expected.as_ref(), "{annotation}");
        let noted: &[Reason] = match expected {
            Some(_) => &[],
            None => &[Reason::SessionNameInvalid],
        };
        assert_eq!(reasons(&notes), noted, "{annotation}");
    }
}

#[test]
fn a_service_account_whose_name_does_not_fit_names_no_session() {
    for (length, fits) in [(61, true), (62, false)] {
        let mut account = account_with(&[("session-name", "serviceaccount")]);
        account.name = "s".repeat(length);
        let (injected, notes) = run(
            &pod_with(json!({"name": "c"})),
            &account,
            &Settings::default(),
        );
        let named = session_name(&injected["spec"]["containers"][0]);
        assert_eq!(named.is_some(), fits, "{length}");
        let noted: &[Reason] = if fits {
            &[]
        } else {
            &[Reason::SessionNameInvalid]
        };
        assert_eq!(reasons(&notes), noted);
    }
}

#[test]
fn the_users_session_name_wins_and_the_pods_annotation_over_the_accounts() {
    let account = account_with(&[("session-name", "uid")]);
    let own = json!({"name": "AWS_ROLE_SESSION_NAME", "value": "mine"});
    let pod = pod_with(json!({"name": "c", "env": [own]}));
    let (injected, _) = run(&pod, &account, &Settings::default());
    let container = &injected["spec"]["containers"][0];
    assert_eq!(session_name(container), Some(&own));
    assert_eq!(env_names(container).len(), 3);

    let pod = json!({
        "metadata": {"annotations": {"podpass.dev/session-name": "serviceaccount"}},
        "spec": {"containers": [{"name": "c"}]},
    });
    let (injected, _) = run(&pod, &account, &Settings::default());
    let named = session_name(&injected["spec"]["containers"][0]).unwrap();
    assert_eq!(named["value"], "ns.sa");
}

/// Even in a container that sets all else itself, which the peer would leave without a mount too.
#[test]
fn a_configured_container_still_gets_its_session_name() {
    let account = account_with(&[("session-name", "uid")]);
    let env = ["AWS_ROLE_ARN", "AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS"];
    let env: Vec<Value> = env
        .iter()
        .map(|name| json!({"name": name, "value": "x"}))
        .collect();
    let pod = pod_with(json!({"name": "c", "env": env}));
    let (injected, _) = run(&pod, &account, &Settings::default());
    let container = &injected["spec"]["containers"][0];
    assert!(session_name(container).is_some(), "{container}");
    let (again, _) = run(&injected, &account, &Settings::default());
    assert_eq!(again, injected);
}

#[test]
fn a_named_session_is_named_along_the_chain() {
    let account = account_with(&[
        ("assume-role-chain", TARGET),
        ("session-name", "serviceaccount"),
    ]);
    let (injected, _) = run(
        &pod_with(json!({"name": "c"})),
        &account,
        &Settings::default(),
    );
    let config = injected["metadata"]["annotations"]["podpass.dev/aws-config"]
        .as_str()
        .unwrap();
    assert_eq!(config.matches("role_session_name = ns.sa\n").count(), 2);
    assert!(session_name(&injected["spec"]["containers"][0]).is_some());
}
