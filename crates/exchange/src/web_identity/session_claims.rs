//! AWS's own claims, prefixed `https://aws.amazon.com/`: which roles may be assumed, session tags, source identity.

use podpass_kinds::Reason;
use podpass_policy::RoleArn;
use serde_json::Value;

use super::known::KnownClaims;
use crate::constraint::Constraints;
use crate::denial::{Code, Denial};
use crate::session_tags::{self, SessionTag};
use crate::trace::{Comparison, StepName, Trace};

/// What the token says about the session.
#[derive(Debug, Default)]
pub(super) struct SessionClaims {
    pub(super) tags: Vec<SessionTag>,
    pub(super) source_identity: Option<String>,
    /// Whether the token lists the role, `sts:RoleAuthorizedByIdp`.
    pub(super) role_authorized: bool,
}

impl SessionClaims {
    /// Reads the claims: steps 9 and 10.
    pub(super) fn read(
        claims: &KnownClaims,
        role: &RoleArn,
        trace: &mut Trace,
    ) -> Result<Self, Denial> {
        let read = Self::read_parts(claims, role);
        match read {
            Ok((session_claims, comparisons)) => {
                if !comparisons.is_empty() {
                    trace.pass(StepName::SessionClaims, move || comparisons.clone());
                }
                Ok(session_claims)
            }
            Err(broken) => {
                trace.fail(StepName::SessionClaims, vec![broken.comparison]);
                Err(Denial::new(
                    Code::InvalidIdentityToken,
                    broken.message,
                    Reason::TokenClaimInvalid,
                    trace.clone(),
                ))
            }
        }
    }

    fn read_parts(claims: &KnownClaims, role: &RoleArn) -> Result<(Self, Vec<Comparison>), Broken> {
        let mut comparisons = Vec::new();
        let role_authorized = read_roles(claims, role, &mut comparisons)?;
        let tags = read_tags(claims)?;
        let source_identity = match present(claims.get(SOURCE_IDENTITY)) {
            None => None,
            Some(Value::String(identity)) => Some(identity.clone()),
            Some(_) => {
                return Err(Broken::new(
                    SOURCE_IDENTITY,
                    "a string",
                    "Source identity passed in claim is not in correct format.",
                ));
            }
        };
        check_rules(&tags, source_identity.as_deref())?;
        for tag in &tags {
            let what = format!("session tag {}", tag.key);
            comparisons.push(Comparison::holding(what, "a valid tag", tag.value.as_str()));
        }
        if let Some(identity) = &source_identity {
            comparisons.push(Comparison::holding(
                "source identity",
                "a valid name",
                identity.as_str(),
            ));
        }
        let session_claims = Self {
            tags,
            source_identity,
            role_authorized,
        };
        Ok((session_claims, comparisons))
    }
}

/// A claim that AWS refuses.
struct Broken {
    comparison: Comparison,
    message: String,
}

impl Broken {
    fn new(claim: &str, expected: &str, message: &str) -> Self {
        Self {
            comparison: Comparison::failing(claim, expected, "another form"),
            message: message.to_owned(),
        }
    }
}

/// Tells whether the token lists the role. A token without the claim may assume any role that trusts it.
fn read_roles(
    claims: &KnownClaims,
    role: &RoleArn,
    comparisons: &mut Vec<Comparison>,
) -> Result<bool, Broken> {
    let entries: Vec<&str> = match present(claims.get(ROLES)) {
        None => return Ok(false),
        Some(Value::String(list)) => list.split(';').collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(_) => Vec::new(),
    };
    let roles: Vec<String> = entries
        .into_iter()
        .filter_map(|entry| entry.trim().parse::<RoleArn>().ok())
        .map(|role| role.to_string())
        .collect();
    let listed = roles.iter().any(|listed| listed == role.as_str());
    let comparison = Comparison::new(ROLES, roles, Some(role.to_string()), listed);
    if listed {
        comparisons.push(comparison);
        return Ok(true);
    }
    Err(Broken {
        comparison,
        message:
            "Roles passed in claim are not in correct format or do not contain the requested role."
                .to_owned(),
    })
}

/// Reads the nested form (`https://aws.amazon.com/tags` with an object) and the flattened one.
fn read_tags(claims: &KnownClaims) -> Result<Vec<SessionTag>, Broken> {
    let mut tags = Vec::new();
    let mut transitive = Vec::new();
    match present(claims.get(TAGS)) {
        None => {}
        Some(Value::Object(members)) => {
            if let Some(principal_tags) = present(members.get("principal_tags")) {
                let broken =
                    || Broken::new(TAGS, "one-element lists of strings", WRONG_PRINCIPAL_TAGS);
                for (key, values) in principal_tags.as_object().ok_or_else(broken)? {
                    match values.as_array().map(Vec::as_slice) {
                        Some([Value::String(value)]) => tags.push((key.clone(), value.clone())),
                        _ => return Err(broken()),
                    }
                }
            }
            if let Some(keys) = present(members.get("transitive_tag_keys")) {
                transitive.extend(read_keys(keys)?);
            }
        }
        Some(_) => return Err(Broken::new(TAGS, "an object", WRONG_TAGS)),
    }
    for (name, value) in claims.iter() {
        if let Some(key) = name.strip_prefix(FLAT_TAG_PREFIX) {
            let value = value
                .as_str()
                .ok_or_else(|| Broken::new(name, "a string", WRONG_PRINCIPAL_TAGS))?;
            tags.push((key.to_owned(), value.to_owned()));
        }
    }
    if let Some(keys) = present(claims.get(FLAT_TRANSITIVE_KEYS)) {
        transitive.extend(read_keys(keys)?);
    }
    let is_transitive = |key: &str| {
        let same = |transitive: &String| transitive.to_lowercase() == key.to_lowercase();
        transitive.iter().any(same)
    };
    Ok(tags
        .into_iter()
        .map(|(key, value)| SessionTag {
            transitive: is_transitive(&key),
            key,
            value,
        })
        .collect())
}

fn read_keys(keys: &Value) -> Result<Vec<String>, Broken> {
    let broken = || Broken::new(TAGS, "a list of strings", WRONG_TRANSITIVE_KEYS);
    let keys = keys.as_array().ok_or_else(broken)?;
    keys.iter()
        .map(|key| key.as_str().map(str::to_owned).ok_or_else(broken))
        .collect()
}

fn check_rules(tags: &[SessionTag], source_identity: Option<&str>) -> Result<(), Broken> {
    let mut constraints = Constraints::default();
    session_tags::constrain(&mut constraints, tags, source_identity);
    let message = match constraints.message() {
        Some(message) => message,
        None => match session_tags::broken_rule(tags, source_identity) {
            Some(message) => message.to_owned(),
            None => return Ok(()),
        },
    };
    Err(Broken {
        comparison: Comparison::failing(
            "session claims",
            "tags and source identity as the API accepts them",
            &*message,
        ),
        message,
    })
}

/// A value that is null counts as absent.
fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

const ROLES: &str = "https://aws.amazon.com/roles";
const TAGS: &str = "https://aws.amazon.com/tags";
const FLAT_TAG_PREFIX: &str = "https://aws.amazon.com/tags/principal_tags/";
const FLAT_TRANSITIVE_KEYS: &str = "https://aws.amazon.com/tags/transitive_tag_keys";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

const WRONG_TAGS: &str = "Session tags passed in claim are not in correct format.";
const WRONG_PRINCIPAL_TAGS: &str = "principal_tags passed in claim is not in correct format.";
const WRONG_TRANSITIVE_KEYS: &str = "transitive_tag_keys passed in claim is not in correct format.";
