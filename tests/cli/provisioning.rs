//! `podpass aws …`, and the same binary as `ccoctl`: what they make, refuse and leave alone.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use podpass_testkit::{Home, SandboxProcess};

use crate::stand::{PODPASS, Ran, create_role, run};

pub(crate) const REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata:
  name: app
  namespace: openshift-cloud-credential-operator
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec
    statementEntries:
    - {effect: Allow, action: ['s3:GetObject'], resource: '*'}
  secretRef: {name: creds, namespace: app}
  serviceAccountNames: [app]
";

fn create_all(sandbox: &SandboxProcess, home: &Home, arguments: &[&str]) -> Ran {
    run(sandbox
        .command(home, PODPASS)
        .args([
            "aws",
            "create-all",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--output-dir",
            "out",
        ])
        .args(arguments))
}

/// A command with credentials for an endpoint that refuses connections, so that a call shows as that error.
pub(crate) fn nowhere(home: &Home, program: impl AsRef<OsStr>) -> Command {
    let mut command = home.command(program);
    command
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// `podpass` and a link of it that is called `ccoctl`.
pub(crate) fn both_names(home: &Home) -> [PathBuf; 2] {
    let ccoctl = home.path("ccoctl");
    std::os::unix::fs::symlink(PODPASS, &ccoctl).unwrap();
    [PathBuf::from(PODPASS), ccoctl]
}

#[test]
fn directories_with_nothing_to_do_are_refused_before_the_first_call() {
    let home = Home::new();
    home.write("empty/.keep", "");
    home.write("json/app.json", "{}");
    home.write("comment/app.yaml", "# nothing here\n");
    home.write(
        "configmap/app.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
    );
    home.write("syntax/app.yaml", "apiVersion: v1\nkind: [\n");
    home.write(
        "other/app.yaml",
        REQUEST.replace("AWSProviderSpec", "AzureProviderSpec"),
    );
    for name in both_names(&home) {
        let ccoctl = name.ends_with("ccoctl");
        for (dir, parts) in [
            ("empty", vec!["empty"]),
            ("json", vec!["json"]),
            ("comment", vec!["comment"]),
            ("configmap", vec!["app.yaml", "ConfigMap"]),
            ("syntax", vec!["app.yaml:2:7"]),
            ("other", vec!["AzureProviderSpec"]),
            ("absent", vec!["absent"]),
        ] {
            // The endpoint refuses connections, so a call before the refusal would show as another error.
            let ran = run(nowhere(&home, &name)
                .args([
                    "aws",
                    "create-iam-roles",
                    "--name",
                    "prod",
                    "--region",
                    "eu-west-1",
                    "--output-dir",
                    "out",
                ])
                .args([
                    "--identity-provider-arn",
                    "arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com",
                ])
                .args(["--credentials-requests-dir", dir]));
            ran.refused(if ccoctl { 1 } else { 2 }, &parts);
            assert!(
                !ran.err.contains("127.0.0.1:1"),
                "{dir}: a call was made: {ran:#?}"
            );
        }
    }
}

#[test]
fn requests_of_other_clouds_and_empty_documents_are_named_and_skipped() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let azure = REQUEST
        .replace("AWSProviderSpec", "AzureProviderSpec")
        .replace("name: app\n", "name: azure-one\n");
    home.write(
        "requests/app.yaml",
        format!("# a comment alone\n---\n{azure}---\n{REQUEST}"),
    );
    let ran = create_all(&sandbox, &home, &["--credentials-requests-dir", "requests"]);
    assert!(
        ran.succeeded().contains("role/prod-app-creds created"),
        "{ran:#?}"
    );
    assert!(
        ran.err.contains("azure-one") && ran.err.contains("AzureProviderSpec"),
        "{ran:#?}"
    );
}

#[test]
fn files_that_hold_no_public_key_publish_nothing() {
    let home = Home::new();
    run(home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "keys"]))
    .succeeded();
    let private = std::fs::read(home.path("keys/serviceaccount-signer.private")).unwrap();
    home.write("private.pem", private);
    home.write("text.pem", "no key at all\n");
    home.write("empty.pem", "");
    for name in both_names(&home) {
        let ccoctl = name.ends_with("ccoctl");
        for (file, part) in [
            ("private.pem", "private"),
            ("text.pem", "text.pem"),
            ("empty.pem", "empty.pem"),
            ("absent.pem", "absent.pem"),
        ] {
            let ran = run(nowhere(&home, &name)
                .args([
                    "aws",
                    "create-identity-provider",
                    "--name",
                    "prod",
                    "--region",
                    "eu-west-1",
                    "--output-dir",
                    "out",
                ])
                .args(["--public-key-file", file]));
            ran.refused(if ccoctl { 1 } else { 2 }, &[part]);
            assert!(
                !ran.err.contains("MII"),
                "the key's content was printed: {ran:#?}"
            );
        }
    }
}

#[test]
fn unreachable_endpoint_and_missing_credentials_are_told_apart() {
    let home = Home::new();
    home.write("requests/app.yaml", REQUEST);
    let arguments = [
        "aws",
        "create-all",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--output-dir",
        "out",
        "--credentials-requests-dir",
        "requests",
    ];
    let unreachable = run(nowhere(&home, PODPASS).args(arguments));
    unreachable.refused(1, &["http://127.0.0.1:1"]);
    let nobody = run(home
        .command(PODPASS)
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(arguments));
    nobody.refused(3, &["credentials", "--profile"]);
}

#[test]
fn denied_caller_learns_which_action_is_missing() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let ran = run(sandbox
        .command(&home, PODPASS)
        .env("AWS_SECRET_ACCESS_KEY", "wrong")
        .args([
            "aws",
            "create-identity-provider",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--output-dir",
            "out",
        ])
        .arg("--public-key-file")
        .arg(public_key(&home)));
    assert_eq!(ran.code, 3, "{ran:#?}");
    assert!(ran.err.contains("credentials"), "{ran:#?}");
}

#[test]
fn role_that_is_not_ours_is_refused_unless_adopted() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    home.write("requests/app.yaml", REQUEST);
    create_role(
        &sandbox,
        "prod-app-creds",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#,
    );
    let ran = create_all(&sandbox, &home, &["--credentials-requests-dir", "requests"]);
    assert_eq!(ran.code, 4, "{ran:#?}");
    assert!(
        ran.err.contains("prod-app-creds") && ran.err.contains("--adopt"),
        "{ran:#?}"
    );
    let ran = create_all(
        &sandbox,
        &home,
        &["--credentials-requests-dir", "requests", "--adopt"],
    );
    assert!(
        ran.succeeded().contains("role/prod-app-creds configured"),
        "{ran:#?}"
    );
}

#[test]
fn second_run_changes_nothing_and_a_new_service_account_is_added() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    home.write("requests/app.yaml", REQUEST);
    let arguments = ["--credentials-requests-dir", "requests"];
    let first = create_all(&sandbox, &home, &arguments);
    for line in ["bucket/prod-oidc created", "role/prod-app-creds created"] {
        assert!(first.succeeded().contains(line), "{first:#?}");
    }
    let second = create_all(&sandbox, &home, &arguments);
    assert!(
        !second.succeeded().contains(" created") && !second.out.contains(" configured"),
        "{second:#?}"
    );
    home.write(
        "requests/app.yaml",
        REQUEST.replace("[app]", "[app, helper]"),
    );
    let third = create_all(&sandbox, &home, &arguments);
    assert!(
        third.succeeded().contains("role/prod-app-creds configured"),
        "{third:#?}"
    );
}

#[test]
fn dry_run_prints_the_plan_and_makes_nothing() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let ran = run(sandbox
        .command(&home, PODPASS)
        .args([
            "aws",
            "create-identity-provider",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--output-dir",
            "out",
            "--dry-run",
        ])
        .arg("--public-key-file")
        .arg(public_key(&home)));
    for part in ["1. ", "prod-oidc", "CreateOpenIDConnectProvider"] {
        assert!(ran.succeeded().contains(part), "missing {part}: {ran:#?}");
    }
    let again = run(sandbox
        .command(&home, PODPASS)
        .args([
            "aws",
            "create-identity-provider",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--output-dir",
            "out",
            "--dry-run",
        ])
        .arg("--public-key-file")
        .arg(public_key(&home)));
    assert_eq!(again.out, ran.out, "the dry run changed something");
}

#[test]
fn names_that_cannot_be_a_bucket_are_refused() {
    let home = Home::new();
    for name in ["Prod_X", "a..b", "with.dot", &"n".repeat(80)] {
        let ran = run(home
            .command(PODPASS)
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .args([
                "aws",
                "create-identity-provider",
                "--region",
                "eu-west-1",
                "--output-dir",
                "out",
                "--name",
                name,
            ])
            .arg("--public-key-file")
            .arg(public_key(&home)));
        ran.refused(2, &[name]);
    }
}

#[test]
fn arns_of_another_partition_or_account_are_refused_before_the_first_call() {
    let home = Home::new();
    home.write("requests/app.yaml", REQUEST);
    let provider = "arn:aws:iam::123456789012:oidc-provider/a.example.com";
    for (arguments, parts) in [
        (
            [
                "--region",
                "cn-north-1",
                "--identity-provider-arn",
                provider,
            ]
            .as_slice(),
            ["partition of the region `cn-north-1`", "= expected aws-cn"].as_slice(),
        ),
        (
            &[
                "--region",
                "eu-west-1",
                "--identity-provider-arn",
                provider,
                "--permissions-boundary-arn",
                "arn:aws:iam::210987654321:policy/b",
            ],
            &["another account", "= expected 123456789012"],
        ),
        (
            &[
                "--region",
                "eu-west-1",
                "--identity-provider-arn",
                provider,
                "--permissions-boundary-arn",
                "arn:aws-cn:iam::aws:policy/PowerUserAccess",
            ],
            &["another partition", "= actual   aws-cn"],
        ),
        (
            &[
                "--region",
                "eu-west-1",
                "--identity-provider-arn",
                provider,
                "--endpoint-url",
                "localhost:4566",
            ],
            &["the endpoint `localhost:4566` is no URL"],
        ),
    ] {
        let ran = run(nowhere(&home, PODPASS)
            .args(["aws", "create-iam-roles", "--name", "prod"])
            .args(["--credentials-requests-dir", "requests"])
            .args(arguments));
        ran.refused(2, parts);
    }
}

#[test]
fn a_provider_of_another_account_is_told_from_a_missing_one() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    home.write("requests/app.yaml", REQUEST);
    let ran = run(sandbox
        .command(&home, PODPASS)
        .args(["aws", "create-iam-roles", "--name", "prod"])
        .args([
            "--region",
            "eu-west-1",
            "--credentials-requests-dir",
            "requests",
        ])
        .args([
            "--identity-provider-arn",
            "arn:aws:iam::210987654321:oidc-provider/a.example.com",
        ]));
    ran.refused(
        1,
        &["OIDC_PROVIDER_MISSING", "caller's account 123456789012"],
    );
}

#[test]
fn a_profile_that_is_named_goes_before_keys_in_the_environment() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    home.write("requests/app.yaml", REQUEST);
    home.write(
        "config",
        "[profile other]\naws_access_key_id = AKIAOTHEROTHEROTHER\naws_secret_access_key = x\n",
    );
    for (profile, expected) in [("other", "InvalidClientTokenId"), ("nosuch", "nosuch")] {
        let ran = run(sandbox
            .command(&home, PODPASS)
            .env("AWS_CONFIG_FILE", home.path("config"))
            .args([
                "aws",
                "create-iam-roles",
                "--name",
                "prod",
                "--profile",
                profile,
            ])
            .args([
                "--region",
                "eu-west-1",
                "--credentials-requests-dir",
                "requests",
            ])
            .args([
                "--identity-provider-arn",
                "arn:aws:iam::123456789012:oidc-provider/a.example.com",
            ]));
        ran.refused(3, &[expected]);
    }
}

fn public_key(home: &Home) -> PathBuf {
    let path = home.path("keys/serviceaccount-signer.public");
    if !path.exists() {
        run(home
            .command(PODPASS)
            .args(["aws", "create-key-pair", "--output-dir", "keys"]))
        .succeeded();
    }
    path
}
