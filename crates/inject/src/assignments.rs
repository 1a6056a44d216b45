//! What is assigned to service accounts elsewhere than in their annotations: the two files that the peer watches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use thiserror::Error;

/// What is assigned to service accounts elsewhere than in their annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignments {
    /// The service accounts that get container credentials (EKS Pod Identity); they win over any role.
    pub container_credentials: ContainerCredentials,
    /// The roles of service accounts that have no role annotation.
    pub roles: RoleMap,
}

/// The service accounts of the file that `--watch-container-credentials-config` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerCredentials {
    identities: BTreeSet<(String, String)>,
}

/// The roles of the ConfigMap `pod-identity-webhook`, by namespace and service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleMap {
    entries: BTreeMap<(String, String), MappedRole>,
    rejected: Vec<RejectedEntry>,
}

/// What the ConfigMap says of one service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappedRole {
    /// `RoleARN`, verbatim; empty assigns no role.
    pub role_arn: String,
    /// `Audience`; empty leaves the choice to the API server, `None` to the service account and the settings.
    pub audience: Option<String>,
    /// `UseRegionalSTS`; `None` leaves it to the service account and the settings.
    pub regional_sts: Option<bool>,
    /// `TokenExpiration` in seconds; `None` (which 0 stands for) leaves it to the service account and the settings.
    pub token_expiration: Option<i64>,
}

/// An entry of the ConfigMap that is left out, since it could never count. The peer crashes on some of them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("entry `{key}` is left out: {problem}")]
pub struct RejectedEntry {
    /// The entry's key.
    pub key: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A file of assignments that cannot be used; what was read before stays in force.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AssignmentsError {
    /// The text is not JSON.
    #[error("the text is not JSON")]
    Syntax(#[source] serde_json::Error),
    /// A member has another type than belongs there.
    #[error("`{place}` is not {expected}")]
    Type {
        /// The member, such as `a/b.RoleARN`.
        place: String,
        /// What belongs there.
        expected: &'static str,
    },
}

// === impl ContainerCredentials ===

impl ContainerCredentials {
    /// Reads the JSON `{"identities": [{"namespace": …, "serviceAccount": …}, …]}`.
    ///
    /// As with the peer, case does not count in member names, unknown members are ignored, there are no wildcards, and
    /// an empty file assigns nothing.
    pub fn parse(json: &str) -> Result<Self, AssignmentsError> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let document = parse(json)?;
        let members = object(&document, "the file")?;
        let Some(identities) = member(members, "identities") else {
            return Ok(Self::default());
        };
        let identities = identities
            .as_array()
            .ok_or_else(|| wrong("identities", "a list"))?;
        let identity = |(index, identity)| {
            let place = format!("identities[{index}]");
            let members = object(identity, &place)?;
            Ok((
                text(members, "namespace", &place)?.unwrap_or_default(),
                text(members, "serviceAccount", &place)?.unwrap_or_default(),
            ))
        };
        let identities = identities.iter().enumerate().map(identity);
        Ok(Self {
            identities: identities.collect::<Result<_, _>>()?,
        })
    }

    /// Whether the service account gets container credentials.
    pub fn contains(&self, namespace: &str, service_account: &str) -> bool {
        // An empty set is the rule: no key is built for it.
        !self.identities.is_empty()
            && self
                .identities
                .contains(&(namespace.to_owned(), service_account.to_owned()))
    }
}

// === impl RoleMap ===

impl RoleMap {
    /// Reads the ConfigMap's value `config`: `{"<namespace>/<service account>": {"RoleARN": …, …}, …}`.
    ///
    /// As with the peer, case does not count in member names, unknown members are ignored, and what follows a second
    /// `/` of a key does not count. Left out are a key without `/` and an entry that is null, on both of which the peer
    /// crashes, and a key with a wildcard that is not the whole namespace, which the peer takes literally.
    pub fn parse(json: &str) -> Result<Self, AssignmentsError> {
        let document = parse(json)?;
        let mut map = Self::default();
        if document.is_null() {
            return Ok(map);
        }
        for (key, entry) in object(&document, "config")? {
            match map.read_entry(key, entry)? {
                Ok(()) => {}
                Err(problem) => map.rejected.push(RejectedEntry {
                    key: key.clone(),
                    problem,
                }),
            }
        }
        Ok(map)
    }

    fn read_entry(
        &mut self,
        key: &str,
        entry: &Value,
    ) -> Result<Result<(), &'static str>, AssignmentsError> {
        let mut parts = key.split('/');
        let (Some(namespace), Some(name)) = (parts.next(), parts.next()) else {
            return Ok(Err("the key is not `<namespace>/<service account>`"));
        };
        if namespace != "*" && namespace.contains(WILDCARDS) {
            return Ok(Err(
                "`*` stands only for the namespace as a whole: write `*/<service account>`, or each namespace by its name",
            ));
        }
        if name.contains(WILDCARDS) {
            return Ok(Err(
                "no wildcard stands in a service account's name: write each service account by its name",
            ));
        }
        if entry.is_null() {
            return Ok(Err("its value is null"));
        }
        let members = object(entry, key)?;
        let role = MappedRole {
            role_arn: text(members, "RoleARN", key)?.unwrap_or_default(),
            audience: text(members, "Audience", key)?,
            regional_sts: typed(members, "UseRegionalSTS", key, "true or false", |value| {
                value.as_bool()
            })?,
            token_expiration: typed(members, "TokenExpiration", key, "a whole number", |value| {
                value.as_i64()
            })?
            .filter(|seconds| *seconds != 0),
        };
        let key = (namespace.to_owned(), name.to_owned());
        // Keys come sorted, so `a/b` stands before `a/b/c` and wins.
        self.entries.entry(key).or_insert(role);
        Ok(Ok(()))
    }

    /// The entry of exactly this service account, else that of `*/<service account>`.
    pub fn get(&self, namespace: &str, service_account: &str) -> Option<&MappedRole> {
        self.exact(namespace, service_account)
            .or_else(|| self.exact("*", service_account))
    }

    /// The entry of exactly this service account.
    pub(crate) fn exact(&self, namespace: &str, service_account: &str) -> Option<&MappedRole> {
        if self.entries.is_empty() {
            return None;
        }
        self.entries
            .get(&(namespace.to_owned(), service_account.to_owned()))
    }

    /// The entries that were left out.
    pub fn rejected(&self) -> &[RejectedEntry] {
        &self.rejected
    }
}

/// What people write for any text; none of them can stand in a name.
const WILDCARDS: [char; 3] = ['*', '?', '['];

// === Reading as Go's encoding/json does ===

fn parse(json: &str) -> Result<Value, AssignmentsError> {
    serde_json::from_str(json).map_err(AssignmentsError::Syntax)
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v Map<String, Value>, AssignmentsError> {
    value.as_object().ok_or_else(|| wrong(place, "an object"))
}

/// Finds a member whatever the case of its name; null counts as absent.
fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let exact = members.get(name);
    let folded = || {
        members
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    exact.or_else(folded).filter(|value| !value.is_null())
}

fn text(
    members: &Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<String>, AssignmentsError> {
    typed(members, name, place, "text", |value| {
        value.as_str().map(str::to_owned)
    })
}

fn typed<T>(
    members: &Map<String, Value>,
    name: &str,
    place: &str,
    expected: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, AssignmentsError> {
    member(members, name)
        .map(|value| read(value).ok_or_else(|| wrong(&format!("{place}.{name}"), expected)))
        .transpose()
}

fn wrong(place: &str, expected: &'static str) -> AssignmentsError {
    AssignmentsError::Type {
        place: place.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_by_exact_key_then_for_any_namespace() {
        let map = RoleMap::parse(
            r#"{"a/b": {"rolearn": "exact", "USEREGIONALSTS": true}, "*/b": {"RoleARN": "any", "more": 1},
                "a/b/c": {"RoleARN": "longer"}, "a/none": {}, "*/none": {"RoleARN": "any"}}"#,
        )
        .unwrap();
        let role = |namespace, name| map.get(namespace, name).map(|role| role.role_arn.as_str());
        assert_eq!(role("a", "b"), Some("exact"));
        assert_eq!(role("x", "b"), Some("any"));
        assert_eq!(role("a", "none"), Some(""));
        assert_eq!(role("a", "c"), None);
        assert_eq!(map.get("a", "b").unwrap().regional_sts, Some(true));
        assert_eq!(map.rejected(), []);
    }

    #[test]
    fn what_is_not_said_is_left_open() {
        let map = RoleMap::parse(
            r#"{"a/b": {"RoleARN": "r", "TokenExpiration": 0},
                "a/c": {"RoleARN": "r", "Audience": "", "UseRegionalSTS": false, "TokenExpiration": -7}}"#,
        )
        .unwrap();
        let open = MappedRole {
            role_arn: "r".to_owned(),
            ..MappedRole::default()
        };
        assert_eq!(map.get("a", "b"), Some(&open));
        let said = MappedRole {
            role_arn: "r".to_owned(),
            audience: Some(String::new()),
            regional_sts: Some(false),
            token_expiration: Some(-7),
        };
        assert_eq!(map.get("a", "c"), Some(&said));
    }

    #[test]
    fn entries_on_which_the_peer_crashes_are_left_out() {
        let map =
            RoleMap::parse(r#"{"noslash": {}, "a/b": null, "c/d": {"RoleARN": "r"}}"#).unwrap();
        let keys: Vec<&str> = map
            .rejected()
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        assert_eq!(keys, ["a/b", "noslash"]);
        assert!(map.get("c", "d").is_some());
        assert_eq!(map.get("a", "b"), None);
    }

    #[test]
    fn wildcards_that_would_match_nothing_are_left_out_with_what_works() {
        for (key, works) in [
            // The peer's README shows this one.
            ("test-*/b", "write `*/<service account>`"),
            ("**/b", "write `*/<service account>`"),
            ("test-?/b", "write `*/<service account>`"),
            ("[ab]/b", "write `*/<service account>`"),
            ("a/*", "each service account by its name"),
            ("*/*", "each service account by its name"),
            ("*/app-*", "each service account by its name"),
        ] {
            let json = serde_json::json!({key: {"RoleARN": "glob"}, "*/b": {"RoleARN": "any"}});
            let map = RoleMap::parse(&json.to_string()).unwrap();
            let [rejected] = map.rejected() else {
                panic!("{key}: {:?}", map.rejected())
            };
            assert_eq!(rejected.key, key);
            let message = rejected.to_string();
            assert!(
                message.contains(&format!("`{key}`")) && message.contains(works),
                "{message}"
            );
            assert_eq!(map.get("test-1", "b").unwrap().role_arn, "any");
        }
    }

    #[test]
    fn unusable_files_are_errors_that_name_the_place() {
        let cases = [
            ("{", "the text is not JSON"),
            ("[]", "`config` is not an object"),
            (r#"{"a/b": 5}"#, "`a/b` is not an object"),
            (r#"{"a/b": {"RoleARN": 5}}"#, "`a/b.RoleARN` is not text"),
            (
                r#"{"a/b": {"UseRegionalSTS": "true"}}"#,
                "`a/b.UseRegionalSTS` is not true or false",
            ),
            (
                r#"{"a/b": {"TokenExpiration": 1.5}}"#,
                "`a/b.TokenExpiration` is not a whole number",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(RoleMap::parse(json).unwrap_err().to_string(), expected);
        }
        let cases = [
            ("{\"identities\":", "the text is not JSON"),
            ("null", "`the file` is not an object"),
            (r#"{"identities": {}}"#, "`identities` is not a list"),
            (
                r#"{"identities": ["a/b"]}"#,
                "`identities[0]` is not an object",
            ),
            (
                r#"{"identities": [{"namespace": 1}]}"#,
                "`identities[0].namespace` is not text",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(
                ContainerCredentials::parse(json).unwrap_err().to_string(),
                expected
            );
        }
        assert_eq!(RoleMap::parse("null").unwrap(), RoleMap::default());
    }

    #[test]
    fn container_credentials_know_exact_pairs_only() {
        let file = r#"{"Identities": [{"NAMESPACE": "a", "serviceaccount": "b", "more": 1}, {"namespace": "*", "serviceAccount": "c"}]}"#;
        let credentials = ContainerCredentials::parse(file).unwrap();
        assert!(credentials.contains("a", "b"));
        assert!(!credentials.contains("a", "c"));
        assert!(!credentials.contains("b", "b"));
        for empty in [
            "",
            " \n",
            "{}",
            r#"{"identities": null}"#,
            r#"{"identities": []}"#,
        ] {
            let none = ContainerCredentials::parse(empty).unwrap();
            assert_eq!(none, ContainerCredentials::default(), "{empty:?}");
        }
    }
}
