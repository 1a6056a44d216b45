//! `podpass explain`.

use std::io::Write as _;
use std::process::Stdio;

use podpass_testkit::{Cluster, Home};
use serde_json::Value;

use crate::stand::{PODPASS, Ran, run};

const ISSUER: &str = "https://demo-oidc.s3.eu-west-1.amazonaws.com";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com=sts.amazonaws.com";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
"Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com"},
"Action":"sts:AssumeRoleWithWebIdentity",
"Condition":{"StringEquals":{"demo-oidc.s3.eu-west-1.amazonaws.com:sub":"system:serviceaccount:ns:app-*"}}}]}"#;
const DENIED: &str = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity";

fn explain_stdin(home: &Home, text: &str) -> Ran {
    let mut child = home
        .command(PODPASS)
        .args(["explain", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn message_as_an_argument_or_a_whole_error_on_stdin() {
    let home = Home::new();
    let argument = run(home.command(PODPASS).args(["explain", DENIED]));
    let stdin = explain_stdin(
        &home,
        &format!("Traceback (most recent call last):\n  …\n{DENIED}\n"),
    );
    assert_eq!(argument.succeeded(), stdin.succeeded());
    for part in [
        "AccessDenied",
        "1. the role does not exist",
        "TRUST_SUB_MISMATCH",
        "look at:",
        "--token FILE",
    ] {
        assert!(
            argument.out.contains(part),
            "missing {part:?} in\n{}",
            argument.out
        );
    }
}

#[test]
fn prints_what_the_message_carries() {
    let home = Home::new();
    for (message, parts) in [
        (
            "No OpenIDConnect provider found in your account for https://x.example/",
            vec!["issuer", "https://x.example/", "OIDC_PROVIDER_MISSING"],
        ),
        (
            "Token expired: current date/time 1699999700 must be before the expiration date/time 1699999000",
            vec![
                "2023-11-14T22:08:20Z",
                "300 s",
                "2023-11-14T22:13:20Z",
                "expiration",
            ],
        ),
        (
            "User: arn:aws:sts::123456789012:assumed-role/a/s is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::b/k\" with an explicit deny in a service control policy",
            vec![
                "s3:PutObject",
                "arn:aws:s3:::b/k",
                "service control policy",
                "explicit",
                "EXPLICIT_DENY",
            ],
        ),
    ] {
        let ran = run(home.command(PODPASS).args(["explain", message]));
        for part in parts {
            assert!(
                ran.succeeded().contains(part),
                "missing {part:?} in\n{}",
                ran.out
            );
        }
    }
}

#[test]
fn json_names_topic_values_and_causes() {
    let home = Home::new();
    let message = "No OpenIDConnect provider found in your account for https://x.example/";
    let ran = run(home
        .command(PODPASS)
        .args(["explain", "-o", "json", message]));
    let document: Value = serde_json::from_str(ran.succeeded()).unwrap();
    assert_eq!(document["apiVersion"], "podpass.dev/v1alpha1");
    assert_eq!(document["kind"], "Explanation");
    assert_eq!(document["topic"], "provider-missing");
    assert_eq!(document["values"][0]["value"], "https://x.example/");
    assert_eq!(document["causes"][0]["reason"], "OIDC_PROVIDER_MISSING");
    assert_eq!(document.get("proof"), None);
}

#[test]
fn token_and_trust_prove_the_cause() {
    let home = Home::new();
    run(home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "keys"]))
    .succeeded();
    let cluster = Cluster::with_key_of(&home.path("keys"), ISSUER);
    let token = cluster.write_token(home.path("token"), "ns", "app-7f");
    let trust = home.write("trust.json", TRUST);
    let explain = |message: &str, further: &[&str]| {
        let mut command = home.command(PODPASS);
        command.args(["explain", message]).args(further);
        run(command
            .arg("--token")
            .arg(&token)
            .arg("--trust")
            .arg(&trust))
    };
    let ran = explain(DENIED, &[]);
    for part in [
        "proven: TRUST_WILDCARD_IN_STRINGEQUALS",
        "supposing  that the OIDC provider",
        "rename `StringEquals` to `StringLike`",
        "trust.json:4:14",
        "1. a `*` stands under StringEquals, where it is literal (proven)",
    ] {
        assert!(
            ran.succeeded().contains(part),
            "missing {part:?} in\n{}",
            ran.out
        );
    }
    let ran = explain(DENIED, &["-o", "json", "--provider", PROVIDER]);
    let document: Value = serde_json::from_str(ran.succeeded()).unwrap();
    assert_eq!(
        document["proof"]["proven"],
        "TRUST_WILDCARD_IN_STRINGEQUALS"
    );
    assert_eq!(document["causes"][0]["proven"], true);

    let ran = explain("Incorrect token audience", &["--provider", PROVIDER]);
    assert!(
        ran.succeeded()
            .contains("not reproduced: with these files AWS answers AccessDenied"),
        "{ran:#?}"
    );
    explain("Incorrect token audience", &[]).refused(2, &["--provider"]);
    let other = PROVIDER.replace("=sts.amazonaws.com", "=openshift");
    let ran = explain("Incorrect token audience", &["--provider", &other]);
    assert!(
        ran.succeeded()
            .contains("proven: AUDIENCE_NOT_IN_CLIENT_IDS"),
        "{ran:#?}"
    );
}

#[test]
fn unknown_message_is_1_and_lists_what_is_known() {
    let home = Home::new();
    let ran = run(home
        .command(PODPASS)
        .args(["explain", "connection refused"]));
    ran.refused(
        1,
        &[
            "Incorrect token audience",
            "Token signature invalid",
            "is not authorized to perform",
        ],
    );
    assert!(ran.out.is_empty(), "{ran:#?}");
    run(home.command(PODPASS).args(["explain", ""])).refused(2, &["no message"]);
    run(home
        .command(PODPASS)
        .args(["explain", DENIED, "--token", "t"]))
    .refused(2, &["--trust"]);
}
