//! A cluster whose issuer is a bucket of the sandbox: kube-apiserver signs with the key that `create-all` published.

use std::path::{Path, PathBuf};
use std::process::Command;

use podpass_aws::Connection;
use podpass_cloud::Credentials;
use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, Home, Identity, Ran, SandboxProcess,
    control_plane_programs, run,
};
use podpass_token::{Jwks, KeySize, SigningKey};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

/// The bucket that `create-all --name prod` makes, as an issuer.
pub(crate) const ISSUER: &str = "https://prod-oidc.s3.eu-west-1.amazonaws.com";

/// A control plane and an AWS, both of this test alone.
pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) sandbox: SandboxProcess,
    pub(crate) control_plane: ControlPlane,
    programs: PathBuf,
}

impl Stand {
    /// Starts both, with these parts and flags beside etcd and kube-apiserver; `None` where there is no control plane to start.
    pub(crate) async fn start(parts: ControlPlaneOptions) -> Option<Self> {
        let programs = control_plane_programs()?;
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
        home.write("requests/app.yaml", REQUEST);
        run(sandbox.command(&home, PODPASS).args([
            "aws",
            "create-all",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--credentials-requests-dir",
            "requests",
            "--output-dir",
            "out",
        ]))
        .succeeded();
        let options = ControlPlaneOptions {
            api_server: ApiServerOptions {
                issuers: vec![ISSUER.to_owned()],
                signing_key: Some(home.path("out/serviceaccount-signer.private")),
                ..parts.api_server
            },
            ..parts
        };
        let control_plane = ControlPlane::start(&programs, &options).await;
        let stand = Self {
            home,
            sandbox,
            control_plane,
            programs,
        };
        stand.write_kubeconfig("admin", &Identity::Admin);
        Some(stand)
    }

    /// A kubeconfig in the working folder, by whose name commands take it.
    pub(crate) fn write_kubeconfig(&self, name: &str, identity: &Identity) {
        let api = self.control_plane.api();
        api.write_kubeconfig(&self.home.path(name), identity);
    }

    /// podpass with the administrator's kubeconfig, and with no AWS credentials anywhere.
    pub(crate) fn podpass(&self, arguments: &[&str]) -> Ran {
        self.podpass_as("admin", arguments)
    }

    /// The same with another kubeconfig.
    pub(crate) fn podpass_as(&self, kubeconfig: &str, arguments: &[&str]) -> Ran {
        run(&mut self.command(kubeconfig, arguments))
    }

    pub(crate) fn command(&self, kubeconfig: &str, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.anonymous_command(&self.home, PODPASS);
        command.args(arguments).args(["--kubeconfig", kubeconfig]);
        command
    }

    /// The same as the administrator of the sandbox's account.
    pub(crate) fn podpass_with_aws(&self, arguments: &[&str]) -> Ran {
        run(self
            .sandbox
            .command(&self.home, PODPASS)
            .args(arguments)
            .args(["--kubeconfig", "admin"]))
    }

    /// kubectl as the administrator; what it printed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let mut command: Command = self.home.command(self.program("kubectl"));
        let ran = run(command.args(["--kubeconfig", "admin"]).args(arguments));
        ran.succeeded().to_owned()
    }

    /// Applies manifests as a user does.
    pub(crate) fn apply(&self, manifests: &str) {
        let file = self.home.write("manifests.yaml", manifests);
        self.kubectl(&["apply", "--server-side", "-f", file.to_str().unwrap()]);
    }

    /// Publishes another key in place of the cluster's; its id.
    pub(crate) fn replace_published_keys(&self) -> String {
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        self.publish(&Jwks::of(std::slice::from_ref(key.public())).to_json());
        key.kid().to_owned()
    }

    /// Publishes a JWKS as the administrator of the sandbox's account.
    pub(crate) fn publish(&self, jwks: &str) {
        let (id, secret) = self.sandbox.admin_key(0);
        let administrator = Connection::isolated(
            self.sandbox.endpoint(),
            &"eu-west-1".parse().unwrap(),
            Some(&Credentials::long_term(id, secret)),
        );
        let put = administrator.put_object("prod-oidc", "keys.json", jwks.as_bytes());
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(put)).unwrap();
    }

    /// Applies a manifest as a webhook would let it through: with the service account of the same file.
    pub(crate) fn apply_injected(&self, pod: &str, account: &str, flags: &[&str]) {
        let pod = self.home.write("pod.yaml", pod);
        let account = self.home.write("account.yaml", account);
        let mut command = self.home.command(PODPASS);
        command
            .args(["inject", "-f"])
            .arg(pod)
            .arg("--service-account")
            .arg(account);
        let injected = run(command.args(flags));
        self.apply(injected.succeeded());
    }

    fn program(&self, name: &str) -> PathBuf {
        Path::new(&self.programs).join(name)
    }
}

const REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata: {name: irsa-test, namespace: openshift-cloud-credential-operator}
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec
    statementEntries:
    - {effect: Allow, action: ['s3:ListAllMyBuckets'], resource: '*'}
  secretRef: {name: irsa-test, namespace: irsa-test}
  serviceAccountNames: [irsa-test]
";

/// The peer's own configuration; nothing answers behind it, which its failure policy forgives.
pub(crate) const WEBHOOK: &str = "\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: pod-identity-webhook}
webhooks:
- name: pod-identity-webhook.amazonaws.com
  failurePolicy: Ignore
  sideEffects: None
  admissionReviewVersions: [v1]
  clientConfig: {service: {namespace: default, name: pod-identity-webhook, path: /mutate}}
  rules:
  - {operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [pods]}
";
