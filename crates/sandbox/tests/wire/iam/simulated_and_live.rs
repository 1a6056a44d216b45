//! Whatever policies a caller has: the simulation, the real call and the evaluator by itself give the same verdict.

use std::collections::BTreeSet;

use podpass_policy::{
    AccountId, Attached, Context, Document, DocumentKind, Policies, Principal, Request, Verdict,
    decide,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::client::{Client, Keys, Reply};
use crate::fixture::{ACCOUNT, Fixture, keys_of};

/// The calls that are made: how, and under which action on which resource they are decided.
pub(crate) const CALLS: [(Service, &str, &str, &str); 6] = [
    (
        Service::Iam,
        "GetUser",
        "iam:GetUser",
        "arn:aws:iam::123456789012:user/target",
    ),
    (
        Service::Iam,
        "ListRoles",
        "iam:ListRoles",
        "arn:aws:iam::123456789012:role/",
    ),
    (
        Service::Sts,
        "GetAccessKeyInfo",
        "sts:GetAccessKeyInfo",
        "*",
    ),
    (Service::S3, "/shared", "s3:ListBucket", BUCKET),
    (
        Service::S3,
        "/shared/key",
        "s3:GetObject",
        "arn:aws:s3:::shared/key",
    ),
    (
        Service::S3,
        "/shared?location",
        "s3:GetBucketLocation",
        BUCKET,
    ),
];
const BUCKET: &str = "arn:aws:s3:::shared";
const REGION: &str = "eu-west-1";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Service {
    Iam,
    Sts,
    S3,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    User,
    Member,
    Role,
}

/// A caller and all its policies, each a list of statements.
#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    team: &'static str,
    own: Vec<String>,
    of_group: Vec<String>,
    boundary: Option<Vec<String>>,
    of_bucket: Option<Vec<String>>,
}

pub(crate) fn statement() -> impl Strategy<Value = String> {
    let actions = [
        r#""Action":"*""#,
        r#""Action":["iam:Get*","iam:ListRoles"]"#,
        r#""Action":"iam:*User*""#,
        r#""Action":["s3:*","sts:*"]"#,
        r#""Action":"S3:get?bject""#,
        r#""Action":["s3:ListBucket","s3:GetBucketLocation"]"#,
        r#""NotAction":"s3:*""#,
        r#""NotAction":["iam:*","s3:GetObject"]"#,
    ];
    let resources = [
        r#""Resource":"*""#,
        r#""Resource":["arn:aws:s3:::shared","arn:aws:iam::*:user/t*"]"#,
        r#""Resource":"arn:aws:s3:::shared/*""#,
        r#""Resource":"arn:aws:iam::123456789012:user/${aws:PrincipalTag/team}""#,
        r#""NotResource":"arn:aws:s3:::*""#,
    ];
    let conditions = [
        "",
        "",
        r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":"target"}}"#,
        r#","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#,
        r#","Condition":{"StringNotEquals":{"aws:username":"nobody"}}"#,
        r#","Condition":{"Null":{"aws:username":"true"}}"#,
        r#","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}"#,
        r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
        r#","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#,
        r#","Condition":{"StringEqualsIfExists":{"aws:RequestTag/x":"y"}}"#,
    ];
    let (actions, resources, conditions) = (
        proptest::sample::select(actions.to_vec()),
        proptest::sample::select(resources.to_vec()),
        proptest::sample::select(conditions.to_vec()),
    );
    (effect(), actions, resources, conditions).prop_map(|(effect, action, resource, condition)| {
        format!(r#"{{"Effect":"{effect}",{action},{resource}{condition}}}"#)
    })
}

/// One Deny in four, so that neither verdict is rare.
fn effect() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["Allow", "Allow", "Allow", "Deny"])
}

/// A statement of a bucket policy; `USER` stands for the caller.
fn bucket_statement() -> impl Strategy<Value = String> {
    let principals = [
        r#""USER""#,
        r#""123456789012""#,
        r#"["USER","210987654321"]"#,
    ];
    // None of them is about the policy itself, which the administrator has to put and delete.
    let actions = [
        r#"["s3:GetObject*","s3:ListBucket","s3:GetBucketLocation"]"#,
        r#""s3:GetObject""#,
        r#""s3:ListBucket""#,
    ];
    (
        effect(),
        proptest::sample::select(principals.to_vec()),
        proptest::sample::select(actions.to_vec()),
    )
        .prop_map(|(effect, principal, action)| {
            format!(
                r#"{{"Effect":"{effect}","Principal":{{"AWS":{principal}}},"Action":{action},"Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/*"]}}"#
            )
        })
}

fn case() -> impl Strategy<Value = Case> {
    let kind = proptest::sample::select(vec![Kind::User, Kind::Member, Kind::Role]);
    let team = proptest::sample::select(vec!["target", "other"]);
    (
        kind,
        team,
        vec(statement(), 0..3),
        vec(statement(), 1..3),
        proptest::option::weighted(0.3, vec(statement(), 1..4)),
        proptest::option::weighted(0.3, vec(bucket_statement(), 1..3)),
    )
        .prop_map(|(kind, team, own, of_group, boundary, of_bucket)| Case {
            kind,
            team,
            own,
            of_group: if kind == Kind::Member {
                of_group
            } else {
                Vec::new()
            },
            boundary,
            // The simulator takes a resource policy for users alone.
            of_bucket: of_bucket.filter(|_| kind != Kind::Role),
        })
}

pub(crate) fn document(statements: &[String]) -> Option<String> {
    (!statements.is_empty()).then(|| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
            statements.join(",")
        )
    })
}

/// A caller that was made of a case.
pub(crate) struct Made<'a> {
    pub(crate) admin: &'a Client,
    pub(crate) client: Client,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) bucket_policy: Option<String>,
}

impl<'a> Made<'a> {
    fn of(fixture: &'a Fixture, number: usize, case: &Case) -> Self {
        let admin = &fixture.admin;
        let name = format!("caller{number}");
        let (kind, parameter) = match case.kind {
            Kind::User | Kind::Member => ("User", "UserName"),
            Kind::Role => ("Role", "RoleName"),
        };
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole"}}}}"#
        );
        let named = (parameter, name.as_str());
        let tags = [
            named,
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", case.team),
            ("AssumeRolePolicyDocument", &trust),
        ];
        let created = admin.iam(&format!("Create{kind}"), &tags).ok();
        let arn = created.text("Arn").unwrap();
        if let Some(document) = document(&case.own) {
            let policy = [named, ("PolicyName", "own"), ("PolicyDocument", &document)];
            admin.iam(&format!("Put{kind}Policy"), &policy).ok();
        }
        if let Some(boundary) = case.boundary.as_deref().and_then(document) {
            let policy = [("PolicyName", name.as_str()), ("PolicyDocument", &boundary)];
            let policy = admin.iam("CreatePolicy", &policy).ok().text("Arn").unwrap();
            let boundary = [named, ("PermissionsBoundary", &policy)];
            admin
                .iam(&format!("Put{kind}PermissionsBoundary"), &boundary)
                .ok();
        }
        if let Some(document) = document(&case.of_group) {
            let group = ("GroupName", name.as_str());
            admin.iam("CreateGroup", &[group]).ok();
            let policy = [group, ("PolicyName", "p"), ("PolicyDocument", &document)];
            admin.iam("PutGroupPolicy", &policy).ok();
            admin.iam("AddUserToGroup", &[group, named]).ok();
        }
        let bucket_policy = case.of_bucket.as_deref().and_then(document);
        let bucket_policy = bucket_policy.map(|policy| policy.replace("USER", &arn));
        match &bucket_policy {
            Some(policy) => admin.s3("PUT", "/shared?policy", policy).ok(),
            None => admin.s3("DELETE", "/shared?policy", "").ok(),
        };
        let client = match case.kind {
            Kind::Role => {
                let hop = [("RoleArn", arn.as_str()), ("RoleSessionName", "hop")];
                fixture.client_of(&admin.sts("AssumeRole", &hop).ok())
            }
            Kind::User | Kind::Member => {
                let key = admin.iam("CreateAccessKey", &[named]).ok();
                admin.with_keys(Keys {
                    token: None,
                    ..keys_of(&key)
                })
            }
        };
        Self {
            admin,
            client,
            arn,
            name,
            bucket_policy,
        }
    }

    /// The verdict of the real call.
    pub(crate) fn live(&self, service: Service, what: &str) -> &'static str {
        let reply = match service {
            Service::Iam => self.client.iam(what, &[("UserName", "target")]),
            Service::Sts => {
                let key = [("AccessKeyId", "ASIAQNZGKIQY56JQ7WML")];
                self.client.sts(what, &key)
            }
            Service::S3 => self.client.s3("GET", what, ""),
        };
        verdict_of(&reply)
    }

    /// The verdict of the simulation.
    pub(crate) fn simulated(&self, action: &str, resource: &str) -> String {
        let context = [
            ("aws:RequestedRegion", "string", REGION),
            ("aws:SecureTransport", "boolean", "false"),
            ("aws:SourceIp", "ip", "127.0.0.1"),
        ];
        let mut parameters = vec![
            ("PolicySourceArn".to_owned(), self.arn.as_str()),
            ("ActionNames.member.1".to_owned(), action),
            ("ResourceArns.member.1".to_owned(), resource),
        ];
        for (index, (key, kind, value)) in context.into_iter().enumerate() {
            let entry = format!("ContextEntries.member.{}", index + 1);
            parameters.push((format!("{entry}.ContextKeyName"), key));
            parameters.push((format!("{entry}.ContextKeyType"), kind));
            parameters.push((format!("{entry}.ContextKeyValues.member.1"), value));
        }
        if let Some(policy) = self
            .bucket_policy
            .as_deref()
            .filter(|_| action.starts_with("s3:"))
        {
            parameters.push(("ResourcePolicy".to_owned(), policy));
        }
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let reply = self.admin.iam("SimulatePrincipalPolicy", &parameters).ok();
        reply.text("EvalDecision").unwrap()
    }

    /// The verdict of the evaluator, asked without any server.
    fn decided(&self, case: &Case, action: &str, resource: &str) -> &'static str {
        let mut context = Context::new();
        context.insert("aws:PrincipalArn", self.arn.as_str());
        context.insert("aws:PrincipalTag/team", case.team);
        context.insert("aws:RequestedRegion", REGION);
        context.insert("aws:SecureTransport", false);
        context.insert("aws:SourceIp", "127.0.0.1");
        let principal = if case.kind == Kind::Role {
            let role = self.arn.parse::<podpass_policy::RoleArn>().unwrap();
            let session = role.session_arn(&"hop".parse().unwrap());
            Principal::RoleSession { role, session }
        } else {
            context.insert("aws:username", self.name.as_str());
            Principal::User {
                arn: self.arn.parse().unwrap(),
            }
        };
        let read =
            |text: Option<String>, kind| text.map(|text| Document::parse(&text, kind).unwrap());
        let permissions =
            |statements: &[String]| read(document(statements), DocumentKind::Permissions);
        let identity = [permissions(&case.own), permissions(&case.of_group)];
        let boundary = case.boundary.as_deref().and_then(permissions);
        let resource_policy = read(self.bucket_policy.clone(), DocumentKind::Bucket);
        let attach = |document| Attached {
            source: "a policy",
            document,
        };
        let account: AccountId = ACCOUNT.parse().unwrap();
        let policies = Policies {
            identity: identity.iter().flatten().map(attach).collect(),
            boundary: boundary.as_ref().map(attach),
            resource: resource_policy
                .as_ref()
                .filter(|_| action.starts_with("s3:"))
                .map(attach),
            resource_account: Some(&account),
            ..Policies::default()
        };
        let request = Request {
            principal: &principal,
            action,
            resource,
            context: &context,
        };
        match decide(&request, &policies).verdict {
            Verdict::Allowed => "allowed",
            Verdict::ExplicitDeny(_) => "explicitDeny",
            Verdict::ImplicitDeny(_) => "implicitDeny",
        }
    }
}

fn verdict_of(reply: &Reply) -> &'static str {
    if reply.status != 403 {
        assert_eq!(reply.status, 200, "{}", reply.body);
        return "allowed";
    }
    assert_eq!(reply.error().1, "AccessDenied");
    if reply.message().contains("with an explicit deny in") {
        "explicitDeny"
    } else {
        "implicitDeny"
    }
}

/// What the calls are about.
pub(crate) fn make_targets(fixture: &Fixture) {
    fixture.make_bucket("shared");
    let open = "<PublicAccessBlockConfiguration><BlockPublicPolicy>false</BlockPublicPolicy></PublicAccessBlockConfiguration>";
    fixture
        .admin
        .s3("PUT", "/shared?publicAccessBlock", open)
        .ok();
    fixture.admin.s3("PUT", "/shared/key", "text").ok();
    fixture
        .admin
        .iam("CreateUser", &[("UserName", "target")])
        .ok();
}

#[test]
fn simulation_real_call_and_evaluator_agree() {
    let fixture = Fixture::start();
    make_targets(&fixture);

    let mut runner = TestRunner::new(Config {
        cases: 96,
        failure_persistence: None,
        ..Config::default()
    });
    let number = std::cell::Cell::new(0);
    let seen = std::cell::RefCell::new(BTreeSet::new());
    let outcome = runner.run(&case(), |case| {
        number.set(number.get() + 1);
        let made = Made::of(&fixture, number.get(), &case);
        for (service, what, action, resource) in CALLS {
            let live = made.live(service, what);
            prop_assert_eq!(
                live,
                &made.simulated(action, resource),
                "simulated {}",
                action
            );
            prop_assert_eq!(
                live,
                made.decided(&case, action, resource),
                "decided {}",
                action
            );
            seen.borrow_mut().insert(live);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(seen.take().len(), 3, "every verdict is met");
}
