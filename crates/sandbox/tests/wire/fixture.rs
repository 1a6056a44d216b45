//! A running sandbox with a clock that tests move, and the objects of the web identity flow.

use std::sync::LazyLock;

use jiff::Timestamp;
use podpass_sandbox::{
    AccountSettings, AdminKey, Event, RemoteIssuers, Running, Sandbox, ServiceControl, Settings,
};
use podpass_token::{
    Jwks, KeySize, ObjectRef, ServiceAccountClaims, SigningKey, Token, discovery_document,
};
use tokio::runtime::Runtime;

use crate::client::{Client, Faults, Keys, Reply};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const OTHER_ACCOUNT: &str = "210987654321";
pub(crate) const ISSUER_HOST: &str = "c1-oidc.s3.eu-west-1.amazonaws.com";
pub(crate) const PROVIDER_ARN: &str =
    "arn:aws:iam::123456789012:oidc-provider/c1-oidc.s3.eu-west-1.amazonaws.com";
pub(crate) const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/reader";

/// One key for all tests: making one takes a while.
pub(crate) static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySize::Rsa2048).unwrap());

/// A sandbox and its administrator.
pub(crate) struct Fixture {
    // Declared first, so that it is dropped while its runtime lives.
    pub(crate) sandbox: Running,
    pub(crate) admin: Client,
    pub(crate) runtime: Runtime,
}

impl Fixture {
    pub(crate) fn start() -> Self {
        Self::start_on(runtime(), RemoteIssuers::default())
    }

    /// The first account is limited by these service control policies, each named by its place.
    pub(crate) fn limited_by(service_controls: &[&str]) -> Self {
        let numbered = service_controls.iter().zip(1..);
        let limits = numbered
            .map(|(text, number)| ServiceControl::parse(format!("scp-{number}"), text).unwrap())
            .collect();
        let mut settings = two_accounts();
        settings.accounts[0].service_controls = limits;
        Self::start_as(settings)
    }

    pub(crate) fn start_on(runtime: Runtime, remote_issuers: RemoteIssuers) -> Self {
        let settings = Settings {
            remote_issuers,
            ..two_accounts()
        };
        Self::start_with(runtime, settings)
    }

    /// The administrator is that of the first account, whose key is `admin_1`.
    pub(crate) fn start_as(settings: Settings) -> Self {
        Self::start_with(runtime(), settings)
    }

    fn start_with(runtime: Runtime, settings: Settings) -> Self {
        let sandbox = runtime.block_on(Sandbox::start(settings)).unwrap();
        let admin = Client {
            address: sandbox.address(),
            keys: Some(long_term("admin_1")),
            region: "eu-west-1".to_owned(),
            faults: Faults::default(),
        };
        Self {
            sandbox,
            admin,
            runtime,
        }
    }

    /// The administrator of the other account.
    pub(crate) fn other_admin(&self) -> Client {
        self.admin.with_keys(long_term("admin_2"))
    }

    /// The event of an answer.
    #[track_caller]
    pub(crate) fn event(&self, reply: &Reply) -> Event {
        let id = reply.headers["x-podpass-event"].parse().unwrap();
        self.sandbox.event(id).expect("every answer has its event")
    }

    /// Makes a bucket.
    pub(crate) fn make_bucket(&self, name: &str) {
        let location = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
        self.admin.s3("PUT", &format!("/{name}"), location).ok();
    }

    /// Makes the issuer's bucket, readable by all, with discovery document and JWKS.
    pub(crate) fn make_issuer(&self) {
        let bucket = "c1-oidc";
        self.make_bucket(bucket);
        let open = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
            <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
        self.admin
            .s3("PUT", &format!("/{bucket}?publicAccessBlock"), open)
            .ok();
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::c1-oidc/*"}]}"#;
        self.admin
            .s3("PUT", &format!("/{bucket}?policy"), policy)
            .ok();
        self.put_document(
            ".well-known/openid-configuration",
            &discovery_document(&issuer()),
        );
        self.put_document("keys.json", &Jwks::of(&[KEY.public().clone()]).to_json());
    }

    /// Replaces a document of the issuer.
    pub(crate) fn put_document(&self, key: &str, text: &str) {
        self.admin.s3("PUT", &format!("/c1-oidc/{key}"), text).ok();
    }

    /// Registers the issuer with the audience `sts.amazonaws.com`.
    pub(crate) fn make_provider(&self) {
        let url = issuer();
        let parameters = [
            ("Url", url.as_str()),
            ("ClientIDList.member.1", "sts.amazonaws.com"),
        ];
        self.admin
            .iam("CreateOpenIDConnectProvider", &parameters)
            .ok();
    }

    /// Makes the role `reader`, which trusts one service account and may read S3.
    pub(crate) fn make_role(&self) {
        let trust = trust_policy("system:serviceaccount:default:reader");
        self.admin
            .iam(
                "CreateRole",
                &[("RoleName", "reader"), ("AssumeRolePolicyDocument", &trust)],
            )
            .ok();
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;
        let parameters = [
            ("RoleName", "reader"),
            ("PolicyName", "read"),
            ("PolicyDocument", policy),
        ];
        self.admin.iam("PutRolePolicy", &parameters).ok();
    }

    /// All three.
    pub(crate) fn make_identity(&self) {
        self.make_issuer();
        self.make_provider();
        self.make_role();
    }

    /// Exchanges a token for a session of `reader`.
    pub(crate) fn assume(&self, token: &str) -> Reply {
        let parameters = [
            ("RoleArn", ROLE_ARN),
            ("RoleSessionName", "pod"),
            ("WebIdentityToken", token),
        ];
        self.admin
            .anonymous()
            .sts("AssumeRoleWithWebIdentity", &parameters)
    }

    /// A client with the credentials of an answer.
    pub(crate) fn client_of(&self, reply: &Reply) -> Client {
        self.admin.with_keys(keys_of(reply))
    }
}

/// Settings of two accounts whose administrators' keys are known.
pub(crate) fn two_accounts() -> Settings {
    Settings {
        accounts: vec![
            account(ACCOUNT, "admin_1"),
            account(OTHER_ACCOUNT, "admin_2"),
        ],
        ..Settings::default()
    }
}

/// An account whose administrator has the key of that id.
pub(crate) fn account(id: &str, key: &str) -> AccountSettings {
    AccountSettings {
        admin_key: Some(AdminKey::new(key, "admin-secret").unwrap()),
        ..AccountSettings::new(id.parse().unwrap())
    }
}

/// The credentials in an answer.
pub(crate) fn keys_of(reply: &Reply) -> Keys {
    Keys {
        id: reply.text("AccessKeyId").unwrap(),
        secret: reply.text("SecretAccessKey").unwrap(),
        token: reply.text("SessionToken"),
    }
}

pub(crate) fn issuer() -> String {
    format!("https://{ISSUER_HOST}")
}

/// The claims of a good token.
pub(crate) fn claims() -> ServiceAccountClaims {
    let now = Timestamp::now().as_second();
    ServiceAccountClaims {
        issuer: issuer(),
        audiences: vec!["sts.amazonaws.com".into()],
        namespace: "default".into(),
        service_account: ObjectRef {
            name: "reader".into(),
            uid: "0c0f5d4e-0000-4000-8000-000000000001".into(),
        },
        pod: None,
        node: None,
        issued_at: now,
        not_before: now,
        expires_at: now + 3600,
        warn_after: None,
        id: None,
    }
}

pub(crate) fn mint(claims: &ServiceAccountClaims) -> Token {
    KEY.mint(claims)
}

/// A trust policy for one subject of the issuer.
pub(crate) fn trust_policy(subject: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER_ARN}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{ISSUER_HOST}:sub":"{subject}","{ISSUER_HOST}:aud":"sts.amazonaws.com"}}}}}}]}}"#
    )
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn long_term(id: &str) -> Keys {
    Keys {
        id: id.to_owned(),
        secret: "admin-secret".to_owned(),
        token: None,
    }
}
