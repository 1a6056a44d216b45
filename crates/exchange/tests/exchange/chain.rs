//! The chain of types: what each step makes known for the next.

use jiff::Timestamp;
use podpass_exchange::present;
use podpass_policy::OidcProviderArn;
use serde_json::json;

use crate::world::{ISSUER, KEY, NOW, PROVIDER, ROLE, SUBJECT, World, key_set};

#[test]
fn each_step_tells_what_the_next_one_needs() {
    let world = World::new();
    let mut request = world.request;
    let header = json!({ "alg": "RS256", "kid": KEY.kid() }).to_string();
    request.token = KEY.sign(&header, &world.claims.to_string());

    let presented = present(request, Timestamp::from_second(NOW).unwrap()).unwrap();
    assert_eq!(presented.role_arn().as_str(), ROLE);
    assert_eq!(presented.issuer(), ISSUER);
    assert_eq!(presented.provider_arn().unwrap().as_str(), PROVIDER);

    let registered = presented.at(&world.providers).unwrap();
    assert_eq!(registered.role_arn().as_str(), ROLE);
    assert_eq!(registered.issuer(), ISSUER);
    assert_eq!(registered.provider_arn().as_str(), PROVIDER);
    assert_eq!(registered.kid(), Some(KEY.kid()));

    let verified = registered.verify(Ok(&key_set(&KEY))).unwrap();
    assert_eq!(verified.role_arn().as_str(), ROLE);
    assert_eq!(verified.subject(), SUBJECT);
    assert!(verified.authorise(world.role.as_ref()).is_ok());
}

#[test]
fn an_issuer_that_iam_could_not_hold_has_no_provider() {
    for (issuer, provider) in [
        ("https://a.example/x/", Some("a.example/x/")),
        ("https://a.example:443", Some("a.example")),
        ("http://a.example", None),
        ("https://", None),
        ("https://a.example?x", None),
        ("https://a b.example", None),
    ] {
        let world = World::new().with_claim("iss", json!(issuer));
        let mut request = world.request;
        let header = json!({ "alg": "RS256", "kid": KEY.kid() }).to_string();
        request.token = KEY.sign(&header, &world.claims.to_string());
        let presented = present(request, Timestamp::from_second(NOW).unwrap()).unwrap();
        let arn = presented.provider_arn();
        let issuer_of_arn = arn.as_ref().map(OidcProviderArn::issuer_without_scheme);
        assert_eq!(issuer_of_arn, provider, "{issuer}");
        assert_eq!(presented.issuer(), issuer);
    }
}
