//! What every test here stands on: the run's control plane, whose issuer the sandbox knows, and podpass.

use std::path::{Path, PathBuf};
use std::process::Command;

use podpass_aws::Connection;
use podpass_cloud::Credentials;
use podpass_testkit::{
    Home, Identity, KubeApi, SandboxProcess, SharedControlPlane, control_plane_programs,
};
pub(crate) use podpass_testkit::{Ran, run};
use serde_json::Value;

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");
pub(crate) const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/kubernetes.default.svc";
pub(crate) const READ_S3: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}]}"#;

/// A home with an administrator's kubeconfig, a namespace, and a sandbox that trusts the cluster's issuer.
pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) sandbox: SandboxProcess,
    pub(crate) shared: SharedControlPlane,
    pub(crate) namespace: String,
}

impl Stand {
    /// `None` where the control plane is missing and may be.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        let programs = control_plane_programs()?;
        let shared = SharedControlPlane::find(&programs).await;
        let namespace = shared.namespace(name).await;
        let home = Home::new();
        shared
            .api()
            .write_kubeconfig(&home.path("kubeconfig"), &Identity::Admin);
        let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
        let stand = Self {
            home,
            sandbox,
            shared,
            namespace,
        };
        stand
            .podpass(&["sandbox", "add-issuer", "--from-cluster"])
            .succeeded();
        stand
            .administrator()
            .create_oidc_provider("https://kubernetes.default.svc", &["sts.amazonaws.com"])
            .await
            .unwrap();
        Some(stand)
    }

    /// podpass as an administrator of cluster and account.
    pub(crate) fn podpass(&self, arguments: &[&str]) -> Ran {
        run(self
            .sandbox
            .command(&self.home, PODPASS)
            .env("AWS_REGION", "eu-west-1")
            .env("KUBECONFIG", self.home.path("kubeconfig"))
            .args(arguments))
    }

    /// podpass as an administrator of the cluster who has no AWS credentials.
    pub(crate) fn without_aws(&self, arguments: &[&str]) -> Ran {
        run(self
            .home
            .command(PODPASS)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // The discard port: what calls AWS all the same fails here, and reaches nobody.
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .env("KUBECONFIG", self.home.path("kubeconfig"))
            .args(arguments))
    }

    /// podpass as an administrator of the account who has no kubeconfig.
    pub(crate) fn without_cluster(&self, arguments: &[&str]) -> Ran {
        run(self
            .sandbox
            .command(&self.home, PODPASS)
            .env("AWS_REGION", "eu-west-1")
            .args(arguments))
    }

    /// podpass as a user of the cluster who has no rights in it.
    pub(crate) fn as_user(&self, name: &str, arguments: &[&str]) -> Ran {
        let identity = Identity::User {
            name: name.to_owned(),
            groups: Vec::new(),
        };
        let kubeconfig = self.home.path(&format!("kubeconfig-{name}"));
        self.api().write_kubeconfig(&kubeconfig, &identity);
        run(self
            .sandbox
            .command(&self.home, PODPASS)
            .env("AWS_REGION", "eu-west-1")
            .env("KUBECONFIG", kubeconfig)
            .args(arguments))
    }

    /// A role that may read S3, bound to a service account that is made; returns the account as `NAMESPACE/name`.
    pub(crate) fn bound(&self, name: &str) -> String {
        let account = self.account(name);
        let policy = self.home.write("read-s3.json", READ_S3);
        let policy = policy.to_str().unwrap();
        let bind = [
            "bind", &account, "--policy", policy, "--create", "--name", "test",
        ];
        self.podpass(&bind).succeeded();
        account
    }

    /// podpass as a user of the cluster who has no AWS credentials but knows where the sandbox is.
    pub(crate) fn anonymous(&self) -> Command {
        let mut command = self.sandbox.anonymous_command(&self.home, PODPASS);
        command.env("KUBECONFIG", self.home.path("kubeconfig"));
        command
    }

    /// `podpass exec --as ACCOUNT OPTIONS… -- WORDS…` by [`Stand::anonymous`].
    pub(crate) fn exec(&self, account: &str, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.anonymous();
        command
            .args(["exec", "--as", account])
            .args(options)
            .arg("--")
            .args(words);
        command
    }

    /// Fails when anything but the sandbox's own file is left in the home, the temporary folder or the runtime folder.
    pub(crate) fn assert_nothing_left(&self) {
        let mut left = Vec::new();
        for folder in ["../home", "../tmp", "../run"] {
            list(&self.home.path(folder), &mut left);
        }
        left.retain(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name != "podpass" && !name.starts_with("sandbox-")
        });
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    pub(crate) fn api(&self) -> &KubeApi {
        self.shared.api()
    }

    /// `NAMESPACE/name` in the test's own namespace.
    pub(crate) fn account(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace)
    }

    pub(crate) fn administrator(&self) -> Connection {
        let (id, secret) = self.sandbox.admin_key(0);
        let region = "eu-west-1".parse().unwrap();
        let credentials = Credentials::long_term(id, secret);
        Connection::isolated(self.sandbox.endpoint(), &region, Some(&credentials))
    }

    /// What STS says when a token of the service account is exchanged for the role.
    pub(crate) fn assume(&self, account: &str, role: &str, audience: &str) -> Ran {
        let token = self.podpass(&["token", "get", account, "--audience", audience]);
        let file = self.home.write("token", token.succeeded());
        let file = file.to_str().unwrap();
        run(self
            .sandbox
            .anonymous_command(&self.home, PODPASS)
            .env("AWS_REGION", "eu-west-1")
            .args(["token", "assume", "--role-arn", role, "--token-file", file]))
    }

    /// The ARN in the service account's annotation.
    pub(crate) async fn role_of(&self, name: &str) -> String {
        let account = self.service_account(name).await.unwrap();
        let role = &account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"];
        role.as_str().unwrap().to_owned()
    }

    /// The service account as the API server has it.
    pub(crate) async fn service_account(&self, name: &str) -> Option<Value> {
        use k8s_openapi::api::core::v1::ServiceAccount;
        let api: kube::Api<ServiceAccount> =
            kube::Api::namespaced(self.shared.admin(), &self.namespace);
        let found = api.get_opt(name).await.unwrap();
        found.map(|found| serde_json::to_value(found).unwrap())
    }
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            list(&entry.path(), found);
        }
        found.push(entry.path());
    }
}
