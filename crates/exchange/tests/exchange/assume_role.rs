//! `AssumeRole`: the caller's side and the role's side together.

use jiff::Timestamp;
use podpass_exchange::{AssumeRoleRequest, Caller, Denial, Grant, Role, SessionTag, assume_role};
use podpass_policy::{
    Attached, Context, ControlLevel, Controls, Document, DocumentKind, Principal,
};
use serde_json::{Value, json};

use crate::world::{NOW, ROLE, role};

const USER: &str = "arn:aws:iam::123456789012:user/alice";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/first/s1";

struct Scene {
    principal: Principal,
    identity: Vec<Document>,
    boundary: Option<Document>,
    session: Option<Vec<Document>>,
    service_control: Option<Document>,
    role: Option<Role>,
    request: AssumeRoleRequest,
    context: Context,
}

impl Scene {
    /// A user who is named in the trust policy.
    fn new() -> Self {
        Self {
            principal: user(USER),
            identity: Vec::new(),
            boundary: None,
            session: None,
            service_control: None,
            role: Some(role(&trust(&json!({ "AWS": USER }), &json!({})))),
            request: AssumeRoleRequest {
                role_arn: ROLE.to_owned(),
                role_session_name: "session-1".to_owned(),
                ..AssumeRoleRequest::default()
            },
            context: Context::new(),
        }
    }

    fn trusting(mut self, principal: &Value, condition: &Value) -> Self {
        self.role = Some(role(&trust(principal, condition)));
        self
    }

    fn controls(&self) -> Controls<'_> {
        let policy = |document| Attached {
            source: "a service control policy",
            document,
        };
        let level = |document| ControlLevel {
            target: "account 123456789012",
            policies: vec![policy(document)],
        };
        Controls {
            management_account: None,
            levels: self.service_control.iter().map(level).collect(),
        }
    }

    fn call(&self) -> Result<Grant, Denial> {
        fn attach(document: &Document) -> Attached<'_> {
            Attached {
                source: "a policy",
                document,
            }
        }
        let session = self.session.as_ref();
        let caller = Caller {
            principal: &self.principal,
            context: &self.context,
            identity: self.identity.iter().map(attach).collect(),
            boundary: self.boundary.as_ref().map(attach),
            session: session.map(|policies| policies.iter().map(attach).collect()),
            service_controls: self.controls(),
        };
        assume_role(
            &self.request,
            &caller,
            self.role.as_ref(),
            Timestamp::from_second(NOW).unwrap(),
        )
    }

    fn denied(&self) -> (&'static str, u16, String, &'static str) {
        let denial = self.call().expect_err("the call should be denied");
        assert!(
            denial.trace.first_failure().is_some(),
            "nothing compared for {denial}"
        );
        (
            denial.code,
            denial.status,
            denial.message,
            denial.reason.code(),
        )
    }
}

impl Scene {
    /// What was missed, and what it had to be.
    fn missing(&self) -> (String, String) {
        let denial = self.call().expect_err("the call should be denied");
        let failure = denial.trace.first_failure().unwrap();
        (failure.what.clone(), failure.expected.join(", "))
    }
}

fn user(arn: &str) -> Principal {
    Principal::User {
        arn: arn.parse().unwrap(),
    }
}

fn session() -> Principal {
    Principal::RoleSession {
        role: "arn:aws:iam::123456789012:role/first".parse().unwrap(),
        session: SESSION.parse().unwrap(),
    }
}

fn trust(principal: &Value, condition: &Value) -> String {
    let actions = json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    crate::world::trust_with(principal, &actions, condition)
}

fn permissions(effect: &str, action: &str) -> Document {
    let text = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": effect, "Action": action, "Resource": "*" }],
    });
    Document::parse(&text.to_string(), DocumentKind::Permissions).unwrap()
}

fn access_denied(arn: &str) -> String {
    format!("User: {arn} is not authorized to perform: sts:AssumeRole on resource: {ROLE}")
}

#[test]
fn a_user_whom_the_trust_policy_names_needs_nothing_else() {
    let grant = Scene::new().call().unwrap();
    assert_eq!(
        grant.session_arn.as_str(),
        "arn:aws:sts::123456789012:assumed-role/irsa-test/session-1"
    );
    assert_eq!(grant.expires_at.as_second(), NOW + 3600);
    assert_eq!(grant.packed_policy_size, None);
    assert_eq!(
        grant.context.get("aws:PrincipalArn").unwrap().as_slice(),
        [ROLE]
    );
    assert!(grant.context.get("aws:FederatedProvider").is_none());
}

#[test]
fn an_account_only_delegates() {
    let mut scene = Scene::new().trusting(
        &json!({ "AWS": "arn:aws:iam::123456789012:root" }),
        &json!({}),
    );
    assert_eq!(
        scene.denied(),
        (
            "AccessDenied",
            403,
            access_denied(USER),
            "PERMISSION_DENIED_IDENTITY"
        )
    );
    scene.identity = vec![permissions("Allow", "sts:AssumeRole")];
    assert!(scene.call().is_ok());
    scene.boundary = Some(permissions("Allow", "s3:*"));
    assert_eq!(scene.denied().3, "PERMISSION_DENIED_BOUNDARY");
    assert_eq!(scene.missing().0, "the caller's permissions boundary");
    scene.boundary = None;
    scene.identity.push(permissions("Deny", "sts:*"));
    assert_eq!(scene.denied().3, "EXPLICIT_DENY");
    assert_eq!(scene.missing().0, "the caller's permissions policies");
}

/// A role that the trust policy names is still limited by its session policies (`aws.md` C.6, step 4).
#[test]
fn session_policies_limit_a_session_whose_role_is_trusted() {
    let first = "arn:aws:iam::123456789012:role/first";
    let mut scene = Scene::new().trusting(&json!({ "AWS": first }), &json!({}));
    scene.principal = session();
    assert!(scene.call().is_ok());
    scene.session = Some(vec![permissions("Allow", "s3:*")]);
    assert_eq!(scene.denied().3, "PERMISSION_DENIED_SESSION");
    assert_eq!(
        scene.missing(),
        (
            "the caller's session policies".to_owned(),
            format!("an Allow of sts:AssumeRole on {ROLE}")
        )
    );
    scene.session = Some(vec![
        permissions("Allow", "s3:*"),
        permissions("Allow", "sts:AssumeRole"),
    ]);
    assert!(scene.call().is_ok());
}

#[test]
fn permissions_without_trust_are_not_enough() {
    let mut scene = Scene::new().trusting(
        &json!({ "AWS": "arn:aws:iam::123456789012:user/bob" }),
        &json!({}),
    );
    scene.identity = vec![permissions("Allow", "*")];
    assert_eq!(
        scene.denied(),
        (
            "AccessDenied",
            403,
            access_denied(USER),
            "TRUST_PRINCIPAL_MISMATCH"
        )
    );
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let stranger = "arn:aws:iam::210987654321:user/eve";
    let mut scene = Scene::new().trusting(&json!({ "AWS": stranger }), &json!({}));
    scene.principal = user(stranger);
    assert_eq!(scene.denied().3, "PERMISSION_DENIED_IDENTITY");
    scene.identity = vec![permissions("Allow", "sts:AssumeRole")];
    assert!(scene.call().is_ok());
}

#[test]
fn a_missing_role_is_denied_in_the_same_words() {
    let mut scene = Scene::new();
    scene.role = None;
    assert_eq!(
        scene.denied(),
        ("AccessDenied", 403, access_denied(USER), "ROLE_MISSING")
    );
}

#[test]
fn the_external_id_is_a_condition() {
    let condition = json!({ "StringEquals": { "sts:ExternalId": "secret-1" } });
    let mut scene = Scene::new().trusting(&json!({ "AWS": USER }), &condition);
    assert_eq!(scene.denied().3, "TRUST_CONDITION_MISMATCH");
    scene.request.external_id = Some("secret-2".to_owned());
    assert_eq!(scene.denied().3, "TRUST_CONDITION_MISMATCH");
    scene.request.external_id = Some("secret-1".to_owned());
    assert!(scene.call().is_ok());
    scene.request.external_id = Some("a".to_owned());
    assert_eq!(
        scene.denied().2,
        "1 validation error detected: Value 'a' at 'externalId' failed to satisfy constraint: Member must have length \
         greater than or equal to 2"
    );
    scene.request.external_id = Some("a b".to_owned());
    assert_eq!(
        scene.denied().2,
        "1 validation error detected: Value 'a b' at 'externalId' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [\\w+=,.@:\\/-]*"
    );
}

/// For a service only the trust policy counts (`aws.md` C.6).
#[test]
fn a_service_is_looked_for_by_its_name() {
    let mut scene = Scene::new().trusting(&json!({ "Service": "ec2.amazonaws.com" }), &json!({}));
    scene.principal = Principal::Service("ec2.amazonaws.com".to_owned());
    assert!(scene.call().is_ok());
    scene.principal = Principal::Service("lambda.amazonaws.com".to_owned());
    assert_eq!(scene.denied().3, "TRUST_PRINCIPAL_MISMATCH");
    let tagging = crate::world::trust_with(
        &json!({ "Service": "ec2.amazonaws.com" }),
        &json!("sts:TagSession"),
        &json!({}),
    );
    scene.role = Some(role(&tagging));
    assert_eq!(scene.denied().3, "TRUST_ACTION_MISSING");
}

#[test]
fn root_may_not_assume_roles() {
    let mut scene = Scene::new().trusting(&json!({ "AWS": "*" }), &json!({}));
    scene.principal = Principal::Root {
        partition: podpass_policy::Partition::Aws,
        account: "123456789012".parse().unwrap(),
    };
    assert_eq!(
        scene.denied(),
        (
            "AccessDenied",
            403,
            "Roles may not be assumed by root accounts.".to_owned(),
            "ROOT_CANNOT_ASSUME_ROLE"
        )
    );
}

#[test]
fn only_signed_callers_assume_roles() {
    let provider = "arn:aws:iam::123456789012:oidc-provider/a.example";
    let principal = json!({ "AWS": "*", "Federated": provider });
    let mut scene = Scene::new().trusting(&principal, &json!({}));
    for caller in [
        Principal::Anonymous,
        Principal::WebIdentity {
            provider: provider.parse().unwrap(),
        },
    ] {
        scene.principal = caller;
        let (code, status, message, _) = scene.denied();
        assert_eq!((code, status), ("MissingAuthenticationToken", 403));
        assert_eq!(message, "Request is missing Authentication Token");
    }
}

/// A session ARN as principal holds for that session alone (IAM user guide, "Role session principals").
#[test]
fn a_trust_in_another_session_of_the_callers_role_is_told_from_one_in_another_role() {
    for (named, reason) in [
        (
            "arn:aws:sts::123456789012:assumed-role/first/other",
            "CHAIN_SESSION_NAME_MISMATCH",
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/second/s",
            "TRUST_PRINCIPAL_MISMATCH",
        ),
        (
            "arn:aws:sts::999999999999:assumed-role/first/s",
            "TRUST_PRINCIPAL_MISMATCH",
        ),
        (
            "arn:aws:iam::123456789012:role/second",
            "TRUST_PRINCIPAL_MISMATCH",
        ),
    ] {
        let mut scene = Scene::new().trusting(&json!({ "AWS": named }), &json!({}));
        scene.principal = session();
        scene.identity = vec![permissions("Allow", "sts:AssumeRole")];
        assert_eq!(scene.denied().3, reason, "{named}");
    }
    let own = session().arn();
    let mut scene = Scene::new().trusting(&json!({ "AWS": own }), &json!({}));
    scene.principal = session();
    scene.identity = vec![permissions("Allow", "sts:AssumeRole")];
    assert!(scene.call().is_ok());
}

#[test]
fn chained_sessions_last_one_hour_at_most() {
    let mut scene = Scene::new().trusting(
        &json!({ "AWS": "arn:aws:iam::123456789012:role/first" }),
        &json!({}),
    );
    scene.principal = session();
    scene.identity = vec![permissions("Allow", "sts:AssumeRole")];
    scene.role.as_mut().unwrap().max_session_seconds = 43_200;
    scene.request.duration_seconds = Some(3600);
    assert!(scene.call().is_ok());
    scene.request.duration_seconds = Some(3601);
    assert_eq!(
        scene.denied(),
        (
            "ValidationError",
            400,
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                .to_owned(),
            "CHAIN_DURATION"
        )
    );
    scene.principal = user(USER);
    scene = scene.trusting(&json!({ "AWS": USER }), &json!({}));
    scene.role.as_mut().unwrap().max_session_seconds = 43_200;
    assert!(scene.call().is_ok());
}

#[test]
fn a_mfa_code_is_never_right() {
    let serial = Some("arn:aws:iam::123456789012:mfa/alice".to_owned());
    let code = Some("123456".to_owned());
    for (serial_number, token_code) in [(&serial, &code), (&serial, &None), (&None, &code)] {
        let mut scene = Scene::new();
        scene.request.serial_number.clone_from(serial_number);
        scene.request.token_code.clone_from(token_code);
        let (code, status, message, _) = scene.denied();
        assert_eq!((code, status), ("AccessDenied", 403));
        assert_eq!(
            message,
            "MultiFactorAuthentication failed with invalid MFA one time pass code. "
        );
    }
}

#[test]
fn tags_and_source_identity_are_asked_for_and_kept() {
    let tag = |key: &str, value: &str| SessionTag {
        key: key.to_owned(),
        value: value.to_owned(),
        transitive: true,
    };
    let condition =
        json!({ "StringEquals": { "aws:RequestTag/Team": "a", "sts:SourceIdentity": "alice" } });
    let mut scene = Scene::new().trusting(&json!({ "AWS": USER }), &condition);
    scene.request.tags = vec![tag("Team", "a")];
    scene.request.source_identity = Some("alice".to_owned());
    let grant = scene.call().unwrap();
    assert_eq!(grant.tags, [tag("Team", "a")]);
    assert_eq!(grant.source_identity.as_deref(), Some("alice"));
    assert_eq!(
        grant
            .context
            .get("aws:PrincipalTag/Team")
            .unwrap()
            .as_slice(),
        ["a"]
    );
    assert_eq!(
        grant.context.get("aws:SourceIdentity").unwrap().as_slice(),
        ["alice"]
    );
    assert!(grant.packed_policy_size.is_some());

    scene.request.tags = vec![tag("Team", "b")];
    assert_eq!(scene.denied().3, "TRUST_CONDITION_MISMATCH");
    scene.request.tags = vec![tag("Team", "a"), tag("team", "a")];
    let (code, _, message, _) = scene.denied();
    assert_eq!(code, "ValidationError");
    assert_eq!(
        message,
        "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    );
}

/// The alphabet is `[\p{L}\p{Z}\p{N}_.:/=+\-@]` (`aws.md` A.2).
#[test]
fn tags_keep_to_their_alphabet() {
    let mut scene = Scene::new();
    let tag = |key: &str, value: &str| SessionTag {
        key: key.to_owned(),
        value: value.to_owned(),
        transitive: false,
    };
    for value in ["a b", "a\u{a0}b", "größe 愛 ١", "_.:/=+-@", ""] {
        scene.request.tags = vec![tag("Team", "a"), tag("k", value)];
        assert!(scene.call().is_ok(), "{value:?}");
    }
    for value in ["a\tb", "a\nb", "a#b", "a,b", "a\u{0}b"] {
        scene.request.tags = vec![tag("Team", "a"), tag("k", value)];
        assert_eq!(
            scene.denied().2,
            format!(
                "1 validation error detected: Value '{value}' at 'tags.2.member.value' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*"
            )
        );
    }
}

#[test]
fn tagging_that_is_not_allowed_names_the_action() {
    let mut scene = Scene::new();
    let trust = crate::world::trust_with(
        &json!({ "AWS": USER }),
        &json!("sts:AssumeRole"),
        &json!({}),
    );
    scene.role = Some(role(&trust));
    assert!(scene.call().is_ok());
    scene.request.source_identity = Some("alice".to_owned());
    assert_eq!(
        scene.denied().2,
        format!(
            "User: {USER} is not authorized to perform: sts:SetSourceIdentity on resource: {ROLE}"
        )
    );
}

#[test]
fn a_source_identity_stays_through_chaining_and_cannot_be_changed() {
    let first = "arn:aws:iam::123456789012:role/first";
    let mut scene = Scene::new().trusting(&json!({ "AWS": first }), &json!({}));
    scene.principal = session();
    scene.context.insert("aws:SourceIdentity", "alice");
    for wanted in [None, Some("alice".to_owned())] {
        scene.request.source_identity = wanted;
        let grant = scene.call().unwrap();
        assert_eq!(grant.source_identity.as_deref(), Some("alice"));
        assert_eq!(
            grant.context.get("aws:SourceIdentity").unwrap().as_slice(),
            ["alice"]
        );
    }

    let not_authorized = format!(
        "User: {SESSION} is not authorized to perform: sts:SetSourceIdentity on resource: {ROLE}"
    );
    scene.request.source_identity = Some("mallory".to_owned());
    assert_eq!(scene.denied().2, not_authorized);

    scene.request.source_identity = None;
    let trust = crate::world::trust_with(
        &json!({ "AWS": first }),
        &json!("sts:AssumeRole"),
        &json!({}),
    );
    scene.role = Some(role(&trust));
    assert_eq!(scene.denied().2, not_authorized);
}

#[test]
fn service_control_policies_of_the_caller_limit_it() {
    let read = |effect: &str, action: &str| {
        let text = json!({ "Statement": { "Effect": effect, "Action": action, "Resource": "*" } });
        Document::parse(&text.to_string(), DocumentKind::ServiceControl).unwrap()
    };
    for (effect, action, reason) in [
        ("Allow", "*", None),
        ("Allow", "s3:*", Some("PERMISSION_DENIED_SERVICE_CONTROL")),
        ("Deny", "sts:*", Some("EXPLICIT_DENY")),
    ] {
        let mut scene = Scene::new();
        scene.service_control = Some(read(effect, action));
        match reason {
            None => assert!(scene.call().is_ok(), "{effect} {action}"),
            Some(reason) => assert_eq!(scene.denied().3, reason, "{effect} {action}"),
        }
    }
}
