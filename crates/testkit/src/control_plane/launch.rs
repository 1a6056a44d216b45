//! Starting the parts with their flags, and waiting until they are ready.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Node, ServiceAccount};
use kube::api::{Api, PostParams};
use podpass_token::{KeySize, SigningKey};
use serde_json::json;

use super::openshift_kinds::install_openshift_kinds;
use super::options::{ApiServerOptions, ControlPlaneOptions};
use super::server::{Place, Server};
use crate::{Identity, KubeApi, eventually, files};

/// The running parts.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) api: KubeApi,
    place: Place,
    port: u16,
    api_server: Server,
    others: Vec<Server>,
}

/// Minutes of patience cost nothing where all is well, and a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(90);

impl Launched {
    pub(crate) async fn start(place: Place, options: &ControlPlaneOptions) -> Self {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let users = format!("{token},admin,admin,system:masters\n");
        files::write_private(&place.folder.join("tokens.csv"), users.as_bytes());
        let key = SigningKey::generate(KeySize::Rsa2048).expect("a key can be generated");
        let key_file = place.folder.join(OWN_KEY);
        files::write_private(&key_file, key.to_pkcs1_pem().as_bytes());

        let etcd = place.start("etcd", &etcd_flags(&place.folder));
        let port = free_port();
        let flags = api_server_flags(&place.folder, port, &options.api_server);
        let mut launched = Self {
            api: KubeApi::new(
                format!("https://127.0.0.1:{port}"),
                place.folder.join("certificates/apiserver.crt"),
                token,
            ),
            api_server: place.start("kube-apiserver", &flags),
            place,
            port,
            others: vec![etcd],
        };
        launched.serving().await;
        launched.start_others(options);
        launched.settled(options).await;
        launched
    }

    pub(crate) async fn restart_api_server(&mut self, options: &ApiServerOptions) {
        self.api_server.kill();
        let flags = api_server_flags(&self.place.folder, self.port, options);
        self.api_server = self.place.start("kube-apiserver", &flags);
        self.serving().await;
    }

    /// Leaves the servers to their lifetime.
    pub(crate) fn release(self) -> KubeApi {
        std::iter::once(self.api_server)
            .chain(self.others)
            .for_each(Server::release);
        self.api
    }

    pub(crate) fn processes(&self) -> Vec<u32> {
        let servers = std::iter::once(&self.api_server).chain(&self.others);
        servers.map(Server::id).collect()
    }

    /// Waits until `/readyz` says yes.
    async fn serving(&mut self) {
        eventually("kube-apiserver is ready", PATIENCE, async || {
            self.assert_running();
            // The certificate is made at the first start: until then there is no client.
            let config = self.api.config(&Identity::Admin);
            let client = kube::Client::try_from(config).ok()?;
            let request = http::Request::get("/readyz").body(Vec::new());
            let answer = client.request_text(request.expect("it is a request")).await;
            answer.ok()
        })
        .await;
    }

    fn start_others(&mut self, options: &ControlPlaneOptions) {
        let kubeconfig = self.place.folder.join("kubeconfig");
        self.api.write_kubeconfig(&kubeconfig, &Identity::Admin);
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        // No port of their own, and nobody to elect against.
        let alone = || {
            vec![
                kubeconfig.clone(),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
            ]
        };
        if options.controller_manager {
            let mut flags = alone();
            flags.push(format!("--root-ca-file={}", self.api.ca_file().display()));
            self.others
                .push(self.place.start("kube-controller-manager", &flags));
        }
        if options.scheduler {
            self.others
                .push(self.place.start("kube-scheduler", &alone()));
        }
        if options.nodes > 0 {
            let mut flags = vec![
                kubeconfig.clone(),
                "--manage-all-nodes=true".to_owned(),
                "--node-lease-duration-seconds=40".to_owned(),
                // No server of its own: it would listen on every address.
                "--node-port=0".to_owned(),
            ];
            for stages in ["node.yaml", "pod.yaml"] {
                let path = testcluster().join("stages").join(stages);
                flags.push(format!("--config={}", path.display()));
            }
            self.others.push(self.place.start("kwok", &flags));
        }
    }

    async fn settled(&mut self, options: &ControlPlaneOptions) {
        let client = self.api.client(&Identity::Admin);
        if options.openshift_kinds {
            install_openshift_kinds(&client).await;
        }
        let nodes: Api<Node> = Api::all(client.clone());
        for index in 0..options.nodes {
            let name = format!("node-{index}");
            // As a kubelet labels its node.
            let labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"});
            let node =
                serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}}));
            let node = node.expect("it is a node");
            nodes
                .create(&PostParams::default(), &node)
                .await
                .expect("a node can be created");
        }
        eventually("every node is ready", PATIENCE, async || {
            self.assert_running();
            let list = nodes.list(&kube::api::ListParams::default()).await.ok()?;
            let ready = list.iter().filter(|node| is_ready(node)).count();
            (ready == options.nodes).then_some(())
        })
        .await;
        if options.controller_manager {
            furnished(&client, "default").await;
        }
    }

    fn assert_running(&mut self) {
        for server in std::iter::once(&mut self.api_server).chain(&mut self.others) {
            assert!(server.ended().is_none(), "{}", server.last_words());
        }
    }
}

/// Waits until the namespace has what kube-controller-manager puts into each, without which no pod is admitted.
pub(super) async fn furnished(client: &kube::Client, namespace: &str) {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    eventually("a namespace is furnished", PATIENCE, async || {
        accounts.get("default").await.ok()?;
        maps.get("kube-root-ca.crt").await.ok()
    })
    .await;
}

/// The Go module's folder, for its stages and definitions.
pub(super) fn testcluster() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testcluster")
}

/// The key that signs tokens unless a test brings its own.
const OWN_KEY: &str = "service-account.key";

/// etcd listens on sockets in the private folder: no port, and nobody else reaches it.
fn etcd_flags(folder: &Path) -> Vec<String> {
    let nowhere = "http://127.0.0.1:9";
    vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!(
            "--listen-client-urls=unix://{}",
            folder.join("etcd.sock").display()
        ),
        // Of a peer's URL etcd takes the host as the path; the folder is its working directory.
        "--listen-peer-urls=unix://peer.sock".to_owned(),
        // These must have a port. They are for other members, and there are none.
        format!("--advertise-client-urls={nowhere}"),
        format!("--initial-advertise-peer-urls={nowhere}"),
        format!("--initial-cluster=default={nowhere}"),
        // The data live as long as the test.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

fn api_server_flags(folder: &Path, port: u16, options: &ApiServerOptions) -> Vec<String> {
    let own_key = folder.join(OWN_KEY);
    let signing_key = options.signing_key.as_ref().unwrap_or(&own_key);
    let mut flags = vec![
        format!(
            "--etcd-servers=unix://{}",
            folder.join("etcd.sock").display()
        ),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        // EndpointSlices refuse loopback addresses; nothing here goes through the Service `kubernetes`.
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--cert-dir={}", folder.join("certificates").display()),
        format!("--token-auth-file={}", folder.join("tokens.csv").display()),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        format!(
            "--service-account-signing-key-file={}",
            signing_key.display()
        ),
    ];
    for key in std::iter::once(signing_key).chain(&options.accepted_keys) {
        flags.push(format!("--service-account-key-file={}", key.display()));
    }
    for issuer in options.issuers() {
        flags.push(format!("--service-account-issuer={issuer}"));
    }
    if !options.audiences.is_empty() {
        flags.push(format!("--api-audiences={}", options.audiences.join(",")));
    }
    flags.extend(options.extra_flags.iter().cloned());
    flags
}

/// A port that was free a moment ago. kube-apiserver cannot choose one by itself.
///
/// It lies below the range from which Linux takes the ports of outgoing connections (32768 to 60999), so that
/// it is still free when kube-apiserver starts again.
fn free_port() -> u16 {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;
    let random = uuid::Uuid::new_v4().as_u128();
    let span = u128::from(PORTS.end - PORTS.start);
    let first = u16::try_from(random % span).expect("it is less than the span");
    (0..PORTS.end - PORTS.start)
        .map(|step| PORTS.start + (first + step) % (PORTS.end - PORTS.start))
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .expect("loopback has a free port")
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| &status.conditions);
    conditions
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
