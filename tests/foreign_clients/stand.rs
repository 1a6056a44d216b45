//! What every test here stands on: a sandbox, an identity provider made by podpass, and the clients.

use std::path::PathBuf;
use std::process::{Command, Output};

use podpass_testkit::{Cluster, Home, SandboxProcess, foreign_clients};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");
pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const ISSUER_HOST: &str = "irsa-mint-oidc.s3.eu-west-1.amazonaws.com";

pub(crate) struct Stand {
    pub(crate) home: Home,
    pub(crate) sandbox: SandboxProcess,
    clients: PathBuf,
}

impl Stand {
    /// A fresh sandbox; `None` where the clients are missing and may be.
    pub(crate) fn new() -> Option<Self> {
        Self::with(&[])
    }

    /// A sandbox that is started with these arguments; `None` where the clients are missing and may be.
    pub(crate) fn with(arguments: &[&str]) -> Option<Self> {
        let clients = foreign_clients()?;
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, arguments);
        Some(Self {
            home,
            sandbox,
            clients,
        })
    }

    /// A program of the clients' environment.
    pub(crate) fn client(&self, name: &str) -> PathBuf {
        self.clients.join("bin").join(name)
    }

    /// podpass as the account's administrator.
    pub(crate) fn podpass(&self, arguments: &[&str]) -> String {
        succeeded(self.sandbox.command(&self.home, PODPASS).args(arguments))
    }

    /// The AWS CLI as the account's administrator.
    pub(crate) fn aws(&self, arguments: &[&str]) -> String {
        succeeded(
            self.sandbox
                .command(&self.home, self.client("aws"))
                .args(arguments),
        )
    }

    /// The AWS CLI as a user of the account, each time with a new access key of it.
    pub(crate) fn aws_as_user(&self, user: &str, arguments: &[&str]) -> Output {
        let made = self.aws(&["iam", "create-access-key", "--user-name", user]);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let part = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        self.sandbox
            .command(&self.home, self.client("aws"))
            .env("AWS_ACCESS_KEY_ID", part("AccessKeyId"))
            .env("AWS_SECRET_ACCESS_KEY", part("SecretAccessKey"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// The AWS CLI as a pod sees the world: a role and a token file.
    pub(crate) fn pod_aws(&self, role: &str, token_file: &PathBuf, arguments: &[&str]) -> Output {
        self.in_pod(self.client("aws"), role, token_file)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Any program with the environment that the injection gives a container.
    pub(crate) fn in_pod(&self, program: PathBuf, role: &str, token_file: &PathBuf) -> Command {
        let mut command = self.sandbox.anonymous_command(&self.home, program);
        command
            .env(
                "AWS_ROLE_ARN",
                format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
            )
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", token_file)
            .env("AWS_STS_REGIONAL_ENDPOINTS", "regional");
        command
    }

    /// Key pair, issuer and OIDC provider, as document 000 makes them.
    pub(crate) fn identity_provider(&self) -> Cluster {
        self.podpass(&["aws", "create-key-pair", "--output-dir", "enabling_irsa"]);
        self.podpass(&[
            "aws",
            "create-identity-provider",
            "--output-dir",
            "enabling_irsa",
            "--name",
            "irsa-mint",
            "--region",
            "eu-west-1",
        ]);
        Cluster::with_key_of(
            &self.home.path("enabling_irsa"),
            &format!("https://{ISSUER_HOST}"),
        )
    }

    /// The role of document 000: read S3, trusted for one service account, made with the AWS CLI.
    pub(crate) fn role_by_cli(&self, name: &str, subject: &str) {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",
            "Principal":{{"Federated":"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER_HOST}"}},
            "Action":"sts:AssumeRoleWithWebIdentity",
            "Condition":{{"StringEquals":{{"{ISSUER_HOST}:sub":"{subject}","{ISSUER_HOST}:aud":"sts.amazonaws.com"}}}}}}]}}"#
        );
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
            "Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}"#;
        self.aws(&[
            "iam",
            "create-role",
            "--role-name",
            name,
            "--assume-role-policy-document",
            &trust,
        ]);
        self.aws(&[
            "iam",
            "put-role-policy",
            "--role-name",
            name,
            "--policy-name",
            "read",
            "--policy-document",
            policy,
        ]);
    }
}

pub(crate) fn succeeded(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", both(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn both(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
