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

/// 004-16: the names in the article's `ccoctl --help`, and `azure`, which the peer has since; those that are not here say
/// so and fail.
#[test]
fn seed_004_16_ccoctl_lists_the_peers_subcommands_and_says_which_are_not_here() {
    let home = Home::new();
    let [_, ccoctl] = both_names(&home);
    let ran = run(home.command(&ccoctl).arg("--help"));
    assert_eq!(
        listed(ran.succeeded()),
        [
            "alibabacloud",
            "aws",
            "azure",
            "gcp",
            "help",
            "ibmcloud",
            "nutanix"
        ]
    );
    for cloud in ["alibabacloud", "azure", "gcp", "ibmcloud", "nutanix"] {
        for arguments in [vec![cloud], vec![cloud, "create-all", "--name=x"]] {
            let ran = run(home.command(&ccoctl).args(&arguments));
            ran.refused(1, &[cloud, "not available in this version of podpass"]);
            assert_eq!(ran.out, "");
        }
        let line = format!("  {cloud} ");
        let told = ran
            .out
            .lines()
            .find(|told| told.starts_with(&line))
            .unwrap();
        assert!(
            told.contains("not available in this version of podpass"),
            "{told}"
        );
    }
}

/// 004-17: every subcommand at every level has help, on stdout, with 0, that says so in cobra's words.
#[test]
fn seed_004_17_every_level_of_ccoctl_has_help() {
    let home = Home::new();
    let [_, ccoctl] = both_names(&home);
    let help = |words: &[&str]| {
        let ran = run(home.command(&ccoctl).args(words));
        let text = ran.succeeded().to_owned();
        assert_eq!(ran.err, "", "{words:?}");
        text
    };
    let root = help(&["--help"]);
    assert!(root.contains("-h, --help   help for ccoctl"), "{root}");
    assert!(
        root.contains("for more information about a command"),
        "{root}"
    );
    let mut leaves = 0;
    for name in listed(&root) {
        let text = help(&[&name, "--help"]);
        assert!(text.contains(&format!("help for {name}")), "{text}");
        for form in [[&name, "-h"], ["help", &name]] {
            assert_eq!(help(&form), text, "{form:?}");
        }
        if name == "help" {
            continue;
        }
        assert!(
            text.contains("for more information about a command"),
            "{text}"
        );
        for leaf in listed(&text) {
            let text = help(&[&name, &leaf, "--help"]);
            assert!(
                text.contains(&format!("ccoctl {name} {leaf} [flags]")),
                "{text}"
            );
            assert!(text.contains(&format!("help for {leaf}")), "{text}");
            assert_eq!(help(&["help", &name, &leaf]), text);
            assert_eq!(help(&[&name, "help", &leaf]), text);
            leaves += 1;
        }
    }
    // The peer's, by its --help: 5 aws, 5 azure, 6 gcp, 3 ibmcloud, 1 nutanix; and 2 of alibabacloud.
    assert_eq!(leaves, 22);
}

/// The names under `Available Commands:`.
fn listed(help: &str) -> Vec<String> {
    let (_, rows) = help.split_once("Available Commands:\n").unwrap();
    let rows = rows.lines().take_while(|row| !row.is_empty());
    rows.map(|row| row.split_whitespace().next().unwrap().to_owned())
        .collect()
}
