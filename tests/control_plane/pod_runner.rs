//! The container's side of an admitted pod: files, environment, and tokens that are replaced in time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{Api, DeleteParams};
use podpass_testkit::{PodRunner, SharedControlPlane, control_plane_programs, eventually};
use podpass_token::{Jwt, Token};
use serde_json::{Map, Value, json};

use crate::create;

const MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
const ROLE: &str = "arn:aws:iam::123456789012:role/irsa-s3";

/// A pod as the webhook leaves it, with objects of other kinds beside the token.
async fn admitted(shared: &SharedControlPlane, namespace: &str) -> Pod {
    let secrets: Api<Secret> = Api::namespaced(shared.admin(), namespace);
    let secret =
        json!({"metadata": {"name": "database"}, "stringData": {"password": "opensesame"}});
    create(&secrets, secret).await;
    let maps: Api<ConfigMap> = Api::namespaced(shared.admin(), namespace);
    let map = json!({"metadata": {"name": "settings"}, "data": {"level": "debug", "other": "x"}});
    create(&maps, map).await;
    let pods: Api<Pod> = Api::namespaced(shared.admin(), namespace);
    let pod = json!({
        "metadata": {"name": "aws-irsa"},
        "spec": {
            "containers": [{
                "name": "main",
                "image": "main:1",
                "env": [
                    {"name": "AWS_ROLE_ARN", "value": ROLE},
                    {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": format!("{MOUNT}/token")},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef":
                        {"name": "database", "key": "password"}}},
                    {"name": "ABSENT", "valueFrom": {"secretKeyRef":
                        {"name": "database", "key": "user", "optional": true}}},
                ],
                "volumeMounts": [
                    {"name": "aws-iam-token", "mountPath": MOUNT, "readOnly": true},
                    {"name": "settings", "mountPath": "/etc/settings/"},
                ],
            }],
            "volumes": [
                {"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": {
                    "audience": "sts.amazonaws.com", "expirationSeconds": 600, "path": "token",
                }}]}},
                {"name": "settings", "configMap": {
                    "name": "settings", "items": [{"key": "level", "path": "log/level"}],
                }},
            ],
        },
    });
    create(&pods, pod).await
}

#[tokio::test]
async fn a_process_sees_the_containers_files_and_variables_and_no_others() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("runner").await;
    let pod = admitted(&shared, &namespace).await;
    let runner = PodRunner::start(&shared.admin(), &pod, "main").await;

    let printed = output(&mut runner.command("/usr/bin/env"));
    let mut seen: BTreeMap<&str, &str> = printed
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .collect();
    let home = seen.remove("HOME").unwrap();
    assert_eq!(fs::read_dir(home).unwrap().count(), 0);
    let token_file = seen.remove("AWS_WEB_IDENTITY_TOKEN_FILE").unwrap();
    assert_eq!(
        Path::new(token_file),
        runner.path(&format!("{MOUNT}/token"))
    );
    let expected = BTreeMap::from([
        ("AWS_ROLE_ARN", ROLE),
        ("HOSTNAME", "aws-irsa"),
        ("PASSWORD", "opensesame"),
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("POD", "aws-irsa"),
    ]);
    assert_eq!(seen, expected);

    let script = r#"cat "$AWS_WEB_IDENTITY_TOKEN_FILE""#;
    let token = output(runner.command("/bin/sh").args(["-c", script]));
    let claims = claims(&token);
    assert_eq!(claims["aud"], json!(["sts.amazonaws.com"]));
    assert_eq!(
        claims["sub"],
        format!("system:serviceaccount:{namespace}:default")
    );
    let bound = &claims["kubernetes.io"]["pod"];
    assert_eq!(*bound, json!({"name": "aws-irsa", "uid": pod.metadata.uid}));
    assert_eq!(seconds(&claims, "exp") - seconds(&claims, "iat"), 600);

    let level = fs::read_to_string(runner.path("/etc/settings/log/level"));
    assert_eq!(level.unwrap(), "debug");
    assert!(!runner.path("/etc/settings/other").exists());

    let folder = runner.path(MOUNT);
    drop(runner);
    assert!(!folder.exists());
}

#[tokio::test]
async fn plays_the_volume_that_every_pod_has() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("runner-api").await;
    let pod = admitted(&shared, &namespace).await;
    // kube-apiserver has mounted it: the API's own token, CA and namespace.
    let runner = PodRunner::start(&shared.admin(), &pod, "main").await;
    let mount = "/var/run/secrets/kubernetes.io/serviceaccount";
    let read = |name: &str| fs::read_to_string(runner.path(&format!("{mount}/{name}"))).unwrap();
    assert_eq!(read("namespace"), namespace);
    let ca = fs::read_to_string(shared.api().ca_file()).unwrap();
    assert_eq!(read("ca.crt"), ca);
    // No audience means the API server's own.
    let claims = claims(&read("token"));
    assert_eq!(claims["aud"], json!(["https://kubernetes.default.svc"]));
    assert_eq!(
        claims["kubernetes.io"]["pod"]["uid"],
        json!(pod.metadata.uid)
    );
}

#[tokio::test]
async fn replaces_a_token_in_time_and_on_demand() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("runner-refresh").await;
    let pod = admitted(&shared, &namespace).await;

    let runner = PodRunner::start(&shared.admin(), &pod, "main").await;
    let read =
        |runner: &PodRunner| fs::read_to_string(runner.path(&format!("{MOUNT}/token"))).unwrap();
    let first = read(&runner);
    let data = fs::read_link(runner.path(&format!("{MOUNT}/..data"))).unwrap();
    runner.refresh().await.unwrap();
    assert_ne!(read(&runner), first);
    assert_ne!(
        fs::read_link(runner.path(&format!("{MOUNT}/..data"))).unwrap(),
        data
    );

    // Six tenths of a second of a token's ten minutes.
    let runner = PodRunner::refreshing_at(&shared.admin(), &pod, "main", 0.001).await;
    let mut tokens = vec![read(&runner)];
    for _ in 0..2 {
        let next = eventually(
            "there is a new token",
            Duration::from_secs(20),
            async || {
                let token = read(&runner);
                (Some(&token) != tokens.last()).then_some(token)
            },
        )
        .await;
        tokens.push(next);
    }
    for token in &tokens {
        assert_eq!(
            claims(token)["kubernetes.io"]["pod"]["uid"],
            json!(pod.metadata.uid)
        );
    }
}

#[tokio::test]
async fn a_token_ends_with_its_pod() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("runner-gone").await;
    let pod = admitted(&shared, &namespace).await;
    let runner = PodRunner::start(&shared.admin(), &pod, "main").await;
    let pods: Api<Pod> = Api::namespaced(shared.admin(), &namespace);
    pods.delete("aws-irsa", &DeleteParams::default())
        .await
        .unwrap();
    eventually("the pod is gone", crate::PATIENCE, async || {
        pods.get_opt("aws-irsa")
            .await
            .unwrap()
            .is_none()
            .then_some(())
    })
    .await;
    // TokenRequest refuses the pod's uid, and the old token stays, as with the kubelet.
    let before = fs::read(runner.path(&format!("{MOUNT}/token"))).unwrap();
    assert!(runner.refresh().await.is_err());
    assert_eq!(
        fs::read(runner.path(&format!("{MOUNT}/token"))).unwrap(),
        before
    );
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn claims(token: &str) -> Map<String, Value> {
    let jwt = Jwt::decode(&Token::new(token.to_owned())).unwrap();
    jwt.claims().clone()
}

fn seconds(claims: &Map<String, Value>, name: &str) -> i64 {
    claims[name].as_i64().unwrap()
}
