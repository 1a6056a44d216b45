//! The crate table of ARCHITECTURE.md is what `cargo metadata` says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crate → crates of ours it may depend on; `None` means any.
type Allowed = BTreeMap<String, Option<BTreeSet<String>>>;

#[test]
fn crates_depend_only_on_what_the_architecture_allows() {
    let allowed = read_table();
    let actual = read_metadata();
    assert_eq!(
        allowed.keys().collect::<Vec<_>>(),
        actual.keys().collect::<Vec<_>>(),
        "the crate table of ARCHITECTURE.md and the workspace name different crates"
    );
    for (name, dependencies) in &actual {
        if let Some(Some(allowed)) = allowed.get(name) {
            let extra: Vec<_> = dependencies.difference(allowed).collect();
            assert!(extra.is_empty(), "`{name}` must not depend on {extra:?}");
        }
    }
}

#[test]
fn client_and_server_meet_only_on_the_wire() {
    let actual = read_metadata();
    let reach = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut queue = vec![from.to_owned()];
        while let Some(name) = queue.pop() {
            for next in &actual[&name] {
                if seen.insert(next.clone()) {
                    queue.push(next.clone());
                }
            }
        }
        seen
    };
    for client in ["aws", "cloud"] {
        assert!(
            !reach("sandbox").contains(client),
            "`sandbox` reaches `{client}`"
        );
        assert!(
            !reach(client).contains("sandbox"),
            "`{client}` reaches `sandbox`"
        );
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read_table() -> Allowed {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0]
            .trim_start_matches('`')
            .split('`')
            .next()
            .unwrap()
            .to_owned();
        let allowed = match cells[2] {
            "all" | "any" => None,
            "–" => Some(BTreeSet::new()),
            list => Some(list.split(", ").map(str::to_owned).collect()),
        };
        (name, allowed)
    })
    .collect()
}

/// Crate → crates of ours it depends on, development dependencies left out.
fn read_metadata() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let folder = |name: &str| match name {
        "podpass" => "cli".to_owned(),
        other => other.trim_start_matches("podpass-").to_owned(),
    };
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let used = dependencies
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|name| ours.contains(name))
                .map(folder)
                .collect();
            (folder(package["name"].as_str().unwrap()), used)
        })
        .collect()
}
