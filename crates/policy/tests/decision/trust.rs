//! Trust policies.

use podpass_policy::{Layer, Principal, ResourceRule, StatementOutcome, Verdict};

use crate::setup::{
    ACCOUNT_ROOT, ALLOW, OTHER, OWN, PROVIDER, ROLE, SESSION, Setup, USER, aws, session, trust,
    user, web_identity,
};

#[test]
fn a_trust_policy_must_allow_and_delegates_through_the_account() {
    use Layer::{Identity, Resource};
    use Verdict::{Allowed, ImplicitDeny};
    let trusted = |principal: &str, identity, caller: &Principal| {
        let text = trust(principal);
        Setup {
            identity,
            resource: Some(&text),
            rule: ResourceRule::Trust,
            ..Setup::default()
        }
        .decide(caller)
        .verdict
    };
    for (name, caller, principal, without_identity, with_identity) in [
        ("named user", user(), aws(USER), Allowed, Allowed),
        ("named role", session(), aws(ROLE), Allowed, Allowed),
        ("named session", session(), aws(SESSION), Allowed, Allowed),
        ("account", user(), aws(OWN), ImplicitDeny(Identity), Allowed),
        (
            "account root",
            session(),
            aws(ACCOUNT_ROOT),
            ImplicitDeny(Identity),
            Allowed,
        ),
        (
            "somebody else",
            user(),
            aws(OTHER),
            ImplicitDeny(Resource),
            ImplicitDeny(Resource),
        ),
        (
            "service",
            user(),
            r#"{"Service":"ec2.amazonaws.com"}"#.to_owned(),
            ImplicitDeny(Resource),
            ImplicitDeny(Resource),
        ),
    ] {
        assert_eq!(
            trusted(&principal, None, &caller),
            without_identity,
            "{name}"
        );
        assert_eq!(
            trusted(&principal, Some(ALLOW), &caller),
            with_identity,
            "{name}, identity allows"
        );
    }
    let service = Principal::Service("ec2.amazonaws.com".to_owned());
    assert_eq!(
        trusted(r#"{"Service":"ec2.amazonaws.com"}"#, None, &service),
        Allowed
    );
    assert_eq!(trusted(&aws("*"), None, &service), ImplicitDeny(Resource));
}

#[test]
fn trust_between_accounts_needs_both_sides() {
    let text = trust(&aws(USER));
    let setup = Setup {
        resource: Some(&text),
        rule: ResourceRule::Trust,
        owner: Some(OTHER),
        ..Setup::default()
    };
    assert_eq!(
        setup.decide(&user()).verdict,
        Verdict::ImplicitDeny(Layer::Identity)
    );
    assert!(
        Setup {
            identity: Some(ALLOW),
            ..setup
        }
        .decide(&user())
        .is_allowed()
    );
}

#[test]
fn a_web_identity_is_let_in_by_its_own_provider_only() {
    let other_account = PROVIDER.replace(OWN, OTHER);
    let federated = |provider: &str| format!(r#"{{"Federated":"{provider}"}}"#);
    for (name, caller, principal, allowed) in [
        ("its provider", PROVIDER, federated(PROVIDER), true),
        (
            "one of two providers",
            PROVIDER,
            format!(r#"{{"Federated":["accounts.google.com","{PROVIDER}"]}}"#),
            true,
        ),
        (
            "another issuer",
            PROVIDER,
            federated(&format!("{PROVIDER}/")),
            false,
        ),
        (
            "the provider of another account",
            other_account.as_str(),
            federated(&other_account),
            false,
        ),
        ("everybody", PROVIDER, "\"*\"".to_owned(), false),
        ("everybody by AWS", PROVIDER, aws("*"), false),
        ("the account", PROVIDER, aws(OWN), false),
    ] {
        let text = trust(&principal);
        let setup = Setup {
            resource: Some(&text),
            rule: ResourceRule::Trust,
            ..Setup::default()
        };
        let decision = setup.decide(&web_identity(caller));
        assert_eq!(decision.is_allowed(), allowed, "{name}");
        if !allowed {
            assert_eq!(
                decision.verdict,
                Verdict::ImplicitDeny(Layer::Resource),
                "{name}"
            );
            assert!(
                matches!(&decision.trace[0].statements[0].outcome, StatementOutcome::PrincipalDiffers { actual, .. } if actual == caller),
                "{name}"
            );
        }
    }
    let text = format!(
        "[{},{}]",
        trust(&federated(PROVIDER)),
        trust("\"*\"").replace("Allow", "Deny")
    );
    let setup = Setup {
        resource: Some(&text),
        rule: ResourceRule::Trust,
        ..Setup::default()
    };
    assert_eq!(
        setup.decide(&web_identity(PROVIDER)).verdict,
        Verdict::ExplicitDeny(Layer::Resource)
    );
}
