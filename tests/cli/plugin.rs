//! `kubectl podpass`: the same command line under kubectl's name, and kubectl's way to complete it.

use std::os::unix::fs::symlink;
use std::process::Command;

use podpass_testkit::{Home, control_plane_programs};

use crate::stand::{PODPASS, run};

/// A command that finds the plugin's links before everything else on the PATH.
fn with_plugin(home: &Home, program: &str) -> Command {
    let folder = home.path("bin");
    if !folder.exists() {
        std::fs::create_dir(&folder).unwrap();
        for name in ["kubectl-podpass", "oc-podpass", "kubectl_complete-podpass"] {
            symlink(PODPASS, folder.join(name)).unwrap();
        }
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = home.command(program);
    command.env("PATH", format!("{}:{path}", folder.display()));
    command
}

#[test]
fn usage_says_the_name_that_was_called() {
    let home = Home::new();
    for (program, name) in [
        ("kubectl-podpass", "kubectl podpass"),
        ("oc-podpass", "oc podpass"),
    ] {
        for (arguments, usage) in [
            (vec!["--help"], "[OPTIONS] <COMMAND>"),
            (
                vec!["token", "get", "--help"],
                "token get [OPTIONS] <NS/SA>",
            ),
            (
                vec!["sandbox", "add-issuer", "--help"],
                "sandbox add-issuer (",
            ),
        ] {
            let ran = run(with_plugin(&home, program).args(arguments));
            let expected = format!("Usage: {name} {usage}");
            assert!(ran.succeeded().contains(&expected), "{ran:#?}");
        }
        run(with_plugin(&home, program).arg("nonsense")).refused(2, &[&format!("Usage: {name} ")]);
    }
}

/// Only a real kubectl says whether it finds the plugin and takes its answers.
#[test]
fn kubectl_runs_the_plugin_and_completes_it() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let home = Home::new();
    let kubectl = programs.join("kubectl");
    let kubectl = kubectl.to_str().unwrap();
    let own = run(home.command(PODPASS).args(["version", "--client"]));
    let ran = run(with_plugin(&home, kubectl).args(["podpass", "version", "--client"]));
    assert_eq!(ran.succeeded(), own.succeeded());

    let completed = |words: &[&str]| {
        let mut command = with_plugin(&home, kubectl);
        let ran = run(command.args(["__complete", "podpass"]).args(words));
        ran.succeeded().to_owned()
    };
    let commands = completed(&[""]);
    for command in ["bind\tGive", "token\t", "version\t"] {
        assert!(
            commands.lines().any(|line| line.starts_with(command)),
            "{commands}"
        );
    }
    assert!(commands.ends_with(":4\n"), "{commands}");
    assert_eq!(
        completed(&["completion", ""])
            .lines()
            .take(4)
            .collect::<Vec<_>>(),
        ["bash", "zsh", "fish", "powershell"]
    );
    // A folder is not the end of a path: no space after it.
    std::fs::create_dir(home.path("folder")).unwrap();
    assert_eq!(completed(&["man", "--dir", "fol"]), "folder/\n:6\n");
    assert_eq!(
        completed(&["nonsense", "more", ""]).lines().last(),
        Some(":4")
    );
}
