//! A sandbox that trusts a cluster, for tests that exchange its tokens.

use podpass_testkit::{Cluster, Home, SandboxProcess};
use podpass_token::{Jwks, KeySize, ServiceAccountClaims, SigningKey};

use crate::stand::{PODPASS, Ran, create_oidc_provider, create_role, run};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// A sandbox that trusts a cluster, with a role for one service account.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) sandbox: SandboxProcess,
    pub(crate) cluster: Cluster,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With a sandbox that is started with these arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, arguments);
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        let jwks = Jwks::of(std::slice::from_ref(key.public())).to_json();
        home.write("keys.json", jwks);
        let cluster = Cluster::of_key(key, ISSUER);
        let mut add = home.command(PODPASS);
        add.args([
            "sandbox",
            "add-issuer",
            "--issuer",
            ISSUER,
            "--jwks",
            "keys.json",
        ]);
        run(&mut add).succeeded();
        let provider = create_oidc_provider(&sandbox, ISSUER);
        let host = ISSUER.strip_prefix("https://").unwrap();
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Pods","Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{host}:sub":"system:serviceaccount:apps:reader"}}}}}}]}}"#
        );
        create_role(&sandbox, "reader", &trust);
        Self {
            home,
            sandbox,
            cluster,
        }
    }

    pub(crate) fn assume(&self, service_account: &str) -> Ran {
        self.assume_with(&self.cluster.claims("apps", service_account))
    }

    pub(crate) fn assume_with(&self, claims: &ServiceAccountClaims) -> Ran {
        let token = self.cluster.write(self.home.path("token"), claims);
        let mut command = self.sandbox.anonymous_command(&self.home, PODPASS);
        command.args(["token", "assume", "--token-file", token.to_str().unwrap()]);
        run(command.args(["--role-arn", "arn:aws:iam::123456789012:role/reader"]))
    }

    pub(crate) fn podpass(&self, arguments: &[&str]) -> Ran {
        run(self.home.command(PODPASS).args(arguments))
    }
}
