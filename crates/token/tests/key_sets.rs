//! Which keys of a JWKS count, families apart, and what is said when none does.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use podpass_token::{Jwt, KeySet, SignatureError, SigningKey, Token, Unusable};
use serde_json::{Value, json};

const RSA_PRIVATE: &str = include_str!("fixtures/rsa-2048-pkcs1-private.pem");

/// A modulus of the broken generator: `mod03.txt` of the detector by the authors of the attack (`crocs-muni/roca`).
const FACTORABLE: &str = "nc10IOQgwnCmgGDri1qnRXqfZkj4b6_tJ3XMH3muli8eY_G55RxV-epv3HMy6bAFjJ_y6x_ImFUCnPaq_iHmif6zisn_sS8c43G7XQ6armQWGrznS0JEv2jx7bRBH3VqCXyJKcFHQCReo1X4My0ao2u1DH3LRQXajeAuTlPTj43wYJfadSTfDfk9tI6sjMSvLToWJX6ysq3Ka6Rk5ZdPqSVQ0xsbq_Fh52ktALhuPdiG7KtKv74aj4zCY_9K9VzbRfQkmlGTkl9emD12LwtoAJQ-sCZ7CPQu0xHOH1yG6svIzk08t6L-4e9WQUI6HPQRTl7PUANKYKQSUjr55vSqEQ";

/// An EC key whose tokens the oracle signs.
struct EcKey {
    algorithm: jsonwebtoken::Algorithm,
    curve: &'static str,
    pair: EcdsaKeyPair,
}

impl EcKey {
    fn p256() -> Self {
        Self {
            algorithm: jsonwebtoken::Algorithm::ES256,
            curve: "P-256",
            pair: generate(&ECDSA_P256_SHA256_FIXED_SIGNING),
        }
    }

    fn p384() -> Self {
        Self {
            algorithm: jsonwebtoken::Algorithm::ES384,
            curve: "P-384",
            pair: generate(&ECDSA_P384_SHA384_FIXED_SIGNING),
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        // 0x04, then both coordinates in the same number of bytes (SEC 1, 2.3.3).
        let point = &self.pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        json!({
            "kty": "EC",
            "crv": self.curve,
            "kid": kid,
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    fn token(&self, kid: &str) -> Jwt {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(kid.to_owned());
        let pkcs8 = self.pair.to_pkcs8v1().unwrap();
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        let token = jsonwebtoken::encode(&header, &json!({ "sub": "a" }), &key).unwrap();
        Jwt::decode(&Token::new(token)).unwrap()
    }
}

fn generate(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    EcdsaKeyPair::generate(algorithm).unwrap()
}

fn rsa_key() -> SigningKey {
    SigningKey::from_pem(RSA_PRIVATE).unwrap()
}

fn rsa_jwk(kid: &str) -> Value {
    let mut jwk = serde_json::to_value(rsa_key().public().jwk()).unwrap();
    jwk["kid"] = json!(kid);
    jwk
}

fn rsa_token(kid: Option<&str>) -> Jwt {
    let header = json!({ "alg": "RS256", "kid": kid }).to_string();
    Jwt::decode(&rsa_key().sign(&header, "{}")).unwrap()
}

fn key_set(keys: &[Value]) -> KeySet {
    KeySet::from_jwks_json(&json!({ "keys": keys }).to_string()).unwrap()
}

#[test]
fn we_verify_the_oracles_tokens_of_ec_keys() {
    for key in [EcKey::p256(), EcKey::p384()] {
        let set = key_set(&[rsa_jwk("rsa"), key.jwk("ec")]);
        let verified = set.verify(key.token("ec")).unwrap();
        assert_eq!(verified["sub"], "a", "{}", key.curve);
        assert_eq!(verified.key_id(), "ec");
        assert_eq!(verified.jwt().kid(), Some("ec"));
    }
    let (signer, other) = (EcKey::p256(), EcKey::p256());
    assert_eq!(
        key_set(&[other.jwk("ec")])
            .verify(signer.token("ec"))
            .unwrap_err(),
        SignatureError::Invalid {
            kid: "ec".to_owned()
        }
    );
}

#[test]
fn an_ec_key_needs_a_point_on_a_known_curve() {
    let key = EcKey::p256();
    let changed = |member: &str, value: Value| {
        let mut jwk = key.jwk("ec");
        jwk[member] = value;
        jwk
    };
    let x = key.jwk("ec")["x"].as_str().unwrap().to_owned();
    let with_zero = {
        let mut bytes = URL_SAFE_NO_PAD.decode(&x).unwrap();
        bytes.insert(0, 0);
        URL_SAFE_NO_PAD.encode(bytes)
    };
    for (name, jwk, why) in [
        (
            "another curve",
            changed("crv", json!("secp256k1")),
            Unusable::Curve(Some("secp256k1".to_owned())),
        ),
        (
            "no curve",
            changed("crv", Value::Null),
            Unusable::Curve(None),
        ),
        (
            // RFC 7518, 6.2.1.2: the full size of a coordinate, no more.
            "a coordinate with a zero before it",
            changed("x", json!(with_zero)),
            Unusable::Malformed,
        ),
        (
            "coordinates of another curve",
            changed("crv", json!("P-384")),
            Unusable::Malformed,
        ),
        (
            "a point beside the curve",
            changed("y", json!(x)),
            Unusable::Malformed,
        ),
        (
            "no coordinate",
            changed("y", Value::Null),
            Unusable::Malformed,
        ),
    ] {
        let set = key_set(&[jwk]);
        assert_eq!(set.unusable()[0].why, why, "{name}");
        match set.verify(key.token("ec")) {
            Err(SignatureError::NoUsableKey { unusable, .. }) => {
                assert_eq!(unusable, Some(why), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_key_serves_only_the_algorithms_of_its_family_and_curve() {
    let (p256, p384) = (EcKey::p256(), EcKey::p384());
    let set = key_set(&[rsa_jwk("rsa"), p256.jwk("p256"), p384.jwk("p384")]);
    for token in [
        p256.token("rsa"),
        p256.token("p384"),
        p384.token("p256"),
        rsa_token(Some("p256")),
    ] {
        match set.verify(token) {
            Err(SignatureError::NoUsableKey { unusable, .. }) => {
                assert_eq!(unusable, Some(Unusable::OtherAlgorithm));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// AWS takes 100 RSA keys and 100 EC keys; beyond that only the family that is too large is out.
#[test]
fn more_than_a_hundred_keys_of_a_family_disable_that_family_alone() {
    let ec = EcKey::p256();
    for (rsa_keys, ec_keys) in [(100, 100), (101, 100), (100, 101), (101, 101)] {
        let kid = |family: &str, index: usize| format!("{family}{index}");
        let mut keys: Vec<Value> = (0..rsa_keys).map(|i| rsa_jwk(&kid("rsa", i))).collect();
        keys.extend((0..ec_keys).map(|i| ec.jwk(&kid("ec", i))));
        let set = key_set(&keys);
        let name = format!("{rsa_keys} RSA keys, {ec_keys} EC keys");
        let (rsa, ec) = (
            set.verify(rsa_token(Some("rsa0"))),
            set.verify(ec.token("ec0")),
        );
        assert_eq!(rsa.is_ok(), rsa_keys <= 100, "{name}");
        assert_eq!(ec.is_ok(), ec_keys <= 100, "{name}");
        let out = [rsa_keys, ec_keys].into_iter().filter(|keys| *keys > 100);
        let out: usize = out.sum();
        assert_eq!(set.key_ids().count(), rsa_keys + ec_keys - out, "{name}");
        assert_eq!(set.unusable().len(), out, "{name}");
        assert!(
            set.unusable()
                .iter()
                .all(|key| key.why == Unusable::TooManyKeys)
        );
    }
}

#[test]
fn each_unusable_key_is_named_with_its_place_and_the_reason() {
    let with = |member: &str, value: Value| {
        let mut jwk = rsa_jwk("a");
        jwk[member] = value;
        jwk
    };
    let n = rsa_jwk("a")["n"].as_str().unwrap().to_owned();
    let mut modulus = URL_SAFE_NO_PAD.decode(&n).unwrap();
    // One bit shorter: the first byte's highest bit is gone.
    modulus[0] &= 0x7f;
    modulus[0] |= 0x40;
    let short = URL_SAFE_NO_PAD.encode(&modulus);
    let long = URL_SAFE_NO_PAD.encode([&[1], &[0; 1024 - 1][..], &[1]].concat());
    let keys = [
        (json!("x"), ": it is not a JSON object"),
        (
            with("kid", json!("")),
            " (kid ): its `kid` is missing, empty or not a string",
        ),
        (
            with("kid", json!(7)),
            ": its `kid` is missing, empty or not a string",
        ),
        (with("use", json!("enc")), " (kid a): its `use` is `enc`"),
        (
            with("key_ops", json!([])),
            " (kid a): it has `key_ops`, which AWS does not accept",
        ),
        (
            with("kty", json!("oct")),
            " (kid a): its `kty` is `oct`, neither `RSA` nor `EC`",
        ),
        (with("kty", Value::Null), " (kid a): it has no `kty`"),
        (
            with("n", Value::Null),
            " (kid a): its numbers are missing or malformed",
        ),
        (
            with("e", json!("AQA=")),
            " (kid a): its numbers are missing or malformed",
        ),
        (
            with("n", json!(short)),
            " (kid a): it has 2047 bits; 2048 to 8192 are accepted",
        ),
        (
            with("n", json!(long)),
            " (kid a): it has 8193 bits; 2048 to 8192 are accepted",
        ),
        (
            with("n", json!(FACTORABLE)),
            " (kid a): its private half can be computed (CVE-2017-15361)",
        ),
        (
            with("x5c", json!([])),
            " (kid a): its certificate (`x5c`) does not hold the same key",
        ),
        (
            json!({ "kty": "EC", "kid": "e", "crv": "secp256k1" }),
            " (kid e): its `crv` is `secp256k1`, which no accepted algorithm uses",
        ),
        (
            json!({ "kty": "EC", "kid": "e" }),
            " (kid e): it has no `crv`",
        ),
    ];
    let (keys, reasons): (Vec<Value>, Vec<&str>) = keys.into_iter().unzip();
    let set = key_set(&keys);
    let found: Vec<String> = set.unusable().iter().map(ToString::to_string).collect();
    let expected: Vec<String> = (1..)
        .zip(reasons)
        .map(|(position, reason)| format!("key {position}{reason}"))
        .collect();
    assert_eq!(found, expected);
}

/// Some issuers print the sign byte of DER, which is no part of the number (RFC 7518, 6.3.1.1).
#[test]
fn leading_zeros_of_rsa_numbers_do_not_count() {
    let mut jwk = rsa_jwk("a");
    for member in ["n", "e"] {
        let bytes = URL_SAFE_NO_PAD
            .decode(jwk[member].as_str().unwrap())
            .unwrap();
        jwk[member] = json!(URL_SAFE_NO_PAD.encode([vec![0], bytes].concat()));
    }
    assert!(key_set(&[jwk]).verify(rsa_token(Some("a"))).is_ok());
}

#[test]
fn a_refused_signature_names_the_key_and_the_choice() {
    let say = |keys: &[Value], kid: Option<&str>| {
        key_set(keys)
            .verify(rsa_token(kid))
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say(&[rsa_jwk("a"), rsa_jwk("b")], Some("c")),
        "no usable key for kid `c` (RS256); the JWKS has `a`, `b`"
    );
    assert_eq!(
        say(&[], None),
        "no usable key for kid `none` (RS256); the JWKS has no usable key"
    );
    let mut other = serde_json::to_value(
        SigningKey::generate(podpass_token::KeySize::Rsa2048)
            .unwrap()
            .public()
            .jwk(),
    )
    .unwrap();
    other["kid"] = json!("a");
    assert_eq!(
        say(&[other], Some("a")),
        "the signature was not made with the key `a`"
    );
}
