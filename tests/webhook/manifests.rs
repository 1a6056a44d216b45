//! The command lines in the manifests are those that the binary takes.

use podpass_kinds::yaml;
use podpass_testkit::{Home, run};
use serde_json::Value;

use crate::stand::PODPASS;

#[test]
fn every_flag_in_the_manifests_is_taken() {
    let home = Home::new();
    let mut lines = 0;
    for options in [
        &[][..],
        &["--tls=cert-manager"],
        &["--openshift"],
        &[
            "--evict",
            "--watch-config-map",
            "--sts-regional-endpoint",
            "--aws-default-region=eu-west-1",
            "--token-expiration=3600",
        ],
    ] {
        let mut install = home.command(PODPASS);
        let printed = run(install
            .args(["install", "webhook", "-o", "yaml"])
            .args(options));
        for document in yaml::parse(printed.succeeded()).unwrap() {
            let object = document.root.map(|root| root.to_json()).unwrap_or_default();
            if object["kind"] != "Deployment" {
                continue;
            }
            lines += 1;
            let words = command_line(&object);
            assert_eq!(words[0], "/podpass");
            // An address that is nobody's here: it ends once all flags are read, and nothing is asked.
            let ends = ["--kube-api=http://127.0.0.1:1", "--bind-address=192.0.2.1"];
            let ran = run(home.command(PODPASS).args(&words[1..]).args(ends));
            assert_eq!(ran.code, 255, "{words:?}: {}", ran.err);
            let reached = ["cannot listen on 192.0.2.1:", "/etc/webhook/certs/tls.crt"];
            assert!(
                reached.iter().any(|reached| ran.err.contains(reached)),
                "{words:?}: {}",
                ran.err
            );
        }
    }
    assert_eq!(lines, 8);
}

/// Command and arguments of the only container, with its namespace filled in as the kubelet does.
fn command_line(deployment: &Value) -> Vec<String> {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let words = ["command", "args"].map(|member| container[member].as_array().unwrap());
    let words = words.into_iter().flatten();
    words
        .map(|word| word.as_str().unwrap().replace("$(NS)", "podpass-webhook"))
        .collect()
}
