//! Policies: which kind, every mistake of their structure, and what their statements let in.

mod permissions;
mod structure;
mod trust;

use podpass_kinds::Reason;
use podpass_kinds::yaml::{Content, Node};
use podpass_policy::{Document, DocumentKind};

pub(super) use permissions::{Wildcards, check_wildcards};
pub(super) use structure::VERSIONS;

use super::check::{Claims, arn};
use super::collector::Collector;
use super::draft::Draft;
use super::kind::FileKind;
use super::read::json;

/// What a policy is for, by what its statements have.
pub(super) fn guess_kind(root: &Node) -> FileKind {
    let statements = statements(root);
    let actions: Vec<&str> = statements
        .iter()
        .flat_map(|statement| texts(statement, "Action"))
        .filter_map(Node::as_str)
        .collect();
    let has = |member: &str| {
        statements
            .iter()
            .any(|statement| statement.get(member).is_some())
    };
    let assumes = |action: &&str| {
        let action = action.to_ascii_lowercase();
        action.starts_with("sts:assumerole")
            || ["sts:tagsession", "sts:setsourceidentity"].contains(&action.as_str())
    };
    let names_principal = has("Principal") || has("NotPrincipal");
    let resources = has("Resource") || has("NotResource");
    match (names_principal, resources) {
        (true, _) if !actions.is_empty() && actions.iter().all(assumes) => FileKind::TrustPolicy,
        (true, false) if actions.is_empty() => FileKind::TrustPolicy,
        (true, _) => FileKind::BucketPolicy,
        (false, false) if !actions.is_empty() && actions.iter().all(assumes) => {
            FileKind::TrustPolicy
        }
        (false, _) => FileKind::PermissionsPolicy,
    }
}

/// How a policy is written.
#[derive(Clone, Copy)]
pub(super) enum Written<'t> {
    /// As a JSON text of its own.
    Json(&'t str),
    /// As a part of something else, or in YAML.
    Elsewhere,
    /// As a text with mistakes, which the parser of the policy language would only repeat.
    Broken,
}

/// Looks at a policy.
pub(super) fn check(
    root: &Node,
    kind: FileKind,
    written: Written<'_>,
    out: &mut Collector<'_>,
    claims: &mut Claims,
) {
    let mark = out.mark();
    structure::check(root, kind, out);
    arn::check_all(root, out);
    for statement in statements(root) {
        match kind {
            FileKind::TrustPolicy => trust::check(statement, out, claims),
            FileKind::PermissionsPolicy => permissions::check(statement, out),
            _ => {}
        }
    }
    // The parser of the policy language stops at its first error: what is reported already need not be said again.
    if out.errors_since(mark) {
        return;
    }
    let kind = match kind {
        FileKind::TrustPolicy => DocumentKind::Trust,
        FileKind::BucketPolicy => DocumentKind::Bucket,
        _ => DocumentKind::Permissions,
    };
    let parsed = match written {
        Written::Json(text) => {
            Document::parse(text, kind).map_err(|error| (error.position, error.kind))
        }
        Written::Elsewhere => Document::parse(&root.to_json().to_string(), kind)
            .map_err(|error| (root.position, error.kind)),
        Written::Broken => return,
    };
    if let Err((position, problem)) = parsed {
        out.report(Draft::error(
            Reason::PolicyMalformed,
            position,
            problem.to_string(),
        ));
    }
}

/// Looks at a policy that is the value of a member, as an object or as JSON text in a string.
pub(super) fn check_member(
    node: &Node,
    kind: Option<FileKind>,
    path: &str,
    out: &mut Collector<'_>,
    claims: &mut Claims,
) {
    match &node.content {
        Content::Mapping(_) => {
            let kind = kind.unwrap_or_else(|| guess_kind(node));
            out.kind(kind);
            check(node, kind, Written::Elsewhere, out, claims);
        }
        Content::String(text) if !text.trim().is_empty() => {
            out.embedded(node.position, path, |out| {
                let reading = json::read(text);
                let broken = !reading.problems.is_empty();
                for problem in reading.problems {
                    out.report(problem);
                }
                if let Some(root) = &reading.root {
                    let kind = kind.unwrap_or_else(|| guess_kind(root));
                    out.kind(kind);
                    let written = if broken {
                        Written::Broken
                    } else {
                        Written::Json(text)
                    };
                    check(root, kind, written, out, claims);
                }
            });
        }
        _ => {}
    }
}

/// The statements, whether they stand in a list or alone.
fn statements(root: &Node) -> &[Node] {
    match root.get("Statement") {
        Some(node) => one_or_more(node),
        None => &[],
    }
}

/// The values of an element that is a string or a list of strings.
fn texts<'n>(statement: &'n Node, element: &str) -> &'n [Node] {
    statement.get(element).map(one_or_more).unwrap_or_default()
}

pub(super) fn one_or_more(node: &Node) -> &[Node] {
    match &node.content {
        Content::Sequence(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn allows(statement: &Node) -> bool {
    statement.get("Effect").and_then(Node::as_str) == Some("Allow")
}
