//! `podpass sandbox start --imds-listen --node-role` and `sandbox env --node`.

use std::process::Command;

use podpass_testkit::{Home, SandboxProcess, foreign_clients};
use serde_json::Value;

use crate::stand::{PODPASS, create_role, run};

const START: [&str; 4] = ["--imds-listen", "127.0.0.1:0", "--node-role", "worker"];
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn the_printed_variables_make_a_client_the_node() {
    let Some(clients) = foreign_clients() else {
        return;
    };
    let home = Home::new();
    let proxied = ["--proxy-listen", "127.0.0.1:0", "--ca-out", "ca.pem"];
    let arguments = [START, proxied].concat();
    let sandbox = SandboxProcess::start(PODPASS, &home, &arguments);
    create_role(&sandbox, "worker", TRUST);
    let bin = std::path::Path::new(PODPASS).parent().unwrap();
    let call = |options: &str| -> Command {
        let mut command = home.command("/bin/sh");
        let script = format!(
            r#"export AWS_ACCESS_KEY_ID=stale AWS_EC2_METADATA_DISABLED=true
               eval "$(podpass sandbox env --node {options})"
               aws sts get-caller-identity --query Arn --output text"#
        );
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{}/bin:{path}", bin.display(), clients.display());
        command.env("PATH", path).args(["-euc", &script]);
        command
    };
    // By an override of the endpoint, and through the proxy, which the metadata is not asked through.
    for options in ["", "--proxy"] {
        let ran = run(&mut call(options));
        let node = "arn:aws:sts::123456789012:assumed-role/worker/i-";
        assert!(ran.succeeded().starts_with(node), "{options}: {ran:#?}");
    }
    let events = run(home
        .command(PODPASS)
        .args(["sandbox", "events", "-o", "json"]));
    let events = events.succeeded_json();
    let of_node: Vec<&Value> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["service"] == "ec2-metadata")
        .collect();
    let last = of_node.last().unwrap();
    assert_eq!(
        last["action"],
        "GET /latest/meta-data/iam/security-credentials/worker"
    );
    assert_eq!(last["decision"], "allowed");
}

#[test]
fn a_node_needs_a_role_and_says_what_is_wrong_with_it() {
    let home = Home::new();
    let start = |arguments: &[&str]| {
        let start = ["sandbox", "start", "--listen", "127.0.0.1:0"];
        run(home.command(PODPASS).args(start).args(arguments))
    };
    start(&START[..2]).refused(2, &["--node-role"]);
    start(&START[2..]).refused(2, &["--imds-listen"]);
    let role = |role| start(&["--imds-listen", "127.0.0.1:0", "--node-role", role]);
    role("no role!").refused(2, &["--node-role", "`no role!`", "is not a role's name"]);
    role("arn:aws:iam::123456789012:user/u")
        .refused(2, &["--node-role", "arn:aws:iam::123456789012:user/u"]);
    role("arn:aws:iam::999999999999:role/worker").refused(2, &["999999999999", "--account"]);
    start(&["--imds-listen", "0.0.0.0:0", "--node-role", "worker"])
        .refused(4, &["0.0.0.0", "--allow-remote"]);
    let _sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    run(home.command(PODPASS).args(["sandbox", "env", "--node"]))
        .refused(2, &["has no node", "--imds-listen 127.0.0.1:0"]);
}

/// An event of a credentials document that was refused says why, and `explain` shows the policy.
#[test]
fn a_role_that_does_not_trust_ec2_is_explained() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &START);
    create_role(&sandbox, "worker", &TRUST.replace("ec2.", "lambda."));
    let imds = sandbox.started()["imds"].as_str().unwrap();
    let script = format!(
        "token=$(curl --silent --show-error -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {imds}/latest/api/token)
         curl --silent --show-error -H \"X-aws-ec2-metadata-token: $token\" {imds}/latest/meta-data/iam/security-credentials/worker"
    );
    let ran = run(home.command("/bin/sh").args(["-euc", &script]));
    ran.said(&["AssumeRoleUnauthorizedAccess"]);
    let events = run(home
        .command(PODPASS)
        .args(["sandbox", "events", "-o", "json"]));
    let events = events.succeeded_json();
    let event = events["items"].as_array().unwrap().last().unwrap();
    assert_eq!(event["decision"], "denied", "{event:#}");
    let id = event["id"].as_str().unwrap();
    run(home.command(PODPASS).args(["explain", id])).said(&[
        "TRUST_PRINCIPAL_MISMATCH",
        "ec2.amazonaws.com",
        "lambda.amazonaws.com",
    ]);
}
