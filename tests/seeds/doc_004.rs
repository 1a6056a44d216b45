//! Document 004: the product documentation of manual mode with STS.

use std::collections::BTreeSet;

use podpass_testkit::PodRunner;
use serde_json::Value;

use crate::requests::{self, aws_request};
use crate::stand::{SERVICE_ACCOUNT, Stand};

fn create_roles(stand: &Stand) -> String {
    format!(
        "ccoctl aws create-iam-roles --name=prod --region=eu-west-1 --credentials-requests-dir=credrequests \
         --identity-provider-arn={} --output-dir=out",
        stand.provider
    )
}

#[test]
fn seed_004_03_each_request_has_a_role_of_its_own() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    // ccoctl cuts names at 64 characters, after which these would be one.
    let long = "component-with-a-name-that-is-long-enough-to-be-cut-at-its-end";
    let names = ["ingress", "registry"].map(str::to_owned);
    let long_names = ["one", "two"].map(|end| format!("{long}-{end}"));
    for name in names.iter().chain(&long_names) {
        stand
            .home
            .write(&format!("credrequests/{name}.yaml"), aws_request(name));
    }
    stand.shell(&create_roles(&stand)).succeeded();
    let roles = requests::roles(&stand, "prod-");
    assert_eq!(roles.len(), 4, "{roles:?}");
    assert!(roles.iter().all(|role| role.len() <= 64), "{roles:?}");
    let mut policies = BTreeSet::new();
    for role in &roles {
        let attached = stand
            .shell(&format!(
                "aws iam list-attached-role-policies --role-name {role}"
            ))
            .succeeded_json();
        assert_eq!(attached["AttachedPolicies"], serde_json::json!([]));
        let names = stand
            .shell(&format!("aws iam list-role-policies --role-name {role}"))
            .succeeded_json();
        let name = names["PolicyNames"][0].as_str().unwrap();
        let policy = stand
            .shell(&format!(
                "aws iam get-role-policy --role-name {role} --policy-name {name}"
            ))
            .succeeded_json();
        policies.insert(policy["PolicyDocument"]["Statement"][0]["Action"].to_string());
    }
    assert_eq!(policies.len(), 4, "{policies:?}");
}

/// A component's pod with a token as OpenShift's operators mount it, after `create-iam-roles` and its secret.
async fn component(stand: &Stand) -> PodRunner {
    let namespace = &stand.namespace;
    let request =
        aws_request("component").replace("namespace: app", &format!("namespace: {namespace}"));
    stand.home.write("credrequests/component.yaml", request);
    stand
        .shell(&format!(
            "{}
             oc apply -f out/manifests/
             oc create sa component --namespace {namespace}",
            create_roles(stand)
        ))
        .succeeded();
    let pod = format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: component, namespace: {namespace}}}
spec:
  serviceAccountName: component
  containers:
  - name: main
    image: component:1
    env:
    - {{name: AWS_CONFIG_FILE, value: /var/run/secrets/cloud/credentials}}
    - {{name: AWS_REGION, value: eu-west-1}}
    volumeMounts:
    - {{name: cloud, mountPath: /var/run/secrets/cloud}}
    - {{name: bound-sa-token, mountPath: {SERVICE_ACCOUNT}}}
  volumes:
  - name: cloud
    secret: {{secretName: component}}
  - name: bound-sa-token
    projected:
      sources:
      - serviceAccountToken: {{audience: openshift, expirationSeconds: 3600, path: token}}
"
    );
    stand.play(&pod, "main").await
}

/// The manifest asks for the hour, and the test replaces the token: what is shown is that the SDK goes on.
#[tokio::test]
async fn partly_004_05_tokens_live_an_hour_and_are_replaced() {
    let Some(stand) = Stand::on_shared("component").await else {
        return;
    };
    let runner = component(&stand).await;
    let decoded = || -> Value {
        stand
            .in_pod(
                &runner,
                "podpass token decode -o json /var/run/secrets/openshift/serviceaccount/token",
            )
            .succeeded_json()
    };
    let first = decoded();
    let claim = |decoded: &Value, name: &str| decoded["claims"][name].as_i64().unwrap();
    assert_eq!(claim(&first, "exp") - claim(&first, "iat"), 3600);
    // What the kubelet does when four fifths of the hour are over.
    runner.refresh().await.unwrap();
    let second = decoded();
    assert_eq!(claim(&second, "exp") - claim(&second, "iat"), 3600);
    assert_ne!(first["claims"]["jti"], second["claims"]["jti"]);
    stand
        .in_pod(&runner, "aws sts get-caller-identity")
        .succeeded();
}

#[tokio::test]
async fn seed_004_07_aws_cli_takes_the_secret_and_role_name_is_found() {
    let Some(stand) = Stand::on_shared("component").await else {
        return;
    };
    let runner = component(&stand).await;
    let identity = stand.in_pod(&runner, "aws sts get-caller-identity");
    identity.said(&[&format!(
        "arn:aws:sts::123456789012:assumed-role/prod-{}-component/",
        stand.namespace
    )]);

    // The secret as the document prints it, with its placeholders filled in.
    stand.home.write(
        "printed.yaml",
        "apiVersion: v1
kind: Secret
metadata:
  namespace: app
  name: component
stringData:
  credentials: |-
    [default]
    sts_regional_endpoints = regional
    role_name: prod-app-component
    web_identity_token_file: /var/run/secrets/openshift/serviceaccount/token
",
    );
    stand.shell("podpass lint printed.yaml").ended(
        1,
        &[
            "printed.yaml:10:5: error[PROFILE_ROLE_NAME]",
            "expected role_arn",
        ],
    );
}

#[test]
fn seed_004_08_secret_names_the_conventional_path_or_the_requests_own() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand
        .home
        .write("credrequests/usual.yaml", aws_request("usual"));
    let own = aws_request("own") + "  cloudTokenPath: /var/run/secrets/own/token\n";
    stand.home.write("credrequests/own.yaml", own);
    stand.shell(&create_roles(&stand)).succeeded();
    let path = |request: &str| {
        let printed = stand.shell(&format!(
            "sed -n 's/^ *web_identity_token_file = //p' out/manifests/app-{request}-credentials.yaml"
        ));
        printed.succeeded().trim_end().to_owned()
    };
    assert_eq!(
        path("usual"),
        "/var/run/secrets/openshift/serviceaccount/token"
    );
    assert_eq!(path("own"), "/var/run/secrets/own/token");
}

#[test]
fn seed_004_09_resources_are_made_one_by_one_or_at_once() {
    let Some(mut stand) = Stand::without_cluster() else {
        return;
    };
    requests::write_five(&stand);
    let made = |stand: &Stand, name: &str| {
        let objects = stand
            .shell(&format!(
                "aws s3 ls --recursive s3://{name}-oidc | awk '{{print $4}}'"
            ))
            .succeeded()
            .to_owned();
        let provider = stand
            .shell(&format!(
                "aws iam get-open-id-connect-provider --open-id-connect-provider-arn \
                 arn:aws:iam::123456789012:oidc-provider/{name}-oidc.s3.eu-west-1.amazonaws.com"
            ))
            .succeeded_json();
        let files = stand
            .shell(&format!("cd {name} && find . -type f | sort"))
            .succeeded()
            .to_owned();
        let roles: Vec<String> = requests::roles(stand, name)
            .iter()
            .map(|role| role.replace(name, "NAME"))
            .collect();
        (objects, provider["ClientIDList"].clone(), files, roles)
    };
    stand.provider =
        "arn:aws:iam::123456789012:oidc-provider/single-oidc.s3.eu-west-1.amazonaws.com".to_owned();
    for line in [
        "ccoctl aws create-key-pair --output-dir=single".to_owned(),
        "ccoctl aws create-identity-provider --name=single --region=eu-west-1 --output-dir=single \
         --public-key-file=single/serviceaccount-signer.public"
            .to_owned(),
        create_roles(&stand)
            .replace("--name=prod", "--name=single")
            .replace("--output-dir=out", "--output-dir=single"),
    ] {
        stand.shell(&line).succeeded();
    }
    stand
        .shell(
            "ccoctl aws create-all --name=whole --region=eu-west-1 --credentials-requests-dir=credrequests \
             --output-dir=whole",
        )
        .succeeded();
    let single = made(&stand, "single");
    assert_eq!(single.3.len(), 5, "{single:?}");
    assert!(single.0.contains("keys.json"), "{single:?}");
    assert_eq!(single, made(&stand, "whole"));
}

#[test]
fn seed_004_13_a_directory_of_requests_is_enough_offline() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    requests::write_five(&stand);
    let line = create_roles(&stand) + " --dry-run";
    // Nothing can be reached from here, and nobody is logged in.
    let mut offline = stand.anonymous(&line);
    offline
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env_remove("KUBECONFIG");
    podpass_testkit::run(&mut offline).succeeded();
    let written = stand
        .shell("ls out | grep -c role.json; ls out/manifests | wc -l")
        .succeeded()
        .to_owned();
    assert_eq!(written.split_whitespace().collect::<Vec<_>>(), ["5", "5"]);
}

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let lines = help
        .lines()
        .skip_while(|line| !matches!(*line, "Commands:" | "Available Commands:"));
    lines
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A description that goes on in the next line is indented further.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

#[test]
fn seed_004_17_every_command_has_help() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    for program in ["podpass", "ccoctl"] {
        let mut open = vec![program.to_owned()];
        let mut seen = 0;
        while let Some(command) = open.pop() {
            let help = stand.shell(&format!("{command} --help"));
            seen += 1;
            let subcommands = listed(help.succeeded());
            open.extend(
                subcommands
                    .iter()
                    .filter(|name| *name != "help")
                    .map(|name| format!("{command} {name}")),
            );
        }
        assert!(seen > 5, "{program} has {seen} commands");
    }
}
