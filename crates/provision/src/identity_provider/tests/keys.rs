//! The published keys.

use podpass_testkit::test_data;

use super::*;

#[test]
fn published_keys_are_added_to_and_never_lost() {
    let Some(path) = test_data("keys/fixed-public-key.pub") else {
        return;
    };
    let key = PublicKey::from_pem(&std::fs::read_to_string(path).unwrap()).unwrap();
    let desired = desired_with(std::slice::from_ref(&key));
    let mut account = Account::complete(&desired);
    let other = r#"{"keys":[{"kty":"EC","kid":"old","crv":"P-256","x":"AA","y":"BB"}]}"#;
    account.bucket().jwks.as_mut().unwrap().body = other.to_owned();
    let plan = desired.plan(&account.0, Adoption::Refuse).unwrap().plan;
    let [
        Step::PutObject {
            upload,
            replaces: Replaces::Version(entity_tag),
        },
    ] = plan.steps.as_slice()
    else {
        panic!("only the keys change: {:?}", plan.steps);
    };
    assert_eq!(
        Some(entity_tag),
        account.bucket().jwks.as_ref().unwrap().entity_tag.as_ref()
    );
    let published = Jwks::parse(&upload.body).unwrap();
    let kids: Vec<_> = published
        .keys
        .iter()
        .map(|key| key.kid.as_deref().unwrap())
        .collect();
    // The kid is the one that upstream's own test expects of this key.
    assert_eq!(kids, ["old", "vTM0nbCme-yk2IjmPYHm9h5pYmdR-9LztPbV76J2C6E"]);
    assert!(upload.body.contains("P-256"), "{}", upload.body);
    account.take_all(&plan.steps);
    assert!(
        desired
            .plan(&account.0, Adoption::Refuse)
            .unwrap()
            .plan
            .is_empty()
    );
}

#[test]
fn keys_that_cannot_be_read_are_not_overwritten() {
    for body in [
        "<html>",
        r#"{"keys":[{"kty":"RSA","kid":"a","n":"AA","e":"AQAB","d":"secret"}]}"#,
    ] {
        let mut account = Account::complete(&desired());
        account.bucket().jwks.as_mut().unwrap().body = body.to_owned();
        let refusal = refused(&account, Adoption::Adopt);
        assert!(
            matches!(refusal, Refusal::JwksUnreadable { .. }),
            "{refusal}"
        );
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
    }
}
