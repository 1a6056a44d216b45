//! The claims that AWS reads.

use std::borrow::Cow;
use std::fmt;
use std::ops::Index;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The claims of a token that AWS reads; all others are checked for being JSON, and dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownClaims(Vec<(Cow<'static, str>, Value)>);

impl KnownClaims {
    /// Finds a claim.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Returns the names and values, in the order of the token.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Adds a claim. Of duplicates AWS takes the last.
    fn put(&mut self, name: Cow<'static, str>, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Index<&str> for KnownClaims {
    type Output = Value;

    /// Returns the claim, or null where there is none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl<'de> Deserialize<'de> for KnownClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = KnownClaims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut claims = KnownClaims(Vec::with_capacity(NAMES.len()));
        while let Some(Name(name)) = members.next_key()? {
            match name {
                Some(name) => claims.put(name, members.next_value()?),
                None => {
                    let Checked = members.next_value()?;
                }
            }
        }
        Ok(claims)
    }
}

/// The name of a claim, if AWS reads it.
struct Name(Option<Cow<'static, str>>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a claim")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let known = NAMES.into_iter().find(|&known| known == name);
        Ok(Name(match known {
            Some(known) => Some(Cow::Borrowed(known)),
            None if name.starts_with(AWS_PREFIX) => Some(Cow::Owned(name.to_owned())),
            None => None,
        }))
    }
}

/// A value that was read by the same rules as one that is kept: any other way of skipping it would let pass what is no
/// JSON to AWS, such as half a surrogate pair.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CheckedVisitor)
    }
}

struct CheckedVisitor;

impl<'de> Visitor<'de> for CheckedVisitor {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Checked, A::Error> {
        while let Some(Checked) = elements.next_element()? {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Checked, A::Error> {
        while let Some((Checked, Checked)) = members.next_entry()? {}
        Ok(Checked)
    }
}

/// What the steps of the exchange and the condition keys are made of, beside AWS's own claims.
const NAMES: [&str; 9] = [
    "iss", "sub", "aud", "azp", "exp", "iat", "nbf", "amr", "email",
];

const AWS_PREFIX: &str = "https://aws.amazon.com/";

#[cfg(test)]
mod tests {
    use super::*;
    use podpass_token::{Jwt, KeySize, SigningKey};

    /// The oracle is serde_json's own document type, which keeps everything.
    #[test]
    fn accepts_what_a_reader_of_every_claim_accepts() {
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (value, valid) in [
            ("null", true),
            ("-0.5e3", true),
            (
                r#"{"a": [true, {"b": "\ud83d\ude00"}, 18446744073709551615]}"#,
                true,
            ),
            (r#"{"a": 1, "a": 2}"#, true),
            (&deep(126), true),
            (&deep(127), false),
            ("1e999", false),
            ("01", false),
            (r#""\ud800""#, false),
            (r#"{"\ud800": 1}"#, false),
            (r#"["\x"]"#, false),
            ("\"\t\"", false),
            ("[1,]", false),
            (r#"{"a" 1}"#, false),
            ("tru", false),
        ] {
            for name in ["sub", "https://aws.amazon.com/x", "other"] {
                let claims = format!(r#"{{"iss": "i", "{name}": {value}}}"#);
                let token = key.sign(r#"{"alg": "RS256"}"#, &claims);
                let known = Jwt::<KnownClaims>::decode_as(&token);
                assert_eq!(Jwt::decode(&token).is_ok(), valid, "{claims}");
                assert_eq!(known.is_ok(), valid, "{claims}");
            }
        }
    }

    #[test]
    fn keeps_the_last_of_duplicates_and_nothing_that_is_not_read() {
        let claims: KnownClaims = serde_json::from_str(
            r#"{"sub": "a", "other": 1, "https://aws.amazon.com/x": 1, "\u0073ub": "b", "https://aws.amazon.com/x": 2}"#,
        )
        .unwrap();
        assert_eq!(claims["sub"], "b");
        assert_eq!(claims["https://aws.amazon.com/x"], 2);
        assert_eq!(claims.get("other"), None);
        assert_eq!(claims["other"], Value::Null);
        assert_eq!(claims.iter().count(), 2);
    }
}
