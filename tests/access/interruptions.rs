//! `bind` is killed after each of its calls, to AWS and to the API server; the next run completes it.

use std::time::Duration;

use podpass_testkit::{Identity, Withhold, WithholdingProxy, eventually};

use crate::stand::{PODPASS, READ_S3, Stand};

/// Kills `bind` while the answer to call N is withheld, from the first call to the last, and runs it again.
async fn converges_from_every_call(name: &str, in_front_of_aws: bool) {
    let Some(stand) = Stand::new(name).await else {
        return;
    };
    let policy = stand.home.write("read-s3.json", READ_S3);
    let mut number = 0;
    loop {
        number += 1;
        let app = stand.account(&format!("app-{number}"));
        let role = format!(
            "arn:aws:iam::123456789012:role/demo-{}-app-{number}",
            stand.namespace
        );
        let upstream = if in_front_of_aws {
            kube::Config::new(stand.sandbox.endpoint().parse().unwrap())
        } else {
            stand.api().config(&Identity::Admin)
        };
        let proxy = WithholdingProxy::start(&upstream).await;
        proxy.withhold(number, Withhold::Hang);
        let kubeconfig = stand.home.path("kubeconfig-of-the-run");
        let mut command = stand.sandbox.command(&stand.home, PODPASS);
        command.env("AWS_REGION", "eu-west-1");
        if in_front_of_aws {
            stand.api().write_kubeconfig(&kubeconfig, &Identity::Admin);
            command.env("AWS_ENDPOINT_URL", proxy.url());
        } else {
            let api = stand.api().at(proxy.url());
            api.write_kubeconfig(&kubeconfig, &Identity::Admin);
        }
        let arguments = [
            "bind",
            &app,
            "--policy",
            policy.to_str().unwrap(),
            "--policy-arn",
            "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            "--name",
            "demo",
            "--create",
        ];
        command.env("KUBECONFIG", kubeconfig).args(arguments);
        let mut running = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        let ended = eventually(
            "the call is made, or none is left",
            Duration::from_mins(1),
            async || match running.try_wait().unwrap() {
                Some(status) => Some(Some(status)),
                None => proxy
                    .calls()
                    .iter()
                    .any(|call| call.withheld)
                    .then_some(None),
            },
        )
        .await;
        if let Some(status) = ended {
            // There is no such call any more: every one was interrupted once.
            assert!(status.success());
            assert!(number > 3, "only {number} calls were made");
            return;
        }
        running.kill().unwrap();
        running.wait().unwrap();
        stand.podpass(&arguments).succeeded();
        let again = stand.podpass(&arguments);
        assert!(
            !again.succeeded().contains("created") && !again.out.contains("configured"),
            "call {number}: {again:#?}"
        );
        stand.assume(&app, &role, "sts.amazonaws.com").succeeded();
    }
}

#[tokio::test]
async fn bind_converges_from_every_call_to_aws() {
    converges_from_every_call("killed-aws", true).await;
}

#[tokio::test]
async fn bind_converges_from_every_call_to_the_api_server() {
    converges_from_every_call("killed-api", false).await;
}
