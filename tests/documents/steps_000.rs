//! Steps of document 000 beside its whole way. Each name carries the step's id.

use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, PodRunner, SharedControlPlane,
};
use serde_json::Value;

use crate::doc_000::S3_READ_ONLY;
use crate::stand::{Stand, TestPod};

/// A kube-apiserver that signs with its first key and takes tokens of the second, as during OpenShift's key rotation,
/// and the objects in which OpenShift keeps both.
async fn cluster_with_two_keys(stand: &Stand) -> ControlPlane {
    stand
        .shell(
            "podpass aws create-key-pair --output-dir one
             podpass aws create-key-pair --output-dir two",
        )
        .succeeded();
    let options = ControlPlaneOptions {
        api_server: ApiServerOptions {
            signing_key: Some(stand.home.path("one/serviceaccount-signer.private")),
            accepted_keys: vec![stand.home.path("two/serviceaccount-signer.public")],
            ..ApiServerOptions::default()
        },
        ..ControlPlaneOptions::default()
    };
    let cluster = ControlPlane::start(&stand.programs, &options).await;
    stand.attach(cluster.api());
    stand
        .shell(
            "kubectl create namespace openshift-kube-apiserver
             kubectl create namespace openshift-kube-apiserver-operator
             kubectl create configmap -n openshift-kube-apiserver bound-sa-token-signing-certs \
                 --from-file=service-account-001.pub=one/serviceaccount-signer.public \
                 --from-file=service-account-002.pub=two/serviceaccount-signer.public
             kubectl create secret generic -n openshift-kube-apiserver-operator next-bound-service-account-signing-key \
                 --from-file=service-account.key=one/serviceaccount-signer.private \
                 --from-file=service-account.pub=one/serviceaccount-signer.public",
        )
        .succeeded();
    cluster
}

/// All keys of the config map, which document 000 reads one of, and the provider of them.
const PUBLISH: &str = r#"
kubectl get configmap -n openshift-kube-apiserver bound-sa-token-signing-certs \
    -o go-template='{{range .data}}{{.}}{{"\n"}}{{end}}' > keys.pem
podpass aws create-identity-provider --name irsa-mint --region eu-west-1 --public-key-file keys.pem"#;

fn kids(jwks: &str) -> Vec<String> {
    let jwks: Value = serde_json::from_str(jwks).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    let mut kids: Vec<String> = keys
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    kids.sort();
    kids
}

/// The test collects the keys of the config map; podpass publishes all that it is given.
#[tokio::test]
async fn partly_000_13_every_key_of_the_cluster_is_published() {
    let Some(stand) = Stand::new() else { return };
    let _cluster = cluster_with_two_keys(&stand).await;
    stand.shell(PUBLISH).succeeded();
    let published = stand.shell("aws s3 cp --quiet s3://irsa-mint-oidc/keys.json -");
    let published = kids(published.succeeded());
    // kube-apiserver's own JWKS is the other side of the comparison.
    let served = stand.shell("kubectl get --raw /openid/v1/jwks");
    assert_eq!(published, kids(served.succeeded()));
    assert_eq!(published.len(), 2, "{published:?}");
}

#[tokio::test]
async fn seed_000_15_the_clusters_key_is_used_and_none_is_made() {
    let Some(stand) = Stand::new() else { return };
    let _cluster = cluster_with_two_keys(&stand).await;
    stand.shell("rm -r one two").succeeded();
    let secret = "kubectl get secret -n openshift-kube-apiserver-operator next-bound-service-account-signing-key \
                  -o json";
    let before = stand.shell(secret).succeeded().to_owned();
    assert!(before.contains("service-account.key"), "{before}");
    stand.shell(PUBLISH).succeeded();
    assert_eq!(stand.shell(secret).succeeded(), before);
    // No `--output-dir`: it is where one stands.
    let private = stand.shell("grep -rl 'PRIVATE KEY' . | grep -v '^./bin/' || true");
    assert_eq!(private.succeeded(), "");
    stand
        .shell("ls manifests")
        .said(&["cluster-authentication-02-config.yaml"]);
}

#[tokio::test]
async fn seed_000_32_the_read_only_policy_lists_and_makes_nothing() {
    let Some(stand) = Stand::new() else { return };
    let shared = SharedControlPlane::find(&stand.programs).await;
    stand.attach(shared.api());
    let namespace = shared.namespace("irsa-test").await;
    let webhook = stand.webhook(&shared, &namespace).await;
    stand.trust_cluster();
    stand.home.write("s3-ro.json", S3_READ_ONLY);
    for (account, policy) in [
        ("by-file", "--policy s3-ro.json"),
        (
            "by-arn",
            "--policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        ),
    ] {
        stand
            .shell(&format!(
                "podpass bind {namespace}/{account} {policy} --name demo --create"
            ))
            .succeeded();
        let role = format!("arn:aws:iam::123456789012:role/demo-{namespace}-{account}");
        let pod = TestPod {
            namespace: &namespace,
            account,
            name: account,
            role: &role,
            audience: "sts.amazonaws.com",
        };
        let aws: PodRunner = stand.injected(&shared.admin(), &webhook, &pod).await;
        stand.shell("aws s3 mb s3://there || true").succeeded();
        stand.in_container(&aws, "aws s3 ls").said(&["there"]);
        stand
            .in_container(&aws, "aws s3 mb s3://made-by-the-pod --region eu-west-1")
            .refused(1, &["AccessDenied", "s3:CreateBucket"]);
    }
}
