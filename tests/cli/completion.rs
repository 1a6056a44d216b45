//! `podpass completion`, and what needs no cluster of its answers. `tests/access` has the names from a cluster.

use std::time::{Duration, Instant};

use podpass_testkit::Home;

use crate::stand::{PODPASS, Ran, run};

/// What fish is answered, which has no quoting and no index of its own.
fn answered(home: &Home, line: &[&str]) -> Ran {
    let ran = run(home
        .command(PODPASS)
        .env("PODPASS_COMPLETE", "fish")
        .args(["--", "podpass"])
        .args(line));
    ran.succeeded();
    assert_eq!(ran.err, "");
    ran
}

fn values(ran: &Ran) -> Vec<&str> {
    let lines = ran.out.lines();
    lines.map(|line| line.split('\t').next().unwrap()).collect()
}

#[test]
fn each_shell_has_a_script_that_calls_podpass() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = run(home.command(PODPASS).args(["completion", shell]));
        let script = ran.succeeded();
        assert!(
            script.contains("PODPASS_COMPLETE") && script.contains(shell),
            "{script}"
        );
        assert!(!script.contains(PODPASS), "{script}");
    }
    run(home.command(PODPASS).args(["completion", "cmd"]))
        .refused(2, &["bash, zsh, fish, powershell"]);
}

/// A real bash reads the script and gets its candidates, as at a Tab.
#[test]
fn bash_completes_with_the_script() {
    let home = Home::new();
    let folder = home.path("bin");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(PODPASS, folder.join("podpass")).unwrap();
    home.write("kubeconfig", TWO_CONTEXTS);
    // The words as bash splits them (COMP_WORDBREAKS), the word that it replaces, and what it puts in its place.
    for (line, words, replaced, expected) in [
        ("podpass vers", "podpass vers", "vers", "version"),
        ("podpass  token   g", "podpass token g", "g", "get"),
        ("podpass token ", "podpass token ''", "", "get"),
        (
            "podpass completion pow",
            "podpass completion pow",
            "pow",
            "powershell",
        ),
        ("podpass --vers", "podpass --vers", "--vers", "--version"),
        (
            "podpass trust --kubeconfig=kubeconfig --context st",
            "podpass trust --kubeconfig = kubeconfig --context st",
            "st",
            "staging",
        ),
        (
            "podpass trust --kubeconfig=kubeconfig --context=st",
            "podpass trust --kubeconfig = kubeconfig --context = st",
            "st",
            "staging",
        ),
        (
            "podpass trust --kubeconfig kubeconfig --context=",
            "podpass trust --kubeconfig kubeconfig --context =",
            "",
            "prod",
        ),
        (
            "podpass trust --kubeconfig kubeconfig --context default/api:64",
            "podpass trust --kubeconfig kubeconfig --context default/api : 64",
            "64",
            "6443/me",
        ),
    ] {
        let script = format!(
            "source <(podpass completion bash)\n\
             COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9\n\
             COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}\n\
             _podpass podpass '{replaced}' \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             complete -p podpass >&2; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let path = std::env::var("PATH").unwrap_or_default();
        let ran = run(home
            .command("bash")
            .env("PATH", format!("{}:{path}", folder.display()))
            .args(["--norc", "-c", &script]));
        let found: Vec<&str> = ran.succeeded().lines().collect();
        // An empty word has many candidates; one that has begun has one.
        assert_eq!(found.first(), Some(&expected), "{line}: {ran:#?}");
        assert!(found.len() == 1 || replaced.is_empty(), "{line}: {ran:#?}");
        assert!(ran.err.contains("-F _podpass podpass"), "{line}: {ran:#?}");
    }
}

#[test]
fn names_of_the_kubeconfig_need_no_cluster() {
    let home = Home::new();
    home.write("kubeconfig", TWO_CONTEXTS);
    let of = |flag: &str, current: &str| {
        let line = ["token", "get", "--kubeconfig", "kubeconfig", flag, current];
        let ran = answered(&home, &line);
        values(&ran).join(" ")
    };
    assert_eq!(of("--context", ""), "prod staging default/api:6443/me");
    assert_eq!(of("--context", "s"), "staging");
    assert_eq!(of("--cluster", ""), "one");
    assert_eq!(of("--user", ""), "me");
    // A flag that has nothing to do with a cluster has another meaning.
    let ran = answered(&home, &["bind", "--name", ""]);
    assert_eq!(values(&ran), Vec::<&str>::new());
}

#[test]
fn without_a_cluster_there_are_no_candidates_and_no_words() {
    let home = Home::new();
    home.write("kubeconfig", TWO_CONTEXTS);
    home.write("broken", "\u{0} [");
    for kubeconfig in ["kubeconfig", "broken", "missing"] {
        for current in ["app/", "app/x"] {
            let ran = answered(&home, &["trust", "--kubeconfig", kubeconfig, current]);
            assert_eq!(values(&ran), Vec::<&str>::new());
        }
        let ran = answered(&home, &["trust", "--kubeconfig", kubeconfig, "-n", ""]);
        assert_eq!(values(&ran), Vec::<&str>::new());
    }
    assert_eq!(answered(&home, &["nonsense", "x"]).out, "");
}

/// A credential plugin that waits for a person's login must neither be seen nor be waited for.
#[test]
fn credential_plugin_that_asks_is_not_heard_and_not_waited_for() {
    let home = Home::new();
    let plugin = r#"{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": ["-c", "echo log in first >&2; touch asked; sleep 8"], "interactiveMode": "IfAvailable"}}"#;
    home.write(
        "kubeconfig",
        TWO_CONTEXTS.replace(r#"{"token": "x"}"#, plugin),
    );
    let started = Instant::now();
    let ran = answered(&home, &["trust", "--kubeconfig", "kubeconfig", "app/"]);
    let took = started.elapsed();
    assert_eq!(ran.out, "");
    assert!(home.path("asked").exists());
    assert!(took < Duration::from_secs(7), "{took:?}");
}

/// The variable alone changes nothing: only the script's `--` asks for candidates.
#[test]
fn exported_variable_does_not_change_what_a_command_does() {
    let home = Home::new();
    let ran = run(home
        .command(PODPASS)
        .env("PODPASS_COMPLETE", "bash")
        .args(["version", "--client"]));
    assert!(ran.succeeded().starts_with("podpass "), "{ran:#?}");
}

const TWO_CONTEXTS: &str = r#"{
    "apiVersion": "v1", "kind": "Config", "current-context": "prod",
    "contexts": [
        {"name": "prod", "context": {"cluster": "one", "user": "me"}},
        {"name": "staging", "context": {"cluster": "one", "user": "me", "namespace": "app"}},
        {"name": "default/api:6443/me", "context": {"cluster": "one", "user": "me"}}
    ],
    "clusters": [{"name": "one", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {"token": "x"}}]
}"#;
