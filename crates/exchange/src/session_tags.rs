//! Session tags, their transitive keys and the source identity, from parameters or from claims of the token.

use std::collections::BTreeSet;

use podpass_kinds::Reason;
use podpass_policy::Context;
use serde::Serialize;

use crate::constraint::{Constraints, NAME_PATTERN, Show, is_name_character};
use crate::denial::{Code, Denial};
use crate::trace::{Comparison, StepName, Trace};

/// A session tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionTag {
    /// The key; its case does not distinguish keys.
    pub key: String,
    /// The value.
    pub value: String,
    /// Whether the tag stays when the session assumes another role.
    pub transitive: bool,
}

/// Checks the constraints on tags and source identity, except that tag keys are unique.
pub(crate) fn constrain(
    constraints: &mut Constraints,
    tags: &[SessionTag],
    source_identity: Option<&str>,
) {
    constraints.count("tags", tags.len(), MAX_TAGS);
    for (index, tag) in tags.iter().enumerate() {
        let position = index + 1;
        let key = format!("tags.{position}.member.key");
        constraints.length(&key, &tag.key, Show::Value, 1, 128);
        constraints.pattern(&key, &tag.key, Show::Value, KEY_PATTERN, is_tag_character);
        let value = format!("tags.{position}.member.value");
        constraints.length(&value, &tag.value, Show::Value, 0, 256);
        constraints.pattern(
            &value,
            &tag.value,
            Show::Value,
            VALUE_PATTERN,
            is_tag_character,
        );
    }
    if let Some(identity) = source_identity {
        constraints.length("sourceIdentity", identity, Show::Value, 2, 64);
        constraints.pattern(
            "sourceIdentity",
            identity,
            Show::Value,
            NAME_PATTERN,
            is_name_character,
        );
    }
}

/// Returns the rule that the tags or the source identity break beyond the constraints of the API model.
pub(crate) fn broken_rule(
    tags: &[SessionTag],
    source_identity: Option<&str>,
) -> Option<&'static str> {
    let mut keys = BTreeSet::new();
    if !tags.iter().all(|tag| keys.insert(tag.key.to_lowercase())) {
        return Some("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    if keys.iter().any(|key| key.starts_with(RESERVED_PREFIX)) {
        return Some("Tag keys beginning with aws: are reserved for system use.");
    }
    if source_identity.is_some_and(|identity| identity.to_lowercase().starts_with(RESERVED_PREFIX))
    {
        return Some("Source identity beginning with aws: is reserved for system use.");
    }
    None
}

/// Refuses parameters `Tags` and `SourceIdentity` that break such a rule.
pub(crate) fn refuse_broken_rule(
    tags: &[SessionTag],
    source_identity: Option<&str>,
    trace: &mut Trace,
) -> Result<(), Denial> {
    let Some(rule) = broken_rule(tags, source_identity) else {
        return Ok(());
    };
    let comparison = Comparison::failing("Tags", "unique keys that are not reserved", rule);
    trace.fail(StepName::Parameters, vec![comparison]);
    Err(Denial::new(
        Code::ValidationError,
        rule,
        Reason::ParameterInvalid,
        trace.clone(),
    ))
}

/// Returns the actions that the trust policy has to allow beside the assumption itself.
pub(crate) fn further_actions(
    tags: &[SessionTag],
    source_identity: Option<&str>,
) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if !tags.is_empty() {
        actions.push("sts:TagSession");
    }
    if source_identity.is_some() {
        actions.push(SET_SOURCE_IDENTITY);
    }
    actions
}

/// Adds the context keys of the request that carries the tags.
pub(crate) fn add_request_keys(
    context: &mut Context,
    tags: &[SessionTag],
    source_identity: Option<&str>,
) {
    context.insert_some("sts:SourceIdentity", source_identity);
    if tags.is_empty() {
        return;
    }
    let mut keys = Vec::new();
    let mut transitive = Vec::new();
    for tag in tags {
        context.insert(format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
        keys.push(tag.key.clone());
        if tag.transitive {
            transitive.push(tag.key.clone());
        }
    }
    context.insert("aws:TagKeys", keys);
    if !transitive.is_empty() {
        context.insert("sts:TransitiveTagKeys", transitive);
    }
}

/// Adds the context keys of later requests of the session.
pub(crate) fn add_session_keys(
    context: &mut Context,
    tags: &[SessionTag],
    source_identity: Option<&str>,
) {
    context.insert_some("aws:SourceIdentity", source_identity);
    for tag in tags {
        context.insert(format!("aws:PrincipalTag/{}", tag.key), tag.value.as_str());
    }
}

pub(crate) fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric()
        || (character.is_whitespace() && !character.is_control())
        || "_.:/=+-@".contains(character)
}

pub(crate) const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";
pub(crate) const MAX_TAGS: usize = 50;
const RESERVED_PREFIX: &str = "aws:";
const KEY_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+";
const VALUE_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*";
