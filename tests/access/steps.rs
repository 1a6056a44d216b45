//! Steps of the source documents that take a cluster and no foreign client. Each name carries the step's id.

use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, Patch, PatchParams, PostParams};
use podpass_testkit::{PodRunner, RegisteredWebhook, is_injected, run};
use serde_json::{Value, json};

use crate::stand::{PODPASS, PROVIDER, READ_S3, Stand};

const ROLE: &str = "arn:aws:iam::123456789012:role/irsa-s3";
const TOKEN: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";

impl Stand {
    /// Makes the pod of a manifest.
    async fn create_pod(&self, manifest: &str) -> Pod {
        let pod: Pod = serde_saphyr::from_str(manifest).unwrap();
        let pods: Api<Pod> = Api::namespaced(self.shared.admin(), &self.namespace);
        pods.create(&PostParams::default(), &pod).await.unwrap()
    }

    /// Gives the service account `default` a role, and its pods the webhook.
    async fn webhook(&self) -> RegisteredWebhook {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.shared.admin(), &self.namespace);
        let role = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}});
        accounts
            .patch("default", &PatchParams::default(), &Patch::Merge(role))
            .await
            .unwrap();
        let (api, namespace) = (self.shared.api(), self.namespace.as_str());
        RegisteredWebhook::start(PODPASS, api, namespace, &[namespace], &[]).await
    }

    fn decoded(&self, token: &str) -> Value {
        let file = self.home.write("to-decode", token);
        let decode = ["token", "decode", "-o", "json", file.to_str().unwrap()];
        serde_json::from_str(self.without_aws(&decode).succeeded()).unwrap()
    }
}

fn pod_with_sidecar(stand: &Stand, name: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: {}
  annotations: {{eks.amazonaws.com/skip-containers: sidecar}}
spec:
  containers:
  - {{name: aws, image: 'aws:1'}}
  - {{name: sidecar, image: 'sidecar:1'}}
",
        stand.namespace
    )
}

#[tokio::test]
async fn seed_000_03_a_container_sees_no_credentials_of_another() {
    let Some(stand) = Stand::new("isolation").await else {
        return;
    };
    let _webhook = stand.webhook().await;
    let mut uids = Vec::new();
    for name in ["pod-a", "pod-b"] {
        let pod = stand.create_pod(&pod_with_sidecar(&stand, name)).await;
        let client = stand.shared.admin();
        let aws = PodRunner::start(&client, &pod, "aws").await;
        let token = std::fs::read_to_string(aws.path(TOKEN)).unwrap();
        let bound = stand.decoded(&token)["claims"]["kubernetes.io"]["pod"].take();
        let uid = pod.metadata.uid.clone().unwrap();
        assert_eq!(bound, json!({"name": name, "uid": uid}));
        uids.push(uid);

        let sidecar = PodRunner::start(&client, &pod, "sidecar").await;
        let environment = run(&mut sidecar.command("/usr/bin/env"));
        assert!(
            environment.succeeded().contains("HOSTNAME="),
            "{environment:?}"
        );
        assert!(!environment.out.contains("AWS_"), "{environment:?}");
        let containers = &pod.spec.as_ref().unwrap().containers;
        let mounted = |name: &str| {
            let container = containers.iter().find(|container| container.name == name);
            let mut mounts = container.unwrap().volume_mounts.iter().flatten();
            mounts.any(|mount| mount.name == "aws-iam-token")
        };
        assert!(mounted("aws") && !mounted("sidecar"), "{containers:?}");
    }
    assert_ne!(uids[0], uids[1]);
}

#[tokio::test]
async fn seed_002_06_a_token_of_the_wanted_audience_life_and_pod() {
    let Some(stand) = Stand::new("bound-token").await else {
        return;
    };
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: app, namespace: {}}}\nspec:\n  containers: [{{name: app, image: \
         'app:1'}}]\n",
        stand.namespace
    );
    let pod = stand.create_pod(&pod).await;
    let account = stand.account("default");
    let token = stand.without_aws(&[
        "token",
        "get",
        &account,
        "--audience",
        "openshift",
        "--expiry",
        "20m",
        "--bind-pod",
        "app",
    ]);
    let decoded = stand.decoded(token.succeeded());
    let claims = &decoded["claims"];
    assert_eq!(claims["aud"], json!(["openshift"]));
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(life, 20 * 60);
    let kubernetes = &claims["kubernetes.io"];
    assert_eq!(kubernetes["namespace"], json!(stand.namespace));
    assert_eq!(kubernetes["pod"]["uid"], json!(pod.metadata.uid));
    let account = stand.service_account("default").await.unwrap();
    assert_eq!(
        kubernetes["serviceaccount"],
        json!({"name": "default", "uid": account["metadata"]["uid"]})
    );
}

#[tokio::test]
async fn seed_002_09_the_claims_of_a_pods_token_are_printed_and_not_the_token() {
    let Some(stand) = Stand::new("claims").await else {
        return;
    };
    let _webhook = stand.webhook().await;
    let pod = stand
        .create_pod(&pod_with_sidecar(&stand, "external-dns"))
        .await;
    let runner = PodRunner::start(&stand.shared.admin(), &pod, "aws").await;
    let file = runner.path(TOKEN);
    let token = std::fs::read_to_string(&file).unwrap();
    for format in ["text", "json"] {
        let decode = ["token", "decode", "-vv", "-o", format];
        let decoded = stand.without_aws(&[&decode[..], &[file.to_str().unwrap()]].concat());
        assert!(
            decoded.succeeded().contains(&format!(
                "system:serviceaccount:{}:default",
                stand.namespace
            )),
            "{decoded:#?}"
        );
        // Neither the whole nor its signature, with which the rest can be used.
        let signature = token.trim().rsplit('.').next().unwrap();
        let printed = format!("{}{}", decoded.out, decoded.err);
        assert!(!printed.contains(signature), "the token was printed");
    }
    // Whoever wants the token itself says so.
    let raw = stand.without_aws(&["token", "get", &stand.account("default"), "-o", "raw"]);
    assert_eq!(raw.succeeded().trim().split('.').count(), 3);
}

/// The volume of the API's own token and where it is mounted, without the random end of its name.
fn api_access(pod: &Pod) -> Value {
    let spec = serde_json::to_value(pod.spec.as_ref().unwrap()).unwrap();
    let of = |list: &Value| -> Vec<Value> {
        let entries = list.as_array().unwrap().iter().cloned();
        entries
            .filter_map(|mut entry| {
                let name = entry["name"].as_str()?.starts_with("kube-api-access-");
                entry["name"] = json!("kube-api-access");
                name.then_some(entry)
            })
            .collect()
    };
    json!({"volumes": of(&spec["volumes"]), "mounts": of(&spec["containers"][0]["volumeMounts"])})
}

#[tokio::test]
async fn seed_002_08_the_volume_of_the_apis_token_stays_as_it_is() {
    let Some(stand) = Stand::new("api-access").await else {
        return;
    };
    let manifest = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {}}}\nspec:\n  containers: [{{name: app, \
             image: 'app:1'}}]\n",
            stand.namespace
        )
    };
    let plain = stand.create_pod(&manifest("plain")).await;
    let _webhook = stand.webhook().await;
    let injected = stand.create_pod(&manifest("injected")).await;
    assert!(is_injected(&injected), "{injected:?}");
    let expected = api_access(&plain);
    assert_eq!(api_access(&injected), expected);
    let sources = expected["volumes"][0]["projected"]["sources"].as_array();
    let sources: Vec<&String> = sources
        .unwrap()
        .iter()
        .flat_map(|source| source.as_object().unwrap().keys())
        .collect();
    assert_eq!(sources, ["serviceAccountToken", "configMap", "downwardAPI"]);
    // Nor does an injection into a pod that came with it.
    let mut copied = plain.clone();
    copied.metadata = ObjectMeta {
        name: Some("copied".to_owned()),
        namespace: plain.metadata.namespace.clone(),
        ..ObjectMeta::default()
    };
    let again = stand
        .create_pod(&serde_json::to_string(&copied).unwrap())
        .await;
    assert!(is_injected(&again), "{again:?}");
    assert_eq!(api_access(&again), expected);
}

#[tokio::test]
async fn seed_002_21_the_issuer_comes_from_the_cluster_itself() {
    let Some(stand) = Stand::new("issuer").await else {
        return;
    };
    // No AWS credentials at all, and so no permission of `eks`; nor is this cluster EKS.
    let trust = stand.without_aws(&[
        "trust",
        &stand.account("default"),
        "--account-id",
        "123456789012",
    ]);
    let trust: Value = serde_json::from_str(trust.succeeded()).unwrap();
    let request = http::Request::get("/.well-known/openid-configuration");
    let discovery: Value = stand
        .shared
        .admin()
        .request(request.body(Vec::new()).unwrap())
        .await
        .unwrap();
    let host = discovery["issuer"].as_str().unwrap();
    let host = host.strip_prefix("https://").unwrap();
    assert_eq!(
        trust["Statement"][0]["Principal"]["Federated"],
        format!("arn:aws:iam::123456789012:oidc-provider/{host}")
    );
}

#[tokio::test]
async fn seed_002_29_the_injected_token_lives_a_day_for_aws_alone() {
    let Some(stand) = Stand::new("a-day").await else {
        return;
    };
    let _webhook = stand.webhook().await;
    let pod = stand
        .create_pod(&pod_with_sidecar(&stand, "irsa-test-pod"))
        .await;
    let runner = PodRunner::start(&stand.shared.admin(), &pod, "aws").await;
    let token = std::fs::read_to_string(runner.path(TOKEN)).unwrap();
    let decoded = stand.decoded(&token);
    let claims = &decoded["claims"];
    assert_eq!(claims["aud"], json!(["sts.amazonaws.com"]));
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(life, 86_400);
}

#[tokio::test]
async fn seed_000_17_no_command_wants_the_arn_of_the_provider() {
    let Some(stand) = Stand::new("no-arn").await else {
        return;
    };
    let policy = stand.home.write("read-s3.json", READ_S3);
    let app = stand.account("app");
    let role = format!("role/demo-{}-app", stand.namespace);
    let bound = stand.podpass(&[
        "bind",
        &app,
        "--policy",
        policy.to_str().unwrap(),
        "--name",
        "demo",
        "--create",
        "-o",
        "json",
    ]);
    let document = bound.succeeded_json();
    assert_eq!(
        document["trustPolicy"]["Statement"][0]["Principal"]["Federated"],
        PROVIDER
    );
    let status = stand.podpass(&["status", "-o", "json"]);
    assert_eq!(status.succeeded_json()["aws"]["provider"]["arn"], PROVIDER);
    stand.podpass(&["verify", &app]).succeeded();
    let unbound = stand.podpass(&["unbind", &app, "--yes"]);
    assert_eq!(
        unbound.succeeded(),
        format!("{role} deleted\nserviceaccount/app configured\n")
    );
}
