//! Whatever a token claims and a trust policy says: `podpass simulate` and the live endpoint give the same answer with the
//! same reason; and what the session may then do is the same by `podpass simulate`, `SimulatePrincipalPolicy` and the call.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use podpass_diagnose::simulate::{
    Bearer, DenyKind, Keys, PermissionsQuestion, Scenario, Simulation, TrustPolicy, permit,
    simulate,
};
use podpass_exchange::{OidcProvider, WebIdentityRequest};
use podpass_policy::{Attached, Context, Document, DocumentKind, Policies};
use podpass_sandbox::{ClockSetting, Outcome};
use podpass_token::{Jwks, KeySet, KeySize, SigningKey, Token};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::client::Reply;
use crate::fixture::{Fixture, ISSUER_HOST, KEY, PROVIDER_ARN, ROLE_ARN, keys_of};
use crate::iam::simulated_and_live::{CALLS, Made, document, make_targets, statement};

/// A key that the issuer does not publish.
static OTHER_KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeySize::Rsa2048).unwrap());

/// The time of every call; what is said about times names it.
const NOW: i64 = 1_764_000_000;

/// How a token is signed.
#[derive(Clone, Copy, Debug)]
enum Signer {
    Issuer,
    /// By another key, under its own id.
    Stranger,
    /// By another key, under the id of the issuer's.
    Forger,
    /// With a header that allows no signature.
    Unsigned,
}

/// A token, a trust policy, and the role's permissions.
#[derive(Clone, Debug)]
struct Case {
    claims: Map<String, Value>,
    signer: Signer,
    session: &'static str,
    duration: Option<i64>,
    trust: Vec<String>,
    own: Vec<String>,
}

/// Mostly the first, so that most tokens have one mistake or none.
fn mostly<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    others: Vec<T>,
) -> impl Strategy<Value = T> {
    prop_oneof![9 => Just(usual), 1 => select(others)]
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    let issuer = format!("https://{ISSUER_HOST}");
    let issuers = vec![
        json!(format!("{issuer}/")),
        json!("https://elsewhere.example"),
        json!(issuer.replace("https", "http")),
        json!(7),
        Value::Null,
    ];
    let subjects = vec![
        json!("system:serviceaccount:default:writer"),
        json!("system:serviceaccount:other:reader"),
        json!(""),
        json!(12),
    ];
    let audiences = vec![
        json!("openshift"),
        json!(["openshift"]),
        json!("sts.amazon.com"),
        json!(["sts.amazonaws.com", "openshift"]),
        json!([]),
    ];
    let parties = vec![json!("sts.amazonaws.com"), json!("other"), json!("")];
    let issued = vec![json!(NOW + 3600), json!(NOW - 86_000), json!("soon")];
    let not_before = vec![json!(NOW - 60), json!(NOW + 3600)];
    let expires = vec![
        json!(NOW - 3600),
        json!(NOW - 60),
        json!((NOW + 3600).to_string()),
        json!(1.5),
    ];
    let tags = vec![
        json!({ "principal_tags": { "team": ["a"] }, "transitive_tag_keys": ["team"] }),
        json!({ "principal_tags": { "team": "a" } }),
        json!("team"),
    ];
    let identities = vec![json!("alice"), json!("aws:alice")];
    let roles = vec![json!([ROLE_ARN]), json!("arn:aws:iam::123456789012:role/x")];
    let optional = |values: Vec<Value>| proptest::option::weighted(0.08, select(values));
    (
        mostly(json!(issuer), issuers),
        mostly(json!("system:serviceaccount:default:reader"), subjects),
        mostly(json!(["sts.amazonaws.com"]), audiences),
        (
            mostly(json!(NOW - 60), issued),
            mostly(json!(NOW + 3600), expires),
            optional(not_before),
        ),
        (
            optional(parties),
            optional(tags),
            optional(identities),
            optional(roles),
        ),
        proptest::option::weighted(0.06, select(vec!["iss", "sub", "aud", "iat", "exp"])),
    )
        .prop_map(|(iss, sub, aud, times, extra, missing)| {
            let (iat, exp, nbf) = times;
            let (azp, tags, identity, roles) = extra;
            let named = [
                ("iss", Some(iss)),
                ("sub", Some(sub)),
                ("aud", Some(aud)),
                ("iat", Some(iat)),
                ("exp", Some(exp)),
                ("nbf", nbf),
                ("azp", azp),
                ("https://aws.amazon.com/tags", tags),
                ("https://aws.amazon.com/source_identity", identity),
                ("https://aws.amazon.com/roles", roles),
            ];
            let present = named.into_iter().filter(|(name, _)| Some(*name) != missing);
            present
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect()
        })
}

/// A statement of a trust policy.
fn trust_statement() -> impl Strategy<Value = String> {
    let principals = vec![
        format!(r#"{{"Federated":"{PROVIDER_ARN}"}}"#),
        format!(r#"{{"Federated":["accounts.google.com","{PROVIDER_ARN}"]}}"#),
    ];
    let other_principals = vec![
        r#"{"AWS":"123456789012"}"#.to_owned(),
        r#"{"Service":"ec2.amazonaws.com"}"#.to_owned(),
        r#"{"Federated":"accounts.google.com"}"#.to_owned(),
    ];
    let actions = vec![
        r#""sts:AssumeRoleWithWebIdentity""#,
        r#"["sts:assumerolewithwebidentity","sts:TagSession"]"#,
        r#"["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"]"#,
        r#""sts:AssumeRole*""#,
    ];
    let conditions = [
        "",
        r#""StringEquals":{"ISSUER:sub":"system:serviceaccount:default:reader","ISSUER:aud":"sts.amazonaws.com"}"#,
        r#""StringEquals":{"ISSUER:sub":"system:serviceaccount:default:reader"}"#,
        r#""StringEquals":{"ISSUER:sub":"system:serviceaccount:default:*"}"#,
        r#""StringLike":{"ISSUER:sub":"system:serviceaccount:*:reader"}"#,
        r#""StringLike":{"ISSUER:SUB":["system:serviceaccount:default:*"]}"#,
        r#""StringEquals":{"ISSUER:aud":["sts.amazonaws.com","openshift"]}"#,
        r#""StringNotEquals":{"ISSUER:sub":"system:serviceaccount:default:writer"}"#,
        r#""ForAllValues:StringEquals":{"ISSUER:amr":"authenticated"}"#,
        r#""ForAnyValue:StringLike":{"ISSUER:oaud":"sts.*"}"#,
        r#""Null":{"ISSUER:email":"true"}"#,
        r#""StringEquals":{"sts:RoleSessionName":"pod"}"#,
        r#""NumericLessThanEquals":{"sts:DurationSeconds":"3600"}"#,
        r#""StringEquals":{"aws:RequestTag/team":"a"}"#,
        r#""Bool":{"sts:RoleAuthorizedByIdp":"true"}"#,
        r#""IpAddress":{"aws:SourceIp":"127.0.0.0/8"}"#,
        r#""Bool":{"aws:SecureTransport":"true"}"#,
        r#""DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}"#,
        r#""StringEquals":{"other.example:sub":"system:serviceaccount:default:reader"}"#,
    ];
    let conditions: Vec<String> = conditions
        .iter()
        .map(|condition| condition.replace("ISSUER", ISSUER_HOST))
        .collect();
    (
        select(vec!["Allow", "Allow", "Allow", "Allow", "Deny"]),
        prop_oneof![6 => select(principals), 1 => select(other_principals)],
        prop_oneof![6 => select(actions), 1 => Just(r#""sts:AssumeRole""#)],
        select(conditions),
    )
        .prop_map(|(effect, principal, action, condition)| {
            format!(
                r#"{{"Effect":"{effect}","Principal":{principal},"Action":{action},"Condition":{{{condition}}}}}"#
            )
        })
}

fn case() -> impl Strategy<Value = Case> {
    (
        claims(),
        mostly(
            Signer::Issuer,
            vec![Signer::Stranger, Signer::Forger, Signer::Unsigned],
        ),
        mostly("pod", vec!["other.session", "a b"]),
        mostly(None, vec![Some(900), Some(7200), Some(10)]),
        vec(trust_statement(), 1..4),
        vec(statement(), 0..3),
    )
        .prop_map(|(claims, signer, session, duration, trust, own)| Case {
            claims,
            signer,
            session,
            duration,
            trust,
            own,
        })
}

impl Case {
    fn token(&self) -> Token {
        let claims = Value::Object(self.claims.clone()).to_string();
        let header = |kid: &str| json!({ "alg": "RS256", "kid": kid }).to_string();
        match self.signer {
            Signer::Issuer => KEY.sign(&header(KEY.kid()), &claims),
            Signer::Stranger => OTHER_KEY.sign(&header(OTHER_KEY.kid()), &claims),
            Signer::Forger => OTHER_KEY.sign(&header(KEY.kid()), &claims),
            Signer::Unsigned => KEY.sign(r#"{"alg":"none"}"#, &claims),
        }
    }

    /// The live answer, once the role is as the case has it.
    fn live(&self, fixture: &Fixture, token: &Token) -> Reply {
        let admin = &fixture.admin;
        let role = ("RoleName", "reader");
        let trust = document(&self.trust).unwrap();
        let update = [role, ("PolicyDocument", trust.as_str())];
        admin.iam("UpdateAssumeRolePolicy", &update).ok();
        let name = [role, ("PolicyName", "read")];
        match document(&self.own) {
            Some(own) => {
                let put = [&name[..], &[("PolicyDocument", own.as_str())]].concat();
                admin.iam("PutRolePolicy", &put).ok();
            }
            None => {
                admin.iam("DeleteRolePolicy", &name);
            }
        }
        let duration = self.duration.map(|seconds| seconds.to_string());
        let mut parameters = vec![
            ("RoleArn", ROLE_ARN),
            ("RoleSessionName", self.session),
            ("WebIdentityToken", token.expose()),
        ];
        parameters.extend(duration.as_deref().map(|text| ("DurationSeconds", text)));
        let client = admin.anonymous();
        client.sts("AssumeRoleWithWebIdentity", &parameters)
    }

    /// The same as `podpass simulate` is asked it.
    fn scenario(&self, token: Token) -> Scenario {
        let mut request = WebIdentityRequest::new(ROLE_ARN, self.session, token);
        request.duration_seconds = self.duration;
        request.context = surroundings();
        let keys = Jwks::of(&[KEY.public().clone()]).to_json();
        Scenario {
            request,
            bearer: Bearer::Token,
            keys: Keys::Known(KeySet::from_jwks_json(&keys).unwrap()),
            providers: vec![OidcProvider {
                arn: PROVIDER_ARN.parse().unwrap(),
                client_ids: vec!["sts.amazonaws.com".to_owned()],
            }],
            trust: TrustPolicy::read("trust.json", document(&self.trust).unwrap()).unwrap(),
            max_session_seconds: 3600,
            now: Timestamp::from_second(NOW).unwrap(),
        }
    }

    /// What `podpass simulate` says that the session may do.
    fn permitted(&self, scenario: &Scenario, action: &str, resource: &str) -> &'static str {
        let own = document(&self.own);
        let own = own.map(|text| Document::parse(&text, DocumentKind::Permissions).unwrap());
        let attach = |document| Attached {
            source: "own",
            document,
        };
        let question = PermissionsQuestion {
            action,
            resource,
            policies: Policies {
                identity: own.iter().map(attach).collect(),
                ..Policies::default()
            },
            context: surroundings(),
        };
        let permission = permit(scenario, &question).expect("the exchange is granted");
        match permission.deny {
            None => "allowed",
            Some(DenyKind::Explicit) => "explicitDeny",
            Some(DenyKind::Implicit) => "implicitDeny",
        }
    }
}

/// What every call brings by itself.
fn surroundings() -> Context {
    let mut context = Context::new();
    context.insert("aws:SourceIp", "127.0.0.1");
    context.insert("aws:SecureTransport", false);
    context.insert("aws:RequestedRegion", "eu-west-1");
    context.insert("aws:CurrentTime", "2025-11-24T16:00:00Z");
    context
}

/// Compares an answer with a simulation: the error to the letter and its reason, or the session.
fn compare(fixture: &Fixture, reply: &Reply, simulated: &Simulation) -> Result<(), TestCaseError> {
    if let Some(session) = &simulated.session {
        prop_assert_eq!(reply.status, 200, "{}", &reply.body);
        for (element, value) in [
            ("Arn", &session.arn),
            ("SubjectFromWebIdentityToken", &session.subject),
            ("Audience", &session.audience),
            ("Provider", &session.provider),
        ] {
            let told = reply.text(element);
            prop_assert_eq!(told.as_ref(), Some(value), "{}", element);
        }
        return Ok(());
    }
    let answer = simulated.answer.as_ref().expect("a denial has an answer");
    prop_assert_eq!(reply.error(), (answer.status, answer.code.to_owned()));
    prop_assert_eq!(reply.message(), answer.message.clone());
    match fixture.event(reply).outcome {
        Outcome::Denied { reason, .. } => prop_assert_eq!(reason, simulated.reason),
        other => prop_assert!(false, "{:?}", other),
    }
    Ok(())
}

#[test]
fn simulated_and_live_exchange_have_the_same_answer_and_reason() {
    let fixture = Fixture::start();
    fixture.make_identity();
    make_targets(&fixture);
    let at = Timestamp::from_second(NOW).unwrap();
    fixture.sandbox.clock().set(ClockSetting::Fixed(at));
    let mut runner = TestRunner::new(Config {
        cases: 384,
        failure_persistence: None,
        ..Config::default()
    });
    let (reasons, verdicts) = (RefCell::new(BTreeSet::new()), RefCell::new(BTreeSet::new()));
    let allowed = Cell::new(0);
    let outcome = runner.run(&case(), |case| {
        let token = case.token();
        let reply = case.live(&fixture, &token);
        let scenario = case.scenario(token);
        let simulated = simulate(&scenario);
        compare(&fixture, &reply, &simulated)?;
        reasons
            .borrow_mut()
            .insert(simulated.reason.map(|reason| format!("{reason:?}")));
        if reply.status != 200 {
            return Ok(());
        }
        allowed.set(allowed.get() + 1);
        let made = Made {
            admin: &fixture.admin,
            client: fixture.admin.with_keys(keys_of(&reply)),
            arn: ROLE_ARN.to_owned(),
            name: "reader".to_owned(),
            bucket_policy: None,
        };
        for (service, what, action, resource) in CALLS {
            let live = made.live(service, what);
            let permitted = case.permitted(&scenario, action, resource);
            prop_assert_eq!(live, permitted, "podpass simulate {}", action);
            // A session's own tags are unknown to who asks about its role.
            if !case.claims.contains_key("https://aws.amazon.com/tags") {
                let simulated = made.simulated(action, resource);
                prop_assert_eq!(live, &simulated, "SimulatePrincipalPolicy {}", action);
            }
            verdicts.borrow_mut().insert(live);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let reasons = reasons.take();
    assert!(reasons.len() >= 10, "{reasons:?}");
    assert!(allowed.get() >= 30, "{} allowed", allowed.get());
    assert_eq!(verdicts.take().len(), 3, "every verdict is met");
}
