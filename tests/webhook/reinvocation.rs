//! Another webhook behind ours adds a sidecar, and the API server calls ours once more.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::stand::{ROLE, Stand, dry_run, pod_as, soon, to_json};

/// A webhook that adds a container and a native sidecar, and remembers the version of each review.
struct Sidecars {
    address: SocketAddr,
    versions: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Sidecars {
    /// With the certificate of the webhook before it.
    async fn start(stand: &Stand) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = acceptor(stand);
        let versions = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&versions);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(|request| answer(request, &seen));
                    let served = http1::Builder::new();
                    let _ = served.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            versions,
            _task: task,
        }
    }

    fn has_seen(&self, version: &str) -> bool {
        let versions = self.versions.lock().unwrap();
        versions.iter().any(|seen| seen == version)
    }
}

fn acceptor(stand: &Stand) -> TlsAcceptor {
    let file = |name: &str| std::fs::read(stand.home.path(name)).unwrap();
    let certificate = CertificateDer::from_pem_slice(&file("tls.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&file("tls.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(
    request: Request<Incoming>,
    versions: &Mutex<Vec<String>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    use base64::Engine as _;
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&body).unwrap();
    let version = review["apiVersion"].as_str().unwrap().to_owned();
    versions.lock().unwrap().push(version);
    let native = json!({"name": "native", "image": "n", "restartPolicy": "Always"});
    let patch = json!([
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "proxy", "image": "p"}},
        {"op": "add", "path": "/spec/initContainers", "value": [native]},
    ]);
    let patch = base64::engine::general_purpose::STANDARD.encode(patch.to_string());
    let answer = json!({
        "apiVersion": review["apiVersion"],
        "kind": review["kind"],
        "response": {
            "uid": review["request"]["uid"],
            "allowed": true,
            "patchType": "JSONPatch",
            "patch": patch,
        },
    });
    let answer = Response::builder()
        .header("content-type", "application/json")
        .body(Full::from(answer.to_string()));
    Ok(answer.unwrap())
}

/// Changes the registration.
async fn change(stand: &Stand, change: impl Fn(&mut MutatingWebhookConfiguration)) {
    let all: Api<MutatingWebhookConfiguration> = Api::all(stand.client());
    let mut configuration = all.get(&stand.namespace).await.unwrap();
    change(&mut configuration);
    all.replace(&stand.namespace, &PostParams::default(), &configuration)
        .await
        .unwrap();
}

/// Puts the other webhook behind ours.
async fn register_behind(stand: &Stand, sidecars: &Sidecars) {
    change(stand, |configuration| {
        let webhooks = configuration.webhooks.as_mut().unwrap();
        let mut other = webhooks[0].clone();
        "sidecars.example.com".clone_into(&mut other.name);
        other.reinvocation_policy = Some("Never".to_owned());
        other.client_config.url = Some(format!("https://{}/", sidecars.address));
        webhooks.push(other);
    })
    .await;
}

/// How often each container names the role, and how often the pod has the volume.
fn counts(pod: &Value) -> (Vec<(String, usize)>, usize) {
    let spec = &pod["spec"];
    let named = |list: &Value, name: &str| {
        let list = list.as_array().into_iter().flatten();
        list.filter(|entry| entry["name"] == name).count()
    };
    let containers = ["initContainers", "containers"].map(|list| spec[list].as_array().unwrap());
    let roles = containers.into_iter().flatten().map(|container| {
        let roles = named(&container["env"], "AWS_ROLE_ARN");
        let mounts = named(&container["volumeMounts"], "aws-iam-token");
        assert_eq!(roles, mounts, "{container:#}");
        (container["name"].as_str().unwrap().to_owned(), roles)
    });
    (roles.collect(), named(&spec["volumes"], "aws-iam-token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn sidecars_of_another_webhook_are_covered_and_nothing_is_there_twice() {
    let Some((stand, _replica, _balancer)) = Stand::called(&[]).await else {
        return;
    };
    stand.account("app", ROLE).await;
    let sidecars = Sidecars::start(&stand).await;
    register_behind(&stand, &sidecars).await;
    let pods: Api<Pod> = stand.api();
    let admitted = async || to_json(&pods.create(&dry_run(), &pod_as("a", "app")).await.unwrap());
    let expected = |sidecars| {
        let containers = [("native", sidecars), ("app", 1), ("proxy", sidecars)];
        let containers = containers.map(|(name, count)| (name.to_owned(), count));
        (containers.to_vec(), 1)
    };
    let is_called = async || {
        let pod = admitted().await;
        pod["spec"]["containers"].as_array().unwrap().len() == 2
    };
    soon("the API server calls both", is_called).await;
    assert_eq!(counts(&admitted().await), expected(1));

    // It is the second call that covers them.
    change(&stand, |configuration| {
        let webhooks = configuration.webhooks.as_mut().unwrap();
        webhooks[0].reinvocation_policy = Some("Never".to_owned());
    })
    .await;
    soon("the API server calls ours once", async || {
        counts(&admitted().await) == expected(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_for_v1beta1_alone_works() {
    let Some((stand, _replica, _balancer)) = Stand::called(&[]).await else {
        return;
    };
    stand.account("app", ROLE).await;
    // It tells which version the API server speaks.
    let sidecars = Sidecars::start(&stand).await;
    register_behind(&stand, &sidecars).await;
    change(&stand, |configuration| {
        for webhook in configuration.webhooks.iter_mut().flatten() {
            webhook.admission_review_versions = vec!["v1beta1".to_owned()];
        }
    })
    .await;
    let pods: Api<Pod> = stand.api();
    soon("the API server speaks v1beta1", async || {
        pods.create(&dry_run(), &pod_as("a", "app")).await.unwrap();
        sidecars.has_seen("admission.k8s.io/v1beta1")
    })
    .await;
    // The API server takes no answer of another version than it asked in.
    let pod = pods.create(&dry_run(), &pod_as("a", "app")).await.unwrap();
    let (containers, volumes) = counts(&to_json(&pod));
    assert!(
        containers.iter().all(|(_, roles)| *roles == 1),
        "{containers:?}"
    );
    assert_eq!(volumes, 1);
}
