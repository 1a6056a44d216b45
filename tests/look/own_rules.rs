//! A webhook that runs by other rules than the peer's defaults: podpass goes by them too.

use podpass_testkit::ControlPlaneOptions;

use crate::stand::{Stand, WEBHOOK};

const ROLE: &str = "arn:aws:iam::123456789012:role/prod-irsa-test-irsa-test";

const WEBHOOK_PODS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: pod-identity-webhook, namespace: default}
spec: {selector: {app: pod-identity-webhook}, ports: [{port: 443}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: default}
---
apiVersion: v1
kind: Pod
metadata: {name: pod-identity-webhook, namespace: default, labels: {app: pod-identity-webhook}}
spec:
  containers:
  - name: webhook
    image: amazon/amazon-eks-pod-identity-webhook
    command: [/webhook, --annotation-prefix=aws.example.org, --token-audience=openshift, --watch-config-map]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: pod-identity-webhook, namespace: default}
data:
  config: '{\"irsa-test/mapped\": {\"RoleARN\": \"arn:aws:iam::123456789012:role/prod-irsa-test-irsa-test\"}}'
---
apiVersion: v1
kind: Namespace
metadata: {name: irsa-test}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: mapped, namespace: irsa-test}
";

#[tokio::test(flavor = "multi_thread")]
async fn bind_annotates_what_the_webhook_reads() {
    let Some(stand) = Stand::start(ControlPlaneOptions::default()).await else {
        return;
    };
    stand.apply(WEBHOOK);
    stand.apply(WEBHOOK_PODS);
    let account = "irsa-test/irsa-test";
    stand
        .podpass(&["bind", account, "--role-arn", ROLE, "--create"])
        .said(&["serviceaccount/irsa-test created"]);
    let annotation = [
        "get",
        "serviceaccount",
        "irsa-test",
        "--namespace",
        "irsa-test",
        r"-o=jsonpath={.metadata.annotations.aws\.example\.org/role-arn}",
    ];
    assert_eq!(stand.kubectl(&annotation), ROLE);
    // A prefix on the command line wins over the webhook's.
    stand
        .podpass(&[
            "bind",
            account,
            "--role-arn",
            ROLE,
            "--annotation-prefix",
            "eks.amazonaws.com",
            "--dry-run",
            "-o",
            "yaml",
        ])
        .said(&["eks.amazonaws.com/role-arn"]);
    // The role trusts this one subject; its tokens are for the webhook's audience.
    stand.podpass(&["verify", account]).said(&["aud openshift"]);
    stand
        .podpass(&["unbind", account])
        .said(&["serviceaccount/irsa-test configured"]);
    assert_eq!(stand.kubectl(&annotation), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_command_has_the_role_that_the_config_map_gives() {
    let Some(stand) = Stand::start(ControlPlaneOptions::default()).await else {
        return;
    };
    let exec = [
        "exec",
        "--as",
        "irsa-test/mapped",
        "--",
        "sh",
        "-c",
        "echo $AWS_ROLE_ARN",
    ];
    let exec = |stand: &Stand| {
        let (options, words) = exec.split_at(3);
        let mut command = stand.command("admin", options);
        podpass_testkit::run(command.args(words))
    };
    stand.apply(WEBHOOK_PODS);
    exec(&stand).refused(1, &["NO_ROLE_ANNOTATION"]);
    // Nobody reads the ConfigMap but a webhook.
    stand.apply(WEBHOOK);
    assert_eq!(exec(&stand).succeeded(), format!("{ROLE}\n"));
}
