//! The JSON web signature vectors of Project Wycheproof, as far as compact serialisation and AWS's algorithms go.

use std::collections::BTreeMap;

use podpass_testkit::test_data;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::UsableKey;
use super::material::Material;
use crate::algorithm::Algorithm;
use crate::jws::Jws;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    public: Option<Map<String, Value>>,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: u32,
    comment: String,
    jws: Value,
    result: String,
}

#[test]
fn agrees_with_the_vectors() {
    let Some(path) = test_data("jose/json_web_signature_test.json") else {
        return;
    };
    let vectors: Vectors = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut valid = BTreeMap::new();
    let mut invalid = 0;
    for group in vectors.test_groups {
        let Some(public) = group.public else { continue };
        for case in group.tests {
            if is_left_to_the_jwk(&public, &case.jws) {
                continue;
            }
            let accepted = accepts(&public, &case.jws);
            let expected = case.result == "valid" && is_supported(&public, &case.jws);
            assert_eq!(accepted, expected, "case {}: {}", case.tc_id, case.comment);
            match algorithm_of(&case.jws) {
                Some(algorithm) if expected => *valid.entry(algorithm.as_str()).or_insert(0) += 1,
                _ => invalid += 1,
            }
        }
    }
    let algorithms: Vec<_> = valid.keys().copied().collect();
    assert_eq!(
        algorithms,
        ["ES256", "ES512", "RS256", "RS384", "RS512"],
        "{valid:?}"
    );
    assert!(invalid >= 200, "{invalid} invalid cases");
}

/// Takes the parts of the verification below the JWT, since the payloads of the vectors are no claims.
fn accepts(public: &Map<String, Value>, jws: &Value) -> bool {
    let (Some(algorithm), Some(compact)) = (algorithm_of(jws), jws.as_str()) else {
        return false;
    };
    let Ok(jws) = Jws::decode(compact) else {
        return false;
    };
    let mut public = public.clone();
    public.entry("kid").or_insert_with(|| "vector".into());
    UsableKey::of_jwk(&Value::Object(public)).is_ok_and(|key| {
        key.material
            .verifies(algorithm, jws.signing_input.as_bytes(), &jws.signature)
    })
}

/// Tells whether AWS takes the algorithm and the key at all: it refuses any `key_ops`, and no JWK's `alg`.
fn is_supported(public: &Map<String, Value>, jws: &Value) -> bool {
    !public.contains_key("key_ops")
        && algorithm_of(jws).is_some()
        && Material::of_jwk(public).is_ok()
}

/// Tells whether only the JWK's `alg` forbids the algorithm, which AWS was seen not to look at.
fn is_left_to_the_jwk(public: &Map<String, Value>, jws: &Value) -> bool {
    let named = algorithm_of(jws);
    // The vectors spell ES512 as ES521.
    let meant = match public.get("alg").and_then(Value::as_str) {
        Some("ES521") => Some("ES512"),
        other => other,
    };
    named.is_some_and(|named| meant.is_some_and(|meant| meant != named.as_str()))
}

fn algorithm_of(jws: &Value) -> Option<Algorithm> {
    let header: Value = serde_json::from_slice(&Jws::decode(jws.as_str()?).ok()?.header).ok()?;
    Algorithm::of_name(header.get("alg")?.as_str()?)
}
