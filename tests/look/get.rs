//! `podpass get` on pods with and without an injection.

use podpass_aws::Connection;
use podpass_cloud::{Credentials, Exchange, Observe};
use podpass_testkit::{ControlPlaneOptions, Identity, Ran, eventually, foreign_clients, run};
use serde_json::{Value, json};

use crate::stand::{Stand, WEBHOOK};

const ROLE: &str = "arn:aws:iam::123456789012:role/prod-irsa-test-irsa-test";
const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/other";

fn account(role: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: irsa-test\n  namespace: irsa-test\n  annotations: \
         {{eks.amazonaws.com/role-arn: '{role}'}}\n"
    )
}

fn pod(name: &str, account: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: irsa-test, labels: {{app: {name}}}}}\nspec:\n  \
         serviceAccountName: {account}\n  containers:\n  - {{name: aws, image: 'amazon/aws-cli:2.13.11', env: [{{name: \
         HOME, value: /tmp}}]}}\n"
    )
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: aws-irsa, namespace: irsa-test}
spec:
  replicas: 2
  selector: {matchLabels: {app: aws-irsa}}
  template:
    metadata: {labels: {app: aws-irsa}}
    spec:
      serviceAccountName: irsa-test
      containers: [{name: aws, image: 'amazon/aws-cli:2.13.11'}]
";

/// As the peer's README runs it on another region.
const WEBHOOK_PODS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: pod-identity-webhook, namespace: default}
spec: {selector: {app: pod-identity-webhook}, ports: [{port: 443}]}
---
apiVersion: v1
kind: Pod
metadata: {name: pod-identity-webhook, namespace: default, labels: {app: pod-identity-webhook}}
spec:
  containers:
  - name: webhook
    image: amazon/amazon-eks-pod-identity-webhook
    command: [/webhook, --in-cluster=false, --aws-default-region=us-west-2, --sts-regional-endpoint]
";

/// The differences of a pod: code, container, expected, actual.
fn differences<'a>(document: &'a Value, pod: &str) -> Vec<[&'a str; 4]> {
    let accounts = document["serviceAccounts"].as_array().unwrap().iter();
    let mut pods = accounts.flat_map(|account| account["pods"].as_array().unwrap());
    let report = pods.find(|report| report["name"] == pod).unwrap();
    let found = report["differences"].as_array().unwrap().iter();
    found
        .map(|one| {
            ["code", "container", "expected", "actual"]
                .map(|name| one[name].as_str().unwrap_or("-"))
        })
        .collect()
}

async fn furnished() -> Option<Stand> {
    let stand = Stand::start(ControlPlaneOptions {
        controller_manager: true,
        ..ControlPlaneOptions::default()
    })
    .await?;
    stand.apply(WEBHOOK);
    stand.kubectl(&["create", "namespace", "irsa-test"]);
    stand.apply(&account(ROLE));
    Some(stand)
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_002_04_seed_002_28_pods_beside_what_they_should_have() {
    let Some(stand) = furnished().await else {
        return;
    };
    stand.apply_injected(&pod("good", "irsa-test"), &account(ROLE), &[]);
    stand.apply(&pod("bare", "irsa-test"));
    stand.apply(&pod("other", "default"));
    stand.apply(DEPLOYMENT);
    let replicas = "the Deployment has made its pods";
    eventually(replicas, std::time::Duration::from_mins(1), async || {
        let names = stand.kubectl(&[
            "-n",
            "irsa-test",
            "get",
            "pods",
            "-l",
            "app=aws-irsa",
            "-o",
            "name",
        ]);
        (names.lines().count() == 2).then_some(())
    })
    .await;

    let good = stand.podpass(&["get", "pod/good", "-n", "irsa-test"]);
    let page = good.succeeded();
    for part in [
        "irsa-test/irsa-test",
        "good",
        "aws",
        ROLE,
        "as it should be",
    ] {
        assert!(page.contains(part), "missing {part:?} in {page}");
    }
    let document = get_json(&stand, &["pod/good", "-n", "irsa-test"], 0);
    assert_eq!(differences(&document, "good"), [[""; 4]; 0]);
    let container = &document["serviceAccounts"][0]["pods"][0]["containers"][0];
    assert_eq!(container["credentials"]["webIdentity"]["roleArn"], ROLE);
    assert_eq!(
        container["mounts"],
        json!([{"volume": "aws-iam-token", "path": "/var/run/secrets/eks.amazonaws.com/serviceaccount"}])
    );

    // Born before the webhook: no controller, so that somebody has to make it anew.
    let bare = stand.podpass(&["get", "pod/bare", "-n", "irsa-test"]);
    assert_eq!(bare.code, 1, "{bare:#?}");
    for part in [
        "BORN_BEFORE_WEBHOOK",
        "= expected arn:aws:iam",
        "= actual   (nothing)",
        "no controller",
    ] {
        assert!(bare.out.contains(part), "missing {part:?} in {bare:#?}");
    }
    let deployment = stand.podpass(&["get", "deploy/aws-irsa", "-n", "irsa-test"]);
    assert_eq!(deployment.code, 1, "{deployment:#?}");
    let restart = "kubectl -n irsa-test rollout restart deployment/aws-irsa";
    assert!(deployment.out.contains(restart), "{deployment:#?}");
    let other = stand.podpass(&["get", "pod/other", "-n", "irsa-test"]);
    assert!(
        other.succeeded().contains("NO_ROLE_ANNOTATION"),
        "{other:#?}"
    );

    // Every account with a role, wherever.
    let all = get_json(&stand, &["-A"], 1);
    let accounts = all["serviceAccounts"].as_array().unwrap();
    let names: Vec<&str> = accounts
        .iter()
        .map(|one| one["serviceAccount"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["irsa-test/irsa-test"]);
    assert_eq!(accounts[0]["pods"].as_array().unwrap().len(), 4);
    assert_eq!(
        differences(&all, "bare"),
        [["BORN_BEFORE_WEBHOOK", "-", ROLE, "-"]]
    );
    let selected = get_json(&stand, &["irsa-test/irsa-test", "-l", "app=good"], 0);
    assert_eq!(
        selected["serviceAccounts"][0]["pods"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let names = stand.podpass(&[
        "get",
        "sa/irsa-test",
        "-n",
        "irsa-test",
        "-l",
        "app=good",
        "-o",
        "name",
    ]);
    assert_eq!(names.succeeded(), "serviceaccount/irsa-test\npod/good\n");

    // The annotation changes under a running pod.
    stand.apply(&account(OTHER_ROLE));
    let stale = get_json(&stand, &["pod/good", "-n", "irsa-test"], 1);
    assert_eq!(
        differences(&stale, "good"),
        [["STALE_ROLE_IN_POD", "aws", OTHER_ROLE, ROLE]]
    );
    // The identity goes, and the account with it.
    stand.kubectl(&["-n", "irsa-test", "delete", "serviceaccount", "irsa-test"]);
    let gone = stand.podpass(&["get", "pod/good", "-n", "irsa-test"]);
    assert_eq!(gone.code, 1, "{gone:#?}");
    assert!(gone.out.contains("does not exist"), "{gone:#?}");

    refusals(&stand);
}

fn refusals(stand: &Stand) {
    stand
        .podpass(&["get", "irsa-test/absent"])
        .refused(1, &["irsa-test/absent"]);
    stand
        .podpass(&["get", "deploy/absent", "-n", "irsa-test"])
        .refused(1, &["deployment `irsa-test/absent`"]);
    stand
        .podpass(&["get", "nonsense"])
        .refused(2, &["nonsense", "deploy/NAME"]);
    stand
        .podpass(&["get", "pod/good", "-n", "irsa-test", "-l", "a=b"])
        .refused(2, &["--selector"]);
    stand
        .podpass(&["get", "-A", "-n", "irsa-test"])
        .refused(2, &["--namespace"]);
    stand.write_kubeconfig(
        "nobody",
        &Identity::User {
            name: "nobody".to_owned(),
            groups: Vec::new(),
        },
    );
    stand
        .podpass_as("nobody", &["get", "irsa-test/default"])
        .refused(3, &["`get` on `serviceaccounts` in namespace `irsa-test`"]);
    stand
        .podpass_as("nobody", &["get", "-A"])
        .refused(3, &["`list` on `", "in the whole cluster"]);
}

fn get_json(stand: &Stand, arguments: &[&str], code: i32) -> Value {
    let ran: Ran = stand.podpass(&[&["get", "-o", "json"], arguments].concat());
    assert_eq!(ran.code, code, "{ran:#?}");
    ran.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_002_33_variables_and_config_file_of_a_container() {
    let Some(stand) = furnished().await else {
        return;
    };
    // Without a pod there is a config file and no environment.
    stand
        .podpass(&["get", "irsa-test/irsa-test", "-o", "env"])
        .refused(1, &["no pod"]);
    let expected = stand.podpass(&["get", "irsa-test/irsa-test", "-o", "aws-config"]);
    assert_eq!(
        expected.succeeded(),
        format!(
            "[default]\nrole_arn = {ROLE}\nweb_identity_token_file = \
             /var/run/secrets/eks.amazonaws.com/serviceaccount/token\n"
        )
    );

    // The webhook's own settings count: they are read from where it runs.
    stand.apply(WEBHOOK_PODS);
    let flags = ["--aws-default-region=us-west-2", "--sts-regional-endpoint"];
    stand.apply_injected(&pod("seattle", "irsa-test"), &account(ROLE), &flags);
    let document = get_json(&stand, &["irsa-test/irsa-test"], 0);
    assert_eq!(document["webhookService"], "default/pod-identity-webhook");
    let elsewhere = get_json(
        &stand,
        &["irsa-test/irsa-test", "--token-audience", "openshift"],
        1,
    );
    assert_eq!(
        differences(&elsewhere, "seattle"),
        [["STALE_TOKEN_IN_POD", "-", "openshift", "sts.amazonaws.com"]]
    );

    // Document 002: the five variables that `env | grep AWS_` shows.
    let env = stand.podpass(&["get", "irsa-test/irsa-test", "-o", "env"]);
    assert_eq!(
        env.succeeded(),
        format!(
            "export AWS_STS_REGIONAL_ENDPOINTS=regional\nexport AWS_DEFAULT_REGION=us-west-2\nexport \
             AWS_REGION=us-west-2\nexport AWS_ROLE_ARN={ROLE}\nexport AWS_WEB_IDENTITY_TOKEN_FILE=\
             /var/run/secrets/eks.amazonaws.com/serviceaccount/token\n"
        )
    );
    assert!(
        env.err.contains("irsa-test/seattle, container aws"),
        "{env:#?}"
    );
    stand
        .podpass(&[
            "get",
            "pod/seattle",
            "-n",
            "irsa-test",
            "-o",
            "env",
            "-c",
            "absent",
        ])
        .refused(2, &["absent", "aws"]);

    // Who names a container wants that one, in a config file too.
    let config = ["get", "pod/seattle", "-n", "irsa-test", "-o", "aws-config"];
    stand
        .podpass(&[&config[..], &["-c", "absent"]].concat())
        .refused(2, &["absent", "aws"]);

    // Static keys stand in the pod for everybody who may read it; here they are not repeated.
    let mut leaking = pod("leaking", "irsa-test");
    leaking = leaking.replace(
        "{name: HOME, value: /tmp}",
        "{name: AWS_SECRET_ACCESS_KEY, value: the-secret-key}",
    );
    stand.apply(&leaking);
    let leaking = stand.podpass(&["get", "pod/leaking", "-n", "irsa-test", "-o", "env"]);
    assert!(
        leaking.err.contains("AWS_SECRET_ACCESS_KEY is a secret"),
        "{leaking:#?}"
    );
    assert!(
        !format!("{leaking:?}").contains("the-secret-key"),
        "{leaking:#?}"
    );
}

/// The file, with a real token of the cluster beside it, in the hands of two SDKs.
#[tokio::test(flavor = "multi_thread")]
async fn seed_001_21_config_file_opens_the_role() {
    let Some(stand) = furnished().await else {
        return;
    };
    stand.apply(WEBHOOK_PODS);
    let flags = ["--aws-default-region=us-west-2", "--sts-regional-endpoint"];
    stand.apply_injected(&pod("seattle", "irsa-test"), &account(ROLE), &flags);
    let token = stand.podpass(&["token", "get", "irsa-test/irsa-test"]);
    let token = stand.home.write("token", token.succeeded());
    let config = stand.podpass(&[
        "get",
        "pod/seattle",
        "-n",
        "irsa-test",
        "-o",
        "aws-config",
        "--token-file",
        token.to_str().unwrap(),
    ]);
    let config = config.succeeded();
    assert!(
        config.contains("region = us-west-2\nsts_regional_endpoints = regional\n"),
        "{config}"
    );
    let file = stand.home.write("config", config);
    let region = "us-west-2".parse().unwrap();
    let connection =
        Connection::of_config_file(stand.sandbox.endpoint(), &region, &file, "default").await;
    let role = "arn:aws:sts::123456789012:assumed-role/prod-irsa-test-irsa-test/";
    let identity = connection.caller_identity().await.unwrap();
    assert!(identity.arn.starts_with(role), "{identity:?}");

    let Some(clients) = foreign_clients() else {
        return;
    };
    let mut aws = stand.home.command(clients.join("bin/aws"));
    aws.env("AWS_CONFIG_FILE", &file)
        .env("AWS_ENDPOINT_URL", stand.sandbox.endpoint());
    let identity = run(aws.args(["sts", "get-caller-identity"]));
    identity.succeeded();
    assert!(
        identity.json()["Arn"].as_str().unwrap().starts_with(role),
        "{identity:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_jobs_pods_are_those_of_its_jobs() {
    let Some(stand) = furnished().await else {
        return;
    };
    stand.apply(&account(ROLE));
    for name in ["nightly", "other"] {
        stand.apply(&format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}, namespace: irsa-test}}\nspec:\n  schedule: \
             '0 0 1 1 *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          serviceAccountName: \
             irsa-test\n          restartPolicy: Never\n          containers: [{{name: aws, image: 'aws:1'}}]\n"
        ));
        // No pod before there is a job.
        let none = stand.podpass(&[
            "get",
            &format!("cronjob/{name}"),
            "--namespace",
            "irsa-test",
        ]);
        none.said(&["no pods"]);
        for run in ["first", "second"] {
            let job = format!("{name}-{run}");
            let from = format!("cronjob/{name}");
            stand.kubectl(&[
                "create",
                "job",
                &job,
                "--from",
                &from,
                "--namespace",
                "irsa-test",
            ]);
            let selector = format!("--selector=job-name={job}");
            stand.kubectl(&[
                "wait",
                "--for=create",
                "pod",
                &selector,
                "--namespace",
                "irsa-test",
                "--timeout=60s",
            ]);
        }
    }
    let document = get_json(&stand, &["cronjob/nightly", "--namespace", "irsa-test"], 1);
    let pods = document["serviceAccounts"][0]["pods"].as_array().unwrap();
    let names: Vec<&str> = pods
        .iter()
        .map(|pod| pod["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(
        names.iter().all(|name| name.starts_with("nightly-")),
        "{names:?}"
    );
}

/// Nobody types the ARN: `bind` makes role and annotation, and `get` shows what AWS calls the role.
#[tokio::test(flavor = "multi_thread")]
async fn seed_000_33_wide_shows_the_role_that_bind_made() {
    let Some(stand) = Stand::start(ControlPlaneOptions::default()).await else {
        return;
    };
    let policy = stand.home.write("read.json", READ_S3);
    let policy = policy.to_str().unwrap();
    let bind = ["bind", "irsa-test/app", "--policy", policy, "--create"];
    stand.podpass_with_aws(&bind).succeeded();
    let role_name = "prod-irsa-test-app".parse().unwrap();
    let (id, secret) = stand.sandbox.admin_key(0);
    let administrator = Connection::isolated(
        stand.sandbox.endpoint(),
        &"eu-west-1".parse().unwrap(),
        Some(&Credentials::long_term(id, secret)),
    );
    let role = administrator.role(&role_name).await.unwrap().unwrap();
    let arn = role.role.arn.to_string();

    // Before there is a pod, the account's row has it; with one, the pod's row has both.
    let rows = |ran: &Ran| -> Vec<Vec<String>> {
        let lines = ran.succeeded().lines().take_while(|line| !line.is_empty());
        let cells = |line: &str| {
            line.split("  ")
                .map(|cell| cell.trim().to_owned())
                .collect()
        };
        let lines = lines.map(cells);
        lines
            .map(|cells: Vec<String>| cells.into_iter().filter(|cell| !cell.is_empty()).collect())
            .collect()
    };
    let header = [
        "SERVICE ACCOUNT",
        "POD",
        "CONTAINER",
        "ROLE IN THE POD",
        "RESULT",
        "ROLE OF THE ACCOUNT",
        "AUDIENCE",
        "TOKEN LIFE",
    ];
    let wide = ["get", "irsa-test/app", "-o", "wide"];
    assert_eq!(
        rows(&stand.podpass(&wide)),
        [
            header.map(str::to_owned).to_vec(),
            [
                "irsa-test/app",
                "-",
                "-",
                "-",
                "no pods",
                &arn,
                "sts.amazonaws.com",
                "86400s"
            ]
            .map(str::to_owned)
            .to_vec(),
        ]
    );
    let annotated = stand.kubectl(&["-n", "irsa-test", "get", "sa", "app", "-o", "yaml"]);
    let life = "--token-expiration=7200";
    stand.apply_injected(&pod("short", "app"), &annotated, &[life]);
    let wide = [&wide[..], &[life]].concat();
    assert_eq!(
        rows(&stand.podpass(&wide))[1],
        [
            "irsa-test/app",
            "short",
            "aws",
            &arn,
            "as it should be",
            &arn,
            "sts.amazonaws.com",
            "7200s"
        ]
    );
    // The usual table stays as wide as it was.
    let usual = stand.podpass(&["get", "irsa-test/app", life]);
    assert_eq!(rows(&usual)[0], header[..5]);
}

const READ_S3: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"#;
