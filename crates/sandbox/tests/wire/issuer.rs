//! What STS asks of an issuer's documents, and that it asks anew each time.

use podpass_kinds::Reason;
use podpass_sandbox::Outcome;
use podpass_token::{Jwks, KeySize, ServiceAccountClaims, SigningKey, discovery_document};

use crate::fixture::{Fixture, KEY, claims, issuer, mint};

const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference \
    AssumeRoleWithWebIdentity documentation for requirements";

#[test]
fn unusable_documents_give_no_verification_key() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let token = mint(&claims());
    let discovery = discovery_document(&issuer());
    let jwks = Jwks::of(&[KEY.public().clone()]).to_json();
    fixture.assume(token.expose()).ok();
    for (case, document, text) in [
        (
            "discovery not JSON",
            ".well-known/openid-configuration",
            "{".to_owned(),
        ),
        (
            "no response types",
            ".well-known/openid-configuration",
            discovery.replace("response_types_supported", "x"),
        ),
        (
            "no subject types",
            ".well-known/openid-configuration",
            discovery.replace("subject_types_supported", "x"),
        ),
        (
            "no algorithms",
            ".well-known/openid-configuration",
            discovery.replace("id_token_signing_alg_values_supported", "x"),
        ),
        (
            "jwks elsewhere",
            ".well-known/openid-configuration",
            discovery.replace("/keys.json", "/absent.json"),
        ),
        (
            "jwks over http",
            ".well-known/openid-configuration",
            discovery.replace("https://", "http://"),
        ),
        ("jwks not JSON", "keys.json", "nothing".to_owned()),
        ("no keys", "keys.json", r#"{"keys":[]}"#.to_owned()),
        (
            "jwks too large",
            "keys.json",
            format!("{}{jwks}", " ".repeat(140_000)),
        ),
    ] {
        fixture.put_document(document, &text);
        let reply = fixture.assume(token.expose());
        assert_eq!(
            reply.error(),
            (400, "InvalidIdentityToken".to_owned()),
            "{case}: {}",
            reply.body
        );
        assert_eq!(reply.message(), NO_KEY, "{case}");
        fixture.put_document(".well-known/openid-configuration", &discovery);
        fixture.put_document("keys.json", &jwks);
        fixture.assume(token.expose()).ok();
    }
}

#[test]
fn a_rotated_key_counts_at_once() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let (old, next) = (
        mint(&claims()),
        SigningKey::generate(KeySize::Rsa2048).unwrap(),
    );
    fixture.assume(old.expose()).ok();
    fixture.put_document("keys.json", &Jwks::of(&[next.public().clone()]).to_json());
    let reply = fixture.assume(old.expose());
    assert_eq!(reply.message(), NO_KEY);
    let Outcome::Denied { reason, .. } = fixture.event(&reply).outcome else {
        panic!("{reply:?}")
    };
    assert_eq!(reason, Some(Reason::IssuerKeyMissing));
    fixture.assume(next.mint(&claims()).expose()).ok();
}

#[test]
fn a_private_bucket_is_no_issuer() {
    let fixture = Fixture::start();
    fixture.make_identity();
    fixture.admin.s3("DELETE", "/c1-oidc?policy", "").ok();
    let reply = fixture.assume(mint(&claims()).expose());
    assert_eq!(reply.message(), NO_KEY);
    let event = fixture.event(&reply);
    let Outcome::Denied { reason, .. } = &event.outcome else {
        panic!("{event:?}")
    };
    assert_eq!(*reason, Some(Reason::IssuerUnreachable));
    let trace = event.exchange.unwrap();
    let failure = trace.first_failure().unwrap();
    assert!(
        failure
            .actual
            .as_deref()
            .is_some_and(|actual| actual.contains("AccessDenied")),
        "{failure:?}"
    );
}

#[test]
fn an_issuer_in_another_region_than_its_name_says_is_not_followed() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let elsewhere = "https://c1-oidc.s3.us-west-2.amazonaws.com";
    let parameters = [
        ("Url", elsewhere),
        ("ClientIDList.member.1", "sts.amazonaws.com"),
    ];
    fixture
        .admin
        .iam("CreateOpenIDConnectProvider", &parameters)
        .ok();
    let claims = ServiceAccountClaims {
        issuer: elsewhere.into(),
        ..claims()
    };
    let reply = fixture.assume(mint(&claims).expose());
    assert_eq!(reply.message(), NO_KEY);
    let trace = fixture.event(&reply).exchange.unwrap();
    let failure = trace.first_failure().unwrap();
    assert!(
        failure
            .actual
            .as_deref()
            .is_some_and(|actual| actual.contains("PermanentRedirect")),
        "{failure:?}"
    );
}
