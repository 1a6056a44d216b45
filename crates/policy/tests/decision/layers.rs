//! Permissions, bucket, boundary and session policies.

use podpass_policy::{
    Attached, Context, Document, DocumentKind, Layer, Policies, Principal, Request, Verdict, decide,
};

use crate::setup::{
    ACCOUNT_ROOT, ALLOW, BUCKET, DENY, NOTHING, OTHER, OWN, ROLE, SESSION, Setup, USER, aws,
    bucket, root, session, user,
};

#[test]
fn within_an_account_each_layer_allows_or_denies() {
    use Layer::{Boundary, Identity, Resource, Session};
    use Verdict::{Allowed, ExplicitDeny, ImplicitDeny};
    let nothing = Setup::default();
    let allowed = Setup {
        identity: Some(ALLOW),
        ..nothing
    };
    let resource_deny = bucket("\"*\"").replace("Allow", "Deny");
    for (name, setup, expected) in [
        ("no policy at all", nothing, ImplicitDeny(Identity)),
        ("identity allows", allowed, Allowed),
        (
            "identity does not cover it",
            Setup {
                identity: Some(NOTHING),
                ..nothing
            },
            ImplicitDeny(Identity),
        ),
        (
            "identity denies",
            Setup {
                identity: Some(DENY),
                ..nothing
            },
            ExplicitDeny(Identity),
        ),
        (
            "resource denies",
            Setup {
                resource: Some(&resource_deny),
                ..allowed
            },
            ExplicitDeny(Resource),
        ),
        (
            "boundary allows",
            Setup {
                boundary: Some(ALLOW),
                ..allowed
            },
            Allowed,
        ),
        (
            "boundary alone",
            Setup {
                boundary: Some(ALLOW),
                ..nothing
            },
            ImplicitDeny(Identity),
        ),
        (
            "boundary does not cover it",
            Setup {
                boundary: Some(NOTHING),
                ..allowed
            },
            ImplicitDeny(Boundary),
        ),
        (
            "boundary denies",
            Setup {
                boundary: Some(DENY),
                ..allowed
            },
            ExplicitDeny(Boundary),
        ),
        (
            "session allows",
            Setup {
                session: Some(ALLOW),
                ..allowed
            },
            Allowed,
        ),
        (
            "session alone",
            Setup {
                session: Some(ALLOW),
                ..nothing
            },
            ImplicitDeny(Identity),
        ),
        (
            "session does not cover it",
            Setup {
                session: Some(NOTHING),
                ..allowed
            },
            ImplicitDeny(Session),
        ),
        (
            "session denies",
            Setup {
                session: Some(DENY),
                ..allowed
            },
            ExplicitDeny(Session),
        ),
        (
            "boundary comes before session",
            Setup {
                boundary: Some(NOTHING),
                session: Some(NOTHING),
                ..allowed
            },
            ImplicitDeny(Boundary),
        ),
        (
            "an explicit deny comes before an implicit one",
            Setup {
                session: Some(DENY),
                ..nothing
            },
            ExplicitDeny(Session),
        ),
    ] {
        assert_eq!(setup.decide(&session()).verdict, expected, "{name}");
        if setup.session.is_none() {
            assert_eq!(setup.decide(&user()).verdict, expected, "{name}, user");
        }
    }
}

#[test]
fn a_bucket_policy_grants_by_how_it_names_the_caller() {
    use Layer::{Boundary, Identity, Session};
    use Verdict::{Allowed, ImplicitDeny};
    let limited = Setup {
        boundary: Some(NOTHING),
        session: Some(NOTHING),
        ..Setup::default()
    };
    for (name, caller, principal, plain, within_limits) in [
        ("the user", user(), aws(USER), Allowed, Allowed),
        ("the session", session(), aws(SESSION), Allowed, Allowed),
        ("everybody", session(), "\"*\"".to_owned(), Allowed, Allowed),
        ("everybody by AWS", session(), aws("*"), Allowed, Allowed),
        (
            "the role",
            session(),
            aws(ROLE),
            Allowed,
            ImplicitDeny(Boundary),
        ),
        (
            "the account",
            session(),
            aws(OWN),
            ImplicitDeny(Identity),
            ImplicitDeny(Identity),
        ),
        (
            "the account's root",
            user(),
            aws(ACCOUNT_ROOT),
            ImplicitDeny(Identity),
            ImplicitDeny(Identity),
        ),
        (
            "another account",
            user(),
            aws(OTHER),
            ImplicitDeny(Identity),
            ImplicitDeny(Identity),
        ),
        (
            "another session",
            session(),
            aws(&SESSION.replace("/s", "/t")),
            ImplicitDeny(Identity),
            ImplicitDeny(Identity),
        ),
        (
            "the role for a user",
            user(),
            aws(ROLE),
            ImplicitDeny(Identity),
            ImplicitDeny(Identity),
        ),
        (
            "a deleted role",
            session(),
            aws("AROADBQP57FF2AEXAMPLE"),
            ImplicitDeny(Identity),
            ImplicitDeny(Identity),
        ),
    ] {
        let text = bucket(&principal);
        let resource = Some(text.as_str());
        assert_eq!(
            Setup {
                resource,
                ..Setup::default()
            }
            .decide(&caller)
            .verdict,
            plain,
            "{name}"
        );
        assert_eq!(
            Setup {
                resource,
                ..limited
            }
            .decide(&caller)
            .verdict,
            within_limits,
            "{name}, limited"
        );
    }
    let text = bucket(&aws(ROLE));
    let by_role = Setup {
        resource: Some(&text),
        session: Some(NOTHING),
        ..Setup::default()
    };
    assert_eq!(
        by_role.decide(&session()).verdict,
        ImplicitDeny(Session),
        "a role is limited by the session policy"
    );
}

#[test]
fn between_accounts_both_sides_must_allow() {
    use Layer::{Boundary, Identity, Resource};
    use Verdict::{Allowed, ImplicitDeny};
    for principal in [aws(OWN), aws(ROLE), aws(SESSION), "\"*\"".to_owned()] {
        let text = bucket(&principal);
        let both = Setup {
            identity: Some(ALLOW),
            resource: Some(&text),
            owner: Some(OTHER),
            ..Setup::default()
        };
        assert_eq!(both.decide(&session()).verdict, Allowed, "{principal}");
        let resource_only = Setup {
            identity: None,
            ..both
        };
        assert_eq!(
            resource_only.decide(&session()).verdict,
            ImplicitDeny(Identity),
            "{principal}"
        );
        let bounded = Setup {
            boundary: Some(NOTHING),
            ..both
        };
        assert_eq!(
            bounded.decide(&session()).verdict,
            ImplicitDeny(Boundary),
            "{principal}"
        );
        let identity_only = Setup {
            resource: None,
            ..both
        };
        assert_eq!(
            identity_only.decide(&session()).verdict,
            ImplicitDeny(Resource),
            "{principal}"
        );
    }
}

#[test]
fn root_is_stopped_by_resource_policies_only() {
    let deny = bucket("\"*\"").replace("Allow", "Deny");
    let nothing = Setup::default();
    for (name, setup, expected) in [
        ("no policy", nothing, Verdict::Allowed),
        (
            "identity and boundary",
            Setup {
                identity: Some(DENY),
                boundary: Some(DENY),
                ..nothing
            },
            Verdict::Allowed,
        ),
        (
            "resource",
            Setup {
                resource: Some(&deny),
                ..nothing
            },
            Verdict::ExplicitDeny(Layer::Resource),
        ),
        (
            "another account",
            Setup {
                owner: Some(OTHER),
                ..nothing
            },
            Verdict::ImplicitDeny(Layer::Resource),
        ),
    ] {
        assert_eq!(setup.decide(&root()).verdict, expected, "{name}");
    }
}

#[test]
fn anonymous_callers_need_a_policy_for_everybody() {
    for (principal, allowed) in [
        ("\"*\"".to_owned(), true),
        (aws("*"), true),
        (aws(OWN), false),
        (aws(USER), false),
    ] {
        let text = bucket(&principal);
        let setup = Setup {
            identity: Some(ALLOW),
            resource: Some(&text),
            ..Setup::default()
        };
        assert_eq!(
            setup.decide(&Principal::Anonymous).is_allowed(),
            allowed,
            "{principal}"
        );
    }
}

#[test]
fn an_empty_list_of_session_policies_allows_nothing() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let document = Document::parse(text, DocumentKind::Permissions).unwrap();
    let attached = Attached {
        source: "p",
        document: &document,
    };
    let (caller, context) = (session(), Context::new());
    let request = Request {
        principal: &caller,
        action: "s3:GetObject",
        resource: BUCKET,
        context: &context,
    };
    let limited = Policies {
        identity: vec![attached],
        session: Some(Vec::new()),
        ..Policies::default()
    };
    assert_eq!(
        decide(&request, &limited).verdict,
        Verdict::ImplicitDeny(Layer::Session)
    );
    let two = Policies {
        session: Some(vec![attached, attached]),
        ..limited
    };
    assert!(decide(&request, &two).is_allowed());
}

#[test]
fn of_several_grants_the_strongest_counts() {
    let limited = Setup {
        boundary: Some(NOTHING),
        ..Setup::default()
    };
    let mut grants = [bucket(&aws(SESSION)), bucket(&aws(ROLE)), bucket(&aws(OWN))];
    for _ in 0..2 {
        let text = format!("[{}]", grants.join(","));
        let setup = Setup {
            resource: Some(&text),
            ..limited
        };
        assert!(setup.decide(&session()).is_allowed(), "{text}");
        grants.reverse();
    }
}
