//! What every test here stands on: a control plane, the sandbox, and a shell with the documents' programs.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use podpass_testkit::{
    Home, Identity, KubeApi, PodRunner, Ran, RegisteredWebhook, SandboxProcess, SharedControlPlane,
    control_plane_programs, eventually, foreign_clients, run,
};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

/// How AWS CLI 1, which the tests have, ends where the documents' AWS CLI 2 ends with 253.
pub(crate) const CLIENT_ERROR: i32 = 255;
/// The documents' AWS CLI asked the global STS when no region was set; its successors want to know the region.
pub(crate) const IDENTITY: &str = "aws sts get-caller-identity --region eu-west-1";

/// The programs that a test finds, and the sandbox; the control plane is the test's own to start and to attach.
pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) sandbox: SandboxProcess,
    pub(crate) programs: PathBuf,
    clients: PathBuf,
}

/// A pod with an injected identity, and where its service account's annotations lead.
pub(crate) struct TestPod<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) account: &'a str,
    pub(crate) name: &'a str,
    pub(crate) role: &'a str,
    pub(crate) audience: &'a str,
}

impl Stand {
    /// `None` where the control plane or the clients are missing and may be.
    pub(crate) fn new() -> Option<Self> {
        let programs = control_plane_programs()?;
        let clients = foreign_clients()?;
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
        let stand = Self {
            home,
            sandbox,
            programs,
            clients,
        };
        std::fs::create_dir(stand.home.path("bin")).unwrap();
        for (name, program) in [
            ("podpass", PathBuf::from(PODPASS)),
            ("ccoctl", PathBuf::from(PODPASS)),
            ("kubectl", stand.programs.join("kubectl")),
        ] {
            symlink(program, stand.home.path("bin").join(name)).unwrap();
        }
        // What the documents ask of `oc`, kubectl does as well.
        let oc = stand
            .home
            .write("bin/oc", "#!/bin/sh\nexec kubectl \"$@\"\n");
        std::fs::set_permissions(oc, std::fs::Permissions::from_mode(0o755)).unwrap();
        Some(stand)
    }

    /// From here on the shell's kubectl is the administrator of this cluster.
    pub(crate) fn attach(&self, api: &KubeApi) {
        api.write_kubeconfig(&self.home.path("kubeconfig"), &Identity::Admin);
    }

    /// Command lines as the administrator of account and cluster types them, in the working folder.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> Ran {
        let (id, secret) = self.sandbox.admin_key(0);
        run(self
            .anonymous(script)
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret))
    }

    /// The same shell without AWS credentials.
    pub(crate) fn anonymous(&self, script: &str) -> Command {
        let mut command = self.sandbox.anonymous_command(&self.home, "/bin/sh");
        command
            .args(["-euc", script])
            .env("PATH", self.path_variable())
            .env("KUBECONFIG", self.home.path("kubeconfig"));
        command
    }

    /// Command lines in a container, where the AWS CLI and python are installed.
    ///
    /// The sandbox's address is all that the container has beside its own environment. Its home is empty each time, so
    /// that no credentials come from the AWS CLI's cache; the documents' `HOME=/tmp` would be this machine's.
    pub(crate) fn in_container(&self, runner: &PodRunner, script: &str) -> Ran {
        let home = tempfile::tempdir_in(self.home.path("")).unwrap();
        run(runner
            .command("/bin/sh")
            .args(["-euc", script])
            .env("HOME", home.path())
            .env("PATH", self.path_variable())
            .env("AWS_ENDPOINT_URL", self.sandbox.endpoint())
            .env("AWS_EC2_METADATA_DISABLED", "true"))
    }

    /// The webhook for one namespace of the shared control plane.
    pub(crate) async fn webhook(
        &self,
        shared: &SharedControlPlane,
        namespace: &str,
    ) -> RegisteredWebhook {
        RegisteredWebhook::start(PODPASS, shared.api(), namespace, &[namespace], &[]).await
    }

    /// The container `aws` of a pod into which the webhook injected what the service account's annotations say.
    pub(crate) async fn injected(
        &self,
        client: &kube::Client,
        webhook: &RegisteredWebhook,
        pod: &TestPod<'_>,
    ) -> PodRunner {
        let TestPod {
            namespace,
            account,
            name,
            role,
            audience,
        } = pod;
        self.home.write(
            "account.yaml",
            format!(
                "apiVersion: v1
kind: ServiceAccount
metadata:
  name: {account}
  namespace: {namespace}
  annotations:
    eks.amazonaws.com/role-arn: {role}
    eks.amazonaws.com/audience: {audience}
"
            ),
        );
        self.home.write(
            "pod.yaml",
            format!(
                "apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  serviceAccountName: {account}
  containers:
  - {{name: aws, image: 'amazon/aws-cli:2.13.11', command: [sleep, infinity]}}
"
            ),
        );
        self.shell("kubectl apply -f account.yaml").succeeded();
        webhook.settled().await;
        self.shell("kubectl apply -f pod.yaml").succeeded();
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let admitted = pods.get(name).await.unwrap();
        PodRunner::start(client, &admitted, "aws").await
    }

    /// The only pod of the label in the namespace, once it runs and no other is left.
    pub(crate) async fn running_pod(
        &self,
        client: &kube::Client,
        namespace: &str,
        label: &str,
        account: &str,
    ) -> Pod {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let selected = ListParams::default().labels(label);
        eventually(
            "the new pod runs alone",
            std::time::Duration::from_mins(1),
            async || {
                let mut found = pods.list(&selected).await.unwrap().items;
                let pod = found.pop()?;
                let phase = pod.status.as_ref()?.phase.as_deref()?;
                let runs_as = pod.spec.as_ref()?.service_account_name.as_deref()?;
                (found.is_empty() && phase == "Running" && runs_as == account).then_some(pod)
            },
        )
        .await
    }

    /// What boto3's default credentials are: the identity, the buckets, and the answer to a write.
    pub(crate) fn boto3_in_container(&self, runner: &PodRunner) -> Ran {
        self.home.write("boto.py", BOTO3);
        self.in_container(runner, &format!("python {}", self.file("boto.py")))
    }

    /// Lets the sandbox verify the attached cluster's tokens, and makes the provider of its issuer.
    pub(crate) fn trust_cluster(&self) {
        self.shell(
            "podpass sandbox add-issuer --from-cluster
             aws iam create-open-id-connect-provider --url https://kubernetes.default.svc \
                 --client-id-list sts.amazonaws.com",
        )
        .succeeded();
    }

    /// Where a file of the working folder lies, for a container's command line.
    pub(crate) fn file(&self, name: &str) -> String {
        shown(&self.home.path(name)).to_owned()
    }

    fn path_variable(&self) -> String {
        let bin = self.home.path("bin");
        let clients = self.clients.join("bin");
        let system = "/usr/local/bin:/usr/bin:/bin";
        format!("{}:{}:{system}", shown(&bin), shown(&clients))
    }
}

/// The identity, what may be read, and what may not be written, by boto3's default credentials.
const BOTO3: &str = "\
import boto3, botocore.exceptions
arn = boto3.client('sts').get_caller_identity()['Arn']
print(*arn.split(':')[5].split('/')[:2])
s3 = boto3.client('s3')
print(*(bucket['Name'] for bucket in s3.list_buckets()['Buckets']))
try:
    s3.create_bucket(Bucket='made-by-the-pod')
except botocore.exceptions.ClientError as refused:
    print(refused.response['Error']['Code'])
";

/// Pods that claim the role of `NAMESPACE/ACCOUNT`: one of another service account, one in another namespace, one with a
/// token for another audience. AWS refuses each in its own words.
pub(crate) async fn refused_to_others(
    stand: &Stand,
    client: &kube::Client,
    webhook: &RegisteredWebhook,
    (namespace, account): (&str, &str),
    role: &str,
) {
    stand
        .shell("kubectl create namespace elsewhere")
        .succeeded();
    let stranger = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: \
                    Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let misaddressed = "An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: \
                        Incorrect token audience";
    for (name, namespace, account, audience, refusal) in [
        (
            "other-account",
            namespace,
            "other",
            "sts.amazonaws.com",
            stranger,
        ),
        (
            "other-namespace",
            "elsewhere",
            account,
            "sts.amazonaws.com",
            stranger,
        ),
        (
            "other-audience",
            namespace,
            account,
            "sts.amazon.com",
            misaddressed,
        ),
    ] {
        let pod = TestPod {
            namespace,
            account,
            name,
            role,
            audience,
        };
        let container = stand.injected(client, webhook, &pod).await;
        stand
            .in_container(&container, IDENTITY)
            .refused(CLIENT_ERROR, &[refusal]);
    }
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}
