//! What the tests do as the sandbox's administrator.

use podpass_aws::Connection;
use podpass_cloud::Credentials;
use podpass_testkit::SandboxProcess;

pub(crate) use podpass_testkit::{Ran, run};

pub(crate) const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

/// Makes a role as the sandbox's administrator.
pub(crate) fn create_role(sandbox: &SandboxProcess, name: &str, trust_policy: &str) {
    as_administrator(sandbox, async |administrator| {
        administrator.create_role(name, trust_policy).await.unwrap();
    });
}

/// Uploads an object without tags, as the sandbox's administrator.
pub(crate) fn upload(sandbox: &SandboxProcess, bucket: &str, key: &str, body: &[u8]) {
    as_administrator(sandbox, async |administrator| {
        administrator.put_object(bucket, key, body).await.unwrap();
    });
}

/// Does something as the administrator of the sandbox's first account.
pub(crate) fn as_administrator<T>(
    sandbox: &SandboxProcess,
    work: impl AsyncFnOnce(&Connection) -> T,
) -> T {
    let administrator = administrator(sandbox);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work(&administrator))
}

/// Registers an issuer for `sts.amazonaws.com` as the sandbox's administrator, and returns the provider's ARN.
pub(crate) fn create_oidc_provider(sandbox: &SandboxProcess, issuer: &str) -> String {
    as_administrator(sandbox, async |administrator| {
        administrator
            .create_oidc_provider(issuer, &["sts.amazonaws.com"])
            .await
            .unwrap()
    })
}

fn administrator(sandbox: &SandboxProcess) -> Connection {
    let (id, secret) = sandbox.admin_key(0);
    let region = "eu-west-1".parse().unwrap();
    Connection::isolated(
        sandbox.endpoint(),
        &region,
        Some(&Credentials::long_term(id, secret)),
    )
}
