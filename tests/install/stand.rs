//! A control plane of the test alone, since a webhook configuration is the whole cluster's, and the tools that install.

use std::path::{Path, PathBuf};
use std::process::Command;

use podpass_kinds::yaml;
use podpass_testkit::{
    ControlPlane, ControlPlaneOptions, Home, Identity, Ran, control_plane_programs, run,
};
use serde_json::{Value, json};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn chart() -> PathBuf {
    root().join("deploy/chart/podpass-webhook")
}

/// The version of the control plane, for a Helm that asks none.
pub(crate) const KUBE_VERSION: [&str; 2] = ["--kube-version", "1.36.3"];

/// The documents of a YAML stream.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents = yaml::parse(text).unwrap();
    let roots = documents
        .iter()
        .filter_map(|document| document.root.as_ref());
    roots.map(yaml::Node::to_json).collect()
}

pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) control_plane: ControlPlane,
    programs: PathBuf,
}

impl Stand {
    /// Starts everything; `None` where there is no control plane to start.
    pub(crate) async fn start() -> Option<Self> {
        let programs = control_plane_programs()?;
        let home = Home::new();
        let options = ControlPlaneOptions {
            openshift_kinds: false,
            ..ControlPlaneOptions::all()
        };
        let control_plane = ControlPlane::start(&programs, &options).await;
        let api = control_plane.api();
        api.write_kubeconfig(&home.path("admin"), &Identity::Admin);
        Some(Self {
            home,
            control_plane,
            programs,
        })
    }

    pub(crate) fn podpass(&self, arguments: &[&str]) -> Ran {
        self.run(PODPASS, arguments)
    }

    pub(crate) fn helm(&self, helm: &Path, arguments: &[&str]) -> Ran {
        self.run(helm.to_str().unwrap(), arguments)
    }

    /// kubectl as the administrator, however it ends.
    pub(crate) fn try_kubectl(&self, arguments: &[&str]) -> Ran {
        self.run(self.programs.join("kubectl").to_str().unwrap(), arguments)
    }

    /// kubectl as the administrator; what it printed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).succeeded().to_owned()
    }

    pub(crate) fn get(&self, arguments: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "-o", "json"], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Applies objects as an administrator does.
    pub(crate) fn apply(&self, manifests: &str) {
        let file = self.home.write("manifests.yaml", manifests);
        self.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    }

    /// Makes a namespace that admits only pods under the strictest of the pod security standards.
    pub(crate) fn restricted_namespace(&self, name: &str) {
        let label = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": label},
        });
        self.apply(&namespace.to_string());
    }

    /// Definitions with no schema of the kinds of the Prometheus operator and cert-manager that we use.
    pub(crate) fn install_foreign_kinds(&self) {
        for (group, kind, plural) in [
            ("monitoring.coreos.com", "ServiceMonitor", "servicemonitors"),
            ("monitoring.coreos.com", "PrometheusRule", "prometheusrules"),
            ("cert-manager.io", "Issuer", "issuers"),
            ("cert-manager.io", "Certificate", "certificates"),
        ] {
            let name = format!("{plural}.{group}");
            let definition = json!({
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": name},
                "spec": {
                    "group": group,
                    "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural, "singular": kind.to_ascii_lowercase()},
                    "versions": [{
                        "name": "v1",
                        "served": true,
                        "storage": true,
                        "schema": {"openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": true,
                        }},
                    }],
                },
            });
            self.apply(&definition.to_string());
            let name = format!("crd/{name}");
            self.kubectl(&[
                "wait",
                "--for=condition=Established",
                "--timeout=60s",
                &name,
            ]);
        }
    }

    /// Does what the controller does, as the controller: fills the Secret, writes `caBundle`, holds the Lease.
    pub(crate) fn act_as_controller(&self, namespace: &str, name: &str) {
        let controller = format!("{name}-controller");
        let user = format!("system:serviceaccount:{namespace}:{controller}");
        let patch = |target: &str, name: &str, kind: &str, patch: &Value| {
            let patch = patch.to_string();
            let arguments = [
                "patch", target, name, "-n", namespace, "--as", &user, "--type", kind, "-p", &patch,
            ];
            self.kubectl(&arguments);
        };
        let data = json!({"data": {"tls.crt": FILLED, "tls.key": FILLED}});
        patch("secret", name, "merge", &data);
        let bundle =
            json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle()}]);
        patch("mutatingwebhookconfiguration", name, "json", &bundle);
        let holder = json!({"spec": {"holderIdentity": "pod-1"}});
        patch("lease", &controller, "merge", &holder);
    }

    /// Fails unless what [`Stand::act_as_controller`] wrote is there.
    #[track_caller]
    pub(crate) fn controllers_work_is_there(&self, namespace: &str, name: &str) {
        let secret = self.get(&["secret", name, "-n", namespace]);
        assert_eq!(
            secret["data"],
            json!({"tls.crt": FILLED, "tls.key": FILLED})
        );
        let configuration = self.get(&["mutatingwebhookconfiguration", name]);
        let written = &configuration["webhooks"][0]["clientConfig"]["caBundle"];
        assert_eq!(*written, bundle());
        let lease = self.get(&["lease", &format!("{name}-controller"), "-n", namespace]);
        assert_eq!(lease["spec"]["holderIdentity"], "pod-1");
    }

    /// Waits until both Deployments have all the pods that they should have, ready.
    pub(crate) fn rolled_out(&self, namespace: &str, name: &str) {
        for deployment in [name.to_owned(), format!("{name}-controller")] {
            let deployment = format!("deployment/{deployment}");
            let arguments = [
                "rollout",
                "status",
                &deployment,
                "-n",
                namespace,
                "--timeout=120s",
            ];
            self.kubectl(&arguments);
        }
    }

    /// Which of these objects are in the cluster, as kubectl names them; of kinds that it does not have, none.
    pub(crate) fn present(&self, objects: &[Value]) -> Vec<String> {
        let of_kubernetes = |object: &&Value| {
            let version = object["apiVersion"].as_str().unwrap();
            !version.contains("cert-manager") && !version.contains("coreos")
        };
        let items: Vec<&Value> = objects.iter().filter(of_kubernetes).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        let file = self.home.write("objects.json", list.to_string());
        let arguments = ["get", "--ignore-not-found", "-o", "name", "-f"];
        let found = self.kubectl(&[&arguments[..], &[file.to_str().unwrap()]].concat());
        found.lines().map(str::to_owned).collect()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        let mut command: Command = self.home.command(program);
        run(command.args(arguments).args(["--kubeconfig", "admin"]))
    }
}

/// `filled`, as a Secret has it.
const FILLED: &str = "ZmlsbGVk";

/// A certificate, for the API server takes nothing else for a `caBundle`.
fn bundle() -> String {
    use base64::Engine as _;
    let pem = include_str!("../../crates/token/tests/fixtures/rsa-2048-certificate.pem");
    base64::engine::general_purpose::STANDARD.encode(pem)
}
