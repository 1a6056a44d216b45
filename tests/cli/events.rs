//! `podpass sandbox events` and `podpass explain ev-17`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use podpass_testkit::Home;
use serde_json::Value;

use crate::scene::Scene;
use crate::stand::{PODPASS, run};

fn events(scene: &Scene) -> Value {
    scene
        .podpass(&["sandbox", "events", "-o", "json"])
        .succeeded_json()
}

/// `sandbox events -f`, once it has printed the events so far.
fn follow(scene: &Scene, format: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = scene
        .home
        .command(PODPASS)
        .args(["sandbox", "events", "-f", "-o", format, "--limit", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    read_line(&mut out);
    (child, out)
}

fn read_line(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_denial_shows_what_was_compared_and_the_fix() {
    let scene = Scene::new();
    scene.assume("writer").failed(&["AccessDenied"]);
    let shown = scene.podpass(&["sandbox", "events", "--limit", "1"]);
    shown.said(&[
        "EVENT",
        "sts:AssumeRoleWithWebIdentity",
        "denied",
        "= answer     403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        "= refused by trust policy of role reader, statement 1 `Pods` (line 1, column ",
        "= compared   condition StringEquals kubernetes.default.svc.cluster.local:sub",
        "= expected   system:serviceaccount:apps:reader",
        "= actual     system:serviceaccount:apps:writer",
        "= reason     TRUST_SUB_MISMATCH: ",
        "= help: ",
    ]);
    assert_eq!(shown.out.matches("ev-").count(), 1, "{}", shown.out);

    let list = events(&scene);
    assert_eq!(list["kind"], "EventList");
    let items = list["items"].as_array().unwrap();
    let denied = items.last().unwrap();
    assert_eq!(denied["decision"], "denied");
    assert_eq!(denied["cause"]["operator"], "StringEquals");
    assert_eq!(denied["reason"], "TRUST_SUB_MISMATCH");
    let calls: Vec<&str> = items
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        calls,
        [
            "CreateOpenIDConnectProvider",
            "CreateRole",
            "AssumeRoleWithWebIdentity"
        ]
    );

    let yaml = scene.podpass(&["sandbox", "events", "-o", "yaml", "--limit", "1"]);
    yaml.said(&["kind: EventList\n", "decision: denied\n"]);
    let id = denied["id"].as_str().unwrap();
    scene.podpass(&["explain", id]).said(&[
        "AssumeRoleWithWebIdentity",
        "TRUST_SUB_MISMATCH",
        "looked at:\n",
        "ok      signature",
        "failed  trust policy",
    ]);
    let told = scene
        .podpass(&["explain", id, "-o", "json"])
        .succeeded_json();
    assert_eq!(told["summary"]["id"], id);
    assert!(told["exchange"]["steps"].is_array());
}

#[test]
fn nothing_secret_is_in_events() {
    let scene = Scene::new();
    let granted = scene.assume("reader");
    let granted = &granted.succeeded_json()["Credentials"];
    scene.assume("writer").failed(&[]);
    let token = std::fs::read_to_string(scene.home.path("token")).unwrap();
    let text = |name: &str| {
        granted[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}"))
            .to_owned()
    };
    let (_, admin_secret) = scene.sandbox.admin_key(0);
    let mut told = scene.podpass(&["sandbox", "events", "-o", "json"]).out;
    for event in events(&scene)["items"].as_array().unwrap() {
        let id = event["id"].as_str().unwrap();
        told += scene.podpass(&["explain", id, "-o", "json"]).succeeded();
    }
    assert!(told.contains("AssumeRoleWithWebIdentity"));
    for secret in [
        text("SecretAccessKey"),
        text("SessionToken"),
        admin_secret.to_owned(),
        token.trim().to_owned(),
        // The signature alone is as good as the token, for who has seen its claims.
        token.trim().rsplit('.').next().unwrap().to_owned(),
    ] {
        assert!(
            secret.len() > 20 && !told.contains(&secret),
            "a secret in the events"
        );
    }
}

#[test]
fn follow_shows_what_happens_until_it_is_interrupted() {
    let scene = Scene::new();
    let (mut child, mut out) = follow(&scene, "json");
    scene.assume("writer").failed(&[]);
    let event: Value = serde_json::from_str(&read_line(&mut out)).unwrap();
    assert_eq!(event["reason"], "TRUST_SUB_MISMATCH");
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn follow_ends_with_the_sandbox_and_says_so() {
    for signal in ["TERM", "KILL"] {
        let scene = Scene::new();
        let (child, _out) = follow(&scene, "table");
        std::thread::sleep(Duration::from_millis(200));
        scene.sandbox.end_with(signal);
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(
            ended.status.success(),
            "{signal}: {:?} {said}",
            ended.status
        );
        assert!(said.contains("the sandbox has ended"), "{signal}: {said}");
    }
}

#[test]
fn events_that_are_not_there_are_refused_by_name() {
    let scene = Scene::new();
    scene
        .podpass(&["explain", "ev-4711"])
        .refused(1, &["ev-4711", "podpass sandbox events"]);
    scene
        .podpass(&[
            "explain",
            "AccessDenied",
            "--endpoint",
            "http://127.0.0.1:1",
        ])
        .refused(2, &["--endpoint", "ev-17"]);
    drop(scene);
    let home = Home::new();
    for arguments in [["sandbox", "events"].as_slice(), &["explain", "ev-1"]] {
        run(home.command(PODPASS).args(arguments))
            .refused(1, &["no sandbox", "podpass sandbox start"]);
    }
}
