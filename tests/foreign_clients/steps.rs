//! Steps of the source documents that the AWS CLI shows against the sandbox. Each name carries the step's id.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::stand::{ACCOUNT, ISSUER_HOST, PODPASS, Stand, both, succeeded};

const LONG: &str = "a-component-with-a-very-long-name-that-exceeds-what-iam-takes";

/// A request for a secret of this name in `app`.
fn request(secret: &str) -> String {
    format!(
        "apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata: {{name: {secret}, namespace: openshift-cloud-credential-operator}}
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec
    statementEntries:
    - {{effect: Allow, action: ['s3:ListAllMyBuckets'], resource: '*'}}
  secretRef: {{name: {secret}, namespace: app}}
  serviceAccountNames: [app]
"
    )
}

/// The AWS CLI's answer as the administrator.
fn answer(stand: &Stand, arguments: &[&str]) -> Value {
    serde_json::from_str(&stand.aws(arguments)).unwrap()
}

/// The text of the config file in a request's secret.
fn secret(stand: &Stand, name: &str) -> String {
    let manifest = format!("out/manifests/app-{name}-credentials.yaml");
    let manifest = fs::read_to_string(stand.home.path(&manifest)).unwrap();
    let lines = manifest
        .lines()
        .skip_while(|line| !line.contains("[default]"))
        .take_while(|line| line.starts_with("    "));
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The role that a request's secret names.
fn role_of(stand: &Stand, name: &str) -> String {
    let secret = secret(stand, name);
    let line = secret.lines().find(|line| line.starts_with("role_arn = "));
    line.unwrap().split("role/").nth(1).unwrap().to_owned()
}

const CREATE_ALL: [&str; 8] = [
    "aws",
    "create-all",
    "--name=irsa-mint",
    "--region=eu-west-1",
    "--credentials-requests-dir",
    "requests",
    "--output-dir",
    "out",
];

#[test]
fn seed_000_09_issuer_and_provider_are_there_for_everyone() {
    let Some(stand) = Stand::new() else { return };
    stand.identity_provider();
    // AWS's name of the bucket, at the sandbox's address.
    let fetch = |path: &str| -> Value {
        let script = format!(
            "import urllib.request as r; print(r.urlopen(r.Request('{}/{path}', headers={{'Host': '{ISSUER_HOST}'}})).read().decode())",
            stand.sandbox.endpoint(),
        );
        let mut command = stand.home.command(stand.client("python"));
        serde_json::from_str(&succeeded(command.args(["-c", &script]))).unwrap()
    };
    let discovery = fetch(".well-known/openid-configuration");
    assert_eq!(discovery["issuer"], format!("https://{ISSUER_HOST}"));
    assert_eq!(
        discovery["jwks_uri"],
        format!("https://{ISSUER_HOST}/keys.json")
    );
    let keys = fetch("keys.json");
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    let providers = answer(&stand, &["iam", "list-open-id-connect-providers"]);
    assert_eq!(
        providers["OpenIDConnectProviderList"],
        json!([{"Arn": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER_HOST}")}])
    );
}

#[test]
fn seed_002_02_the_provider_exists_once_in_the_right_account() {
    let Some(stand) = Stand::with(&["--account", "210987654321", "--account", ACCOUNT]) else {
        return;
    };
    stand.identity_provider();
    stand.podpass(&[
        "aws",
        "create-identity-provider",
        "--output-dir=enabling_irsa",
        "--name=irsa-mint",
        "--region=eu-west-1",
    ]);
    let listed = |index: usize| -> Value {
        let (id, secret) = stand.sandbox.admin_key(index);
        let mut command = stand
            .sandbox
            .anonymous_command(&stand.home, stand.client("aws"));
        command
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        let out = succeeded(command.args(["iam", "list-open-id-connect-providers"]));
        let mut answer: Value = serde_json::from_str(&out).unwrap();
        answer["OpenIDConnectProviderList"].take()
    };
    // The caller's account is the first.
    assert_eq!(
        listed(0),
        json!([{"Arn": format!("arn:aws:iam::210987654321:oidc-provider/{ISSUER_HOST}")}])
    );
    assert_eq!(listed(1), json!([]));
}

#[test]
fn seed_004_03_each_request_gets_a_role_of_its_own_however_long_its_name() {
    let Some(stand) = Stand::new() else { return };
    let (one, two) = (format!("{LONG}-one"), format!("{LONG}-two"));
    let secrets = ["ingress", "registry", &one, &two];
    for secret in secrets {
        stand
            .home
            .write(&format!("requests/{secret}.yaml"), request(secret));
    }
    stand.podpass(&CREATE_ALL);
    let listed = answer(
        &stand,
        &["iam", "list-roles", "--query", "Roles[].RoleName"],
    );
    assert_eq!(listed.as_array().unwrap().len(), secrets.len(), "{listed}");
    let mut roles: Vec<String> = secrets.map(|secret| role_of(&stand, secret)).to_vec();
    assert_eq!(
        roles[..2],
        ["irsa-mint-app-ingress", "irsa-mint-app-registry"]
    );
    for role in &roles {
        assert!(role.len() <= 64, "{role}");
        let of_role = |call| answer(&stand, &["iam", call, "--role-name", role]);
        // Inline policies are the role's own; a managed one could be shared.
        let inline = of_role("list-role-policies");
        assert_eq!(inline["PolicyNames"].as_array().unwrap().len(), 1);
        let attached = of_role("list-attached-role-policies");
        assert_eq!(attached["AttachedPolicies"], json!([]));
    }
    roles.sort();
    roles.dedup();
    assert_eq!(roles.len(), secrets.len(), "{roles:?}");
}

#[test]
fn seed_004_07_the_aws_cli_takes_the_secrets_file_and_lint_the_documents_mistake() {
    let Some(stand) = Stand::new() else { return };
    stand.home.write("requests/app.yaml", request("creds"));
    stand.podpass(&CREATE_ALL);
    let issuer = format!("https://{ISSUER_HOST}");
    let cluster = podpass_testkit::Cluster::with_key_of(&stand.home.path("out"), &issuer);
    let mut claims = cluster.claims("app", "app");
    claims.audiences = vec!["openshift".to_owned()];
    let token = cluster.write(stand.home.path("token"), &claims);
    let content = secret(&stand, "creds");
    let mounted = content.replace(
        "/var/run/secrets/openshift/serviceaccount/token",
        token.to_str().unwrap(),
    );
    assert_ne!(mounted, content, "the secret names the pod's token");
    let config = stand.home.write("config", mounted);
    let mut aws = stand
        .sandbox
        .anonymous_command(&stand.home, stand.client("aws"));
    let identity = succeeded(
        aws.env("AWS_CONFIG_FILE", config)
            .args(["sts", "get-caller-identity"]),
    );
    assert!(
        identity.contains(&format!("assumed-role/{}/", role_of(&stand, "creds"))),
        "{identity}"
    );
    // Document 004 prints `role_name`, which no SDK reads.
    let printed = stand.home.write(
        "printed.ini",
        content.replace("role_arn = ", "role_name = "),
    );
    let linted = stand
        .home
        .command(PODPASS)
        .arg("lint")
        .arg(printed)
        .output()
        .unwrap();
    assert_eq!(linted.status.code(), Some(1));
    assert!(
        both(&linted).contains("error[PROFILE_ROLE_NAME]"),
        "{}",
        both(&linted)
    );
}

#[test]
fn seed_004_09_the_single_commands_make_what_the_one_command_makes() {
    let Some(together) = Stand::new() else { return };
    let Some(apart) = Stand::new() else { return };
    for stand in [&together, &apart] {
        stand.home.write("requests/app.yaml", request("creds"));
    }
    together.podpass(&CREATE_ALL);
    let common = ["--output-dir=out", "--name=irsa-mint", "--region=eu-west-1"];
    apart.podpass(&["aws", "create-key-pair", "--output-dir=out"]);
    apart.podpass(&[&["aws", "create-identity-provider"], &common[..]].concat());
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER_HOST}");
    let roles = [
        "aws",
        "create-iam-roles",
        "--credentials-requests-dir=requests",
        "--identity-provider-arn",
        &provider,
    ];
    apart.podpass(&[&roles[..], &common].concat());
    let [together, apart] = [&together, &apart].map(|stand| {
        let provider = answer(
            stand,
            &[
                "iam",
                "get-open-id-connect-provider",
                "--open-id-connect-provider-arn",
                &provider,
                "--query",
                "[Url, ClientIDList, Tags]",
            ],
        );
        let role = role_of(stand, "creds");
        let named = ["iam", "get-role", "--role-name", &role];
        let query = ["--query", "Role.[Arn, AssumeRolePolicyDocument, Tags]"];
        let policies = ["iam", "list-role-policies", "--role-name", &role];
        let mut files = files_below(&stand.home.path("out"));
        files.sort();
        json!({
            "provider": provider,
            "role": answer(stand, &[&named[..], &query].concat()),
            "policies": answer(stand, &policies),
            "secret": secret(stand, "creds"),
            "bucket": stand.aws(&["s3", "ls", "--recursive", "s3://irsa-mint-oidc"]).lines().count(),
            "files": files,
        })
    });
    assert_eq!(together, apart);
    assert_eq!(together["bucket"], 2);
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}
