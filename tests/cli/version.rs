//! `podpass version`.

use std::net::TcpListener;

use podpass_testkit::Home;
use serde_json::Value;

use crate::stand::{PODPASS, run};

/// 004-15: the architecture that is told is that of the file, by the machine in its header (ELF, `e_machine`).
#[test]
#[cfg(target_os = "linux")]
fn seed_004_15_version_tells_the_architecture_of_the_binary() {
    let home = Home::new();
    let ran = run(home.command(PODPASS).args(["version", "-o", "json"]));
    let version: Value = serde_json::from_str(ran.succeeded()).unwrap();
    let file = std::fs::read(PODPASS).unwrap();
    assert_eq!(file[..4], *b"\x7fELF");
    let machine = match u16::from_le_bytes([file[18], file[19]]) {
        0x3e => "x86_64",
        0xb7 => "aarch64",
        0x16 => "s390x",
        0x15 => "powerpc64",
        other => unreachable!("no architecture that podpass is built for: {other:#x}"),
    };
    assert_eq!(version["clientVersion"]["arch"], machine);
    assert_eq!(version["clientVersion"]["os"], "linux");
}

#[test]
fn every_format_says_the_same_and_nothing_of_a_cluster_that_is_not_there() {
    let home = Home::new();
    let json = run(home.command(PODPASS).args(["version", "-o", "json"]));
    let json: Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(json["kind"], "Version");
    assert_eq!(json.get("serverVersion"), None);
    let yaml = run(home.command(PODPASS).args(["version", "-o", "yaml"]));
    let yaml: Value = serde_saphyr::from_str(yaml.succeeded()).unwrap();
    assert_eq!(json, yaml);
    let version = json["clientVersion"]["version"].as_str().unwrap();
    let text = run(home.command(PODPASS).arg("version"));
    assert!(
        text.succeeded().starts_with(&format!("podpass {version} ")),
        "{text:#?}"
    );
    assert_eq!(text.err, "");
    let short = run(home.command(PODPASS).arg("--version"));
    assert_eq!(short.succeeded(), format!("podpass {version}\n"));
}

#[test]
fn cluster_that_cannot_be_reached_is_told_and_no_failure() {
    let home = Home::new();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let kubeconfig = KUBECONFIG.replace("SERVER", &format!("http://127.0.0.1:{port}"));
    let kubeconfig = home.write("kubeconfig", kubeconfig);
    for variable in [kubeconfig.to_str().unwrap(), "missing"] {
        let with = |arguments: &[&str]| {
            run(home
                .command(PODPASS)
                .env("KUBECONFIG", variable)
                .arg("version")
                .args(arguments))
        };
        let ran = with(&[]);
        assert!(ran.succeeded().starts_with("podpass "), "{ran:#?}");
        assert!(
            ran.err.contains("the API server's version is unknown: ") && ran.err.contains("help:"),
            "{ran:#?}"
        );
        let ran = with(&["--client"]);
        ran.succeeded();
        assert_eq!(ran.err, "");
    }
}

const KUBECONFIG: &str = r#"{
    "apiVersion": "v1", "kind": "Config", "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "clusters": [{"name": "here", "cluster": {"server": "SERVER"}}],
    "users": [{"name": "me", "user": {"token": "x"}}]
}"#;
