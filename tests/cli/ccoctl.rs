//! The personality `ccoctl`: what the peer's users see.

use podpass_testkit::{Home, SandboxProcess};

use crate::provisioning::{REQUEST, both_names};
use crate::stand::{PODPASS, run};

#[test]
fn ccoctl_says_what_the_peer_says_about_missing_flags() {
    let home = Home::new();
    let [_, ccoctl] = both_names(&home);
    let ran = run(home
        .command(&ccoctl)
        .args(["aws", "create-identity-provider"]));
    ran.refused(1, &["Error: required flag(s) \"name\", \"region\" not set"]);
    run(home.command(&ccoctl).arg("bogus")).refused(
        1,
        &[
            "Error: unknown command \"bogus\" for \"ccoctl\"",
            "Run 'ccoctl --help' for usage.",
        ],
    );
    assert_eq!(run(home.command(&ccoctl).args(["aws", "bogus"])).code, 0);
    assert_eq!(run(&mut home.command(&ccoctl)).code, 0);
}

#[test]
fn ccoctl_tells_each_role_in_one_go_in_the_order_of_the_requests() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let [_, ccoctl] = both_names(&home);
    for number in 10..30 {
        let request = REQUEST.replace("name: creds", &format!("name: creds{number}"));
        home.write(&format!("requests/{number}.yaml"), &request);
    }
    let ran = run(sandbox.command(&home, &ccoctl).args([
        "aws",
        "create-all",
        "--name=prod",
        "--region=eu-west-1",
        "--credentials-requests-dir=requests",
        "--output-dir=out",
    ]));
    ran.succeeded();
    let told: Vec<&str> = ran
        .err
        .lines()
        .filter_map(|line| {
            line.split_once("creds")
                .map(|_| &line["2026/11/23 17:33:53 ".len()..])
        })
        .collect();
    let expected: Vec<String> = (10..30)
        .flat_map(|number| {
            [
                format!("Role arn:aws:iam::123456789012:role/prod-app-creds{number} created"),
                format!("Updated Role policy for Role prod-app-creds{number}"),
                format!(
                    "Saved credentials configuration to: out/manifests/app-creds{number}-credentials.yaml"
                ),
            ]
        })
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn ccoctl_refuses_a_flag_before_the_command() {
    let home = Home::new();
    let [_, ccoctl] = both_names(&home);
    let ran = run(home
        .command(&ccoctl)
        .args(["aws", "--name=x", "create-all"]));
    ran.refused(1, &["Error: unknown flag: --name"]);
    let ran = run(home.command(&ccoctl).args(["help", "bogus"]));
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.err.contains("Unknown help topic [`bogus`]"), "{ran:#?}");
}
