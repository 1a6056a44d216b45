//! Live names in completion: from a real API server, by the flags of the line, as far as the user may see.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::PostParams;
use podpass_testkit::control_plane_programs;
use serde_json::json;

use crate::stand::{PODPASS, Ran, Stand, run};

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_the_cluster_that_the_line_names() {
    let Some(stand) = Stand::new("completion").await else {
        return;
    };
    for account in ["reader", "writer"] {
        let account = stand.account(account);
        let bind = ["bind", &account, "--role-arn", ROLE, "--create"];
        stand.podpass(&bind).succeeded();
    }
    create_deployment(&stand).await;
    let namespace = &stand.namespace;
    let kubeconfig = stand.home.path("kubeconfig");
    let kubeconfig = kubeconfig.to_str().unwrap();
    let completed = |line: &[&str]| {
        let flags = ["--kubeconfig", kubeconfig];
        let line = [&line[..1], &flags, &line[1..]].concat();
        offered(&stand, None, &line)
    };

    let start = &namespace[..namespace.len() - 2];
    assert_eq!(completed(&["bind", start]), [format!("{namespace}/")]);
    assert_eq!(completed(&["bind", "-n", start]), [namespace.as_str()]);
    let all = format!("{namespace}/");
    assert_eq!(
        completed(&["trust", &all]),
        ["default", "reader", "writer"].map(|name| format!("{namespace}/{name}"))
    );
    let one = format!("{namespace}/re");
    assert_eq!(completed(&["trust", &one]), [format!("{namespace}/reader")]);

    let reader = stand.account("reader");
    let kinds = completed(&["bind", &reader, "--workload", "de"]);
    assert_eq!(kinds, ["deploy/"]);
    for line in [
        vec!["bind", &reader, "--workload", "deploy/"],
        vec!["bind", "-n", namespace, "--workload", "deploy/a"],
    ] {
        assert_eq!(completed(&line), ["deploy/app"], "{line:?}");
    }

    // KUBECONFIG counts as it does for the command itself, and a wrong context finds nothing.
    let line = ["trust", one.as_str()];
    assert_eq!(offered(&stand, Some(kubeconfig), &line), [&*reader]);
    let line = ["trust", "--context", "missing", one.as_str()];
    assert_eq!(asked(&stand, Some(kubeconfig), &line).out, "");

    // kubectl asks the plugin for the same names.
    assert_eq!(
        by_kubectl(&stand, kubeconfig, &["trust", &one]),
        format!("{reader}\n:4\n")
    );
    assert_eq!(
        by_kubectl(&stand, kubeconfig, &["trust", start]),
        format!("{namespace}/\n:6\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_see_nothing_is_offered_nothing_and_told_nothing() {
    let Some(stand) = Stand::new("completion-rbac").await else {
        return;
    };
    // Writes the kubeconfig of a user without a single permission.
    stand
        .as_user("nobody", &["version", "--client"])
        .succeeded();
    let kubeconfig = stand.home.path("kubeconfig-nobody");
    let kubeconfig = kubeconfig.to_str().unwrap();
    let all = format!("{}/", stand.namespace);
    for line in [
        vec!["trust", all.as_str()],
        vec!["bind", "-n", ""],
        vec!["bind", "--workload", "deploy/"],
    ] {
        assert_eq!(asked(&stand, Some(kubeconfig), &line).out, "", "{line:?}");
    }
    // The namespace that the line names is offered all the same.
    let line = ["trust", "-n", "app", "ap"];
    assert_eq!(offered(&stand, Some(kubeconfig), &line), ["app/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_is_that_of_the_api_server() {
    let Some(stand) = Stand::new("version").await else {
        return;
    };
    let ran = stand.podpass(&["version", "-o", "json"]);
    let version: serde_json::Value = serde_json::from_str(ran.succeeded()).unwrap();
    let kubectl = control_plane_programs().unwrap().join("kubectl");
    let theirs = run(stand
        .home
        .command(kubectl)
        .env("KUBECONFIG", stand.home.path("kubeconfig"))
        .args(["version", "-o", "json"]));
    let theirs: serde_json::Value = serde_json::from_str(theirs.succeeded()).unwrap();
    for member in ["gitVersion", "platform"] {
        assert_eq!(
            version["serverVersion"][member],
            theirs["serverVersion"][member]
        );
        assert!(theirs["serverVersion"][member].is_string(), "{theirs}");
    }
    let text = stand.podpass(&["version"]);
    let expected = theirs["serverVersion"]["gitVersion"].as_str().unwrap();
    assert!(
        text.succeeded()
            .contains(&format!("Kubernetes {expected} ")),
        "{text:#?}"
    );
}

/// What fish is answered for a line.
fn asked(stand: &Stand, kubeconfig: Option<&str>, line: &[&str]) -> Ran {
    let mut command = stand.home.command(PODPASS);
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    let ran = run(command
        .env("PODPASS_COMPLETE", "fish")
        .args(["--", "podpass"])
        .args(line));
    ran.succeeded();
    assert_eq!(ran.err, "");
    ran
}

/// The candidates for a line that has some. A second may be too short on a busy machine: then the person presses Tab
/// again.
fn offered(stand: &Stand, kubeconfig: Option<&str>, line: &[&str]) -> Vec<String> {
    let tries = (0..TABS).map(|_| values(&asked(stand, kubeconfig, line)));
    let mut found = tries.skip_while(Vec::is_empty);
    found.next().unwrap_or_default()
}

/// Candidates without descriptions, and without the flags that may follow too.
fn values(ran: &Ran) -> Vec<String> {
    let values = ran.out.lines().filter_map(|line| line.split('\t').next());
    let values = values.filter(|value| !value.starts_with('-'));
    values.map(str::to_owned).collect()
}

fn by_kubectl(stand: &Stand, kubeconfig: &str, words: &[&str]) -> String {
    let folder = stand.home.path("bin");
    if !folder.exists() {
        std::fs::create_dir(&folder).unwrap();
        for name in ["kubectl-podpass", "kubectl_complete-podpass"] {
            std::os::unix::fs::symlink(PODPASS, folder.join(name)).unwrap();
        }
    }
    let kubectl = control_plane_programs().unwrap().join("kubectl");
    let tries = (0..TABS).map(|_| {
        let ran = run(stand
            .home
            .command(&kubectl)
            .env("PATH", &folder)
            .env("KUBECONFIG", kubeconfig)
            .args(["__complete", "podpass"])
            .args(words));
        ran.succeeded().to_owned()
    });
    let mut found = tries.skip_while(|answer| answer == ":4\n");
    found.next().unwrap_or_default()
}

async fn create_deployment(stand: &Stand) {
    let deployments: Api<Deployment> = Api::namespaced(stand.shared.admin(), &stand.namespace);
    let deployment = json!({
        "metadata": {"name": "app"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}},
                "spec": {"containers": [{"name": "app", "image": "app"}]}
            }
        }
    });
    let deployment = serde_json::from_value(deployment).unwrap();
    deployments
        .create(&PostParams::default(), &deployment)
        .await
        .unwrap();
}

/// How often a person presses Tab before giving up.
const TABS: usize = 20;
const ROLE: &str = "arn:aws:iam::123456789012:role/given";
