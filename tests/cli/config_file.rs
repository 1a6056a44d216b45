//! An AWS config file as the SDK in a pod reads it: profiles, and what STS says to them.

use podpass_aws::Connection;
use podpass_cloud::{CallerIdentity, CloudError, ErrorKind, Exchange};
use podpass_testkit::{Home, SandboxProcess};

use crate::stand::{PODPASS, create_role};

const TRUST_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}"#;

/// Asks who the caller is, with one profile of a config file of this content.
fn caller(
    home: &Home,
    sandbox: &SandboxProcess,
    profile: &str,
    config: &str,
) -> Result<CallerIdentity, CloudError> {
    let file = home.write("config", config);
    let region = "eu-west-1".parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        Connection::of_config_file(sandbox.endpoint(), &region, &file, profile)
            .await
            .caller_identity()
            .await
    })
}

#[test]
fn profiles_chain_roles_and_refusals_come_in_the_words_of_sts() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    create_role(&sandbox, "reader", TRUST_POLICY);
    let (id, secret) = sandbox.admin_key(0);
    let token = home.write("token", "not.a.token");
    let config = format!(
        "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n\
         [profile reader]\nrole_arn = arn:aws:iam::123456789012:role/reader\nsource_profile = default\n\
         role_session_name = app\n\
         [profile absent]\nrole_arn = arn:aws:iam::123456789012:role/absent\nsource_profile = default\n\
         [profile pod]\nrole_arn = arn:aws:iam::123456789012:role/reader\nweb_identity_token_file = {}\n",
        token.display()
    );
    for (profile, arn) in [
        ("default", "arn:aws:iam::123456789012:user/admin"),
        (
            "reader",
            "arn:aws:sts::123456789012:assumed-role/reader/app",
        ),
    ] {
        let identity = caller(&home, &sandbox, profile, &config).unwrap();
        assert_eq!(identity.arn, arn, "{profile}");
    }
    for (profile, action, code, words) in [
        (
            "absent",
            "sts:AssumeRole",
            "AccessDenied",
            "is not authorized to perform: sts:AssumeRole",
        ),
        (
            "pod",
            "sts:AssumeRoleWithWebIdentity",
            "InvalidIdentityToken",
            "not a valid JWT",
        ),
    ] {
        let error = caller(&home, &sandbox, profile, &config).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotAuthorised, "{profile}: {error}");
        assert_eq!(error.action, action, "{profile}");
        assert_eq!(error.code.as_deref(), Some(code), "{profile}");
        assert!(error.message.contains(words), "{profile}: {error}");
        assert!(error.request_id.is_some(), "{profile}");
        let debug = format!("{error:?}");
        assert!(
            !debug.contains("not.a.token") && !debug.contains(secret),
            "{debug}"
        );
    }
}
