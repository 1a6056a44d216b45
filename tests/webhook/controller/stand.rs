//! The webhook as its manifests install it, in a control plane of the test alone: its policy, canary and configuration are
//! the whole cluster's. Its pods are processes of the test instead.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kube::Client;
use kube::api::{Api, PostParams};
use podpass_kinds::yaml;
use podpass_testkit::{
    Balancer, ControlPlane, ControlPlaneOptions, Home, Identity, WebhookProcess,
    control_plane_programs, run,
};
use serde_json::{Value, json};

use crate::client::get;
use crate::stand::{PODPASS, parsed, soon};

pub(super) const NAMESPACE: &str = "podpass-webhook";
pub(super) const WEBHOOK: &str = "pod-identity-webhook";
pub(super) const CONTROLLER: &str = "pod-identity-webhook-controller";

pub(super) struct Stand {
    pub(super) home: Home,
    pub(super) control_plane: ControlPlane,
    programs: PathBuf,
}

impl Stand {
    /// Installs the manifests that these flags of `podpass install webhook` print, but no Deployment; `None` where there
    /// is no control plane.
    pub(super) async fn start(options: &ControlPlaneOptions, flags: &[&str]) -> Option<Self> {
        let programs = control_plane_programs()?;
        let control_plane = ControlPlane::start(&programs, options).await;
        let stand = Self {
            home: Home::new(),
            control_plane,
            programs,
        };
        let api = stand.control_plane.api();
        api.write_kubeconfig(&stand.home.path("admin"), &Identity::Admin);
        for account in [WEBHOOK, CONTROLLER] {
            let identity = Identity::User {
                name: format!("system:serviceaccount:{NAMESPACE}:{account}"),
                groups: vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{NAMESPACE}"),
                ],
            };
            api.write_kubeconfig(&stand.home.path(account), &identity);
        }
        let objects = stand.manifests(flags);
        stand.apply(&objects);
        Some(stand)
    }

    /// What the flags print, without the Deployments and what belongs to them.
    pub(super) fn manifests(&self, flags: &[&str]) -> Vec<Value> {
        let mut command = self.home.command(PODPASS);
        let printed = run(command
            .args(["install", "webhook", "-o", "yaml"])
            .args(flags));
        let documents = yaml::parse(printed.succeeded()).unwrap();
        let roots = documents
            .iter()
            .filter_map(|document| document.root.as_ref());
        let left_out = ["Deployment", "PodDisruptionBudget"];
        roots
            .map(yaml::Node::to_json)
            .filter(|object| !left_out.contains(&object["kind"].as_str().unwrap()))
            .collect()
    }

    /// Applies objects as the administrator.
    pub(super) fn apply(&self, objects: &[Value]) {
        for object in objects {
            self.kubectl_with(&["apply", "--server-side", "-f"], object);
        }
    }

    /// Applies an object whoever its fields are.
    pub(super) fn take(&self, object: &Value) {
        let words = ["apply", "--server-side", "--force-conflicts", "-f"];
        self.kubectl_with(&words, object);
    }

    /// Deletes objects as the administrator.
    pub(super) fn delete(&self, object: &Value) {
        self.kubectl_with(&["delete", "-f"], object);
    }

    /// Patches an object as the administrator.
    pub(super) fn patch(&self, kind: &str, name: &str, form: &str, patch: &Value) {
        let patch = patch.to_string();
        let namespace = ["-n", NAMESPACE];
        let patched = ["patch", kind, name, "--type", form, "-p", &patch];
        self.kubectl(&[&patched[..], &namespace].concat());
    }

    /// The fields of an object that podpass has written, as the API server recorded them.
    pub(super) fn written(&self, kind: &str, name: &str) -> Value {
        let mut command = self.home.command(self.programs.join("kubectl"));
        let arguments = ["get", kind, name, "-n", NAMESPACE, "-o", "json"];
        let flags = ["--show-managed-fields", "--kubeconfig", "admin"];
        let got = run(command.args(arguments).args(flags));
        let object: Value = serde_json::from_str(got.succeeded()).unwrap();
        let managers = object["metadata"]["managedFields"].as_array().unwrap();
        let mut own = managers
            .iter()
            .filter(|entry| entry["manager"] == "podpass");
        let fields = own.next().unwrap()["fieldsV1"].clone();
        assert!(own.next().is_none());
        fields
    }

    fn kubectl(&self, arguments: &[&str]) {
        let mut command = self.home.command(self.programs.join("kubectl"));
        run(command.args(arguments).args(["--kubeconfig", "admin"])).succeeded();
    }

    fn kubectl_with(&self, words: &[&str], object: &Value) {
        let file = self.home.write("object.json", object.to_string());
        self.kubectl(&[words, &[file.to_str().unwrap()]].concat());
    }

    /// Starts a replica that takes its certificate from the Secret; it is not ready before there is one.
    pub(super) fn replica(&self) -> WebhookProcess {
        let namespace = format!("--namespace={NAMESPACE}");
        let kubeconfig = format!("--kubeconfig={WEBHOOK}");
        WebhookProcess::start(
            PODPASS,
            &self.home,
            &[],
            &[&namespace, &kubeconfig, "--shutdown-delay=2s"],
        )
    }

    /// Starts a controller for these replicas.
    pub(super) fn controller(
        &self,
        replicas: &[&WebhookProcess],
        arguments: &[&str],
    ) -> WebhookProcess {
        let mut all = vec![
            format!("--namespace={NAMESPACE}"),
            format!("--kubeconfig={CONTROLLER}"),
            "--lease-duration=3s".to_owned(),
        ];
        let endpoints = replicas.iter().map(|replica| replica.address());
        all.extend(endpoints.map(|address| format!("--endpoint={address}")));
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        WebhookProcess::start_controller(PODPASS, &self.home, &all)
    }

    /// Has the API server call the replicas: at a balancer's address, since there is no Service here.
    pub(super) async fn balance(&self, replicas: &[&WebhookProcess]) -> Balancer {
        let backends: Vec<_> = replicas.iter().map(|replica| replica.backend()).collect();
        let balancer = Balancer::start(&backends).await;
        let patch = json!([{
            "op": "replace",
            "path": "/webhooks/0/clientConfig",
            "value": {"url": format!("https://{}/mutate", balancer.address())},
        }]);
        self.patch("mutatingwebhookconfiguration", WEBHOOK, "json", &patch);
        balancer
    }

    pub(super) fn client(&self) -> Client {
        self.control_plane.admin()
    }

    fn configurations(&self) -> Api<MutatingWebhookConfiguration> {
        Api::all(self.client())
    }

    /// The Secret's data.
    pub(super) async fn secret(&self) -> Value {
        let secrets: Api<Secret> = Api::namespaced(self.client(), NAMESPACE);
        let secret = secrets.get(WEBHOOK).await.unwrap();
        serde_json::to_value(&secret.data).unwrap()
    }

    /// A member of the Secret, decoded; empty where there is none.
    pub(super) async fn member(&self, name: &str) -> String {
        let text = self.secret().await[name].as_str().map(str::to_owned);
        String::from_utf8(STANDARD.decode(text.unwrap_or_default()).unwrap()).unwrap()
    }

    /// The PEM text of the configuration's `caBundle`.
    pub(super) async fn bundle(&self) -> String {
        let configuration = self.configurations().get(WEBHOOK).await.unwrap();
        let webhook = &configuration.webhooks.unwrap()[0];
        let bundle = webhook.client_config.ca_bundle.as_ref();
        bundle.map_or_else(String::new, |bundle| {
            String::from_utf8(bundle.0.clone()).unwrap()
        })
    }

    /// Who holds the Lease; empty for nobody.
    pub(super) async fn holder(&self) -> String {
        use k8s_openapi::api::coordination::v1::Lease;
        let leases: Api<Lease> = Api::namespaced(self.client(), NAMESPACE);
        let lease = leases.get(CONTROLLER).await.unwrap();
        let spec = lease.spec.unwrap_or_default();
        spec.holder_identity.unwrap_or_default()
    }

    /// Makes a namespace with a service account `app` that has a role.
    pub(super) async fn app_namespace(&self, name: &str) {
        let namespace: Namespace = parsed(json!({"metadata": {"name": name}}));
        let namespaces: Api<Namespace> = Api::all(self.client());
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .unwrap();
        let account: ServiceAccount = parsed(json!({"metadata": {
            "name": "app",
            "annotations": {"eks.amazonaws.com/role-arn": crate::stand::ROLE},
        }}));
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), name);
        accounts
            .create(&PostParams::default(), &account)
            .await
            .unwrap();
    }

    /// The pods of a namespace.
    pub(super) fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client(), namespace)
    }
}

/// Waits until a process logs this message; its line.
pub(super) async fn logs(process: &WebhookProcess, message: &str) -> Value {
    let mut found = None;
    soon(&format!("the log says `{message}`"), async || {
        found = logged(process, message).pop();
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// The lines of the log with this message.
pub(super) fn logged(process: &WebhookProcess, message: &str) -> Vec<Value> {
    let mut lines = process.log();
    lines.retain(|line| line["message"] == message || line["fields"]["message"] == message);
    lines
}

/// The value of a metric, with its labels as the page has them.
pub(super) async fn metric(process: &WebhookProcess, name: &str) -> Option<f64> {
    let (_, page) = get(process.metrics_address(), false, "/metrics").await;
    page.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.strip_prefix(' ')?.parse().ok()
    })
}
