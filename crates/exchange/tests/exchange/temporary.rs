//! `GetSessionToken` and `GetFederationToken`.

use jiff::Timestamp;
use podpass_exchange::{
    Caller, Denial, FederationGrant, FederationTokenRequest, SessionTag, SessionTokenRequest,
    federation_token, session_token,
};
use podpass_policy::{Attached, Context, Controls, Document, DocumentKind, Principal};

use crate::world::NOW;

const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const FEDERATE_BOB: &str = r#"{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"arn:aws:sts::123456789012:federated-user/bob"}"#;
const DENY: &str = r#"{"Effect":"Deny","Action":"sts:*","Resource":"*"}"#;

#[derive(Clone, Copy)]
enum Who {
    User,
    Root,
    Role,
    /// A user by temporary credentials of its own.
    UserSession,
}

impl Who {
    fn principal(self) -> Principal {
        match self {
            Self::User | Self::UserSession => Principal::User {
                arn: "arn:aws:iam::123456789012:user/alice".parse().unwrap(),
            },
            Self::Root => Principal::Root {
                partition: podpass_policy::Partition::Aws,
                account: "123456789012".parse().unwrap(),
            },
            Self::Role => Principal::RoleSession {
                role: "arn:aws:iam::123456789012:role/first".parse().unwrap(),
                session: "arn:aws:sts::123456789012:assumed-role/first/s1"
                    .parse()
                    .unwrap(),
            },
        }
    }

    fn context(self) -> Context {
        let mut context = Context::new();
        if matches!(self, Self::Role | Self::UserSession) {
            context.insert("aws:TokenIssueTime", "2026-11-23T10:00:00Z");
        }
        context
    }

    fn call<T>(self, statement: &str, call: impl FnOnce(&Caller<'_>) -> T) -> T {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let document = Document::parse(&text, DocumentKind::Permissions).unwrap();
        let (principal, context) = (self.principal(), self.context());
        call(&Caller {
            principal: &principal,
            context: &context,
            identity: vec![Attached {
                source: "a policy",
                document: &document,
            }],
            boundary: None,
            session: None,
            service_controls: Controls::default(),
        })
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn session(who: Who, request: &SessionTokenRequest) -> Result<Timestamp, Denial> {
    // No policy is asked, not even one that denies.
    who.call(DENY, |caller| session_token(request, caller, now()))
}

fn federate(
    who: Who,
    statement: &str,
    request: &FederationTokenRequest,
) -> Result<FederationGrant, Denial> {
    who.call(statement, |caller| federation_token(request, caller, now()))
}

fn bob() -> FederationTokenRequest {
    FederationTokenRequest {
        name: "bob".into(),
        ..FederationTokenRequest::default()
    }
}

#[test]
fn durations_are_bounded_and_those_of_root_capped() {
    for (who, asked, expected) in [
        (Who::User, None, Ok(43_200)),
        (Who::User, Some(900), Ok(900)),
        (Who::User, Some(129_600), Ok(129_600)),
        (Who::User, Some(899), Err("greater than or equal to 900")),
        (
            Who::User,
            Some(129_601),
            Err("less than or equal to 129600"),
        ),
        (Who::Root, None, Ok(3600)),
        (Who::Root, Some(1800), Ok(1800)),
        (Who::Root, Some(129_600), Ok(3600)),
    ] {
        let token = SessionTokenRequest {
            duration_seconds: asked,
            ..SessionTokenRequest::default()
        };
        let federation = FederationTokenRequest {
            duration_seconds: asked,
            ..bob()
        };
        let ends = [
            session(who, &token),
            federate(who, ALLOW_ALL, &federation).map(|grant| grant.expires_at),
        ];
        for end in ends {
            let lasts = end.map(|end| end.as_second() - NOW);
            match expected {
                Ok(seconds) => assert_eq!(lasts, Ok(seconds), "{asked:?}"),
                Err(bound) => {
                    let denial = lasts.unwrap_err();
                    assert_eq!((denial.code, denial.status), ("ValidationError", 400));
                    let message = format!(
                        "1 validation error detected: Value '{}' at 'durationSeconds' failed to satisfy constraint: \
                         Member must have value {bound}",
                        asked.unwrap_or_default()
                    );
                    assert_eq!(denial.message, message);
                }
            }
        }
    }
}

#[test]
fn session_credentials_get_no_further_ones() {
    for who in [Who::Role, Who::UserSession] {
        let denials = [
            (
                session(who, &SessionTokenRequest::default()).unwrap_err(),
                "Cannot call GetSessionToken with session credentials",
            ),
            (
                federate(who, ALLOW_ALL, &bob()).unwrap_err(),
                "Cannot call GetFederationToken with session credentials",
            ),
        ];
        for (denial, message) in denials {
            assert_eq!((denial.code, denial.status), ("AccessDenied", 403));
            assert_eq!(denial.message, message);
            assert!(denial.trace.first_failure().is_some());
        }
    }
}

#[test]
fn no_code_of_a_second_factor_is_right() {
    let request = SessionTokenRequest {
        serial_number: Some("arn:aws:iam::123456789012:mfa/alice".into()),
        token_code: Some("123456".into()),
        ..SessionTokenRequest::default()
    };
    let denial = session(Who::User, &request).unwrap_err();
    assert_eq!(
        denial.message,
        "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    );
}

#[test]
fn a_federated_user_has_arn_and_id_of_its_name() {
    let grant = federate(Who::User, FEDERATE_BOB, &bob()).unwrap();
    assert_eq!(
        grant.arn.as_str(),
        "arn:aws:sts::123456789012:federated-user/bob"
    );
    assert_eq!(grant.federated_user_id, "123456789012:bob");
    assert_eq!(grant.packed_policy_size, None);
}

#[test]
fn the_callers_policies_have_to_allow_the_federation() {
    let tagged = FederationTokenRequest {
        tags: vec![SessionTag {
            key: "team".into(),
            value: "a".into(),
            transitive: false,
        }],
        ..bob()
    };
    let eve = FederationTokenRequest {
        name: "eve".into(),
        ..bob()
    };
    let not = |action: &str, name: &str, why: &str| {
        format!(
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: {action} on resource: \
             arn:aws:sts::123456789012:federated-user/{name} {why}"
        )
    };
    let nothing =
        |action: &str| format!("because no identity-based policy allows the {action} action");
    for (statement, request, expected) in [
        (FEDERATE_BOB, &bob(), None),
        (
            FEDERATE_BOB,
            &eve,
            Some(not(
                "sts:GetFederationToken",
                "eve",
                &nothing("sts:GetFederationToken"),
            )),
        ),
        (
            DENY,
            &bob(),
            Some(not(
                "sts:GetFederationToken",
                "bob",
                "with an explicit deny in an identity-based policy",
            )),
        ),
        (
            FEDERATE_BOB,
            &tagged,
            Some(not("sts:TagSession", "bob", &nothing("sts:TagSession"))),
        ),
        (ALLOW_ALL, &tagged, None),
    ] {
        let message = federate(Who::User, statement, request)
            .err()
            .map(|denial| denial.message);
        assert_eq!(message, expected);
    }
}

#[test]
fn parameters_are_checked_before_anything_else() {
    let long_policy = format!(r#"{{"Statement":[],"Id":"{}"}}"#, "x".repeat(2048));
    let tag = |key: &str| SessionTag {
        key: key.into(),
        value: String::new(),
        transitive: false,
    };
    for (case, request, code, part) in [
        (
            "short name",
            FederationTokenRequest {
                name: "b".into(),
                ..bob()
            },
            "ValidationError",
            "length greater than or equal to 2",
        ),
        (
            "long name",
            FederationTokenRequest {
                name: "b".repeat(33),
                ..bob()
            },
            "ValidationError",
            "length less than or equal to 32",
        ),
        (
            "blank in the name",
            FederationTokenRequest {
                name: "b b".into(),
                ..bob()
            },
            "ValidationError",
            "regular expression pattern",
        ),
        (
            "long policy",
            FederationTokenRequest {
                policy: Some(long_policy),
                ..bob()
            },
            "ValidationError",
            "length less than or equal to 2048",
        ),
        (
            "bad policy",
            FederationTokenRequest {
                policy: Some("{}".into()),
                ..bob()
            },
            "MalformedPolicyDocument",
            "Syntax errors in policy.",
        ),
        (
            "eleven managed policies",
            FederationTokenRequest {
                policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into(); 11],
                ..bob()
            },
            "ValidationError",
            "length less than or equal to 10",
        ),
        (
            "no ARN",
            FederationTokenRequest {
                policy_arns: vec!["arn:aws:iam::aws:role/x".into()],
                ..bob()
            },
            "ValidationError",
            "is not valid",
        ),
        (
            "a tag twice",
            FederationTokenRequest {
                tags: vec![tag("k"), tag("K")],
                ..bob()
            },
            "ValidationError",
            "Duplicate tag keys found",
        ),
    ] {
        let denial = federate(Who::User, ALLOW_ALL, &request).unwrap_err();
        assert_eq!((denial.code, denial.status), (code, 400), "{case}");
        assert!(denial.message.contains(part), "{case}: {}", denial.message);
    }
}

#[test]
fn policies_and_tags_take_space() {
    let request = FederationTokenRequest {
        policy: Some(format!(
            r#"{{"Version":"2012-10-17","Statement":{ALLOW_ALL}}}"#
        )),
        ..bob()
    };
    let grant = federate(Who::User, ALLOW_ALL, &request).unwrap();
    assert!(
        grant
            .packed_policy_size
            .is_some_and(|size| (1..20).contains(&size))
    );
    assert!(grant.session_policy.is_some());
    let heavy = FederationTokenRequest {
        tags: (0..50)
            .map(|number| SessionTag {
                key: format!("{number}"),
                value: "v".repeat(256),
                transitive: false,
            })
            .collect(),
        ..bob()
    };
    let denial = federate(Who::User, ALLOW_ALL, &heavy).unwrap_err();
    assert_eq!(denial.code, "PackedPolicyTooLarge");
    assert!(
        denial
            .message
            .starts_with("Packed size of session tags consumes "),
        "{}",
        denial.message
    );
}
