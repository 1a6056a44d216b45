//! The JWS, JWE and JWK vectors of Project Wycheproof at the level of the JWS, since their payloads are no claims.
//!
//! A vector of an RS* or ES* key has to have its stated result, and any other has to be refused, because AWS STS takes
//! no other algorithm. `jose_exceptions.toml` lists the cases of RS* and ES* keys in which AWS differs from the vectors,
//! with the reason.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

use std::collections::BTreeMap;
use std::fmt;

use podpass_testkit::test_data;
use podpass_token::{Jws, KeySet, Token};
use serde::Deserialize;
use serde_json::{Value, json};

const EXCEPTIONS: &str = include_str!("jose_exceptions.toml");

/// One file of vectors with how many of its cases must be counted in which family.
struct File {
    name: &'static str,
    counts: &'static [(Family, Count)],
}

/// The cases of one family: how many are accepted and refused as stated, and how many are exceptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    accepted: usize,
    refused: usize,
    excepted: usize,
}

/// What a vector is about, told by the key that it is to be verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// RSASSA-PKCS1-v1_5: an RSA key that is not marked for PSS.
    Rs,
    /// ECDSA: an EC key.
    Es,
    /// RSASSA-PSS: an RSA key that is marked for it.
    Ps,
    /// HMAC: a symmetric key, or a set that has one.
    Hs,
    /// Encryption, not a signature.
    Jwe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    #[serde(alias = "valid")]
    Accepted,
    #[serde(alias = "invalid")]
    Refused,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    case: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    file: String,
    id: u32,
    comment: String,
    wycheproof: Verdict,
    ours: Verdict,
    reason: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    private: Option<Value>,
    public: Option<Value>,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: u32,
    comment: String,
    jws: Option<Value>,
    jwe: Option<Value>,
    result: Verdict,
}

/// A case, and what came of it.
struct Finding {
    family: Family,
    id: u32,
    comment: String,
    stated: Verdict,
    ours: Verdict,
}

const FILES: [File; 3] = [
    File {
        name: "json_web_signature_test.json",
        counts: &[
            (Family::Rs, Count::of(15, 227, 1)),
            (Family::Es, Count::of(3, 39, 1)),
            (Family::Ps, Count::of(0, 72, 3)),
            (Family::Hs, Count::of(0, 40, 0)),
        ],
    },
    File {
        name: "json_web_crypto_test.json",
        counts: &[
            (Family::Rs, Count::of(1, 13, 0)),
            (Family::Es, Count::of(1, 14, 0)),
            (Family::Hs, Count::of(0, 20, 0)),
            (Family::Jwe, Count::of(0, 34, 0)),
        ],
    },
    File {
        name: "json_web_key_test.json",
        counts: &[
            (Family::Rs, Count::of(1, 4, 0)),
            (Family::Es, Count::of(0, 4, 2)),
            (Family::Hs, Count::of(0, 15, 0)),
        ],
    },
];

#[test]
fn each_vector_has_its_stated_result_or_is_a_listed_exception() {
    let exceptions: Exceptions = toml::from_str(EXCEPTIONS).unwrap();
    let mut differences = Vec::new();
    let mut seen = 0;
    for file in &FILES {
        let Some(findings) = findings(file.name) else {
            return;
        };
        let mut counts = BTreeMap::new();
        for finding in &findings {
            let exception = exceptions.of(file.name, finding.id);
            seen += usize::from(exception.is_some());
            if let Some(difference) = finding.difference(exception) {
                differences.push(format!("{} {finding}: {difference}", file.name));
            }
            let count: &mut Count = counts.entry(finding.family).or_default();
            match (exception, finding.ours) {
                (Some(_), _) => count.excepted += 1,
                (None, Verdict::Accepted) => count.accepted += 1,
                (None, Verdict::Refused) => count.refused += 1,
            }
        }
        let counts: Vec<_> = counts.into_iter().collect();
        assert_eq!(counts, file.counts, "{}", file.name);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(
        seen,
        exceptions.case.len(),
        "an exception names a case that is not there, or one twice"
    );
}

#[test]
fn each_exception_says_why_and_by_what_source() {
    let exceptions: Exceptions = toml::from_str(EXCEPTIONS).unwrap();
    for case in exceptions.case {
        assert!(case.reason.len() > 20, "{} {}", case.file, case.id);
        assert!(case.source.len() > 10, "{} {}", case.file, case.id);
    }
}

fn findings(name: &str) -> Option<Vec<Finding>> {
    let path = test_data(&format!("jose/{name}"))?;
    let vectors: Vectors = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut findings = Vec::new();
    for group in &vectors.test_groups {
        // A group of a symmetric key has no public half.
        let key = group.public.as_ref().or(group.private.as_ref()).unwrap();
        let jwks = match key.get("keys") {
            Some(_) => key.clone(),
            None => json!({ "keys": [key] }),
        };
        let keys = KeySet::from_jwks_json(&jwks.to_string()).unwrap();
        for case in &group.tests {
            let text = case.jws.as_ref().or(case.jwe.as_ref());
            findings.push(Finding {
                family: if case.jwe.is_some() {
                    Family::Jwe
                } else {
                    Family::of_jwks(&jwks)
                },
                id: case.tc_id,
                comment: case.comment.clone(),
                stated: case.result,
                ours: verify(&keys, text),
            });
        }
    }
    assert_eq!(findings.len(), vectors.number_of_tests, "{name}");
    Some(findings)
}

/// Verifies what the vector gives; what is not a string at all, such as JSON serialisation, is given as its JSON text.
fn verify(keys: &KeySet, text: Option<&Value>) -> Verdict {
    let text = match text {
        Some(Value::String(compact)) => compact.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match Jws::decode(&Token::new(text)) {
        Ok(jws) if keys.verify_jws(&jws).is_ok() => Verdict::Accepted,
        _ => Verdict::Refused,
    }
}

impl Count {
    const fn of(accepted: usize, refused: usize, excepted: usize) -> Self {
        Self {
            accepted,
            refused,
            excepted,
        }
    }
}

impl Exceptions {
    fn of(&self, file: &str, id: u32) -> Option<&Exception> {
        self.case
            .iter()
            .find(|case| case.file == file && case.id == id)
    }
}

impl Family {
    fn of_jwks(jwks: &Value) -> Self {
        let families = jwks["keys"].as_array().unwrap().iter().map(Self::of_jwk);
        families.max().unwrap()
    }

    fn of_jwk(jwk: &Value) -> Self {
        let alg = jwk["alg"].as_str().unwrap_or_default();
        match jwk["kty"].as_str() {
            Some("RSA") if alg.starts_with("PS") => Self::Ps,
            Some("oct") => Self::Hs,
            _ if jwk.get("crv").is_some() => Self::Es,
            _ => Self::Rs,
        }
    }

    fn is_taken_by_aws(self) -> bool {
        matches!(self, Self::Rs | Self::Es)
    }
}

impl Finding {
    /// What is wrong with the finding, given the exception that is listed for it.
    fn difference(&self, exception: Option<&Exception>) -> Option<String> {
        let expected = if self.family.is_taken_by_aws() {
            self.stated
        } else {
            Verdict::Refused
        };
        match exception {
            None if self.ours == expected => None,
            None => Some(format!("{:?}, and no exception says so", self.ours)),
            Some(listed) if self.ours == expected => Some(format!(
                "listed as an exception ({}), but is none",
                listed.reason
            )),
            Some(listed) => {
                let told = (listed.wycheproof, listed.ours, listed.comment.as_str());
                let found = (self.stated, self.ours, self.comment.as_str());
                (told != found).then(|| format!("{found:?}, but the exception says {told:?}"))
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "case {} ({:?}, {}, stated {:?})",
            self.id, self.family, self.comment, self.stated
        )
    }
}
