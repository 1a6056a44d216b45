//! `bind`, `unbind` and `trust`.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::stand::{PROVIDER, READ_S3, Stand};

const GIVEN: &str = "arn:aws:iam::123456789012:role/irsa-s3";

#[tokio::test]
async fn role_is_made_works_for_this_account_alone_and_is_taken_back() {
    let Some(stand) = Stand::new("bind").await else {
        return;
    };
    let policy = stand.home.write("read-s3.json", READ_S3);
    let app = stand.account("app");
    let bind = [
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
    let role_name = format!("demo-{}-app", stand.namespace);
    let role = format!("arn:aws:iam::123456789012:role/{role_name}");

    let planned = stand.podpass(&[&bind[..], &["--dry-run"]].concat());
    assert_eq!(
        planned.succeeded(),
        format!("role/{role_name} created (dry run)\nserviceaccount/app created (dry run)\n")
    );
    assert!(planned.err.contains("iam:CreateRole"), "{planned:#?}");
    assert_eq!(stand.service_account("app").await, None);

    let bound = stand.podpass(&bind);
    assert_eq!(
        bound.succeeded(),
        format!("role/{role_name} created\nserviceaccount/app created\n")
    );
    let again = stand.podpass(&bind);
    assert_eq!(
        again.succeeded(),
        format!("role/{role_name} unchanged\nserviceaccount/app unchanged\n")
    );
    let account = stand.service_account("app").await.unwrap();
    assert_eq!(
        account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
        role
    );

    stand.assume(&app, &role, "sts.amazonaws.com").succeeded();
    let other = stand.account("default");
    stand.assume(&other, &role, "sts.amazonaws.com").refused(
        3,
        &["Not authorized to perform sts:AssumeRoleWithWebIdentity"],
    );
    stand
        .assume(&app, &role, "sts.amazon.com")
        .refused(1, &["Incorrect token audience"]);

    stand.podpass(&["unbind", &app]).refused(4, &["--yes"]);
    stand.assume(&app, &role, "sts.amazonaws.com").succeeded();
    let unbound = stand.podpass(&["unbind", &app, "--yes"]);
    assert_eq!(
        unbound.succeeded(),
        format!("role/{role_name} deleted\nserviceaccount/app configured\n")
    );
    stand
        .assume(&app, &role, "sts.amazonaws.com")
        .refused(3, &["Not authorized"]);
    let account = stand.service_account("app").await.unwrap();
    assert_eq!(account["metadata"]["annotations"], Value::Null);
    let again = stand.podpass(&["unbind", &app, "--yes"]);
    assert_eq!(again.succeeded(), "serviceaccount/app unchanged\n");
}

#[tokio::test]
async fn seed_000_30_given_role_needs_no_aws() {
    let Some(stand) = Stand::new("given").await else {
        return;
    };
    let app = stand.account("app");
    let bind = ["bind", &app, "--role-arn", GIVEN];
    stand
        .without_aws(&bind)
        .refused(1, &["there is no service account", "--create"]);
    let created = [&bind[..], &["--create"]].concat();
    assert_eq!(
        stand.without_aws(&created).succeeded(),
        "serviceaccount/app created\n"
    );
    assert_eq!(
        stand.without_aws(&bind).succeeded(),
        "serviceaccount/app unchanged\n"
    );
    // What podpass did not make in AWS it does not look for there.
    let unbound = stand.without_aws(&["unbind", &app]);
    assert_eq!(unbound.succeeded(), "serviceaccount/app configured\n");
    assert!(
        unbound.err.contains("was not made by `podpass bind`"),
        "{unbound:#?}"
    );

    // The trust policy that is handed to the security team lets the account's token in.
    let trust = stand.without_aws(&["trust", &app, "--account-id", "123456789012"]);
    let document: Value = serde_json::from_str(trust.succeeded()).unwrap();
    assert_eq!(
        document["Statement"][0]["Condition"]["StringEquals"]["kubernetes.default.svc:sub"],
        format!("system:serviceaccount:{app}").replace('/', ":")
    );
    let token = stand.without_aws(&["token", "get", &app]);
    let token = stand.home.write("token", token.succeeded());
    let trust = stand.home.write("trust.json", &trust.out);
    stand
        .without_aws(&[
            "simulate",
            "--token",
            token.to_str().unwrap(),
            "--trust",
            trust.to_str().unwrap(),
            "--provider",
            &format!("{PROVIDER}=sts.amazonaws.com"),
        ])
        .succeeded();
}

#[tokio::test]
async fn seed_001_24_each_team_does_its_side_with_its_own_credentials() {
    let Some(stand) = Stand::new("sides").await else {
        return;
    };
    let policy = stand.home.write("read-s3.json", READ_S3);
    let app = stand.account("app");
    let role_name = format!("demo-{}-app", stand.namespace);
    let role = format!("arn:aws:iam::123456789012:role/{role_name}");
    let aws_side = [
        "bind",
        &app,
        "--policy",
        policy.to_str().unwrap(),
        "--name",
        "demo",
        "--plan-only=aws",
    ];
    stand
        .without_cluster(&aws_side)
        .refused(2, &["--identity-provider-arn"]);
    let aws_side = [&aws_side[..], &["--identity-provider-arn", PROVIDER]].concat();
    let made = stand.without_cluster(&aws_side);
    assert_eq!(made.succeeded(), format!("role/{role_name} created\n"));

    let cluster_side = [
        "bind",
        &app,
        "--role-arn",
        &role,
        "--plan-only=cluster",
        "--create",
    ];
    let manifest = stand.without_aws(&[&cluster_side[..], &["--dry-run", "-o", "yaml"]].concat());
    assert!(
        manifest
            .succeeded()
            .contains(&format!("eks.amazonaws.com/role-arn: {role}")),
        "{manifest:#?}"
    );
    assert!(
        manifest.out.contains("kind: ServiceAccount"),
        "{manifest:#?}"
    );
    assert_eq!(
        stand.without_aws(&cluster_side).succeeded(),
        "serviceaccount/app created\n"
    );
    stand.assume(&app, &role, "sts.amazonaws.com").succeeded();
    let unmade = stand.without_cluster(&[
        "unbind",
        &app,
        "--name",
        "demo",
        "--plan-only=aws",
        "--identity-provider-arn",
        PROVIDER,
        "--yes",
    ]);
    assert_eq!(unmade.succeeded(), format!("role/{role_name} deleted\n"));
}

#[tokio::test]
async fn seed_000_36_workload_runs_as_the_account_and_rolls_out() {
    let Some(stand) = Stand::new("workload").await else {
        return;
    };
    let deployments: Api<Deployment> = Api::namespaced(stand.shared.admin(), &stand.namespace);
    let deployment = json!({
        "metadata": {"name": "aws-irsa"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "aws"}},
            "template": {
                "metadata": {"labels": {"app": "aws"}},
                "spec": {"containers": [{"name": "aws", "image": "amazon/aws-cli:2.13.11"}]}
            }
        }
    });
    let deployment: Deployment = serde_json::from_value(deployment).unwrap();
    deployments
        .create(&PostParams::default(), &deployment)
        .await
        .unwrap();
    let app = stand.account("irsa-test");
    let bind = [
        "bind",
        &app,
        "--role-arn",
        GIVEN,
        "--create",
        "--workload",
        "deploy/aws-irsa",
    ];
    assert_eq!(
        stand.without_aws(&bind).succeeded(),
        "serviceaccount/irsa-test created\ndeployment/aws-irsa configured\n"
    );
    assert_eq!(
        stand.without_aws(&bind).succeeded(),
        "serviceaccount/irsa-test unchanged\ndeployment/aws-irsa unchanged\n"
    );
    // The new ReplicaSet's pods run as the service account.
    let pods: Api<k8s_openapi::api::core::v1::Pod> =
        Api::namespaced(stand.shared.admin(), &stand.namespace);
    let rolled_out = async || {
        let pods = pods.list(&kube::api::ListParams::default()).await.unwrap();
        let accounts: Vec<_> = pods
            .items
            .into_iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .filter_map(|pod| pod.spec?.service_account_name)
            .collect();
        (accounts == ["irsa-test"]).then_some(())
    };
    podpass_testkit::eventually(
        "the new pod runs as the service account",
        std::time::Duration::from_mins(1),
        rolled_out,
    )
    .await;
    stand
        .without_aws(&[
            "bind",
            &app,
            "--role-arn",
            GIVEN,
            "--workload",
            "deploy/nope",
        ])
        .refused(1, &["deployment/nope"]);
}

#[tokio::test]
async fn outcome_is_for_programs_too() {
    let Some(stand) = Stand::new("outcome").await else {
        return;
    };
    let app = stand.account("app");
    let bind = ["bind", &app, "--role-arn", GIVEN, "--create", "-o"];
    let json = stand.without_aws(&[&bind[..], &["json"]].concat());
    let document: Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(document["kind"], "Binding");
    assert_eq!(document["roleArn"], GIVEN);
    assert_eq!(
        document["resources"],
        json!([{"name": "serviceaccount/app", "outcome": "created"}])
    );
    let name = stand.without_aws(&[&bind[..], &["name"]].concat());
    assert_eq!(name.succeeded(), "serviceaccount/app\n");
    let yaml = stand.without_aws(&[&bind[..], &["yaml"]].concat());
    assert!(yaml.succeeded().contains("outcome: unchanged"), "{yaml:#?}");
}
