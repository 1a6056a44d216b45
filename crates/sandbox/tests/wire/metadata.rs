//! The instance metadata of a node: version 2 of the protocol, and the role's credentials.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use podpass_kinds::Reason;
use podpass_sandbox::{NodeSettings, Outcome, Sandbox, Settings, StartError};
use serde_json::Value;

use crate::client::{Client, Keys, Reply, exchange};
use crate::fixture::{Fixture, two_accounts};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com"]},"Action":["sts:AssumeRole"]}]}"#;
const ROLE: &str = "latest/meta-data/iam/security-credentials/node";

/// A sandbox with a node.
struct Stand {
    fixture: Fixture,
    metadata: SocketAddr,
}

impl Stand {
    fn new() -> Self {
        Self::with_role("node")
    }

    fn with_role(role: &str) -> Self {
        let settings = Settings {
            node: Some(NodeSettings {
                listen: "127.0.0.1:0".parse().unwrap(),
                role: role.parse().unwrap(),
            }),
            ..two_accounts()
        };
        let fixture = Fixture::start_as(settings);
        let url = fixture.sandbox.metadata_endpoint().unwrap();
        Self {
            metadata: url.strip_prefix("http://").unwrap().parse().unwrap(),
            fixture,
        }
    }

    fn ask(&self, line: &str, headers: &str) -> Reply {
        let request = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        exchange(self.metadata, request.as_bytes())
    }

    fn token(&self, seconds: &str) -> Reply {
        let header = format!("X-aws-ec2-metadata-token-ttl-seconds: {seconds}\r\n");
        self.ask("PUT /latest/api/token", &header)
    }

    fn get(&self, path: &str) -> Reply {
        let token = self.token("21600").body;
        let header = format!("X-aws-ec2-metadata-token: {token}\r\n");
        self.ask(&format!("GET /{path}"), &header)
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    fn make_role(&self, path: &str, trust: &str) {
        let parameters = [
            ("RoleName", "node"),
            ("Path", path),
            ("AssumeRolePolicyDocument", trust),
        ];
        self.fixture.admin.iam("CreateRole", &parameters).ok();
    }

    fn client_of(&self, document: &Value) -> Client {
        let text = |name: &str| document[name].as_str().unwrap().to_owned();
        self.fixture.admin.with_keys(Keys {
            id: text("AccessKeyId"),
            secret: text("SecretAccessKey"),
            token: Some(text("Token")),
        })
    }

    fn last_event(&self) -> podpass_sandbox::Event {
        self.fixture.sandbox.events().pop().unwrap()
    }
}

/// EC2 user guide, "Use the Instance Metadata Service": 400, 401 and 403 and when they are given.
#[test]
fn documents_take_a_token_and_a_token_takes_a_put() {
    let stand = Stand::new();
    let ttl = "X-aws-ec2-metadata-token-ttl-seconds";
    for (case, line, headers, status) in [
        ("version 1", "GET /latest/meta-data/", String::new(), 401),
        (
            "another token",
            "GET /latest/meta-data/",
            "X-aws-ec2-metadata-token: AQAEAO==\r\n".to_owned(),
            401,
        ),
        ("no lifetime", "PUT /latest/api/token", String::new(), 400),
        (
            "zero",
            "PUT /latest/api/token",
            format!("{ttl}: 0\r\n"),
            400,
        ),
        (
            "too long",
            "PUT /latest/api/token",
            format!("{ttl}: 21601\r\n"),
            400,
        ),
        (
            "no number",
            "PUT /latest/api/token",
            format!("{ttl}: 1h\r\n"),
            400,
        ),
        (
            "through a proxy",
            "PUT /latest/api/token",
            format!("{ttl}: 60\r\nX-Forwarded-For: 10.0.0.1\r\n"),
            403,
        ),
        (
            "another path",
            "PUT /2021-07-15/api/token",
            format!("{ttl}: 60\r\n"),
            403,
        ),
        (
            "POST",
            "POST /latest/api/token",
            format!("{ttl}: 60\r\n"),
            405,
        ),
    ] {
        let reply = stand.ask(line, &headers);
        assert_eq!(reply.status, status, "{case}: {}", reply.body);
        assert!(reply.body.contains("<h1>"), "{case}: {}", reply.body);
        let is_denial = matches!(stand.last_event().outcome, Outcome::Denied { .. });
        assert_eq!(is_denial, status == 401 || status == 403, "{case}");
    }
    for seconds in ["1", "21600"] {
        let reply = stand.token(seconds);
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.headers["x-aws-ec2-metadata-token-ttl-seconds"],
            seconds
        );
        assert_eq!(reply.headers["content-type"], "text/plain");
    }
    let short = format!("X-aws-ec2-metadata-token: {}\r\n", stand.token("1").body);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(stand.ask("GET /latest/meta-data/", &short).status, 401);
}

#[test]
fn documents_are_found_by_their_paths() {
    let stand = Stand::new();
    stand.make_role("/", TRUST);
    for (path, expected) in [
        ("", "latest"),
        ("latest/", "dynamic\nmeta-data"),
        ("latest/meta-data/", "iam/\ninstance-id\nplacement/"),
        ("latest/meta-data/iam/", "info\nsecurity-credentials/"),
        ("latest/meta-data/iam/security-credentials/", "node"),
        ("latest/meta-data/iam/security-credentials", "node"),
        ("latest/meta-data/placement/region", "us-east-1"),
        ("latest/meta-data/placement/availability-zone", "us-east-1a"),
    ] {
        let reply = stand.get(path);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, expected),
            "{path}"
        );
    }
    let instance = stand.get("latest/meta-data/instance-id").body;
    let digits = instance.strip_prefix("i-").unwrap();
    assert!(digits.len() == 17 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let identity = stand.json("latest/dynamic/instance-identity/document");
    assert_eq!(identity["instanceId"], instance);
    assert_eq!(identity["accountId"], "123456789012");
    assert_eq!(identity["region"], "us-east-1");
    for path in [
        "latest/meta-data/iam/security-credentials/other",
        "latest/meta-data/iam/security-credentials/Node",
        // What newer SDKs ask for first, before they go the old way.
        "latest/meta-data/iam/security-credentials-extended/",
        "latest/user-data",
        "1.0/meta-data/",
        "latest/meta-data//iam",
    ] {
        let reply = stand.get(path);
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.body.contains("404 - Not Found"), "{}", reply.body);
    }
}

#[test]
fn credentials_are_a_session_of_the_role_under_the_instances_name() {
    let stand = Stand::with_role("arn:aws:iam::123456789012:role/nodes/node");
    stand.make_role("/nodes/", TRUST);
    let shown = stand.json(ROLE);
    assert_eq!(
        (&shown["Code"], &shown["Type"]),
        (&"Success".into(), &"AWS-HMAC".into())
    );
    let time = |name: &str| shown[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let life = time("Expiration").duration_since(time("LastUpdated"));
    assert_eq!(life, SignedDuration::from_hours(6));
    // The same ones until new ones are due.
    assert_eq!(stand.json(ROLE), shown);

    let instance = stand.get("latest/meta-data/instance-id").body;
    let node = stand.client_of(&shown);
    let identity = node.sts("GetCallerIdentity", &[]);
    let arn = format!("arn:aws:sts::123456789012:assumed-role/node/{instance}");
    assert_eq!(identity.ok().text("Arn"), Some(arn));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*","Condition":{{
        "ArnEquals":{{"ec2:SourceInstanceARN":"arn:aws:ec2:us-east-1:123456789012:instance/{instance}"}},
        "NumericGreaterThanEquals":{{"ec2:RoleDelivery":"2.0"}}}}}}]}}"#
    );
    assert_eq!(node.s3("GET", "/", "").status, 403);
    let parameters = [
        ("RoleName", "node"),
        ("PolicyName", "p"),
        ("PolicyDocument", &policy),
    ];
    stand.fixture.admin.iam("PutRolePolicy", &parameters).ok();
    node.s3("GET", "/", "").ok();

    // The clock moves the session, and new credentials are there before it ends.
    let clock = stand.fixture.sandbox.clock();
    clock.advance(SignedDuration::from_mins(5 * 60 + 30));
    node.sts("GetCallerIdentity", &[]).ok();
    let renewed = stand.json(ROLE);
    assert_ne!(renewed["AccessKeyId"], shown["AccessKeyId"]);
    clock.advance(SignedDuration::from_mins(31));
    assert_eq!(node.sts("GetCallerIdentity", &[]).error().1, "ExpiredToken");
    stand.client_of(&renewed).sts("GetCallerIdentity", &[]).ok();
    // Set back, it makes new ones due: those would last for longer than any.
    clock.advance(SignedDuration::from_hours(-7));
    let earlier = stand.json(ROLE);
    assert_ne!(earlier["AccessKeyId"], renewed["AccessKeyId"]);
}

#[test]
fn the_trust_policy_is_asked_each_time_and_the_role_may_come_later() {
    let stand = Stand::new();
    let roles = "latest/meta-data/iam/security-credentials/";
    // IAM user guide, "Troubleshoot IAM and Amazon EC2": success, and a message that there is no role.
    let info = stand.json("latest/meta-data/iam/info");
    assert_eq!(info["Code"], "Success");
    let message = info["Message"].as_str().unwrap();
    assert!(message.starts_with("Instance Profile does not contain a role"));
    assert_eq!(stand.get(roles).status, 404);
    assert_eq!(stand.get(ROLE).status, 404);

    stand.make_role("/", &TRUST.replace("ec2.", "lambda."));
    assert_eq!(stand.get(roles).body, "node");
    let refused = stand.json(ROLE);
    assert_eq!(refused["Code"], "AssumeRoleUnauthorizedAccess");
    assert!(
        refused["Message"]
            .as_str()
            .unwrap()
            .starts_with("EC2 cannot assume the role node.")
    );
    assert!(refused.get("AccessKeyId").is_none());
    let event = stand.last_event();
    assert_eq!(
        (event.service.as_str(), event.status),
        ("ec2-metadata", 200)
    );
    let Outcome::Denied { code, reason, .. } = &event.outcome else {
        panic!("{event:?}")
    };
    assert_eq!(code, "AssumeRoleUnauthorizedAccess");
    assert_eq!(*reason, Some(Reason::TrustPrincipalMismatch));
    let cause = event.cause.unwrap();
    assert_eq!(
        cause.actual.as_deref(),
        Some("ec2.amazonaws.com"),
        "{cause:?}"
    );

    let update = |trust: &str| {
        let parameters = [("RoleName", "node"), ("PolicyDocument", trust)];
        stand
            .fixture
            .admin
            .iam("UpdateAssumeRolePolicy", &parameters)
            .ok();
    };
    update(TRUST);
    let shown = stand.json(ROLE);
    assert_eq!(shown["Code"], "Success");
    let event = stand.last_event();
    assert_eq!(event.outcome, Outcome::Allowed);
    assert_eq!(event.action, format!("GET /{ROLE}"));
    assert_eq!(
        event.resource.as_deref(),
        Some("arn:aws:iam::123456789012:role/node")
    );
    assert!(event.exchange.is_some());
    let told = serde_json::to_string(&event).unwrap();
    for secret in ["SecretAccessKey", "Token"] {
        assert!(!told.contains(shown[secret].as_str().unwrap()), "{secret}");
    }
    update(&TRUST.replace("Allow", "Deny"));
    assert_eq!(stand.json(ROLE)["Code"], "AssumeRoleUnauthorizedAccess");

    // A role made again is another one.
    stand
        .fixture
        .admin
        .iam("DeleteRole", &[("RoleName", "node")])
        .ok();
    stand.make_role("/", TRUST);
    let again = stand.json(ROLE);
    assert_ne!(again["AccessKeyId"], shown["AccessKeyId"]);
    assert_eq!(
        stand.client_of(&shown).sts("GetCallerIdentity", &[]).status,
        403
    );
    stand.client_of(&again).sts("GetCallerIdentity", &[]).ok();
}

#[test]
fn the_profile_that_holds_the_role_is_told() {
    let stand = Stand::new();
    stand.make_role("/", TRUST);
    let path = "latest/meta-data/iam/info";
    let made_up = stand.json(path);
    let arn = "arn:aws:iam::123456789012:instance-profile/";
    assert_eq!(made_up["InstanceProfileArn"], format!("{arn}node"));
    assert!(
        made_up["InstanceProfileId"]
            .as_str()
            .unwrap()
            .starts_with("AIPA")
    );
    let admin = &stand.fixture.admin;
    let made = admin
        .iam(
            "CreateInstanceProfile",
            &[("InstanceProfileName", "workers")],
        )
        .ok();
    let parameters = [("InstanceProfileName", "workers"), ("RoleName", "node")];
    admin.iam("AddRoleToInstanceProfile", &parameters).ok();
    let info = stand.json(path);
    assert_eq!(info["InstanceProfileArn"], format!("{arn}workers"));
    assert_eq!(
        info["InstanceProfileId"].as_str(),
        made.text("InstanceProfileId").as_deref()
    );
}

#[tokio::test]
async fn a_node_is_opt_in_and_in_an_account_that_exists() {
    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    assert_eq!(sandbox.metadata_endpoint(), None);
    let start = |listen: &str, role: &str| {
        Sandbox::start(Settings {
            node: Some(NodeSettings {
                listen: listen.parse().unwrap(),
                role: role.parse().unwrap(),
            }),
            ..Settings::default()
        })
    };
    let elsewhere = start("127.0.0.1:0", "arn:aws:iam::999999999999:role/node").await;
    assert!(matches!(elsewhere, Err(StartError::NodeAccount { .. })));
    let remote = start("0.0.0.0:0", "node").await;
    assert!(matches!(remote, Err(StartError::NotLoopback { .. })));
}
