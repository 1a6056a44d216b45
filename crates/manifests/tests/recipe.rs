//! The container recipe, by lint: no engine runs here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use podpass_manifests::{PRESETS, WebhookOptions};
use serde_json::Value;

const RECIPE: &str = include_str!("../../../deploy/Containerfile");

/// What else is started by its path: by Amazon's, kOps' and the charts' manifests, and by OpenShift's
/// (`specs/webhook.md` 6.3).
const OF_OTHER_MANIFESTS: [&str; 2] = ["/webhook", "/usr/bin/aws-pod-identity-webhook"];

#[test]
fn every_path_that_a_manifest_starts_is_in_the_image() {
    let stages = instructions();
    // The program is copied to one place, and all other paths are links to it.
    let words: BTreeSet<&str> = stages.iter().flat_map(|it| it.split_whitespace()).collect();
    let mut started: BTreeSet<String> = OF_OTHER_MANIFESTS.map(str::to_owned).into();
    for preset in PRESETS {
        started.extend(commands(&(preset.options)()));
    }
    assert!(started.contains("/podpass"), "{started:?}");
    for path in started {
        assert!(words.contains(format!("/image{path}").as_str()), "{path}");
    }
    for link in OF_OTHER_MANIFESTS {
        assert!(
            RECIPE.contains(&format!("ln -s /podpass /image{link}")),
            "{link}"
        );
    }
    assert!(
        stages.contains(&r#"ENTRYPOINT ["/podpass"]"#.to_owned()),
        "{stages:?}"
    );
}

#[test]
fn image_runs_as_nobody_on_pinned_bases() {
    let instructions = instructions();
    let of = |name: &str| -> Vec<String> {
        let found = instructions
            .iter()
            .filter_map(|line| line.strip_prefix(name));
        found.map(|rest| rest.trim().to_owned()).collect()
    };
    let bases = of("FROM ");
    assert_eq!(bases.len(), 2, "{bases:?}");
    for base in &bases {
        let image = base.split_whitespace().next().unwrap();
        // `scratch` is nothing; any other has a version, which `latest` is not.
        let (_, tag) = image.rsplit_once(':').unwrap_or(("", ""));
        let pinned = tag.starts_with(|first: char| first.is_ascii_digit());
        assert!(image == "scratch" || pinned, "{image}");
    }
    assert_eq!(bases.last().unwrap(), "scratch");
    // The toolchain is the project's.
    let toolchain = include_str!("../../../rust-toolchain.toml");
    let version = toolchain.split('"').nth(1).unwrap();
    assert!(
        bases[0].contains(&format!(":{version}")),
        "{bases:?} {version}"
    );
    assert_eq!(of("USER "), ["65534:65534"]);
    assert_eq!(of("ADD "), [""; 0]);
    for command in of("RUN ") {
        for fetching in ["curl", "wget", "http"] {
            assert!(!command.contains(fetching), "{command}");
        }
    }
    // The user of the manifests is the image's.
    let objects = WebhookOptions::default().render();
    let users = objects
        .iter()
        .filter_map(|object| object.pointer("/spec/template/spec/securityContext/runAsUser"));
    assert_eq!(users.collect::<Vec<_>>(), [65534, 65534]);
}

/// The instructions, each on one line, without comments.
fn instructions() -> Vec<String> {
    let lines = RECIPE
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    text.lines()
        .map(str::to_owned)
        .filter(|line| !line.is_empty())
        .collect()
}

fn commands(options: &WebhookOptions) -> Vec<String> {
    let objects = options.render();
    let containers = objects
        .iter()
        .filter_map(|object| object.pointer("/spec/template/spec/containers"))
        .filter_map(Value::as_array)
        .flatten();
    containers
        .map(|container| container["command"][0].as_str().unwrap().to_owned())
        .collect()
}
