//! What a webhook needs around it in a cluster: rights, a certificate, and its registration at the API server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Balancer, Home, Identity, KubeApi, TestAuthority, WebhookProcess, eventually};

/// A place for `podpass webhook` in a cluster, for the pods of some namespaces. What it made in the cluster is removed
/// when it is dropped.
#[derive(Debug)]
pub struct WebhookRegistration {
    /// The working folder of its processes; the certificate and the kubeconfig of the replicas lie there.
    pub home: Home,
    binary: PathBuf,
    api: KubeApi,
    name: String,
    namespaces: Vec<String>,
    authority: TestAuthority,
}

/// A webhook of one process that the API server calls. It ends with this value.
#[derive(Debug)]
pub struct RegisteredWebhook {
    // Before the process: nobody is to call what is gone.
    registration: WebhookRegistration,
    process: WebhookProcess,
}

/// What the peer's manifest grants.
const PEERS_RULES: &str =
    r#"[{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list", "watch"]}]"#;

const PATIENCE: Duration = Duration::from_secs(20);

// === impl WebhookRegistration ===

impl WebhookRegistration {
    /// Prepares certificate, service account and the rights that the peer's manifest grants. The API server calls
    /// nothing yet.
    ///
    /// `name` is that of all objects in the cluster, and `namespaces`, of which there is at least one, are those whose
    /// pods are covered once it is registered; none but the first has to exist.
    pub async fn new(
        binary: impl Into<PathBuf>,
        api: &KubeApi,
        name: &str,
        namespaces: &[&str],
    ) -> Self {
        let registration = Self {
            home: Home::new(),
            binary: binary.into(),
            api: api.clone(),
            name: name.to_owned(),
            namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
            authority: TestAuthority::new(),
        };
        let (certificate, key) = registration.authority.issue(&["127.0.0.1"]);
        registration.home.write("tls.crt", certificate);
        registration.home.write("tls.key", key);
        let rules = serde_json::from_str(PEERS_RULES).expect("it is JSON");
        registration.grant(&rules).await;
        registration.write_kubeconfig("webhook.kubeconfig", api);
        registration
    }

    /// Gives the webhook's service account these rules and no others, in the whole cluster.
    pub async fn grant(&self, rules: &Value) {
        let name = &self.name;
        let create = PostParams::default();
        let roles: Api<ClusterRole> = Api::all(self.client());
        let _ = roles.delete(name, &DeleteParams::default()).await;
        let role = parsed(json!({"metadata": {"name": name}, "rules": rules}));
        let role = roles.create(&create, &role).await;
        role.expect("a role can be created");
        let bindings: Api<ClusterRoleBinding> = Api::all(self.client());
        let binding = parsed(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": self.namespace(), "name": "webhook"}],
        }));
        // It is there when this is not the first grant.
        let _ = bindings.create(&create, &binding).await;
    }

    /// Writes a kubeconfig of the webhook's service account into the working folder.
    pub fn write_kubeconfig(&self, file: &str, api: &KubeApi) {
        let identity = Identity::User {
            name: format!("system:serviceaccount:{}:webhook", self.namespace()),
            groups: vec!["system:serviceaccounts".to_owned()],
        };
        api.write_kubeconfig(&self.home.path(file), &identity);
    }

    /// Starts a replica with the flags of the peer's own manifest, and others.
    pub fn replica(&self, arguments: &[&str]) -> WebhookProcess {
        self.replica_with("webhook.kubeconfig", &[], arguments)
    }

    /// The same, with a kubeconfig of the working folder and with variables.
    pub fn replica_with(
        &self,
        kubeconfig: &str,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> WebhookProcess {
        let mut all = vec![
            "--in-cluster=false".to_owned(),
            "--tls-cert=tls.crt".to_owned(),
            "--tls-key=tls.key".to_owned(),
            format!("--namespace={}", self.namespace()),
            "--service-name=pod-identity-webhook".to_owned(),
            "--annotation-prefix=eks.amazonaws.com".to_owned(),
            "--token-audience=sts.amazonaws.com".to_owned(),
            "--logtostderr".to_owned(),
            format!("--kubeconfig={kubeconfig}"),
        ];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        WebhookProcess::start(&self.binary, &self.home, variables, &all)
    }

    /// Registers replicas behind a balancer, and waits until all of them are ready. `policy` is the `failurePolicy`.
    ///
    /// The balancer lives in the test's own runtime, so a test that blocks its only thread cannot have one.
    pub async fn register(&self, replicas: &[&WebhookProcess], policy: &str) -> Balancer {
        let backends: Vec<_> = replicas.iter().map(|replica| replica.backend()).collect();
        let balancer = Balancer::start(&backends).await;
        eventually("all replicas are ready", PATIENCE, async || {
            (balancer.ready().len() == replicas.len()).then_some(())
        })
        .await;
        self.register_at(balancer.address(), policy).await;
        balancer
    }

    /// Registers an address instead of the one before, however ready it is. The registration is the peer's but for its
    /// address and its namespaces.
    pub async fn register_at(&self, address: SocketAddr, policy: &str) {
        let configuration = parsed(json!({
            "metadata": {"name": self.name},
            "webhooks": [{
                "name": "pod-identity-webhook.amazonaws.com",
                "failurePolicy": policy,
                "clientConfig": {
                    "url": format!("https://{address}/mutate"),
                    "caBundle": STANDARD.encode(self.authority.pem()),
                },
                "namespaceSelector": {"matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "In", "values": self.namespaces},
                ]},
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1", "v1beta1"],
                "reinvocationPolicy": "IfNeeded",
            }],
        }));
        let all: Api<MutatingWebhookConfiguration> = Api::all(self.client());
        let _ = all.delete(&self.name, &DeleteParams::default()).await;
        let created = all.create(&PostParams::default(), &configuration).await;
        created.expect("a webhook can be registered");
    }

    /// Waits until the API server calls the webhook: a registration reaches it through a watch of its own.
    pub async fn until_called(&self) {
        let name = self.temporary_account().await;
        let probe: Pod = parsed(json!({
            "metadata": {"name": name},
            "spec": {"serviceAccountName": name, "containers": [{"name": "probe", "image": "probe"}]},
        }));
        let pods: Api<Pod> = Api::namespaced(self.client(), self.namespace());
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        eventually("the API server calls the webhook", PATIENCE, async || {
            let pod = pods.create(&dry_run, &probe).await.ok()?;
            is_injected(&pod).then_some(())
        })
        .await;
        self.remove_account(&name).await;
    }

    fn client(&self) -> kube::Client {
        self.api.client(&Identity::Admin)
    }

    fn namespace(&self) -> &str {
        &self.namespaces[0]
    }

    fn accounts(&self) -> Api<ServiceAccount> {
        Api::namespaced(self.client(), self.namespace())
    }

    /// Makes a service account with a role, under a name that no other has.
    async fn temporary_account(&self) -> String {
        let name = format!("probe-{}", Uuid::new_v4().simple());
        let role = "arn:aws:iam::123456789012:role/probe";
        let annotations = json!({"eks.amazonaws.com/role-arn": role});
        let account = parsed(json!({"metadata": {"name": name, "annotations": annotations}}));
        let created = self
            .accounts()
            .create(&PostParams::default(), &account)
            .await;
        created.expect("a service account can be created");
        name
    }

    async fn remove_account(&self, name: &str) {
        let removed = self.accounts().delete(name, &DeleteParams::default()).await;
        removed.expect("a service account can be deleted");
    }
}

impl Drop for WebhookRegistration {
    fn drop(&mut self) {
        // A registration that stays would hold up whoever makes pods in these namespaces later.
        let (api, name) = (self.api.clone(), self.name.clone());
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let client = api.client(&Identity::Admin);
                let gone = DeleteParams::default();
                let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
                let _ = configurations.delete(&name, &gone).await;
                let roles: Api<ClusterRole> = Api::all(client.clone());
                let _ = roles.delete(&name, &gone).await;
                let bindings: Api<ClusterRoleBinding> = Api::all(client);
                let _ = bindings.delete(&name, &gone).await;
            });
        });
        let _ = removed.join();
    }
}

// === impl RegisteredWebhook ===

impl RegisteredWebhook {
    /// Starts one replica with `arguments` beside the peer's, registers it under the policy `Fail`, and waits until the
    /// API server calls it. For the parameters see [`WebhookRegistration::new`].
    pub async fn start(
        binary: impl AsRef<Path>,
        api: &KubeApi,
        name: &str,
        namespaces: &[&str],
        arguments: &[&str],
    ) -> Self {
        let binary = binary.as_ref();
        let registration = WebhookRegistration::new(binary, api, name, namespaces).await;
        // The page of its index, which `settled` reads.
        let arguments = [&["--enable-debugging-handlers"], arguments].concat();
        let process = registration.replica(&arguments);
        registration.register_at(process.address(), "Fail").await;
        registration.until_called().await;
        Self {
            registration,
            process,
        }
    }

    /// Waits until the webhook knows of all changes to service accounts so far.
    ///
    /// It reads those that it does not know of, but a change of one that it knows reaches it through a watch.
    pub async fn settled(&self) {
        let name = self.registration.temporary_account().await;
        // One watch tells of changes in their order.
        let known = format!("\"{}/{name}\"", self.registration.namespace());
        eventually("the webhook's watch is up to date", PATIENCE, async || {
            let page = self.process.page("/debug/alpha/cache").await;
            page.contains(&known).then_some(())
        })
        .await;
        self.registration.remove_account(&name).await;
    }
}

/// Whether a pod has the volume of the token and a variable of it in its first container.
pub fn is_injected(pod: &Pod) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let mut volumes = spec.volumes.iter().flatten();
    let mut variables = spec.containers[0].env.iter().flatten();
    volumes.any(|volume| volume.name == "aws-iam-token")
        && variables.any(|variable| variable.name == "AWS_ROLE_ARN")
}

fn parsed<K: DeserializeOwned>(object: Value) -> K {
    k8s_openapi::serde_json::from_value(object).expect("it is an object of its kind")
}
