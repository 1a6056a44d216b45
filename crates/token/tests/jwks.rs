//! Publishing keys, and merging published sets.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

use podpass_token::{Jwks, JwksError, PublicKey};

const KEY: &str = include_str!("fixtures/rsa-2048-pkix-public.pem");
const OTHER: &str = include_str!("fixtures/openshift-bound-sa-token-signing.pem");

/// Computed with `openssl rsa -modulus | xxd -r -p | basenc --base64url`.
const KID: &str = "LjlMy7GePqG3r4mkENOEoU7WUHEjiJH02uL5QzUeayk";
const MODULUS: &str = "zM5jzBAwDrMJk3Ox8K526EEhKnGcrs9-0wSrkWcOWPG-BypWJIwapLcIaq_9PI5YefYXSxM2kD0H--xZCtmwiQCXc7XedA3eJhs59A2lD8OcX5Ha5ojETc7yR2OD3A-i3v61nfpyW5Nsd1TBo4p9lvp7QE2X4RnugWPi5GEnJkd4-Y0PrxBJzIdSrhjERJUKUbruUVT5a4V5eNyw8LhjpM3uLzWXPxzfyNBO6XedTYW-pgxByp9E9dnUrVNHC2eNHEmi7pcyXo6Sp1ZtS5MfMcRau6VyDSaUMyCCQoFEtcxAYzDSRoOryw_quNNmIjpb43gJXXW9hEHmgScYjX0OLw";

fn key(pem: &str) -> PublicKey {
    PublicKey::from_pem(pem).unwrap()
}

#[test]
fn prints_the_set_as_ccoctl_does() {
    let expected = format!(
        r#"{{
    "keys": [
        {{
            "use": "sig",
            "kty": "RSA",
            "kid": "{KID}",
            "alg": "RS256",
            "n": "{MODULUS}",
            "e": "AQAB"
        }}
    ]
}}"#
    );
    assert_eq!(Jwks::of(&[key(KEY)]).to_json(), expected);
}

#[test]
fn a_key_that_comes_twice_is_published_once() {
    let jwks = Jwks::of(&[key(KEY), key(OTHER), key(KEY)]);
    let kids: Vec<_> = jwks.keys.iter().filter_map(|key| key.kid.clone()).collect();
    assert_eq!(kids, [KID.to_owned(), key(OTHER).kid()]);
}

#[test]
fn what_was_printed_reads_back() {
    let jwks = Jwks::of(&[key(KEY), key(OTHER)]);
    assert_eq!(Jwks::parse(&jwks.to_json()).unwrap(), jwks);
}

#[test]
fn a_union_keeps_foreign_keys_and_all_their_members() {
    let foreign = r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "ec", "x": "eA", "y": "eQ", "x5t": "abc"}]}"#;
    let union = Jwks::parse(foreign).unwrap().union(&Jwks::of(&[key(KEY)]));
    assert_eq!(union.keys.len(), 2);
    assert_eq!(union.keys[0].other["x5t"], "abc");
    assert_eq!(union.union(&Jwks::of(&[key(KEY)])), union);
    assert!(union.to_json().contains(r#""crv": "P-256""#));
}

#[test]
fn of_two_keys_with_one_id_the_later_stays() {
    let one = Jwks::parse(r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AQ"}]}"#).unwrap();
    let two = Jwks::parse(r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "Ag"}]}"#).unwrap();
    let union = one.union(&two);
    assert_eq!(union.find("a").unwrap().n.as_deref(), Some("Ag"));
    assert_eq!(union.keys.len(), 1);
    let both = r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AQ"}, {"kty": "RSA", "kid": "a", "n": "Ag"}]}"#;
    let both = Jwks::parse(both).unwrap();
    assert_eq!(both.find("a").unwrap().n.as_deref(), Some("Ag"));
}

#[test]
fn keys_without_an_id_are_one_only_if_they_are_equal() {
    let set = |numbers: &[&str]| {
        let keys = numbers
            .iter()
            .map(|n| format!(r#"{{"kty": "RSA", "n": "{n}"}}"#));
        Jwks::parse(&format!(
            r#"{{"keys": [{}]}}"#,
            keys.collect::<Vec<_>>().join(",")
        ))
        .unwrap()
    };
    assert_eq!(set(&["AQ"]).union(&set(&["AQ", "Ag"])), set(&["AQ", "Ag"]));
    assert_eq!(
        set(&["AQ", "Ag"]).union(&set(&["Ag", "Aw"])),
        set(&["AQ", "Ag", "Aw"])
    );
}

/// Found by the fuzz target `jwks`: a number that is read one place off wanders with each rotation.
#[test]
fn numbers_in_foreign_members_are_kept() {
    for number in [
        "111551555100535851111",
        "555555005358048808555555555.1555e-3",
        "0.1",
        "1e300",
        "12345678901234567890",
    ] {
        let text = format!(r#"{{"keys": [{{"kty": "EC", "kid": "a", "x": {number}}}]}}"#);
        let read = Jwks::parse(&text).unwrap();
        assert_eq!(
            read.keys[0].other["x"].as_f64(),
            Some(number.parse().unwrap()),
            "{number}"
        );
        assert_eq!(Jwks::parse(&read.to_json()).unwrap(), read, "{number}");
    }
}

#[test]
fn says_where_a_set_is_malformed() {
    match Jwks::parse("{\n  \"keys\": [}\n") {
        Err(JwksError::Malformed { line, column, .. }) => assert_eq!((line, column), (2, 12)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_is_an_object() {
    for text in ["[[]]", "[]", "null", r#"{"key": []}"#] {
        assert!(
            matches!(Jwks::parse(text), Err(JwksError::Malformed { .. })),
            "{text}"
        );
    }
}

#[test]
fn refuses_to_publish_a_private_key() {
    let set = r#"{"keys": [{"kty": "RSA", "n": "AQ"}, {"kty": "RSA", "kid": "a", "n": "AQ", "d": "secret-number"}]}"#;
    let error = Jwks::parse(set).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key 2 of the JWKS (kid a) is a private key: it has the member `d`"
    );
    for member in ["k", "p", "q", "dp", "dq", "qi", "oth"] {
        let set = format!(r#"{{"keys": [{{"kty": "RSA", "n": "AQ", "{member}": "AQ"}}]}}"#);
        assert!(
            matches!(
                Jwks::parse(&set),
                Err(JwksError::PrivateKey { member: found, .. }) if found == member
            ),
            "{member}"
        );
    }
}
