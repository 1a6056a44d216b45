//! No pod is missed because the webhook did not know its service account yet, or not any more.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use podpass_testkit::KubeApi;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::client::get;
use crate::stand::{ROLE, Stand, is_injected, pod_as, soon};

/// The way to the API server, which can be cut and mended.
struct Gate {
    address: SocketAddr,
    open: Arc<Mutex<Option<JoinSet<()>>>>,
    _task: JoinSet<()>,
}

impl Gate {
    async fn to(api: &KubeApi) -> Self {
        let server: SocketAddr = api.url().trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Some(JoinSet::new())));
        let connections = Arc::clone(&open);
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                if let Some(connections) = &mut *connections.lock().unwrap() {
                    connections.spawn(async move {
                        let mut server = TcpStream::connect(server).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    });
                }
            }
        });
        Self {
            address,
            open,
            _task: task,
        }
    }

    fn cut(&self) {
        *self.open.lock().unwrap() = None;
    }

    fn mend(&self) {
        *self.open.lock().unwrap() = Some(JoinSet::new());
    }

    fn api(&self, stand: &Stand) -> KubeApi {
        stand
            .control_plane
            .api()
            .at(format!("https://{}", self.address))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pod_right_behind_its_account_is_never_missed() {
    let Some((stand, _replica, _balancer)) = Stand::called(&[]).await else {
        return;
    };
    for number in 0..100 {
        let name = format!("app-{number}");
        stand.account(&name, ROLE).await;
        let pod = stand.create(&pod_as(&name, &name)).await;
        assert!(is_injected(&pod), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_watched_is_read_for_each_pod() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    stand
        .grant(&json!([{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get"]}]))
        .await;
    let replica = stand.replica(&[]);
    stand.register_at(replica.address(), "Fail").await;
    stand.until_called().await;
    // It never syncs, so it is alive and not ready, on both ports.
    for (address, secure) in [
        (replica.address(), true),
        (replica.metrics_address(), false),
    ] {
        assert_eq!(
            get(address, secure, "/healthz").await,
            (200, "ok".to_owned())
        );
        let told = "not ready: the service accounts have not been read yet\n";
        assert_eq!(
            get(address, secure, "/readyz").await,
            (503, told.to_owned())
        );
    }
    stand.account("app", ROLE).await;
    let pods = (0..40).map(|number| {
        let pod = pod_as(&format!("app-{number}"), "app");
        let pods: Api<Pod> = stand.api();
        async move { pods.create(&PostParams::default(), &pod).await.unwrap() }
    });
    for pod in futures::future::join_all(pods).await {
        assert!(is_injected(&pod));
    }
    let (_, page) = get(replica.metrics_address(), false, "/metrics").await;
    let read = page
        .lines()
        .find_map(|line| {
            line.strip_prefix("podpass_service_account_reads_total{result=\"found\"} ")
        })
        .unwrap_or_else(|| panic!("{page}"));
    assert!(read.parse::<u32>().unwrap() >= 40, "{read}");
    let lacks = replica.log().iter().any(|line| {
        let text = line.to_string();
        text.contains("The watch of serviceaccounts broke") && text.contains("`list`")
    });
    assert!(lacks, "{:?}", replica.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_is_used_while_the_api_server_is_gone() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    let gate = Gate::to(stand.control_plane.api()).await;
    stand.write_kubeconfig("gated.kubeconfig", &gate.api(&stand));
    let lenient = stand.replica_with("gated.kubeconfig", &[], &[]);
    let strict = stand.replica_with("gated.kubeconfig", &[], &["--strict"]);
    soon("both have synced", async || {
        let mut ready = true;
        for replica in [&lenient, &strict] {
            ready &= get(replica.metrics_address(), false, "/readyz").await.0 == 200;
        }
        ready
    })
    .await;
    stand.account("known", ROLE).await;
    stand.register_at(lenient.address(), "Fail").await;
    stand.until_called().await;
    gate.cut();
    stand.account("unknown", ROLE).await;
    let known = stand.create(&pod_as("known", "known")).await;
    assert!(is_injected(&known));
    // Nobody can say whether this one has a role: admitted without one and with a warning, or held back.
    let unknown = stand.create(&pod_as("unknown", "unknown")).await;
    assert!(!is_injected(&unknown));
    let told = lenient.log().iter().any(|line| {
        line["message"] == "The identity of a pod could not be found out"
            && line["service_account"] == "unknown"
    });
    assert!(told, "{:?}", lenient.log());
    assert_eq!(
        get(lenient.metrics_address(), false, "/readyz").await.0,
        200
    );
    stand.register_at(strict.address(), "Fail").await;
    let pods: Api<Pod> = stand.api();
    let pod = pod_as("held-back", "unknown");
    soon("the strict one holds the pod back", async || {
        let created = pods.create(&PostParams::default(), &pod).await;
        match created {
            Err(kube::Error::Api(status)) => {
                assert!(
                    status.message.contains("SERVICE_ACCOUNT_NOT_READ"),
                    "{status:?}"
                );
                true
            }
            Err(error) => panic!("{error}"),
            Ok(_) => {
                let gone = kube::api::DeleteParams::default().grace_period(0);
                pods.delete("held-back", &gone).await.unwrap();
                false
            }
        }
    })
    .await;
    gate.mend();
    soon("the strict one lets it through again", async || {
        let created = pods.create(&PostParams::default(), &pod).await;
        created.is_ok_and(|pod| is_injected(&pod))
    })
    .await;
}
