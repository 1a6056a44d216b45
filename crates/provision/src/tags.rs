//! Tags on cloud resources, and what they say about who owns one.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::names::ClusterName;

/// Tags by key; ordered, so that two equal sets print alike. They serialise as an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

/// Whose a resource is, judged by its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It carries this cluster's ownership tag with the value `owned`.
    Ours,
    /// It carries no ownership tag.
    Untagged,
    /// It carries another cluster's ownership tag, or this one's with another value.
    Foreign {
        /// The tag that says so.
        key: String,
        /// Its value.
        value: String,
    },
}

// === impl Tags ===

impl Tags {
    /// The two tags that ccoctl and podpass put on everything they make.
    pub fn ownership(cluster: &ClusterName) -> Self {
        [
            (ownership_key(cluster), OWNED.to_owned()),
            (NAME_TAG.to_owned(), cluster.to_string()),
        ]
        .into_iter()
        .collect()
    }

    /// The value under `key`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Key and value pairs in the order of the keys, `openshift.io/…` before `Name` as ccoctl sends them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let (own, others): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .partition(|(key, _)| key.starts_with(OWNERSHIP_PREFIX));
        own.into_iter()
            .chain(others)
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of `self` that `present` lacks or holds with another value.
    #[must_use]
    pub fn missing_from(&self, present: &Self) -> Self {
        self.0
            .iter()
            .filter(|(key, value)| present.0.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Both sets; where both have a key, `other` wins.
    #[must_use]
    pub fn merged_with(&self, other: &Self) -> Self {
        let mut merged = self.0.clone();
        merged.extend(other.0.clone());
        Self(merged)
    }

    /// The cluster whose ownership tag is there with the value `owned`; the first by name, should there be several.
    pub fn cluster(&self) -> Option<ClusterName> {
        let owned = self.0.iter().filter(|(_, value)| *value == OWNED);
        let mut names = owned.filter_map(|(key, _)| key.strip_prefix(OWNERSHIP_PREFIX));
        names.find_map(|name| name.parse().ok())
    }

    /// Whose the tagged resource is, seen from `cluster`.
    pub fn owner(&self, cluster: &ClusterName) -> Ownership {
        let own = ownership_key(cluster);
        match self.0.get(&own) {
            Some(value) if value == OWNED => Ownership::Ours,
            Some(value) => Ownership::Foreign {
                key: own,
                value: value.clone(),
            },
            None => self
                .0
                .iter()
                .find(|(key, _)| key.starts_with(OWNERSHIP_PREFIX))
                .map_or(Ownership::Untagged, |(key, value)| Ownership::Foreign {
                    key: key.clone(),
                    value: value.clone(),
                }),
        }
    }
}

impl FromIterator<(String, String)> for Tags {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(tags: I) -> Self {
        Self(tags.into_iter().collect())
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{key}={value}")?;
        }
        Ok(())
    }
}

/// The key of the tag that marks a resource as `cluster`'s.
pub fn ownership_key(cluster: &ClusterName) -> String {
    format!("{OWNERSHIP_PREFIX}{cluster}")
}

/// What the key of every ownership tag starts with; the cluster's name follows.
pub const OWNERSHIP_PREFIX: &str = "openshift.io/cloud-credential-operator/";

const OWNED: &str = "owned";
const NAME_TAG: &str = "Name";
