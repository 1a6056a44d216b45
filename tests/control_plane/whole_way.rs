//! The parts together: kube-apiserver signs with the key of `create-all`, the sandbox verifies what it signed.

use std::fs;
use std::process::Output;

use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::Api;
use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, Home, PodRunner, SandboxProcess,
    control_plane_programs,
};
use serde_json::{Value, json};

use crate::create;

const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");
const ROLE: &str = "arn:aws:iam::123456789012:role/prod-app-creds";
const MOUNT: &str = "/var/run/secrets/openshift/serviceaccount";

const REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata: {name: app, namespace: openshift-cloud-credential-operator}
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec
    statementEntries:
    - {effect: Allow, action: ['s3:GetObject'], resource: '*'}
  secretRef: {name: creds, namespace: app}
  serviceAccountNames: [app]
";

#[tokio::test]
async fn a_pods_own_token_opens_its_role_and_anothers_does_not() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    home.write("requests/app.yaml", REQUEST);
    let created = sandbox
        .command(&home, PODPASS)
        .args([
            "aws",
            "create-all",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
        ])
        .args([
            "--credentials-requests-dir",
            "requests",
            "--output-dir",
            "out",
        ])
        .output()
        .unwrap();
    assert!(created.status.success(), "{created:?}");

    let options = ControlPlaneOptions {
        api_server: ApiServerOptions {
            issuers: vec!["https://prod-oidc.s3.eu-west-1.amazonaws.com".to_owned()],
            signing_key: Some(home.path("out/serviceaccount-signer.private")),
            ..ApiServerOptions::default()
        },
        ..ControlPlaneOptions::default()
    };
    let control_plane = ControlPlane::start(&programs, &options).await;
    let namespaces: Api<Namespace> = Api::all(control_plane.admin());
    create(&namespaces, json!({"metadata": {"name": "app"}})).await;

    let assumed = assume_as(&control_plane, &sandbox, "app").await;
    assert!(assumed.status.success(), "{assumed:?}");
    let session: Value = serde_json::from_slice(&assumed.stdout).unwrap();
    let role = session["AssumedRoleUser"]["Arn"].as_str().unwrap();
    assert!(
        role.starts_with("arn:aws:sts::123456789012:assumed-role/prod-app-creds/"),
        "{role}"
    );

    let refused = assume_as(&control_plane, &sandbox, "other").await;
    // The README: 3 is not authorised.
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("AccessDenied"), "{why}");
}

/// What `podpass token assume` says in a pod of the service account.
async fn assume_as(
    control_plane: &ControlPlane,
    sandbox: &SandboxProcess,
    account: &str,
) -> Output {
    let accounts: Api<ServiceAccount> = Api::namespaced(control_plane.admin(), "app");
    create(&accounts, json!({"metadata": {"name": account}})).await;
    let pods: Api<Pod> = Api::namespaced(control_plane.admin(), "app");
    let pod = json!({
        "metadata": {"name": format!("{account}-1")},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": false,
            "containers": [{
                "name": "main",
                "image": "main:1",
                "volumeMounts": [{"name": "bound-sa-token", "mountPath": MOUNT}],
            }],
            "volumes": [{"name": "bound-sa-token", "projected": {"sources": [
                {"serviceAccountToken": {"audience": "openshift", "path": "token"}},
            ]}}],
        },
    });
    let pod = create(&pods, pod).await;
    let runner = PodRunner::start(&control_plane.admin(), &pod, "main").await;
    let token = runner.path(&format!("{MOUNT}/token"));
    assert!(fs::metadata(&token).is_ok());
    runner
        .command(PODPASS)
        .args(["token", "assume", "--role-arn", ROLE, "--token-file"])
        .arg(token)
        .args([
            "--region",
            "eu-west-1",
            "--endpoint-url",
            sandbox.endpoint(),
        ])
        .output()
        .unwrap()
}
