//! The AWS CLI with nothing but AWS_CONFIG_FILE, as documents 001 and 003 mount it.

use std::path::{Path, PathBuf};
use std::process::Command;

use podpass_testkit::Cluster;

use crate::stand::{ISSUER_HOST, Stand, both, succeeded};

const OTHER_ACCOUNT: &str = "210987654321";
const TARGET: &str = "arn:aws:iam::210987654321:role/dynamodb-reader";

fn example(path: &str) -> PathBuf {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/chain");
    examples.join(path)
}

/// The roles of both accounts, made from the examples, and the pod's token.
fn roles_and_token(stand: &Stand, cluster: &Cluster) -> PathBuf {
    stand.podpass(&[
        "aws",
        "create-iam-roles",
        "--name",
        "my-namespace-creds",
        "--region",
        "eu-west-1",
        "--credentials-requests-dir",
        example("credrequests").to_str().unwrap(),
        "--identity-provider-arn",
        &format!("arn:aws:iam::123456789012:oidc-provider/{ISSUER_HOST}"),
        "--output-dir",
        "chain",
    ]);
    let (id, secret) = stand.sandbox.admin_key(1);
    let trust = format!("file://{}", example("trust-policy.json").display());
    let mut other_team = stand.sandbox.command(&stand.home, stand.client("aws"));
    other_team
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    other_team.args(["iam", "create-role", "--role-name", "dynamodb-reader"]);
    succeeded(other_team.args(["--assume-role-policy-document", &trust]));
    let mut claims = cluster.claims("my-namespace", "dev-db-reader");
    claims.audiences = vec!["openshift".to_owned()];
    cluster.write(stand.home.path("token"), &claims)
}

/// Writes the content of a config file for a pod whose token is here.
fn mounted(stand: &Stand, content: &str, token: &Path) -> PathBuf {
    let token = token.to_str().unwrap();
    let path = "/var/run/secrets/openshift/serviceaccount/token";
    assert!(content.contains(path), "{content}");
    stand.home.write("config", content.replace(path, token))
}

/// The AWS CLI in the pod.
fn in_pod(stand: &Stand, config: &PathBuf) -> Command {
    let mut command = stand
        .sandbox
        .anonymous_command(&stand.home, stand.client("aws"));
    command.env("AWS_CONFIG_FILE", config);
    command
}

#[test]
fn roles_are_chained_by_code_and_by_a_profile() {
    let Some(stand) = Stand::with(&["--account", "123456789012", "--account", OTHER_ACCOUNT])
    else {
        return;
    };
    let cluster = stand.identity_provider();
    let token = roles_and_token(&stand, &cluster);

    let manifest = stand
        .home
        .path("chain/manifests/my-namespace-dev-dynamodb-reader-credentials.yaml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let secret = manifest
        .lines()
        .skip_while(|line| !line.contains("[default]"));
    let secret: Vec<&str> = secret
        .take_while(|line| line.starts_with("    "))
        .map(str::trim)
        .collect();
    let config = mounted(&stand, &secret.join("\n"), &token);
    let assume = |command: &mut Command| {
        command.args(["sts", "assume-role", "--role-arn", TARGET]);
        command
            .args(["--role-session-name", "my-app", "--duration-seconds", "900"])
            .output()
            .unwrap()
    };
    // The trust policy of the document names a session, which this client calls as the pod says.
    let unnamed = both(&assume(&mut in_pod(&stand, &config)));
    assert!(
        unnamed.contains("AccessDenied") && unnamed.contains("/botocore-session-"),
        "{unnamed}"
    );
    let mut named = in_pod(&stand, &config);
    // What the first try cached is the session of another name.
    named
        .env("AWS_ROLE_SESSION_NAME", "dev-dynamodb-reader")
        .env("HOME", stand.home.path("another-home"));
    let granted = both(&assume(&mut named));
    assert!(
        granted.contains("arn:aws:sts::210987654321:assumed-role/dynamodb-reader/my-app"),
        "{granted}"
    );

    let chained = std::fs::read_to_string(example("config")).unwrap();
    let config = mounted(&stand, &chained, &token);
    let mut command = in_pod(&stand, &config);
    command.env("AWS_PROFILE", "dynamodb-reader");
    let identity = succeeded(command.args(["sts", "get-caller-identity"]));
    let identity: serde_json::Value = serde_json::from_str(&identity).unwrap();
    assert_eq!(identity["Account"], OTHER_ACCOUNT);
    assert_eq!(
        identity["Arn"],
        "arn:aws:sts::210987654321:assumed-role/dynamodb-reader/my-app"
    );
}
