//! A webhook that the run's kube-apiserver calls for the pods of one namespace.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::serde::de::DeserializeOwned;
use kube::Client;
use kube::api::{Api, PostParams};
use podpass_testkit::{
    Balancer, Identity, Ran, SharedControlPlane, WebhookProcess, WebhookRegistration,
    control_plane_programs, eventually, run,
};
use serde_json::{Value, json};

pub(crate) use podpass_testkit::is_injected;

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/app";

/// One control plane, one namespace, and the registration for its pods.
pub(crate) struct Stand {
    // Before the control plane, in which it removes what it made.
    registration: WebhookRegistration,
    pub(crate) control_plane: SharedControlPlane,
    pub(crate) namespace: String,
    programs: PathBuf,
    client: Client,
}

impl Deref for Stand {
    type Target = WebhookRegistration;

    fn deref(&self) -> &Self::Target {
        &self.registration
    }
}

impl Stand {
    /// `None` where there is no control plane.
    pub(crate) async fn start() -> Option<Self> {
        let programs = control_plane_programs()?;
        let control_plane = SharedControlPlane::find(&programs).await;
        let namespace = control_plane.namespace("webhook").await;
        let api = control_plane.api();
        let registration = WebhookRegistration::new(PODPASS, api, &namespace, &[&namespace]).await;
        Some(Self {
            registration,
            client: control_plane.admin(),
            control_plane,
            namespace,
            programs,
        })
    }

    /// The same with one replica, which the API server calls under the policy `Fail`.
    pub(crate) async fn called(arguments: &[&str]) -> Option<(Self, WebhookProcess, Balancer)> {
        let stand = Self::start().await?;
        let replica = stand.replica(arguments);
        let balancer = stand.register(&[&replica], "Fail").await;
        stand.until_called().await;
        Some((stand, replica, balancer))
    }

    /// kubectl as the administrator, in the working folder.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Ran {
        let kubeconfig = self.home.path("admin.kubeconfig");
        let api = self.control_plane.api();
        api.write_kubeconfig(&kubeconfig, &Identity::Admin);
        let mut kubectl = self.home.command(self.programs.join("kubectl"));
        run(kubectl.arg("--kubeconfig").arg(kubeconfig).args(arguments))
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

/// What the API server would make of an object, without keeping it.
pub(crate) fn dry_run() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

/// A pod in JSON.
pub(crate) fn to_json(pod: &Pod) -> Value {
    k8s_openapi::serde_json::to_value(pod).unwrap()
}

/// Whether a volume or a mount is that of the token for Kubernetes itself, whose name is drawn.
pub(crate) fn is_kubernetes_token(named: &Value) -> bool {
    let name = named["name"].as_str();
    name.is_some_and(|name| name.starts_with("kube-api-access-"))
}

/// Waits for what should happen at once.
pub(crate) async fn soon(what: &str, holds: impl AsyncFnMut() -> bool) {
    let mut holds = holds;
    eventually(what, Duration::from_secs(20), async || {
        holds().await.then_some(())
    })
    .await;
}
