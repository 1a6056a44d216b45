//! The commands' parts against the embedded AWS, over the wire.

mod deletion;

use std::path::Path;

use jiff::Timestamp;
use podpass_aws::Connection;
use podpass_cloud::{
    Apply, AssumeRoleRequest, Credentials, ErrorKind, Exchange, Observe, Session,
    WebIdentityRequest,
};
use podpass_policy::AccountId;
use podpass_provision::{
    Adoption, DISCOVERY_KEY, IdentityProvider, JWKS_KEY, OidcProviderArn, Outcome, Plan, Region,
    Step, TechPreview,
};
use podpass_sandbox::{AccountSettings, Running, Sandbox, Settings};
use podpass_testkit::test_data;
use podpass_token::{KeySize, ObjectRef, ServiceAccountClaims, SigningKey};

use super::output_dir::OutputDir;
use super::report::{Report, Voice};
use super::{identity_provider, requests_dir, roles};
use crate::failure::Exit;

const REGION: &str = "eu-west-1";
const AT_A_TIME: usize = 8;

struct Stand {
    sandbox: Running,
    folder: tempfile::TempDir,
    report: Report,
}

impl Stand {
    async fn new() -> Self {
        let account = |id: &str| AccountSettings::new(id.parse::<AccountId>().unwrap());
        let settings = Settings {
            accounts: vec![account("123456789012"), account("210987654321")],
            ..Settings::default()
        };
        Self {
            sandbox: Sandbox::start(settings).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            report: Report::new(Voice::Quiet),
        }
    }

    fn administrator(&self) -> Connection {
        self.administrator_of(0)
    }

    fn administrator_of(&self, account: usize) -> Connection {
        let account = &self.sandbox.accounts()[account];
        let credentials =
            Credentials::long_term(&account.access_key_id, account.secret_access_key.expose());
        Connection::isolated(&self.sandbox.endpoint(), &region(), Some(&credentials))
    }

    /// Somebody of the first account with these permissions and no others.
    async fn installer(&self, permissions: &str) -> Connection {
        let administrator = self.administrator();
        let role = administrator
            .create_role("installer", TRUST_IN_ADMIN)
            .await
            .unwrap();
        let permissions = Step::PutRolePolicy {
            role: "installer".parse().unwrap(),
            policy_name: "ccoctl".to_owned(),
            document: permissions.to_owned(),
        };
        administrator.apply(&permissions).await.unwrap();
        let request = AssumeRoleRequest {
            role_arn: role,
            role_session_name: "installer".to_owned(),
            ..AssumeRoleRequest::default()
        };
        let session = administrator.assume_role(&request).await.unwrap();
        administrator.with_credentials(&session.credentials)
    }

    fn output(&self) -> OutputDir {
        OutputDir::ensure(self.folder.path()).unwrap()
    }

    /// Plans and makes the identity provider; returns its ARN and what was done.
    async fn make_provider(
        &self,
        connection: &Connection,
        desired: &IdentityProvider,
    ) -> (OidcProviderArn, Plan) {
        let planned = Box::pin(identity_provider::plan(
            connection,
            desired,
            Adoption::Refuse,
        ))
        .await
        .unwrap();
        let arn = identity_provider::apply(connection, desired, &planned, &self.report)
            .await
            .unwrap();
        (arn, planned.plan)
    }

    /// Plans and makes the roles of a directory; returns what was done.
    async fn make_roles(
        &self,
        connection: &Connection,
        directory: &Path,
        provider: &OidcProviderArn,
    ) -> Plan {
        let found = connection.oidc_provider(provider).await.unwrap().unwrap();
        let requests = requests_dir::read(directory, TechPreview::Exclude)
            .unwrap()
            .requests;
        let cluster = "demo".parse().unwrap();
        let roles = roles::desired(&cluster, requests, provider, &found.client_ids, None).unwrap();
        let planned = roles::plan(connection, roles, Adoption::Refuse, AT_A_TIME, &self.report)
            .await
            .unwrap();
        let whole = roles::whole(&planned);
        roles::apply(connection, planned, AT_A_TIME, &self.output(), &self.report)
            .await
            .unwrap();
        whole
    }
}

fn region() -> Region {
    REGION.parse().unwrap()
}

fn provider_with(key: &SigningKey) -> IdentityProvider {
    identity_provider::desired("demo", REGION, std::slice::from_ref(key.public())).unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate(KeySize::Rsa2048).unwrap()
}

async fn exchange(
    stand: &Stand,
    key: &SigningKey,
    issuer: &str,
    account: (&str, &str),
    role: &str,
) -> Result<Session, podpass_cloud::CloudError> {
    let now = Timestamp::now().as_second();
    let object = |name: &str| ObjectRef {
        name: name.to_owned(),
        uid: "65b197d7-1609-433c-825e-b423f622978b".to_owned(),
    };
    let token = key.mint(&ServiceAccountClaims {
        issuer: issuer.to_owned(),
        audiences: vec!["openshift".to_owned()],
        namespace: account.0.to_owned(),
        service_account: object(account.1),
        pod: None,
        node: None,
        issued_at: now,
        not_before: now,
        expires_at: now + 3_600,
        warn_after: None,
        id: None,
    });
    let nobody = Connection::isolated(&stand.sandbox.endpoint(), &region(), None);
    let role = format!("arn:aws:iam::123456789012:role/{role}");
    nobody
        .assume_role_with_web_identity(&WebIdentityRequest::new(role, "test", token))
        .await
}

#[tokio::test]
async fn an_interrupted_identity_provider_is_completed_over_the_wire() {
    let desired = provider_with(&key());
    let steps = {
        let stand = Stand::new().await;
        let plan = Box::pin(identity_provider::plan(
            &stand.administrator(),
            &desired,
            Adoption::Refuse,
        ))
        .await
        .unwrap();
        plan.plan.steps
    };
    for taken in 0..=steps.len() {
        let stand = Stand::new().await;
        let administrator = stand.administrator();
        for step in &steps[..taken] {
            administrator.apply(step).await.unwrap();
            // Steps can be taken twice, unless IAM makes something under a name of its own.
            if !matches!(step, Step::CreateOidcProvider { .. }) {
                administrator.apply(step).await.unwrap();
            }
        }
        stand.make_provider(&administrator, &desired).await;
        let (arn, plan) = stand.make_provider(&administrator, &desired).await;
        assert!(plan.is_empty(), "after {taken} steps: {plan}");
        assert_eq!(
            arn.issuer_without_scheme(),
            "demo-oidc.s3.eu-west-1.amazonaws.com"
        );
        stand.sandbox.stop().await;
    }
}

#[tokio::test]
async fn the_nine_real_requests_become_roles_that_work() {
    let Some(directory) = test_data("credentialsrequests") else {
        return;
    };
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    let key = key();
    let desired = provider_with(&key);
    let (provider, _) = stand.make_provider(&administrator, &desired).await;

    let first = stand
        .make_roles(&administrator, &directory, &provider)
        .await;
    assert_eq!(first.resources.len(), 9);
    assert!(
        first
            .resources
            .iter()
            .all(|role| first.outcome(role) == Outcome::Created),
        "{first}"
    );
    let manifests = std::fs::read_dir(stand.folder.path().join("manifests"))
        .unwrap()
        .count();
    assert_eq!(manifests, 9);
    let again = stand
        .make_roles(&administrator, &directory, &provider)
        .await;
    assert!(again.is_empty(), "{again}");

    let registry = "demo-openshift-image-registry-installer-cloud-credentials";
    let session = exchange(
        &stand,
        &key,
        &desired.issuer,
        ("openshift-image-registry", "registry"),
        registry,
    )
    .await;
    let session = session.unwrap();
    assert_eq!(
        session.subject.as_deref(),
        Some("system:serviceaccount:openshift-image-registry:registry")
    );
    let registry_pod = administrator.with_credentials(&session.credentials);
    registry_pod
        .create_bucket("image-registry-of-demo")
        .await
        .unwrap();
    registry_pod
        .put_object("image-registry-of-demo", "a", b"b")
        .await
        .unwrap();
    let denied = registry_pod.list_buckets().await.unwrap_err();
    assert_eq!(denied.kind, ErrorKind::NotAuthorised, "{denied}");
    assert!(
        denied.to_string().contains("s3:ListAllMyBuckets"),
        "{denied}"
    );

    let stranger = exchange(
        &stand,
        &key,
        &desired.issuer,
        ("default", "registry"),
        registry,
    )
    .await
    .unwrap_err();
    assert_eq!(stranger.code.as_deref(), Some("AccessDenied"), "{stranger}");
}

#[tokio::test]
async fn ccoctls_documented_permissions_are_enough_for_both_runs() {
    let Some(directory) = test_data("credentialsrequests") else {
        return;
    };
    let stand = Stand::new().await;
    let installer = stand.installer(CCOCTL_PERMISSIONS).await;

    let desired = provider_with(&key());
    let (provider, _) = stand.make_provider(&installer, &desired).await;
    stand.make_roles(&installer, &directory, &provider).await;
    let (_, again) = stand.make_provider(&installer, &desired).await;
    assert!(again.is_empty(), "{again}");
    assert!(
        again
            .notes
            .iter()
            .any(|note| note.contains("s3:GetBucketPolicy")),
        "{again}"
    );
    // What may not be read is written again, as ccoctl always does.
    let again = stand.make_roles(&installer, &directory, &provider).await;
    assert!(
        again
            .steps
            .iter()
            .all(|step| step.action() == "iam:PutRolePolicy"),
        "{again}"
    );
}

#[tokio::test]
async fn keys_and_tags_of_others_survive_on_the_wire() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    let old = key();
    stand
        .make_provider(&administrator, &provider_with(&old))
        .await;
    let (_, plan) = stand
        .make_provider(&administrator, &provider_with(&key()))
        .await;
    assert_eq!(plan.steps.len(), 1, "{plan}");
    let published = administrator
        .get_object("demo-oidc", JWKS_KEY)
        .await
        .unwrap();
    let published = String::from_utf8(published).unwrap();
    assert!(published.contains(old.kid()), "{published}");

    // An upload by hand drops the tags; they come back without another upload.
    administrator
        .put_object("demo-oidc", JWKS_KEY, published.as_bytes())
        .await
        .unwrap();
    let (_, plan) = stand
        .make_provider(&administrator, &provider_with(&old))
        .await;
    let actions: Vec<_> = plan.steps.iter().map(Step::action).collect();
    assert_eq!(actions, ["s3:PutObjectTagging"]);
}

#[tokio::test]
async fn keys_that_two_runs_publish_at_once_are_both_kept() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    let [one, two, three] = [key(), key(), key()];
    let published = async || {
        let keys = administrator.get_object("demo-oidc", JWKS_KEY).await;
        String::from_utf8(keys.unwrap()).unwrap()
    };
    let look = async |key: &SigningKey| {
        let desired = provider_with(key);
        let planned = identity_provider::plan(&administrator, &desired, Adoption::Refuse);
        let planned = Box::pin(planned).await.unwrap();
        (desired, planned)
    };
    // Each time both have looked before either acts: first while nothing is there, then while there is a key.
    for (first, second) in [(&one, &two), (&two, &three)] {
        let (desired, planned) = look(first).await;
        let (late, late_planned) = look(second).await;
        identity_provider::apply(&administrator, &desired, &planned, &stand.report)
            .await
            .unwrap();
        let failure =
            identity_provider::apply(&administrator, &late, &late_planned, &stand.report).await;
        let failure = failure.unwrap_err();
        assert!(
            failure.message().contains("changed by another run"),
            "{failure}"
        );
        assert!(
            failure.to_string().contains("run the command again"),
            "{failure}"
        );
        assert!(published().await.contains(first.kid()));
    }
    stand
        .make_provider(&administrator, &provider_with(&three))
        .await;
    let published = published().await;
    for key in [&one, &two, &three] {
        assert!(published.contains(key.kid()), "{published}");
    }
}

#[tokio::test]
async fn what_is_not_ours_is_refused_and_left() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    let desired = provider_with(&key());

    // Another account took the bucket's name.
    let other = stand.administrator_of(1);
    other.create_bucket("demo-oidc").await.unwrap();
    let refused = Box::pin(identity_provider::plan(
        &administrator,
        &desired,
        Adoption::Adopt,
    ))
    .await
    .unwrap_err();
    assert_eq!(refused.exit, Exit::Refused, "{refused}");
    assert!(
        refused.to_string().contains("bucket/demo-oidc"),
        "{refused}"
    );

    // The account's own bucket, in use for something else.
    other.put_object("demo-oidc", "theirs", b"x").await.unwrap();
    let planned = Box::pin(identity_provider::plan(&other, &desired, Adoption::Refuse))
        .await
        .unwrap_err();
    assert!(
        planned.to_string().contains("error[NOT_OWNED]"),
        "{planned}"
    );
    assert!(other.get_object("demo-oidc", DISCOVERY_KEY).await.is_err());

    // The issuer is registered already, by nobody we know.
    let elsewhere = identity_provider::desired("demo2", REGION, &[]).unwrap();
    administrator
        .create_oidc_provider(&elsewhere.issuer, &["theirs"])
        .await
        .unwrap();
    let refused = Box::pin(identity_provider::plan(
        &administrator,
        &elsewhere,
        Adoption::Refuse,
    ))
    .await
    .unwrap_err();
    assert_eq!(refused.exit, Exit::Refused, "{refused}");
    let adopted = Box::pin(identity_provider::plan(
        &administrator,
        &elsewhere,
        Adoption::Adopt,
    ))
    .await
    .unwrap();
    assert_eq!(
        adopted.client_ids,
        ["theirs", "openshift", "sts.amazonaws.com"]
    );
}

#[tokio::test]
async fn a_bucket_of_another_region_is_refused_by_name() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    stand
        .make_provider(&administrator, &provider_with(&key()))
        .await;
    let account = &stand.sandbox.accounts()[0];
    let credentials =
        Credentials::long_term(&account.access_key_id, account.secret_access_key.expose());
    let elsewhere: Region = "eu-central-1".parse().unwrap();
    let connection =
        Connection::isolated(&stand.sandbox.endpoint(), &elsewhere, Some(&credentials));
    let desired = identity_provider::desired("demo", "eu-central-1", &[]).unwrap();
    let refused = Box::pin(identity_provider::plan(
        &connection,
        &desired,
        Adoption::Refuse,
    ))
    .await
    .unwrap_err();
    assert_eq!(refused.exit, Exit::Refused, "{refused}");
}

#[tokio::test]
async fn failures_to_reach_and_to_sign_are_told_apart() {
    let region = region();
    let credentials = Credentials::long_term("AKIAEXAMPLE", "secret");
    let unreachable = Connection::isolated("http://127.0.0.1:1", &region, Some(&credentials));
    let error = unreachable.caller_identity().await.unwrap_err();
    assert!(
        matches!(&error.kind, ErrorKind::Unreachable { endpoint } if endpoint == "http://127.0.0.1:1"),
        "{error:?}"
    );

    let stand = Stand::new().await;
    let nobody = Connection::isolated(&stand.sandbox.endpoint(), &region, None);
    let error = nobody.caller_identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoCredentials, "{error:?}");

    let stranger = nobody.with_credentials(&credentials);
    let error = stranger.caller_identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotAuthorised, "{error:?}");
    assert_eq!(error.code.as_deref(), Some("InvalidClientTokenId"));
    assert!(error.request_id.is_some(), "{error:?}");
    assert!(error.hint().contains("credentials"), "{}", error.hint());
}

const TRUST_IN_ADMIN: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/admin"},"Action":"sts:AssumeRole"}}"#;

/// OpenShift's documentation of what the caller of ccoctl needs, without its CloudFront and deletion parts.
const CCOCTL_PERMISSIONS: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":[
    "iam:CreateOpenIDConnectProvider","iam:CreateRole","iam:GetOpenIDConnectProvider","iam:GetRole","iam:GetUser",
    "iam:ListOpenIDConnectProviders","iam:ListRolePolicies","iam:ListRoles","iam:PutRolePolicy",
    "iam:TagOpenIDConnectProvider","iam:TagRole",
    "s3:CreateBucket","s3:GetBucketAcl","s3:GetBucketTagging","s3:GetObject","s3:GetObjectAcl","s3:GetObjectTagging",
    "s3:ListBucket","s3:PutBucketAcl","s3:PutBucketPolicy","s3:PutBucketPublicAccessBlock","s3:PutBucketTagging",
    "s3:PutObject","s3:PutObjectAcl","s3:PutObjectTagging"]}}"#;
