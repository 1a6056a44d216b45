//! What every test here stands on: the sandbox with two accounts, a cluster whose issuer it knows, and shells.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use podpass_sandbox::{ClockSetting, ControlClient, Secret};
use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, Home, Identity, KubeApi, PodRunner, Ran,
    RegisteredWebhook, SandboxProcess, SharedControlPlane, control_plane_programs, foreign_clients,
    run,
};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

/// The container's folders that the documents name.
pub(crate) const CLOUD: &str = "/var/run/secrets/cloud";
pub(crate) const SERVICE_ACCOUNT: &str = "/var/run/secrets/openshift/serviceaccount";

/// What STS says to the AWS CLI and boto3.
pub(crate) const DENIED: &str = "(AccessDenied) when calling the AssumeRoleWithWebIdentity operation: \
                                 Not authorized to perform sts:AssumeRoleWithWebIdentity";
pub(crate) const WRONG_AUDIENCE: &str = "(InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: Incorrect token audience";

/// What fills the placeholders of the documents.
pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) sandbox: SandboxProcess,
    /// The namespace of the test's own.
    pub(crate) namespace: String,
    /// The ARN of the cluster's OIDC provider.
    pub(crate) provider: String,
    clients: PathBuf,
    // Before the cluster, in which it removes what it made.
    webhook: Option<RegisteredWebhook>,
    cluster: Cluster,
}

enum Cluster {
    None,
    Shared(SharedControlPlane),
    Own(ControlPlane),
}

impl Stand {
    /// For steps that need no cluster; `None` where the clients are missing and may be.
    pub(crate) fn without_cluster() -> Option<Self> {
        let stand = Self::of(foreign_clients()?);
        stand.provider_for("https://issuer.example.org");
        Some(stand)
    }

    /// On the run's control plane, in a namespace whose name begins so; `None` also where the programs are missing.
    pub(crate) async fn on_shared(namespace: &str) -> Option<Self> {
        Self::on_shared_with(namespace, &[]).await
    }

    /// The same with more arguments for the sandbox.
    pub(crate) async fn on_shared_with(namespace: &str, arguments: &[&str]) -> Option<Self> {
        let programs = control_plane_programs()?;
        let mut stand = Self::with(foreign_clients()?, arguments);
        let shared = SharedControlPlane::find(&programs).await;
        stand.namespace = shared.namespace(namespace).await;
        stand.attach(&programs, shared.api());
        stand.cluster = Cluster::Shared(shared);
        stand
            .shell("podpass sandbox add-issuer --from-cluster")
            .succeeded();
        stand.provider_for("https://kubernetes.default.svc");
        stand.provider = "arn:aws:iam::123456789012:oidc-provider/kubernetes.default.svc".into();
        Some(stand)
    }

    /// On a control plane of the test's own, which signs for the issuer in the bucket `<name>-oidc`, made by ccoctl.
    pub(crate) async fn with_bucket(name: &str, region: &str, namespace: &str) -> Option<Self> {
        let programs = control_plane_programs()?;
        let mut stand = Self::of(foreign_clients()?);
        let made = stand.shell(&format!(
            "ccoctl aws create-key-pair --output-dir=installed
             ccoctl aws create-identity-provider --name={name} --region={region} --output-dir=installed \
                 --public-key-file=installed/serviceaccount-signer.public"
        ));
        made.succeeded();
        let host = format!("{name}-oidc.s3.{region}.amazonaws.com");
        let options = ControlPlaneOptions {
            api_server: ApiServerOptions {
                issuers: vec![format!("https://{host}")],
                signing_key: Some(stand.home.path("installed/serviceaccount-signer.private")),
                ..ApiServerOptions::default()
            },
            // It gives each namespace what pods mount from it.
            controller_manager: true,
            ..ControlPlaneOptions::default()
        };
        let own = ControlPlane::start(&programs, &options).await;
        stand.attach(&programs, own.api());
        stand.cluster = Cluster::Own(own);
        stand
            .shell(&format!(
                "kubectl create namespace {namespace}
                 kubectl wait --for=create configmap/kube-root-ca.crt --namespace {namespace} --timeout=60s"
            ))
            .succeeded();
        namespace.clone_into(&mut stand.namespace);
        stand.provider = format!("arn:aws:iam::123456789012:oidc-provider/{host}");
        Some(stand)
    }

    fn of(clients: PathBuf) -> Self {
        Self::with(clients, &[])
    }

    fn with(clients: PathBuf, arguments: &[&str]) -> Self {
        let home = Home::new();
        let accounts = ["--account", "123456789012", "--account", "210987654321"];
        let arguments = [&accounts, arguments].concat();
        let sandbox = SandboxProcess::start(PODPASS, &home, &arguments);
        std::fs::create_dir(home.path("bin")).unwrap();
        for name in ["podpass", "ccoctl"] {
            symlink(PODPASS, home.path("bin").join(name)).unwrap();
        }
        Self {
            home,
            sandbox,
            namespace: "app".to_owned(),
            provider: "arn:aws:iam::123456789012:oidc-provider/issuer.example.org".to_owned(),
            clients,
            webhook: None,
            cluster: Cluster::None,
        }
    }

    /// From here on the shells' kubectl is the administrator of this cluster.
    fn attach(&self, programs: &Path, api: &KubeApi) {
        let kubectl = programs.join("kubectl");
        symlink(&kubectl, self.home.path("bin/kubectl")).unwrap();
        // What the documents ask of `oc`, kubectl does.
        let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", kubectl.display());
        let oc = self.home.write("bin/oc", script);
        std::fs::set_permissions(oc, std::fs::Permissions::from_mode(0o755)).unwrap();
        api.write_kubeconfig(&self.home.path("kubeconfig"), &Identity::Admin);
    }

    /// Registers an issuer with the audiences that ccoctl registers.
    fn provider_for(&self, issuer: &str) {
        self.shell(&format!(
            "aws iam create-open-id-connect-provider --url {issuer} --client-id-list openshift sts.amazonaws.com"
        ))
        .succeeded();
    }

    /// A second namespace of the test's own on the shared control plane.
    pub(crate) async fn another_namespace(&self, name: &str) -> String {
        match &self.cluster {
            Cluster::Shared(shared) => shared.namespace(name).await,
            _ => panic!("the test has no shared control plane"),
        }
    }

    fn api(&self) -> &KubeApi {
        match &self.cluster {
            Cluster::None => panic!("the test has no cluster"),
            Cluster::Shared(shared) => shared.api(),
            Cluster::Own(own) => own.api(),
        }
    }

    /// The administrator's client.
    pub(crate) fn client(&self) -> kube::Client {
        self.api().client(&Identity::Admin)
    }

    /// From here on `podpass webhook` with these flags admits the pods of the namespace, instead of the one before.
    pub(crate) async fn webhook(&mut self, arguments: &[&str]) {
        // The one before has to be gone first: it would answer for the new one.
        self.webhook = None;
        let (api, namespace) = (self.api(), self.namespace.as_str());
        let webhook =
            RegisteredWebhook::start(PODPASS, api, namespace, &[namespace], arguments).await;
        self.webhook = Some(webhook);
    }

    /// What the API server and the webhook make of a manifest of the working folder, without keeping it.
    pub(crate) async fn dry_run(&self, manifest: &str) -> Ran {
        self.settled().await;
        self.shell(&format!("oc create --dry-run=server -o json -f {manifest}"))
    }

    /// Waits until the webhook, if there is one, has what was changed.
    async fn settled(&self) {
        if let Some(webhook) = &self.webhook {
            webhook.settled().await;
        }
    }

    /// Writes a kubeconfig whose bearer token the API server does not know.
    pub(crate) fn expired_kubeconfig(&self) -> PathBuf {
        let path = self.home.path("expired");
        let identity = Identity::Token("not-a-token".to_owned());
        self.api().write_kubeconfig(&path, &identity);
        path
    }

    /// The sandbox's control calls.
    pub(crate) fn control(&self) -> ControlClient {
        let port = self.sandbox.endpoint().rsplit(':').next().unwrap();
        // Where `podpass sandbox` finds the sandbox that runs.
        let record = self
            .home
            .path(&format!("../run/podpass/sandbox-{port}.json"));
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
        let bearer = Secret::new(record["controlToken"].as_str().unwrap().to_owned());
        ControlClient::new(self.sandbox.endpoint(), bearer).unwrap()
    }

    /// Sets the sandbox's clock so many minutes ahead.
    pub(crate) async fn sandbox_is_ahead(&self, minutes: i64) {
        let offset = jiff::SignedDuration::from_mins(minutes);
        self.control()
            .set_clock(ClockSetting::Offset(offset))
            .await
            .unwrap();
    }

    /// Command lines as the administrator of cluster and first account types them, in the working folder.
    pub(crate) fn shell(&self, script: &str) -> Ran {
        self.shell_of(0, script)
    }

    /// The same as the administrator of the second account.
    pub(crate) fn other_team(&self, script: &str) -> Ran {
        self.shell_of(1, script)
    }

    fn shell_of(&self, account: usize, script: &str) -> Ran {
        let (id, secret) = self.sandbox.admin_key(account);
        run(self
            .anonymous(script)
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret))
    }

    /// Command lines of someone who has logged in to no account.
    pub(crate) fn anonymous(&self, script: &str) -> Command {
        let mut command = self.sandbox.anonymous_command(&self.home, "/bin/sh");
        command
            .args(["-euc", script])
            .env("PATH", self.path_variable())
            .env("KUBECONFIG", self.home.path("kubeconfig"));
        command
    }

    /// Creates the pod of a manifest with kubectl, instead of the one before, and plays its container of this name.
    pub(crate) async fn play(&self, manifest: &str, container: &str) -> PodRunner {
        self.home.write("pod.yaml", manifest);
        self.play_file("pod.yaml", container).await
    }

    /// The same for the manifest of this name in the working folder.
    pub(crate) async fn play_file(&self, manifest: &str, container: &str) -> PodRunner {
        let pod = self.created(manifest).await;
        PodRunner::start(&self.client(), &pod, container).await
    }

    /// The pod of a manifest in the working folder as it was admitted, instead of the one before.
    pub(crate) async fn created(&self, manifest: &str) -> Pod {
        let namespace = &self.namespace;
        self.settled().await;
        self.shell(&format!(
            "kubectl delete pods --all --now --namespace {namespace}
             kubectl apply -f {manifest}"
        ))
        .succeeded();
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let mut found = pods.list(&ListParams::default()).await.unwrap();
        assert_eq!(found.items.len(), 1);
        found.items.remove(0)
    }

    /// Command lines in a container where the AWS CLI and python are installed.
    ///
    /// The container's folders lie elsewhere on this machine: the script may name them as the document does, and a
    /// copy of a mounted AWS config names the token where it lies ([`Stand::config`]).
    pub(crate) fn in_pod(&self, runner: &PodRunner, script: &str) -> Ran {
        run(&mut self.overridden(runner, script))
    }

    /// The same with no endpoint but the one that was injected.
    pub(crate) fn in_pod_as_injected(&self, runner: &PodRunner, script: &str) -> Ran {
        run(&mut self.pod_command(runner, script))
    }

    /// The same where the metadata of the sandbox's node is reached, as on a node that does not keep pods from it.
    pub(crate) fn in_pod_on_node(&self, runner: &PodRunner, script: &str) -> Ran {
        let imds = self.sandbox.started()["imds"].as_str();
        let imds = imds.expect("the sandbox has a node");
        run(self
            .overridden(runner, script)
            .env_remove("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds))
    }

    fn overridden(&self, runner: &PodRunner, script: &str) -> Command {
        let mut command = self.pod_command(runner, script);
        command
            .env("AWS_ENDPOINT_URL", self.sandbox.endpoint())
            // The SDK for Go resolves credentials before it reads the one above (its config.go, the order of
            // `defaultAWSConfigResolvers`): its calls of STS for credentials see only this one.
            .env("AWS_ENDPOINT_URL_STS", self.sandbox.endpoint());
        command
    }

    /// The same without any endpoint: AWS's own hosts are reached through the sandbox's proxy, whose authority is in
    /// the file `ca.pem`.
    pub(crate) fn in_proxied_pod(&self, runner: &PodRunner, script: &str) -> Ran {
        let authority = self.home.path("ca.pem");
        let proxy = self.sandbox.started()["proxy"]["url"].as_str();
        run(self
            .pod_command(runner, script)
            .env("HTTPS_PROXY", proxy.expect("the sandbox has a proxy"))
            .env("AWS_CA_BUNDLE", &authority)
            .env("SSL_CERT_FILE", &authority))
    }

    fn pod_command(&self, runner: &PodRunner, script: &str) -> Command {
        let mut script = script.replace("/root/.aws", "$HOME/.aws");
        for folder in [CLOUD, SERVICE_ACCOUNT] {
            if script.contains(folder) {
                script = script.replace(folder, runner.path(folder).to_str().unwrap());
            }
        }
        let mut command = runner.command("/bin/sh");
        command
            .args(["-euc", &script])
            .env("PATH", self.path_variable())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let variable = |wanted: &str| {
            let mut variables = runner.environment().iter();
            variables.find_map(|(name, value)| (name == wanted).then_some(value))
        };
        // Version 2 of the AWS CLI, which the documents use, reads AWS_REGION; version 1 reads this one.
        if let Some(region) = variable("AWS_REGION") {
            command.env("AWS_DEFAULT_REGION", region);
        }
        command
    }

    /// A copy of the container's mounted AWS config that names the token where it lies on this machine.
    pub(crate) fn config(&self, runner: &PodRunner) -> PathBuf {
        let mounted = runner.path(&format!("{CLOUD}/credentials"));
        let content = std::fs::read_to_string(mounted).unwrap();
        assert!(content.contains(SERVICE_ACCOUNT), "{content}");
        let token = runner.path(SERVICE_ACCOUNT);
        let content = content.replace(SERVICE_ACCOUNT, token.to_str().unwrap());
        self.home.write("mounted-config", content)
    }

    fn path_variable(&self) -> String {
        let bin = self.home.path("bin");
        let clients = self.clients.join("bin");
        format!(
            "{}:{}:/usr/local/bin:/usr/bin:/bin",
            bin.display(),
            clients.display()
        )
    }
}
