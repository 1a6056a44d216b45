//! The traps of OpenShift's ccoctl, one test a row and each under both names, through the binary against the sandbox.
//!
//! The numbers are those of the table from which the traps were taken; what each is stands over its test.

mod issuer;
mod roles;
mod whole;

use std::path::PathBuf;

use podpass_aws::Connection;
use podpass_cloud::{CloudError, Exchange, Session, WebIdentityRequest};
use podpass_testkit::{Cluster, Home, SandboxProcess};
use podpass_token::ServiceAccountClaims;

use crate::provisioning::{REQUEST, both_names, nowhere};
use crate::stand::{PODPASS, Ran, as_administrator, run};

/// One of the binary's two names, with a home and a sandbox of its own.
struct Stand {
    home: Home,
    sandbox: SandboxProcess,
    name: PathBuf,
}

/// Runs a test under each name.
fn under_both_names(test: impl Fn(&Stand)) {
    for index in 0..2 {
        let home = Home::new();
        let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
        let name = both_names(&home)[index].clone();
        test(&Stand {
            home,
            sandbox,
            name,
        });
    }
}

impl Stand {
    fn is_ccoctl(&self) -> bool {
        self.name.ends_with("ccoctl")
    }

    /// The exit code under this name: ccoctl knows only 1.
    fn exit(&self, podpass: i32) -> i32 {
        if self.is_ccoctl() { 1 } else { podpass }
    }

    /// A command under `aws` for the cluster `prod` in Ireland.
    fn aws(&self, command: &str, arguments: &[&str]) -> Ran {
        self.aws_of("prod", "eu-west-1", command, arguments)
    }

    fn aws_of(&self, cluster: &str, region: &str, command: &str, arguments: &[&str]) -> Ran {
        run(self
            .sandbox
            .command(&self.home, &self.name)
            .env("AWS_REGION", region)
            .args(["aws", command, "--name", cluster, "--region", region])
            .args(arguments))
    }

    /// Everything for the requests in `requests`, with keys and manifests in `out`.
    fn create_all(&self, arguments: &[&str]) -> Ran {
        let usual = ["--credentials-requests-dir=requests", "--output-dir=out"];
        self.aws("create-all", &[&usual, arguments].concat())
    }

    /// A key pair in a folder of its own; returns the path of its public key.
    fn key_pair(&self, folder: &str) -> String {
        run(self
            .home
            .command(&self.name)
            .args(["aws", "create-key-pair", "--output-dir", folder]))
        .succeeded();
        format!("{folder}/serviceaccount-signer.public")
    }

    /// The same command line with nobody at the endpoint: a call would show as that error.
    fn refused_before_any_call(
        &self,
        command: &str,
        arguments: &[&str],
        podpass: i32,
        parts: &[&str],
    ) {
        let ran = run(nowhere(&self.home, &self.name)
            .args(["aws", command])
            .args(arguments));
        ran.refused(self.exit(podpass), parts);
        assert!(
            !ran.err.contains("127.0.0.1:1"),
            "a call was made: {ran:#?}"
        );
    }

    /// What the administrator reads from a bucket.
    fn object(&self, bucket: &str, key: &str) -> Option<String> {
        let body = as_administrator(&self.sandbox, async |administrator| {
            administrator.get_object(bucket, key).await
        });
        body.ok().map(|body| String::from_utf8(body).unwrap())
    }

    /// The cluster whose key pair is in `folder`, with the issuer of this cluster's bucket.
    fn cluster(&self, folder: &str, name: &str) -> Cluster {
        Cluster::with_key_of(
            &self.home.path(folder),
            &format!("https://{name}-oidc.s3.eu-west-1.amazonaws.com"),
        )
    }

    /// What STS answers to a token with these claims.
    fn assume(
        &self,
        cluster: &Cluster,
        claims: &ServiceAccountClaims,
        role: &str,
    ) -> Result<Session, CloudError> {
        let role = format!("arn:aws:iam::123456789012:role/{role}");
        let request = WebIdentityRequest::new(role, "trap", cluster.mint(claims));
        as_administrator(&self.sandbox, async |anybody| {
            anybody.assume_role_with_web_identity(&request).await
        })
    }

    /// Whether a service account's token is good for the role.
    #[track_caller]
    fn assert_assumes(&self, cluster: &Cluster, account: (&str, &str), role: &str, good: bool) {
        let answer = self.assume(cluster, &cluster.claims(account.0, account.1), role);
        match answer {
            Ok(_) => assert!(good, "{account:?} got {role}"),
            Err(error) => assert!(!good, "{account:?} did not get {role}: {error}"),
        }
    }

    /// Does something with the credentials of a role that a service account assumed.
    fn with_role<T>(
        &self,
        cluster: &Cluster,
        account: (&str, &str),
        role: &str,
        work: impl AsyncFnOnce(&Connection) -> T,
    ) -> T {
        let session = self
            .assume(cluster, &cluster.claims(account.0, account.1), role)
            .unwrap();
        as_administrator(&self.sandbox, async |administrator| {
            let workload = administrator.with_credentials(&session.credentials);
            work(&workload).await
        })
    }

    /// The credentials manifest of a secret.
    fn secret(&self, namespace: &str, secret: &str) -> String {
        let path = format!("out/manifests/{namespace}-{secret}-credentials.yaml");
        std::fs::read_to_string(self.home.path(&path)).unwrap()
    }

    /// The name of the role in a secret's manifest.
    fn role_of(&self, namespace: &str, secret: &str) -> String {
        let manifest = self.secret(namespace, secret);
        let (_, rest) = manifest.split_once("role_arn = ").unwrap();
        let arn = rest.lines().next().unwrap();
        arn.rsplit('/').next().unwrap().to_owned()
    }

    /// The peer's flag for a private bucket is refused by its name until there is one.
    fn private_bucket_is_refused(&self, region: &str) {
        let key = self.key_pair("keys");
        for command in ["create-identity-provider", "create-all"] {
            let mut arguments = vec!["--name=prod", "--region", region, "--output-dir=out"];
            arguments.extend(["--create-private-s3-bucket", "--public-key-file", &key]);
            if command == "create-all" {
                self.home.write("requests/app.yaml", REQUEST);
                arguments.push("--credentials-requests-dir=requests");
            }
            let parts = ["`--create-private-s3-bucket` is not available"];
            self.refused_before_any_call(command, &arguments, 2, &parts);
        }
        assert!(!self.home.path("out").exists());
    }
}

/// A request for the secret `app/SECRET` with one action.
fn request(secret: &str, account: &str, action: &str) -> String {
    REQUEST
        .replace("name: app\n", &format!("name: {secret}\n"))
        .replace("name: creds", &format!("name: {secret}"))
        .replace("[app]", &format!("[{account}]"))
        .replace("s3:GetObject", action)
}
