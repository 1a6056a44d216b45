//! A policy with its mistakes corrected, where each correction is certain.
//!
//! Certain are brackets and commas as long as everything between them stays, the version of the policy language, and the
//! action of a trust policy whose principals leave only one. Everything else is its writer's to decide.

mod print;
mod scalars;

use podpass_kinds::yaml::{Content, Member, Node};
use podpass_kinds::{Reason, placeholder};
use serde::Serialize;

use super::kind::FileKind;
use super::policy;
use super::read::json;
use super::{Source, lint};
use crate::{Finding, Severity};

/// What became of a policy with mistakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// The file, as the caller named it.
    pub file: String,
    /// What was corrected, as clauses.
    pub changes: Vec<String>,
    /// The corrected policy; `None` where a mistake is left that its writer has to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What stands in it for values that only its writer knows, such as `<account>`.
    pub placeholders: Vec<String>,
    /// The first mistake that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

/// Corrects a policy in JSON; `None` where there is nothing that could be corrected, or no policy.
///
/// The text has no error but the placeholders that are named: `lint` itself says so.
pub fn correct(source: &Source<'_>) -> Option<Correction> {
    let text = source.text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let reading = json::read(text);
    let mut root = reading.root?;
    root.get("Statement")?;
    let codes: Vec<Reason> = reading
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect();
    let mut changes = Vec::new();
    if codes.contains(&Reason::PolicyStatementBraces) {
        changes.push("`[ … ]` around the statements".to_owned());
    }
    if codes.contains(&Reason::FileSyntaxInvalid) {
        changes.push("brackets and commas".to_owned());
    }
    let is_complete = scalars::of_text(text).is_some_and(|all| all == scalars::of_node(&root));
    changes.extend(correct_version(&mut root));
    let mut undecided = Vec::new();
    if policy::guess_kind(&root) == FileKind::TrustPolicy {
        correct_actions(&mut root, &mut changes, &mut undecided);
    }
    if changes.is_empty() {
        return None;
    }
    let corrected = print::to_json(&root, text);
    let mut left = errors(&corrected);
    left.retain(|finding| finding.code != Reason::PlaceholderLeft);
    let undecided = if is_complete {
        let left = left.first().map(|finding| finding.message.clone());
        undecided.into_iter().next().or(left)
    } else {
        Some("what the text says is not plain everywhere".to_owned())
    };
    Some(Correction {
        file: source.name.to_owned(),
        changes,
        text: undecided.is_none().then_some(corrected),
        placeholders: placeholders(&root),
        undecided,
    })
}

/// Every placeholder of the policy, each once.
fn placeholders(root: &Node) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in scalars::of_node(root) {
        let mut rest = value.as_str().unwrap_or_default();
        while let Some(next) = placeholder(rest) {
            if !found.iter().any(|known| known == next) {
                found.push(next.to_owned());
            }
            let end = rest.find(next).unwrap_or(0) + next.len();
            rest = &rest[end..];
        }
    }
    found
}

fn errors(text: &str) -> Vec<Finding> {
    let source = Source {
        name: "corrected",
        text,
    };
    let mut findings = lint(&[source]).findings;
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

/// A version that does not exist was meant as the current one: nobody writes today's date for the one of 2008.
fn correct_version(root: &mut Node) -> Option<String> {
    let version = member_mut(root, "Version")?;
    let found = version.as_str()?.to_owned();
    if policy::VERSIONS.contains(&found.as_str()) {
        return None;
    }
    version.content = Content::String(policy::VERSIONS[0].to_owned());
    Some(format!("Version `{}` for `{found}`", policy::VERSIONS[0]))
}

fn correct_actions(root: &mut Node, changes: &mut Vec<String>, undecided: &mut Vec<String>) {
    let Some(found) = member_mut(root, "Statement") else {
        return;
    };
    let statements = match &mut found.content {
        Content::Sequence(items) => items.as_mut_slice(),
        _ => std::slice::from_mut(found),
    };
    for statement in statements {
        let has = |name| statement.get(name).is_some();
        if has("Action") || has("NotAction") {
            continue;
        }
        let Some(action) = only_action(statement) else {
            undecided.push("the principals of a statement do not tell its Action".to_owned());
            continue;
        };
        let Content::Mapping(members) = &mut statement.content else {
            continue;
        };
        let principal = members.iter().position(|member| member.key == "Principal");
        let place = principal.map_or(members.len(), |principal| principal + 1);
        let position = statement.position;
        members.insert(
            place,
            Member {
                key: "Action".to_owned(),
                key_position: position,
                value: Node {
                    position,
                    content: Content::String(action.to_owned()),
                },
            },
        );
        changes.push(format!("Action `{action}`"));
    }
}

/// The action that lets the principals in, where there is one that does: of identity providers only OIDC providers
/// leave no choice, and services and everybody (`*`) leave several.
fn only_action(statement: &Node) -> Option<&'static str> {
    if statement.get("Effect").and_then(Node::as_str) != Some("Allow") {
        return None;
    }
    let Content::Mapping(principals) = &statement.get("Principal")?.content else {
        return None;
    };
    let [principal] = principals.as_slice() else {
        return None;
    };
    let values = policy::one_or_more(&principal.value);
    let all = |part: &str| {
        let mut texts = values.iter().map(Node::as_str);
        !values.is_empty() && texts.all(|text| text.is_some_and(|text| text.contains(part)))
    };
    match principal.key.as_str() {
        "Federated" if all(":oidc-provider/") => Some("sts:AssumeRoleWithWebIdentity"),
        "AWS" if all("arn:") => Some("sts:AssumeRole"),
        _ => None,
    }
}

fn member_mut<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let Content::Mapping(members) = &mut node.content else {
        return None;
    };
    let found = members.iter_mut().find(|member| member.key == key)?;
    Some(&mut found.value)
}
