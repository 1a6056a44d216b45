//! A webhook that the run's kube-apiserver calls for the pods of one namespace.

use std::net::SocketAddr;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::serde::de::DeserializeOwned;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams};
use podpass_testkit::{
    Balancer, Home, Identity, KubeApi, SharedControlPlane, TestAuthority, WebhookProcess,
    control_plane_programs, eventually,
};
use serde_json::{Value, json};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/app";

/// One control plane, one namespace, and the certificate that replicas of the webhook serve.
pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) control_plane: SharedControlPlane,
    pub(crate) namespace: String,
    pub(crate) authority: TestAuthority,
    client: Client,
}

impl Stand {
    /// `None` where there is no control plane.
    pub(crate) async fn start() -> Option<Self> {
        let programs = control_plane_programs()?;
        let control_plane = SharedControlPlane::find(&programs).await;
        let namespace = control_plane.namespace("webhook").await;
        let stand = Self {
            home: Home::new(),
            client: control_plane.admin(),
            control_plane,
            namespace,
            authority: TestAuthority::new(),
        };
        let (certificate, key) = stand.authority.issue(&["127.0.0.1"]);
        stand.home.write("tls.crt", certificate);
        stand.home.write("tls.key", key);
        stand.grant(&json!([
            {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list", "watch"]}
        ]))
        .await;
        stand.write_kubeconfig("webhook.kubeconfig", stand.control_plane.api());
        Some(stand)
    }

    /// Gives the webhook's service account these rules and no others, in the whole cluster.
    pub(crate) async fn grant(&self, rules: &Value) {
        let name = &self.namespace;
        let _ = self
            .all::<ClusterRole>()
            .delete(name, &DeleteParams::default())
            .await;
        let role: ClusterRole = parsed(json!({"metadata": {"name": name}, "rules": rules}));
        self.all()
            .create(&PostParams::default(), &role)
            .await
            .unwrap();
        let binding: ClusterRoleBinding = parsed(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": name, "name": "webhook"}],
        }));
        let _ = self.all().create(&PostParams::default(), &binding).await;
    }

    /// A kubeconfig of the webhook's service account.
    pub(crate) fn write_kubeconfig(&self, file: &str, api: &KubeApi) {
        let identity = Identity::User {
            name: format!("system:serviceaccount:{}:webhook", self.namespace),
            groups: vec!["system:serviceaccounts".to_owned()],
        };
        api.write_kubeconfig(&self.home.path(file), &identity);
    }

    /// A kubeconfig of the administrator.
    pub(crate) fn write_kubeconfig_of_admin(&self, file: &str) {
        let api = self.control_plane.api();
        api.write_kubeconfig(&self.home.path(file), &Identity::Admin);
    }

    /// Starts a replica with the flags of the peer's own manifest, and others.
    pub(crate) fn replica(&self, arguments: &[&str]) -> WebhookProcess {
        self.replica_at("webhook.kubeconfig", arguments)
    }

    /// The same, with another way to the API server.
    pub(crate) fn replica_at(&self, kubeconfig: &str, arguments: &[&str]) -> WebhookProcess {
        self.replica_of(kubeconfig, &[], arguments)
    }

    /// The same, with variables.
    pub(crate) fn replica_with(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> WebhookProcess {
        self.replica_of("webhook.kubeconfig", variables, arguments)
    }

    fn replica_of(
        &self,
        kubeconfig: &str,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> WebhookProcess {
        let mut all = vec![
            "--in-cluster=false".to_owned(),
            "--tls-cert=tls.crt".to_owned(),
            "--tls-key=tls.key".to_owned(),
            format!("--namespace={}", self.namespace),
            "--service-name=pod-identity-webhook".to_owned(),
            "--annotation-prefix=eks.amazonaws.com".to_owned(),
            "--token-audience=sts.amazonaws.com".to_owned(),
            "--logtostderr".to_owned(),
            format!("--kubeconfig={kubeconfig}"),
        ];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        WebhookProcess::start(PODPASS, &self.home, variables, &all)
    }

    /// Registers replicas behind a balancer for the pods of the namespace, and waits until API server and replicas are
    /// ready for it. The registration is the peer's but for its address.
    pub(crate) async fn register(&self, replicas: &[&WebhookProcess], policy: &str) -> Balancer {
        let backends: Vec<_> = replicas.iter().map(|replica| replica.backend()).collect();
        let balancer = Balancer::start(&backends).await;
        soon("all replicas are ready", async || {
            balancer.ready().len() == replicas.len()
        })
        .await;
        self.register_at(balancer.address(), policy).await;
        balancer
    }

    /// Registers an address instead of the one before, however ready it is.
    pub(crate) async fn register_at(&self, address: SocketAddr, policy: &str) {
        use base64::Engine as _;
        let bundle = base64::engine::general_purpose::STANDARD.encode(self.authority.pem());
        let configuration: MutatingWebhookConfiguration = parsed(json!({
            "metadata": {"name": self.namespace},
            "webhooks": [{
                "name": "pod-identity-webhook.amazonaws.com",
                "failurePolicy": policy,
                "clientConfig": {
                    "url": format!("https://{address}/mutate"),
                    "caBundle": bundle,
                },
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1", "v1beta1"],
                "reinvocationPolicy": "IfNeeded",
            }],
        }));
        let all = self.all::<MutatingWebhookConfiguration>();
        let _ = all.delete(&self.namespace, &DeleteParams::default()).await;
        all.create(&PostParams::default(), &configuration)
            .await
            .unwrap();
    }

    /// Waits until the API server calls the webhook: a registration reaches it through a watch of its own.
    pub(crate) async fn until_called(&self) {
        self.account("probe", ROLE).await;
        let probe = pod_as("probe", "probe");
        let pods: Api<Pod> = self.api();
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        soon("the API server calls the webhook", async || {
            let created = pods.create(&dry_run, &probe).await;
            created.is_ok_and(|pod| is_injected(&pod))
        })
        .await;
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The objects of a kind in the namespace.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client(), &self.namespace)
    }

    fn all<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::ClusterResourceScope, DynamicType = ()>,
    {
        Api::all(self.client())
    }

    /// Creates a service account with a role.
    pub(crate) async fn account(&self, name: &str, role: &str) {
        self.annotated(name, &json!({"eks.amazonaws.com/role-arn": role}))
            .await;
    }

    /// Creates a service account with annotations.
    pub(crate) async fn annotated(&self, name: &str, annotations: &Value) {
        let account: ServiceAccount =
            parsed(json!({"metadata": {"name": name, "annotations": annotations}}));
        let accounts: Api<ServiceAccount> = self.api();
        accounts
            .create(&PostParams::default(), &account)
            .await
            .unwrap();
    }

    /// Creates a pod; as it was admitted.
    pub(crate) async fn create(&self, pod: &Pod) -> Pod {
        let pods: Api<Pod> = self.api();
        pods.create(&PostParams::default(), pod).await.unwrap()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // The registration would hold up whoever makes pods in this namespace later; nobody does, but it is not left.
        let api = self.control_plane.api().clone();
        let name = self.namespace.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
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

/// A pod of one container that runs as an account.
pub(crate) fn pod_as(name: &str, account: &str) -> Pod {
    parsed(json!({
        "metadata": {"name": name},
        "spec": {"serviceAccountName": account, "containers": [{"name": "app", "image": "app"}]},
    }))
}

/// An object of a kind from its JSON.
pub(crate) fn parsed<K: DeserializeOwned>(object: Value) -> K {
    k8s_openapi::serde_json::from_value(object).unwrap()
}

/// Whether a pod has the volume and the variables.
pub(crate) fn is_injected(pod: &Pod) -> bool {
    let spec = pod.spec.as_ref().unwrap();
    let volumes = spec.volumes.iter().flatten();
    let variables = spec.containers[0].env.iter().flatten();
    volumes
        .into_iter()
        .any(|volume| volume.name == "aws-iam-token")
        && variables
            .into_iter()
            .any(|variable| variable.name == "AWS_ROLE_ARN")
}

/// Waits for what should happen at once.
pub(crate) async fn soon(what: &str, holds: impl AsyncFnMut() -> bool) {
    let mut holds = holds;
    eventually(what, Duration::from_secs(20), async || {
        holds().await.then_some(())
    })
    .await;
}
