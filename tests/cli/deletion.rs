//! `aws delete` under both names: consent, messages, exit codes, and a run that is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use podpass_testkit::{Home, SandboxProcess};

use crate::provisioning::{REQUEST, both_names};
use crate::stand::{PODPASS, Ran, create_role, run, upload};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;

/// Makes a whole cluster `prod` with this many roles.
fn make_cluster(sandbox: &SandboxProcess, home: &Home, roles: usize) {
    for number in 0..roles {
        let request = REQUEST.replace("name: creds", &format!("name: creds{number}"));
        home.write(&format!("requests/{number}.yaml"), request);
    }
    run(sandbox.command(home, PODPASS).args([
        "aws",
        "create-all",
        "--name=prod",
        "--region=eu-west-1",
        "--credentials-requests-dir=requests",
        "--output-dir=out",
    ]))
    .succeeded();
}

fn delete(sandbox: &SandboxProcess, home: &Home, name: &Path) -> Command {
    let mut command = sandbox.command(home, name);
    command
        .args(["aws", "delete", "--name=prod", "--region=eu-west-1"])
        .stdin(Stdio::null());
    command
}

/// The plan as it stands now.
fn plan(sandbox: &SandboxProcess, home: &Home) -> String {
    run(delete(sandbox, home, PODPASS.as_ref()).arg("--dry-run"))
        .succeeded()
        .to_owned()
}

/// ccoctl's log lines without their times.
fn logged(ran: &Ran) -> Vec<&str> {
    ran.err
        .lines()
        .map(|line| &line["2026/11/23 17:33:53 ".len()..])
        .collect()
}

#[test]
fn delete_takes_consent_and_says_what_is_deleted() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    make_cluster(&sandbox, &home, 1);
    let planned = plan(&sandbox, &home);
    for line in [
        "1. s3:DeleteObject ",
        "3. s3:DeleteBucket ",
        "delete the inline policy prod-app-creds0 of role prod-app-creds0",
        "6. iam:DeleteOpenIDConnectProvider  delete OIDC provider arn:aws:iam::123456789012:oidc-provider/prod-oidc",
    ] {
        assert!(planned.contains(line), "{line}: {planned}");
    }

    // There is no terminal to ask on: the plan is shown, and nothing is done.
    let refused = run(&mut delete(&sandbox, &home, PODPASS.as_ref()));
    refused.refused(4, &["nothing was deleted", "--yes", "3. s3:DeleteBucket "]);
    assert_eq!(refused.out, "");
    assert_eq!(plan(&sandbox, &home), planned);

    let deleted = run(delete(&sandbox, &home, PODPASS.as_ref()).arg("--yes"));
    assert_eq!(
        deleted.succeeded(),
        "\
object/prod-oidc/.well-known/openid-configuration deleted
object/prod-oidc/keys.json deleted
bucket/prod-oidc deleted
role/prod-app-creds0 deleted
oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com deleted
"
    );
    // What is gone takes no consent.
    for arguments in [&["--yes"][..], &[]] {
        let again = run(delete(&sandbox, &home, PODPASS.as_ref()).args(arguments));
        assert_eq!(again.succeeded(), "");
        assert_eq!(again.err, "Nothing to do.\n");
    }
}

#[test]
fn ccoctl_deletes_without_asking_in_the_peers_words() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let [_, ccoctl] = both_names(&home);
    make_cluster(&sandbox, &home, 1);
    let ran = run(&mut delete(&sandbox, &home, &ccoctl));
    assert_eq!(ran.succeeded(), "");
    assert_eq!(
        logged(&ran),
        [
            "Identity Provider object .well-known/openid-configuration deleted from the bucket prod-oidc",
            "Identity Provider object keys.json deleted from the bucket prod-oidc",
            "Identity Provider bucket prod-oidc deleted",
            "Policy prod-app-creds0 associated with IAM Role prod-app-creds0 deleted",
            "IAM Role prod-app-creds0 deleted",
            "Identity Provider with ARN arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com \
             deleted",
        ]
    );
    let again = run(&mut delete(&sandbox, &home, &ccoctl));
    assert_eq!(again.succeeded(), "");
    assert_eq!(again.err, "");
    for flag in ["--dry-run", "--yes"] {
        run(delete(&sandbox, &home, &ccoctl).arg(flag))
            .refused(1, &[&format!("Error: unknown flag: {flag}")]);
    }
    run(sandbox.command(&home, &ccoctl).args(["aws", "delete"]))
        .refused(1, &["Error: required flag(s) \"name\", \"region\" not set"]);
}

#[test]
fn what_is_not_owned_stays_and_is_listed_under_both_names() {
    for index in 0..2 {
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
        let name = &both_names(&home)[index];
        let ccoctl = name.ends_with("ccoctl");
        make_cluster(&sandbox, &home, 1);
        create_role(&sandbox, "prod-x7k2p-master-role", TRUST);
        // An upload by hand, without tags.
        upload(&sandbox, "prod-oidc", "notes.txt", b"mine");
        let mut command = delete(&sandbox, &home, name);
        if !ccoctl {
            command.arg("--yes");
        }
        let ran = run(&mut command);
        ran.refused(
            if ccoctl { 1 } else { 6 },
            &[
                "2 resources of the cluster are left",
                "object/prod-oidc/notes.txt: it does not carry the tag",
                "bucket/prod-oidc: it holds objects that stay",
                "role/prod-x7k2p-master-role stays: it carries no ownership tag",
            ],
        );
        let rest = plan(&sandbox, &home);
        assert!(rest.starts_with("Nothing to do.\n"), "{rest}");
        for line in [
            "left: object/prod-oidc/notes.txt stays",
            "left: bucket/prod-oidc stays",
            "note: role/prod-x7k2p-master-role stays",
        ] {
            assert!(rest.contains(line), "{line}: {rest}");
        }
    }
}

#[test]
fn delete_that_is_killed_is_finished_by_the_next_run() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    make_cluster(&sandbox, &home, 40);
    let mut child = delete(&sandbox, &home, PODPASS.as_ref())
        .args(["--yes", "--concurrency=1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if line == "role/prod-app-creds0 deleted" {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let rest = plan(&sandbox, &home);
    assert!(rest.contains("iam:DeleteRole "), "killed too late: {rest}");
    assert!(!rest.contains("bucket"), "killed too early: {rest}");
    let ran = run(delete(&sandbox, &home, PODPASS.as_ref()).arg("--yes"));
    assert!(
        ran.succeeded()
            .ends_with("oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com deleted\n"),
        "{ran:#?}"
    );
    assert_eq!(plan(&sandbox, &home), "Nothing to do.\n");
}

#[test]
fn delete_without_access_says_so_and_deletes_nothing() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    make_cluster(&sandbox, &home, 1);
    for name in both_names(&home) {
        let ran = run(delete(&sandbox, &home, &name).env("AWS_SECRET_ACCESS_KEY", "wrong"));
        ran.refused(
            if name.ends_with("ccoctl") { 1 } else { 3 },
            &["the credentials themselves are not accepted"],
        );
    }
    assert!(plan(&sandbox, &home).contains("6. "));
}
