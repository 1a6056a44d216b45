//! Tags of users, roles, instance profiles, managed policies and OIDC providers.

use podpass_policy::Context;
use serde::{Deserialize, Serialize};

use crate::query::{ApiError, Constraint, Input, Member, Pattern, Xml};

/// The tags of one resource, in the order in which they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tags(Vec<Tag>);

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Whether `key` and `Key` are one tag key. They are for users, roles and policies, not for OIDC providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCase {
    Ignored,
    Kept,
}

impl Tags {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Sets tags, replacing the values of keys that are there.
    pub(crate) fn set(&mut self, tags: Vec<Tag>, case: KeyCase) -> Result<(), ApiError> {
        let mut merged = self.0.clone();
        for tag in tags {
            match merged
                .iter_mut()
                .find(|found| case.same(&found.key, &tag.key))
            {
                Some(found) => *found = tag,
                None => merged.push(tag),
            }
        }
        if merged.len() > MAX_TAGS {
            return Err(ApiError::limit_exceeded(format!(
                "Cannot exceed quota for TagsPerResource: {MAX_TAGS}"
            )));
        }
        self.0 = merged;
        Ok(())
    }

    /// Removes the tags of these keys; keys that are not there are passed over.
    pub(crate) fn remove(&mut self, keys: &[String], case: KeyCase) {
        self.0
            .retain(|tag| !keys.iter().any(|key| case.same(key, &tag.key)));
    }

    /// Writes the tags as a member of an answer.
    pub(crate) fn write(&self, xml: &mut Xml) {
        xml.list("Tags", self.iter(), |xml, tag| {
            xml.text("Key", &tag.key);
            xml.text("Value", &tag.value);
        });
    }

    /// Writes the tags only when there are some, as `Get*` answers do.
    pub(crate) fn write_some(&self, xml: &mut Xml) {
        if !self.0.is_empty() {
            self.write(xml);
        }
    }

    /// Adds `PREFIX/KEY` for every tag, such as `aws:ResourceTag/team`.
    pub(crate) fn add_to(&self, context: &mut Context, prefix: &str) {
        for tag in &self.0 {
            context.insert(format!("{prefix}/{}", tag.key), tag.value.as_str());
        }
    }
}

impl KeyCase {
    fn same(self, one: &str, other: &str) -> bool {
        match self {
            Self::Ignored => one.to_lowercase() == other.to_lowercase(),
            Self::Kept => one == other,
        }
    }
}

/// Reads the parameter `Tags` of a creation, which may be absent.
///
/// Duplicates are refused only after authorisation, by [`check_unique`].
pub(crate) fn read_tags(input: &mut Input<'_>) -> Result<Vec<Tag>, ApiError> {
    let members = input.list("Tags", MAX_TAGS)?.unwrap_or_default();
    read_members(input, &members)
}

/// Reads the parameter `Tags` of an action that is about nothing else; otherwise as [`read_tags`].
pub(crate) fn read_required_tags(input: &mut Input<'_>) -> Result<Vec<Tag>, ApiError> {
    let members = input.required_list("Tags", MAX_TAGS)?;
    read_members(input, &members)
}

fn read_members(input: &mut Input<'_>, members: &[Member<'_>]) -> Result<Vec<Tag>, ApiError> {
    members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let place = |field: &str| format!("tags.{}.member.{field}", index + 1);
            let key = input.member(&place("key"), member.field("Key"), &KEY);
            let value = input.member(&place("value"), member.field("Value"), &VALUE);
            Ok(Tag {
                key: key?,
                value: value?,
            })
        })
        .collect()
}

/// Reads the parameter `TagKeys`.
pub(crate) fn read_tag_keys(input: &mut Input<'_>) -> Result<Vec<String>, ApiError> {
    let members = input.required_list("TagKeys", MAX_TAGS)?;
    members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            input.member(
                &format!("tagKeys.{}.member", index + 1),
                member.value(),
                &KEY,
            )
        })
        .collect()
}

/// The context keys of a request that carries tags; of a repeated key the last value counts.
pub(crate) fn add_request_tags(context: &mut Context, tags: &[Tag]) {
    if tags.is_empty() {
        return;
    }
    for tag in tags {
        context.insert(format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
    }
    context.insert(
        "aws:TagKeys",
        tags.iter().map(|tag| tag.key.clone()).collect::<Vec<_>>(),
    );
}

/// Refuses a key given twice and keys that are AWS's own.
pub(crate) fn check_unique(tags: &[Tag], case: KeyCase) -> Result<(), ApiError> {
    for (index, tag) in tags.iter().enumerate() {
        if tags[..index]
            .iter()
            .any(|earlier| case.same(&earlier.key, &tag.key))
        {
            return Err(ApiError::invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::invalid_input(
                "Tag keys that start with \"aws:\" are reserved for system use.",
            ));
        }
    }
    Ok(())
}

fn is_tag_text(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
    })
}

/// The quota of tags on one resource.
const MAX_TAGS: usize = 50;
const TAG_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*";
const KEY: Constraint = Constraint {
    min: 1,
    max: 128,
    pattern: Some(Pattern {
        cited: TAG_PATTERN,
        holds: is_tag_text,
    }),
};
const VALUE: Constraint = Constraint {
    min: 0,
    max: 256,
    pattern: Some(Pattern {
        cited: TAG_PATTERN,
        holds: is_tag_text,
    }),
};

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: key.into(),
            value: value.into(),
        }
    }

    #[test]
    fn key_case_decides_whether_a_tag_is_replaced() {
        for (case, expected) in [(KeyCase::Ignored, 1), (KeyCase::Kept, 2)] {
            let mut tags = Tags::default();
            tags.set(vec![tag("key", "1")], case).unwrap();
            tags.set(vec![tag("Key", "2")], case).unwrap();
            assert_eq!(tags.iter().count(), expected, "{case:?}");
        }
    }

    #[test]
    fn refuses_duplicate_and_reserved_keys() {
        let twice = [tag("a", "1"), tag("A", "2")];
        assert_eq!(
            check_unique(&twice, KeyCase::Ignored).unwrap_err().code,
            "InvalidInput"
        );
        assert!(check_unique(&twice, KeyCase::Kept).is_ok());
        assert!(check_unique(&[tag("AWS:x", "1")], KeyCase::Kept).is_err());
    }

    #[test]
    fn fifty_tags_are_the_most() {
        let mut tags = Tags::default();
        tags.set(
            (0..50).map(|n| tag(&n.to_string(), "v")).collect(),
            KeyCase::Kept,
        )
        .unwrap();
        assert!(tags.set(vec![tag("50", "v")], KeyCase::Kept).is_err());
        assert_eq!(tags.iter().count(), 50);
    }
}
