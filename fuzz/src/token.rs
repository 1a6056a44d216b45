//! Targets of `podpass-token`.

use podpass_token::{Jwks, Jws, Jwt, KeySet, Token};

/// Decodes a token and verifies it against a set that has no key for it.
pub fn jwt(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let token = Token::new(text.to_owned());
    let jws = Jws::decode(&token);
    let Ok(jwt) = Jwt::decode(&token) else {
        return;
    };
    let jws = jws.expect("a JWT is a JWS");
    assert_eq!(jws.algorithm(), jwt.algorithm());
    assert_eq!(jws.kid(), jwt.kid());
    assert_eq!(token.expose().split('.').count(), 3);
    let shown = format!("{token} {token:?} {jws:?}");
    if let Some((_, signature)) = token.expose().rsplit_once('.')
        && signature.len() > 40
    {
        assert!(!shown.contains(signature), "the signature is shown");
    }
    let keys = KeySet::from_jwks_json(r#"{"keys": []}"#).expect("an empty set is one");
    assert!(keys.verify(jwt).is_err(), "verified without a key");
}

/// Reads a JWKS for verifying and for publishing; what is published must verify the same tokens.
pub fn jwks(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let set = KeySet::from_jwks_json(text);
    let Ok(published) = Jwks::parse(text) else {
        return;
    };
    let set = set.expect("what can be published can be read");
    let printed = published.to_json();
    assert_eq!(Jwks::parse(&printed).ok().as_ref(), Some(&published));
    let again = KeySet::from_jwks_json(&printed).expect("what was printed can be read");
    assert!(
        set.key_ids().eq(again.key_ids()),
        "other keys after printing"
    );
    let union = published.union(&published);
    assert_eq!(union.union(&published), union);
}
