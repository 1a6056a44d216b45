//! Roles that a namespace allows, and roles that are named without an ARN.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, Patch, PatchParams};
use podpass_testkit::SandboxProcess;
use serde_json::{Value, json};

use crate::client::get;
use crate::stand::{PODPASS, ROLE, Stand, dry_run, is_injected, pod_as, soon};

#[tokio::test(flavor = "multi_thread")]
async fn role_that_the_namespace_does_not_allow_is_refused_by_name() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let allow = async |patterns: Value| {
        let namespaces: Api<Namespace> = Api::all(stand.client());
        let change = json!({"metadata": {"annotations": {"podpass.dev/allowed-roles": patterns}}});
        let change = Patch::Merge(change);
        namespaces
            .patch(&stand.namespace, &PatchParams::default(), &change)
            .await
            .unwrap();
    };
    stand.account("app", ROLE).await;
    let chained = "arn:aws:iam::210987654321:role/other";
    let chain =
        json!({"eks.amazonaws.com/role-arn": ROLE, "podpass.dev/assume-role-chain": chained});
    stand.annotated("chained", &chain).await;
    stand.annotated("plain", &json!({})).await;

    // Without the right to read namespaces it is not ready: the guardrail is not off.
    let replica = stand.replica(&["--enforce-allowed-roles"]);
    soon("it says what it waits for", async || {
        let (_, body) = get(replica.metrics_address(), false, "/readyz").await;
        body == "not ready: the namespaces have not been read yet\n"
    })
    .await;
    stand.register_at(replica.address(), "Fail").await;
    let pods: Api<Pod> = stand.api();
    let refused = async |account: &str, said: &[&str]| {
        let created = pods.create(&dry_run(), &pod_as("app", account)).await;
        match created {
            Err(kube::Error::Api(status)) => said.iter().all(|part| status.message.contains(part)),
            Err(error) => panic!("{error}"),
            Ok(_) => false,
        }
    };
    soon("a pod with a role is held back", async || {
        refused("app", &["could not be read", "which roles it allows"]).await
    })
    .await;
    assert!(
        pods.create(&dry_run(), &pod_as("plain", "plain"))
            .await
            .is_ok()
    );

    stand
        .grant(&json!([
            {"apiGroups": [""], "resources": ["serviceaccounts", "namespaces"], "verbs": ["get", "list", "watch"]},
        ]))
        .await;
    soon("it is ready with the right to read them", async || {
        get(replica.metrics_address(), false, "/readyz").await.0 == 200
    })
    .await;
    let gets_a_role = async |account: &str| {
        let created = pods.create(&dry_run(), &pod_as("app", account)).await;
        created.is_ok_and(|pod| pod.spec.unwrap().volumes.unwrap()[0].name == "aws-iam-token")
    };
    // A namespace without the annotation is not restricted.
    assert!(gets_a_role("app").await);
    allow(json!("arn:aws:iam::123456789012:role/team-*")).await;
    let named = [
        "ROLE_NOT_ALLOWED",
        ROLE,
        "arn:aws:iam::123456789012:role/team-*",
    ];
    soon("the role is refused", async || refused("app", &named).await).await;
    assert!(
        pods.create(&dry_run(), &pod_as("plain", "plain"))
            .await
            .is_ok()
    );
    allow(json!("arn:aws:iam::123456789012:role/*")).await;
    soon("the role is allowed", async || gets_a_role("app").await).await;
    assert!(refused("chained", &["ROLE_NOT_ALLOWED", chained, "of the chain"]).await);
    allow(json!("arn:aws:iam::*:role/*")).await;
    soon("the chain is allowed", async || {
        gets_a_role("chained").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_roles_are_completed_by_flag_or_by_the_instance_metadata() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let role_of = |pod: &Pod| {
        let variables = pod.spec.as_ref().unwrap().containers[0]
            .env
            .as_ref()
            .unwrap();
        let role = variables
            .iter()
            .find(|variable| variable.name == "AWS_ROLE_ARN");
        role.unwrap().value.clone().unwrap()
    };
    stand.account("app", "team/app").await;
    let flags = ["--aws-account-id=111122223333", "--aws-partition=aws-cn"];
    let by_flag = stand.replica(&flags);
    stand.register_at(by_flag.address(), "Fail").await;
    let pods: Api<Pod> = stand.api();
    soon("the webhook is called", async || {
        let created = pods.create(&dry_run(), &pod_as("app", "app")).await;
        created.is_ok_and(|pod| is_injected(&pod))
    })
    .await;
    let pod = pods
        .create(&dry_run(), &pod_as("app", "app"))
        .await
        .unwrap();
    assert_eq!(role_of(&pod), "arn:aws-cn:iam::111122223333:role/team/app");

    let arguments = ["--imds-listen", "127.0.0.1:0", "--node-role", "node"];
    let sandbox = SandboxProcess::start(PODPASS, &stand.home, &arguments);
    let metadata = sandbox.started()["imds"].as_str().unwrap().to_owned();
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str())];
    let by_metadata = stand.replica_with("webhook.kubeconfig", &variables, &["--compose-role-arn"]);
    stand.register_at(by_metadata.address(), "Fail").await;
    soon("the metadata's account counts", async || {
        let pod = pods
            .create(&dry_run(), &pod_as("app", "app"))
            .await
            .unwrap();
        role_of(&pod) == "arn:aws:iam::123456789012:role/team/app"
    })
    .await;
}
