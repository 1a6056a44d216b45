//! The trust policy of a role: which service accounts may assume it, kept up to date by adding.

use std::collections::BTreeMap;

use podpass_policy::OidcProviderArn;
use serde::{Deserialize, Serialize};

use crate::documents::{OneOrMany, RawDocument, VERSION};

/// Who may assume a role through web identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentityTrust {
    /// The OIDC provider, in the role's account.
    pub provider: OidcProviderArn,
    /// The subjects: `system:serviceaccount:NAMESPACE:NAME`.
    pub subjects: Vec<String>,
    /// The audiences: all client ids of the provider, so that the condition shuts out nothing that works today.
    pub audiences: Vec<String>,
}

/// What became of a trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustUpdate {
    /// The new document; `None` when the old one trusts everything it has to.
    pub document: Option<String>,
    /// What else the role trusts, for a person: it stays.
    pub notes: Vec<String>,
}

/// What a trust policy says once some subjects are taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// It trusted nobody else.
    Nobody,
    /// The document that trusts the others.
    Others(String),
    /// It did not trust them.
    Unchanged,
}

// === impl WebIdentityTrust ===

impl WebIdentityTrust {
    /// The trust policy of a new role, as compact JSON.
    pub fn to_json(&self) -> String {
        RawDocument::new(&[self.statement(&[], &[])]).to_json()
    }

    /// `existing` extended by what is missing. Nothing is taken away: other statements, subjects and audiences stay.
    pub fn added_to(&self, existing: &str) -> Result<TrustUpdate, serde_json::Error> {
        let mut document = RawDocument::parse(existing)?;
        let found: Vec<Option<WebIdentityStatement>> = document.statements().collect();
        let notes = found
            .iter()
            .enumerate()
            .filter_map(|(index, statement)| self.note(index, statement.as_ref()))
            .collect();
        let mut own = found.iter().enumerate().filter_map(|(index, statement)| {
            Some((index, statement.as_ref()?.conditions_for(&self.provider)?))
        });
        let complete = own.clone().any(|(_, conditions)| {
            is_subset(&self.subjects, conditions.subjects)
                && is_subset(&self.audiences, conditions.audiences.unwrap_or_default())
        });
        if complete {
            return Ok(TrustUpdate {
                document: None,
                notes,
            });
        }
        match own.find(|(_, conditions)| self.may_extend(conditions)) {
            Some((index, conditions)) => {
                let sid = found[index]
                    .as_ref()
                    .and_then(|statement| statement.sid.clone());
                let mut statement = self.statement(
                    conditions.subjects,
                    conditions.audiences.unwrap_or_default(),
                );
                statement.sid = sid;
                document.replace(index, &statement);
            }
            None => document.push(&self.statement(&[], &[])),
        }
        Ok(TrustUpdate {
            document: Some(document.to_json()),
            notes,
        })
    }

    /// `existing` without our subjects, in the statements that podpass writes for our provider. Others' statements and
    /// subjects stay.
    pub fn removed_from(&self, existing: &str) -> Result<Remaining, serde_json::Error> {
        let mut document = RawDocument::parse(existing)?;
        let found: Vec<Option<WebIdentityStatement>> = document.statements().collect();
        let mut changed = false;
        // From the end, so that the places of the others hold.
        for (index, statement) in found.iter().enumerate().rev() {
            let Some((statement, conditions)) = statement
                .as_ref()
                .and_then(|statement| Some((statement, statement.conditions_for(&self.provider)?)))
            else {
                continue;
            };
            let is_ours = |subject: &&String| self.subjects.contains(subject);
            let (ours, others): (Vec<&String>, Vec<&String>) =
                conditions.subjects.iter().partition(is_ours);
            if ours.is_empty() {
                continue;
            }
            changed = true;
            if others.is_empty() {
                document.remove(index);
            } else {
                let rest = Self {
                    provider: self.provider.clone(),
                    subjects: others.into_iter().cloned().collect(),
                    audiences: conditions.audiences.unwrap_or_default().to_vec(),
                };
                let mut rest = rest.statement(&[], &[]);
                rest.sid.clone_from(&statement.sid);
                document.replace(index, &rest);
            }
        }
        Ok(match (changed, document.is_empty()) {
            (false, _) => Remaining::Unchanged,
            (true, true) => Remaining::Nobody,
            (true, false) => Remaining::Others(document.to_json()),
        })
    }

    /// The trust policy as a person writes it: indented, one value without a list.
    pub fn to_pretty_json(&self) -> String {
        let mut statement = self.statement(&[], &[]);
        statement.condition.string_equals.is_plain = true;
        let document = Pretty {
            version: VERSION,
            statement: [statement],
        };
        serde_json::to_string_pretty(&document)
            .unwrap_or_else(|error| unreachable!("our structs can be printed: {error}"))
    }

    /// Whether a statement can take our subjects and audiences without its other subjects gaining an audience that it
    /// keeps from them. One without any audience lets them use all.
    fn may_extend(&self, conditions: &Conditions<'_>) -> bool {
        conditions.audiences.is_none_or(|audiences| {
            is_subset(&self.audiences, audiences) || is_subset(conditions.subjects, &self.subjects)
        })
    }

    /// Our statement with the subjects and audiences that were there first.
    fn statement(&self, subjects: &[String], audiences: &[String]) -> Statement<'_> {
        let issuer = self.provider.issuer_without_scheme();
        Statement {
            sid: None,
            effect: "Allow",
            principal: FederatedPrincipal {
                federated: self.provider.to_string(),
            },
            action: ACTION,
            condition: Condition {
                string_equals: SubjectAndAudience {
                    issuer,
                    audiences: union(audiences, &self.audiences),
                    subjects: union(subjects, &self.subjects),
                    is_plain: false,
                },
            },
        }
    }

    fn note(&self, index: usize, statement: Option<&WebIdentityStatement>) -> Option<String> {
        let number = index + 1;
        let not_ours = || {
            Some(format!(
                "statement {number} of the trust policy is not podpass's; it stays"
            ))
        };
        let Some(statement) = statement else {
            return not_ours();
        };
        let provider = self.provider.to_string();
        if !statement.principal.federated.as_slice().contains(&provider) {
            return Some(format!(
                "statement {number} of the trust policy trusts {}; it stays",
                statement.principal.federated.as_slice().join(", ")
            ));
        }
        let Some(conditions) = statement.conditions_for(&self.provider) else {
            return not_ours();
        };
        let others: Vec<&str> = conditions
            .subjects
            .iter()
            .filter(|subject| !self.subjects.contains(subject))
            .map(String::as_str)
            .collect();
        (!others.is_empty()).then(|| {
            format!(
                "the trust policy also allows {}; it stays",
                others.join(", ")
            )
        })
    }
}

/// The subjects that `trust_policy` lets assume the role through any OIDC provider by plain equality.
pub(crate) fn trusted_subjects(trust_policy: &str) -> Vec<String> {
    let Ok(document) = RawDocument::parse(trust_policy) else {
        return Vec::new();
    };
    document
        .statements::<WebIdentityStatement>()
        .flatten()
        .filter(|statement| statement.effect == "Allow")
        .flat_map(|statement| statement.condition.string_equals)
        .filter(|(key, _)| key.to_ascii_lowercase().ends_with(":sub"))
        .flat_map(|(_, subjects)| subjects.as_slice().to_vec())
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    effect: &'static str,
    principal: FederatedPrincipal,
    action: &'static str,
    condition: Condition<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FederatedPrincipal {
    federated: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition<'a> {
    string_equals: SubjectAndAudience<'a>,
}

struct SubjectAndAudience<'a> {
    issuer: &'a str,
    audiences: Vec<String>,
    subjects: Vec<String>,
    /// Whether one value stands without a list.
    is_plain: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pretty<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

impl Serialize for SubjectAndAudience<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (claim, values) in [("aud", &self.audiences), ("sub", &self.subjects)] {
            // No value is no condition; an empty list would let nobody in.
            if values.is_empty() {
                continue;
            }
            let key = format!("{}:{claim}", self.issuer);
            match values.as_slice() {
                [one] if self.is_plain => map.serialize_entry(&key, one)?,
                several => map.serialize_entry(&key, several)?,
            }
        }
        map.end()
    }
}

/// A statement of the shape that ccoctl and podpass write. One with anything more is not ours to rewrite.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WebIdentityStatement {
    sid: Option<String>,
    effect: String,
    principal: Federated,
    action: OneOrMany<String>,
    condition: StringEqualsOnly,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Federated {
    federated: OneOrMany<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StringEqualsOnly {
    string_equals: BTreeMap<String, OneOrMany<String>>,
}

struct Conditions<'a> {
    subjects: &'a [String],
    /// `None` when the statement has no condition on the audience.
    audiences: Option<&'a [String]>,
}

impl WebIdentityStatement {
    /// The lists of a statement that is ours: this provider alone, this action alone, no key but `sub` and `aud`.
    fn conditions_for(&self, provider: &OidcProviderArn) -> Option<Conditions<'_>> {
        let only = |values: &OneOrMany<String>, expected: &str| matches!(values.as_slice(), [one] if one == expected);
        let issuer = provider.issuer_without_scheme();
        let (mut subjects, mut audiences) = (None, None);
        for (key, values) in &self.condition.string_equals {
            // Condition keys are case-insensitive.
            if key.eq_ignore_ascii_case(&format!("{issuer}:sub")) {
                subjects = Some(values.as_slice());
            } else if key.eq_ignore_ascii_case(&format!("{issuer}:aud")) {
                audiences = Some(values.as_slice());
            } else {
                return None;
            }
        }
        let ours = self.effect == "Allow"
            && only(&self.principal.federated, &provider.to_string())
            && matches!(self.action.as_slice(), [one] if one.eq_ignore_ascii_case(ACTION));
        ours.then_some(())?;
        Some(Conditions {
            subjects: subjects?,
            audiences,
        })
    }
}

fn union(first: &[String], second: &[String]) -> Vec<String> {
    let mut all = first.to_vec();
    for value in second {
        if !all.contains(value) {
            all.push(value.clone());
        }
    }
    all
}

fn is_subset(part: &[String], whole: &[String]) -> bool {
    part.iter().all(|value| whole.contains(value))
}

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
