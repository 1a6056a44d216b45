//! Flags, exit codes and the names that the webhook answers to.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use podpass_testkit::{Home, Ran, Trap, run};

use crate::stand::PODPASS;

fn called(home: &Home, name: &str) -> PathBuf {
    let path = home.path(name);
    symlink(PODPASS, &path).unwrap();
    path
}

fn ran(home: &Home, name: &str, arguments: &[&str]) -> Ran {
    let path = home.path(name);
    let program = if path.exists() {
        path
    } else {
        called(home, name)
    };
    run(home.trapped(program, &Trap::set()).args(arguments))
}

#[test]
fn exit_codes_are_the_peers() {
    let home = Home::new();
    let start = ["--port=0", "--metrics-port=0", "--bind-address=127.0.0.1"];
    let files = ["--in-cluster=false", "--kube-api=http://127.0.0.1:1"];
    for (arguments, code, said) in [
        (vec!["--help"], 0, "--token-audience"),
        (vec!["--version"], 0, "webhook 0.1.0"),
        (vec!["--nope"], 2, "--nope"),
        (vec!["-logtostderr"], 2, "-l"),
        (vec!["--port=x"], 2, "--port"),
        (vec!["--sts-regional-endpoint=maybe"], 2, "maybe"),
        (vec!["--token-expiration"], 2, "--token-expiration"),
        (files.to_vec(), 255, "/etc/webhook/certs/tls.crt"),
        (
            vec!["--in-cluster=false"],
            255,
            "no pod with a service account",
        ),
        (
            vec!["--in-cluster=false", "--kube-api=x://y"],
            255,
            "`x://y` is not the URL of an API server",
        ),
        (
            [&files[..], &["--tls-min-version=1.4"]].concat(),
            255,
            "1.4",
        ),
        (
            [&files[..], &["--tls-cipher-suites=X"]].concat(),
            255,
            "`X`",
        ),
    ] {
        let ran = ran(&home, "webhook", &[&arguments[..], &start[..]].concat());
        let text = format!("{}{}", ran.out, ran.err);
        assert_eq!(ran.code, code, "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
}

#[test]
fn both_names_of_the_peer_and_our_own_take_its_command_lines() {
    let home = Home::new();
    // Of kOps, OpenShift and the community chart; a certificate that is not there shows that all was read.
    let lines: [&[&str]; 4] = [
        &[
            "--in-cluster=false",
            "--namespace=kube-system",
            "--service-name=pod-identity-webhook",
            "--annotation-prefix=eks.amazonaws.com",
            "--token-audience=amazonaws.com",
            "--logtostderr",
            "--watch-config-map",
            "--sts-regional-endpoint",
            "--aws-default-region=eu-west-1",
            "--v=5",
        ],
        &[
            "--in-cluster=false",
            "--tls-cert=/var/run/app/certs/tls.crt",
            "--tls-key=/var/run/app/certs/tls.key",
            "--namespace=openshift-cloud-credential-operator",
            "--port=6443",
            "--service-name=pod-identity-webhook",
            "--annotation-prefix=eks.amazonaws.com",
            "--token-audience=sts.amazonaws.com",
            "--logtostderr",
        ],
        &[
            "--in-cluster=false",
            "--sts-regional-endpoint=true",
            "--port=8443",
            "--metrics-port=9999",
            "--aws-default-region=eu-west-1",
            "--token-expiration=3600",
            "-v=5",
        ],
        &[
            "--in-cluster=false",
            "--resync-period=30s",
            "--service-account-lookup-grace-period=100ms",
            "--kubeconfig=",
            "--watch-container-credentials-config=",
            "--stderrthreshold=2",
            "--vmodule=",
            "--v",
            "3",
        ],
    ];
    for line in lines {
        for name in ["webhook", "aws-pod-identity-webhook", "podpass"] {
            let mut arguments = vec!["--kube-api=http://127.0.0.1:1"];
            arguments.extend(line);
            if name == "podpass" {
                arguments.insert(0, "webhook");
            } else {
                arguments.push("ignored");
            }
            let ran = ran(&home, name, &arguments);
            assert_eq!(ran.code, 255, "{name} {line:?}: {}", ran.err);
            assert!(
                ran.err.contains("certs/tls.crt"),
                "{name} {line:?}: {}",
                ran.err
            );
        }
    }
}

#[test]
fn controller_is_a_word_of_podpass_alone() {
    let home = Home::new();
    let nowhere = ["--kube-api=http://127.0.0.1:1", "--bind-address=192.0.2.1"];
    for line in [&["-v=5"][..], &["--logtostderr", "--v", "3"], &["--evict"]] {
        let arguments = [&["webhook", "controller"], line, &nowhere].concat();
        let ran = ran(&home, "podpass", &arguments);
        assert_eq!(ran.code, 255, "{line:?}: {}", ran.err);
        assert!(
            ran.err.contains("cannot listen on 192.0.2.1:9999"),
            "{}",
            ran.err
        );
    }
    // The peer passes over words that are no flags, and so does what is called by its name.
    let files = ["controller", "--in-cluster=false", nowhere[0]];
    let ran_as_peer = ran(&home, "webhook", &files);
    assert_eq!(ran_as_peer.code, 255);
    assert!(
        ran_as_peer.err.contains("certs/tls.crt"),
        "{}",
        ran_as_peer.err
    );
    for (flag, said) in [
        ("--certificate-lifetime=59s", "write 1m or more"),
        ("--certificate-lifetime=100000h", "write 87600h or less"),
        ("--lease-duration=1s", "write 2s or more"),
        ("--find-interval=0", "write 1s or more"),
        ("--endpoint=example.com:443", "--endpoint"),
        ("--port=443", "--port"),
        ("--evict=maybe", "`maybe` is neither true nor false"),
    ] {
        let ran = ran(&home, "podpass", &["webhook", "controller", flag]);
        assert_eq!(ran.code, 2, "{flag}: {}", ran.err);
        assert!(ran.err.contains(said), "{flag}: {}", ran.err);
    }
}
