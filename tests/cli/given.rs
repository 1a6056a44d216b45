//! What a document's reader forgot to fill in, under both names and for each flag.

use podpass_testkit::Home;

use crate::provisioning::{REQUEST, both_names, nowhere};
use crate::stand::run;

const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com";

/// A command line that would do something, with the value of one flag replaced.
fn arguments(command: &str, flag: &str, value: &str) -> Vec<String> {
    let mut flags = match command {
        "create-key-pair" => vec![("--output-dir", "out")],
        "delete" => vec![("--name", "prod"), ("--region", "eu-west-1")],
        _ => vec![
            ("--name", "prod"),
            ("--region", "eu-west-1"),
            ("--output-dir", "out"),
        ],
    };
    if ["create-all", "create-iam-roles"].contains(&command) {
        flags.push(("--credentials-requests-dir", "requests"));
    }
    if command == "create-iam-roles" {
        flags.push(("--identity-provider-arn", PROVIDER));
    }
    flags.retain(|(name, _)| *name != flag);
    flags.push((flag, value));
    flags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

#[test]
fn what_was_not_filled_in_is_refused_by_name_before_any_call() {
    let home = Home::new();
    home.write("requests/app.yaml", REQUEST);
    let names = both_names(&home);
    for (commands, flag, value, part) in [
        (
            &[
                "create-identity-provider",
                "create-iam-roles",
                "create-all",
                "delete",
            ][..],
            "--name",
            "<name>",
            "`<name>`",
        ),
        (
            &["create-iam-roles", "delete"],
            "--name",
            "XXXXXXXX",
            "`XXXXXXXX`",
        ),
        (&["create-all", "delete"], "--name", "prod-xxxxx", "`xxxxx`"),
        (
            &[
                "create-identity-provider",
                "create-iam-roles",
                "create-all",
                "delete",
            ],
            "--region",
            "<region>",
            "`<region>`",
        ),
        (
            &["create-iam-roles"],
            "--identity-provider-arn",
            "arn:aws:iam::<ACCOUNT_ID>:oidc-provider/a.example",
            "`<ACCOUNT_ID>`",
        ),
        (
            &["create-iam-roles"],
            "--identity-provider-arn",
            "arn:aws:iam::10xxxxxxxx83:oidc-provider/a.example",
            "`10xxxxxxxx83`",
        ),
        (
            &["create-iam-roles"],
            "--identity-provider-arn",
            "arn:aws:iam::1234567890:oidc-provider/a.example",
            "1234567890",
        ),
        (
            &["create-iam-roles"],
            "--identity-provider-arn",
            "arn:aws:iam::123456789012:oidc-provider/<issuer>",
            "`<issuer>`",
        ),
        (
            &["create-iam-roles", "create-all"],
            "--permissions-boundary-arn",
            "arn:aws:iam::<account>:policy/b",
            "`<account>`",
        ),
        (
            &["create-iam-roles", "create-all"],
            "--permissions-boundary-arn",
            "arn:aws:iam::0987654321:policy/b",
            "0987654321",
        ),
        (
            &["create-iam-roles", "create-all"],
            "--credentials-requests-dir",
            "<path>",
            "`<path>`",
        ),
        (
            &["create-identity-provider", "create-all"],
            "--public-key-file",
            "<key>.pem",
            "`<key>`",
        ),
        (
            &[
                "create-key-pair",
                "create-identity-provider",
                "create-iam-roles",
                "create-all",
            ],
            "--output-dir",
            "<output>",
            "`<output>`",
        ),
    ] {
        for command in commands {
            for name in &names {
                let ran = run(nowhere(&home, name)
                    .args(["aws", command])
                    .args(arguments(command, flag, value)));
                let code = if name.ends_with("ccoctl") { 1 } else { 2 };
                ran.refused(code, &[flag, part]);
                assert!(
                    !ran.err.contains("127.0.0.1:1"),
                    "a call was made: {ran:#?}"
                );
            }
        }
    }
    for (flag, value) in [
        ("--profile", "<profile>"),
        ("--endpoint-url", "http://<host>"),
    ] {
        for command in ["create-all", "delete"] {
            let ran = run(nowhere(&home, &names[0])
                .args(["aws", command])
                .args(arguments(command, flag, value)));
            ran.refused(2, &[flag, "PLACEHOLDER_LEFT"]);
        }
    }
    let made: Vec<_> = std::fs::read_dir(home.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(made.len(), 2, "besides requests and ccoctl: {made:?}");
}

#[test]
fn what_is_no_arn_at_all_is_refused_by_name() {
    let home = Home::new();
    home.write("requests/app.yaml", REQUEST);
    for name in both_names(&home) {
        for value in ["nonsense", "arn:aws:iam::123456789012:role/a"] {
            let ran = run(nowhere(&home, &name)
                .args(["aws", "create-iam-roles"])
                .args(arguments(
                    "create-iam-roles",
                    "--identity-provider-arn",
                    value,
                )));
            let code = if name.ends_with("ccoctl") { 1 } else { 2 };
            ran.refused(code, &["--identity-provider-arn", value, "oidc-provider/"]);
        }
    }
}
