//! Minting, decoding and verifying tokens, with a second implementation as the oracle.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use podpass_token::{
    Algorithm, Jwks, Jwt, KeySet, MalformedToken, ObjectRef, ServiceAccountClaims, SignatureError,
    SigningKey, Token, Unusable,
};
use serde_json::{Value, json};

/// Whether a key is found, and if it is there but unusable, why.
type Outcome = Result<(), Option<Unusable>>;

const PRIVATE: &str = include_str!("fixtures/rsa-2048-pkcs1-private.pem");
const PUBLIC: &str = include_str!("fixtures/rsa-2048-pkix-public.pem");
const CERTIFICATE: &str = include_str!("fixtures/rsa-2048-certificate.pem");
const OTHER_CERTIFICATE: &str = include_str!("fixtures/ec-certificate.pem");

fn signing_key() -> SigningKey {
    SigningKey::from_pem(PRIVATE).unwrap()
}

/// The token that document 002 prints.
fn claims() -> ServiceAccountClaims {
    let object = |name: &str, uid: &str| ObjectRef {
        name: name.to_owned(),
        uid: uid.to_owned(),
    };
    ServiceAccountClaims {
        issuer: "https://oidc.eks.us-east-1.amazonaws.com/id/FDF2F".to_owned(),
        audiences: vec!["https://kubernetes.default.svc".to_owned()],
        namespace: "kube-system".to_owned(),
        service_account: object("external-dns", "38c8f023-60bf-416e-b6c2-d37939ac3c06"),
        pod: Some(object(
            "external-dns-85587d4b76-2flhg",
            "d59b56f1-fa01-4a0f-8897-1933926e4d42",
        )),
        node: None,
        issued_at: 1_688_718_790,
        not_before: 1_688_718_790,
        expires_at: 1_720_254_790,
        warn_after: Some(1_688_722_397),
        id: None,
    }
}

fn key_set(keys: &Value) -> KeySet {
    KeySet::from_jwks_json(&json!({ "keys": keys }).to_string()).unwrap()
}

fn jwk() -> Value {
    serde_json::to_value(signing_key().public().jwk()).unwrap()
}

fn jwk_with(changes: &Value) -> Value {
    let mut jwk = jwk();
    for (member, value) in changes.as_object().unwrap() {
        jwk[member] = value.clone();
    }
    jwk
}

fn header(kid: Option<&str>) -> String {
    match kid {
        Some(kid) => json!({ "alg": "RS256", "kid": kid }).to_string(),
        None => json!({ "alg": "RS256" }).to_string(),
    }
}

fn decode(token: &Token) -> Jwt {
    Jwt::decode(token).unwrap()
}

#[test]
fn mints_the_claims_of_kube_apiserver() {
    let jwt = decode(&signing_key().mint(&claims()));
    let expected = json!({
        "aud": ["https://kubernetes.default.svc"],
        "exp": 1_720_254_790,
        "iat": 1_688_718_790,
        "iss": "https://oidc.eks.us-east-1.amazonaws.com/id/FDF2F",
        "kubernetes.io": {
            "namespace": "kube-system",
            "pod": {
                "name": "external-dns-85587d4b76-2flhg",
                "uid": "d59b56f1-fa01-4a0f-8897-1933926e4d42"
            },
            "serviceaccount": {
                "name": "external-dns",
                "uid": "38c8f023-60bf-416e-b6c2-d37939ac3c06"
            },
            "warnafter": 1_688_722_397
        },
        "nbf": 1_688_718_790,
        "sub": "system:serviceaccount:kube-system:external-dns"
    });
    assert_eq!(Value::Object(jwt.claims().clone()), expected);
    let expected = json!({ "alg": "RS256", "kid": signing_key().kid() });
    assert_eq!(Value::Object(jwt.header().clone()), expected);
}

#[test]
fn optional_claims_stand_where_kube_apiserver_puts_them() {
    let mut claims = claims();
    claims.pod = None;
    claims.warn_after = None;
    claims.id = Some("b0a1".to_owned());
    claims.node = Some(ObjectRef {
        name: "n1".to_owned(),
        uid: "u1".to_owned(),
    });
    let expected = r#"{"aud":["https://kubernetes.default.svc"],"exp":1720254790,"iat":1688718790,"iss":"https://oidc.eks.us-east-1.amazonaws.com/id/FDF2F","jti":"b0a1","kubernetes.io":{"namespace":"kube-system","node":{"name":"n1","uid":"u1"},"serviceaccount":{"name":"external-dns","uid":"38c8f023-60bf-416e-b6c2-d37939ac3c06"}},"nbf":1688718790,"sub":"system:serviceaccount:kube-system:external-dns"}"#;
    assert_eq!(claims.to_json(), expected);
}

#[test]
fn the_oracle_verifies_our_token() {
    let token = signing_key().mint(&claims());
    let mut validation = Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_audience(&["https://kubernetes.default.svc"]);
    let key = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).unwrap();
    let data = jsonwebtoken::decode::<Value>(token.expose(), &key, &validation).unwrap();
    assert_eq!(
        data.claims["sub"],
        "system:serviceaccount:kube-system:external-dns"
    );
    assert_eq!(data.header.kid.as_deref(), Some(signing_key().kid()));
}

#[test]
fn we_verify_the_oracles_tokens() {
    let keys =
        KeySet::from_jwks_json(&Jwks::of(&[signing_key().public().clone()]).to_json()).unwrap();
    let algorithms = [
        (jsonwebtoken::Algorithm::RS256, Algorithm::Rs256),
        (jsonwebtoken::Algorithm::RS384, Algorithm::Rs384),
        (jsonwebtoken::Algorithm::RS512, Algorithm::Rs512),
    ];
    for (theirs, ours) in algorithms {
        let mut header = Header::new(theirs);
        header.kid = Some(signing_key().kid().to_owned());
        let key = EncodingKey::from_rsa_pem(PRIVATE.as_bytes()).unwrap();
        let token = jsonwebtoken::encode(&header, &json!({ "sub": "a" }), &key).unwrap();
        let jwt = decode(&Token::new(token));
        assert_eq!(jwt.algorithm(), ours);
        assert_eq!(keys.verify(jwt).unwrap()["sub"], "a", "{ours}");
    }
}

#[test]
fn a_key_of_the_same_id_that_did_not_sign_is_refused() {
    let other = SigningKey::generate(podpass_token::KeySize::Rsa2048).unwrap();
    let token = other.sign(&header(Some(signing_key().kid())), "{}");
    let error = key_set(&json!([jwk()])).verify(decode(&token)).unwrap_err();
    assert_eq!(
        error,
        SignatureError::Invalid {
            kid: signing_key().kid().to_owned()
        }
    );
}

#[test]
fn a_changed_payload_is_refused() {
    let token = signing_key().sign(&header(Some(signing_key().kid())), r#"{"sub":"a"}"#);
    let forged = signing_key().sign(&header(Some(signing_key().kid())), r#"{"sub":"b"}"#);
    let (_, signature) = token.expose().rsplit_once('.').unwrap();
    let (input, _) = forged.expose().rsplit_once('.').unwrap();
    let mixed = Token::new(format!("{input}.{signature}"));
    let error = key_set(&json!([jwk()])).verify(decode(&mixed)).unwrap_err();
    assert!(matches!(error, SignatureError::Invalid { .. }));
}

#[test]
fn keys_are_chosen_as_aws_chooses_them() {
    let kid = signing_key().kid().to_owned();
    let wrong = SigningKey::generate(podpass_token::KeySize::Rsa2048).unwrap();
    let mut impostor = serde_json::to_value(wrong.public().jwk()).unwrap();
    impostor["kid"] = json!(kid);
    let der = |pem: &str| {
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
    };
    let named = Some(kid.as_str());
    let missing = |unusable| Err(Some(unusable));
    let cases: Vec<(&str, Value, Option<&str>, Outcome)> = vec![
        ("the key", json!([jwk()]), named, Ok(())),
        ("no keys", json!([]), named, Err(None)),
        (
            "another id",
            json!([jwk_with(&json!({ "kid": "x" }))]),
            named,
            Err(None),
        ),
        ("token without id, one key", json!([jwk()]), None, Ok(())),
        (
            "token without id, two keys",
            json!([jwk(), jwk_with(&json!({ "kid": "x" }))]),
            None,
            Err(None),
        ),
        (
            "token without id, one usable key",
            json!([jwk(), jwk_with(&json!({ "kid": "x", "use": "enc" }))]),
            None,
            Ok(()),
        ),
        (
            "token with an empty id",
            json!([jwk()]),
            Some(""),
            Err(None),
        ),
        (
            "the JWK's alg is not looked at",
            json!([jwk_with(&json!({ "alg": "PS512" }))]),
            named,
            Ok(()),
        ),
        (
            "for encryption",
            json!([jwk_with(&json!({ "use": "enc" }))]),
            named,
            missing(Unusable::ForEncryption),
        ),
        (
            "key operations",
            json!([jwk_with(&json!({ "key_ops": ["verify"] }))]),
            named,
            missing(Unusable::KeyOperations),
        ),
        (
            "JWK without id",
            json!([jwk_with(&json!({ "kid": null }))]),
            None,
            Err(None),
        ),
        (
            "duplicate id, right key later",
            json!([impostor, jwk()]),
            named,
            Ok(()),
        ),
        (
            "duplicate id, both unusable",
            json!([
                jwk_with(&json!({ "use": "enc" })),
                jwk_with(&json!({ "key_ops": [] }))
            ]),
            named,
            missing(Unusable::KeyOperations),
        ),
        (
            "unknown family",
            json!([{ "kty": "OKP", "kid": kid }]),
            named,
            missing(Unusable::KeyType(Some("OKP".to_owned()))),
        ),
        (
            "broken numbers",
            json!([jwk_with(&json!({ "n": "a+b/" }))]),
            named,
            missing(Unusable::Malformed),
        ),
        (
            "short key",
            json!([jwk_with(&json!({ "n": "_____w" }))]),
            named,
            missing(Unusable::Bits(32)),
        ),
        ("not an object", json!(["x", jwk()]), named, Ok(())),
        (
            "its certificate",
            json!([jwk_with(&json!({ "x5c": [der(CERTIFICATE)] }))]),
            named,
            Ok(()),
        ),
        (
            "another certificate",
            json!([jwk_with(&json!({ "x5c": [der(OTHER_CERTIFICATE)] }))]),
            named,
            missing(Unusable::CertificateDiffers),
        ),
        (
            // RFC 7517, 4.7: the first certificate is the key's.
            "its certificate before another",
            json!([jwk_with(
                &json!({ "x5c": [der(CERTIFICATE), der(OTHER_CERTIFICATE)] })
            )]),
            named,
            Ok(()),
        ),
        (
            "its certificate behind another",
            json!([jwk_with(
                &json!({ "x5c": [der(OTHER_CERTIFICATE), der(CERTIFICATE)] })
            )]),
            named,
            missing(Unusable::CertificateDiffers),
        ),
        (
            "certificate only",
            json!([{ "kty": "RSA", "kid": kid, "x5c": [der(CERTIFICATE)] }]),
            named,
            missing(Unusable::Malformed),
        ),
    ];
    for (name, keys, kid, expected) in cases {
        let token = signing_key().sign(&header(kid), "{}");
        let actual = match key_set(&keys).verify(decode(&token)) {
            Ok(_) => Ok(()),
            Err(SignatureError::NoUsableKey { unusable, .. }) => Err(unusable),
            Err(other) => panic!("{name}: {other}"),
        };
        assert_eq!(actual, expected, "{name}");
    }
    let both = key_set(&json!([jwk(), impostor]));
    let token = signing_key().sign(&header(named), "{}");
    assert!(matches!(
        both.verify(decode(&token)),
        Err(SignatureError::Invalid { .. })
    ));
}

#[test]
fn a_jwks_that_is_none_says_where() {
    let error = KeySet::from_jwks_json("<html>").unwrap_err();
    assert_eq!(error.to_string(), "the JWKS is not JSON (line 1, column 1)");
    for text in ["[]", "{}", r#"{"keys": {}}"#] {
        assert_eq!(
            KeySet::from_jwks_json(text).unwrap_err().to_string(),
            "the JWKS has no list `keys`"
        );
    }
}

#[test]
fn refuses_what_is_not_a_jwt() {
    let key = signing_key();
    let good = key.mint(&claims());
    let good = good.expose();
    let sign = |header: &str, claims: &str| key.sign(header, claims).expose().to_owned();
    let cases = [
        (
            "empty",
            String::new(),
            "the token has 1 segments between dots, expected 3",
        ),
        (
            "garbage",
            "garbage".to_owned(),
            "the token has 1 segments between dots, expected 3",
        ),
        (
            "encrypted",
            "a.b.c.d.e".to_owned(),
            "the token has 5 segments between dots, expected 3",
        ),
        (
            "padding",
            format!("{good}=="),
            "the signature is not base64url without padding",
        ),
        (
            "standard alphabet",
            good.replacen('.', "+.", 1),
            "the header is not base64url without padding",
        ),
        (
            "blank inside",
            good.replacen('.', ".\n", 1),
            "the payload is not base64url without padding",
        ),
        (
            "two newlines",
            format!("{good}\n\n"),
            "the signature is not base64url without padding",
        ),
        (
            "header is no JSON",
            sign("alg", "{}"),
            "the header is not JSON",
        ),
        (
            "payload is no JSON",
            sign(r#"{"alg":"RS256"}"#, "{"),
            "the payload is not JSON",
        ),
        (
            "payload is a list",
            sign(r#"{"alg":"RS256"}"#, "[]"),
            "the payload is not a JSON object",
        ),
        (
            "trailing data",
            sign(r#"{"alg":"RS256"}"#, "{} {}"),
            "the payload is not JSON",
        ),
        (
            "no alg",
            sign("{}", "{}"),
            "the header names no signature algorithm",
        ),
        (
            "crit",
            sign(r#"{"alg":"RS256","crit":[]}"#, "{}"),
            "the header has critical extensions",
        ),
        (
            "kid is a number",
            sign(r#"{"alg":"RS256","kid":1}"#, "{}"),
            "the key id in the header is not a string",
        ),
    ];
    for (name, token, expected) in cases {
        let error = Jwt::decode(&Token::new(token)).unwrap_err();
        assert_eq!(error.to_string(), expected, "{name}");
    }
    for algorithm in ["none", "HS256", "PS256", "EdDSA", "rs256", "ES256K"] {
        let token = key.sign(&json!({ "alg": algorithm }).to_string(), "{}");
        match Jwt::decode(&token) {
            Err(MalformedToken::AlgorithmUnsupported { found }) => assert_eq!(found, algorithm),
            other => panic!("{algorithm}: {other:?}"),
        }
    }
}

#[test]
fn of_duplicate_members_the_last_counts() {
    let token = signing_key().sign(
        r#"{"alg":"none","alg":"RS256"}"#,
        r#"{"sub":"a","sub":"b"}"#,
    );
    let verified = key_set(&json!([jwk()])).verify(decode(&token)).unwrap();
    assert_eq!(verified["sub"], "b");
    assert_eq!(verified.key_id(), signing_key().kid());
}

#[test]
fn a_token_drops_one_newline_and_never_shows_itself() {
    for end in ["", "\n", "\r\n"] {
        let token: Token = format!("a.b.c{end}").parse().unwrap();
        assert_eq!(token.expose(), "a.b.c");
        assert_eq!(token.to_string(), "redacted");
        assert_eq!(format!("{token:?}"), "Token(redacted)");
    }
}

#[test]
fn debug_shows_the_key_and_nothing_that_can_be_used() {
    let jwt = decode(&signing_key().mint(&claims()));
    let kid = signing_key().kid().to_owned();
    assert_eq!(jwt.kid(), Some(kid.as_str()));
    assert_eq!(
        format!("{:?}", jwt.jws()),
        format!("Jws {{ algorithm: Rs256, kid: Some({kid:?}), .. }}")
    );
    assert_eq!(
        format!("{jwt:?}"),
        format!("Jwt {{ algorithm: Rs256, kid: Some({kid:?}), .. }}")
    );
    assert_eq!(decode(&signing_key().sign(&header(None), "{}")).kid(), None);
}
