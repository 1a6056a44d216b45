//! The API server takes every object of every variant, field by field, and kubectl applies the plain manifests twice.

use std::fs;

use podpass_manifests::{PRESETS, WebhookOptions};
use podpass_testkit::helm;

use crate::stand::{KUBE_VERSION, Stand, chart, documents, root};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_knows_every_field() {
    let Some(helm) = helm() else { return };
    let Some(stand) = Stand::start().await else {
        return;
    };
    stand.install_foreign_kinds();
    for namespace in ["irsa", "podpass-webhook", "podpass-canary"] {
        stand.restricted_namespace(namespace);
    }
    let mut variants: Vec<(String, String)> = PRESETS
        .iter()
        .map(|preset| {
            (
                preset.path.to_owned(),
                fs::read_to_string(root().join(preset.path)).unwrap(),
            )
        })
        .collect();
    let chart = chart();
    for entry in fs::read_dir(chart.join("ci")).unwrap() {
        let values = entry.unwrap().path();
        let values = values.to_str().unwrap();
        let chart = chart.to_str().unwrap();
        let arguments = ["template", "webhook", chart, "-n", "irsa", "-f", values];
        let rendered = stand.helm(&helm, &[&arguments[..], &KUBE_VERSION].concat());
        variants.push((values.to_owned(), rendered.succeeded().to_owned()));
    }
    assert_eq!(variants.len(), 7);
    for (name, manifests) in variants {
        let file = stand.home.write("variant.yaml", &manifests);
        let arguments = [
            "--dry-run=server",
            "--validate=strict",
            "-f",
            file.to_str().unwrap(),
        ];
        for command in [
            &["apply"][..],
            &["apply", "--server-side", "--force-conflicts"],
        ] {
            let ran = stand.try_kubectl(&[command, &arguments].concat());
            // Of the namespaces that the test made kubectl says that it did not make them.
            let warned = ran.err.lines().find(|line| !line.contains("last-applied"));
            assert_eq!((ran.code, warned), (0, None), "{name}: {ran:#?}");
            assert_eq!(
                ran.out.lines().count(),
                documents(&manifests).len(),
                "{name}: {ran:#?}"
            );
        }
    }
    // The check can fail.
    let wrong = fs::read_to_string(root().join(PRESETS[0].path)).unwrap();
    let wrong = wrong.replace("reinvocationPolicy", "reinvokePolicy");
    let file = stand.home.write("wrong.yaml", wrong);
    let arguments = [
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        file.to_str().unwrap(),
    ];
    stand.try_kubectl(&arguments).failed(&["reinvokePolicy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_applies_the_plain_manifests_again() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let options = WebhookOptions::default();
    let (namespace, name) = (options.namespace.as_str(), options.name.as_str());
    let file = root().join(PRESETS[0].path);
    let file = file.to_str().unwrap();
    stand.kubectl(&["apply", "-f", file]);
    stand.rolled_out(namespace, name);
    stand.act_as_controller(namespace, name);
    for apply in [
        &["apply"][..],
        &["apply", "--server-side", "--force-conflicts"],
    ] {
        stand.kubectl(&[apply, &["-f", file]].concat());
        stand.controllers_work_is_there(namespace, name);
    }
    // What kubectl applied is podpass's by its label, and podpass takes it away.
    stand
        .podpass(&["uninstall", "webhook", "--yes"])
        .succeeded();
    stand.kubectl(&[
        "wait",
        "--for=delete",
        "namespace/podpass-canary",
        "--timeout=60s",
    ]);
    stand.kubectl(&[
        "wait",
        "--for=delete",
        &format!("namespace/{namespace}"),
        "--timeout=60s",
    ]);
    assert_eq!(stand.present(&options.render_all()), [""; 0]);
}
