//! A JSON or YAML value: which kind it is, and off to that kind's checks.

use podpass_kinds::Reason;
use podpass_kinds::yaml::{Content, Node};

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::kind::FileKind;
use super::super::policy::{self, Written};
use super::{Claims, Document, Syntax, items, kubernetes, members, terraform};

pub(super) fn check(document: &Document<'_>, out: &mut Collector<'_>, claims: &mut Claims) {
    let root = document.root;
    if root.get("Statement").is_some() {
        let kind = policy::guess_kind(root);
        out.kind(kind);
        let written = match (document.syntax, document.text) {
            _ if document.broken => Written::Broken,
            (Syntax::Json, Some(text)) => Written::Json(text.text),
            _ => Written::Elsewhere,
        };
        policy::check(root, kind, written, out, claims);
    } else if root.get("kind").is_some()
        && (root.get("apiVersion").is_some() || root.get("metadata").is_some())
    {
        kubernetes::check(document, out, claims);
    } else if terraform::is_terraform(root) {
        out.kind(FileKind::Terraform);
        terraform::check(root, out, claims);
    } else if has_embedded_policy(root, 0) {
        out.kind(FileKind::AwsApi);
        embedded_policies(root, "", out, claims);
    } else if !items(root).is_empty() && items(root).iter().all(|item| item.get("kind").is_some()) {
        for item in items(root) {
            check(&part(item, document), out, claims);
        }
    } else {
        out.kind(FileKind::Unknown);
        if !out.errors_since(0) {
            let found = members(root)
                .iter()
                .take(3)
                .map(|member| member.key.as_str());
            let found: Vec<&str> = found.collect();
            let message = if found.is_empty() {
                format!(
                    "the document is {}, and no kind is told by it",
                    root.type_name()
                )
            } else {
                format!(
                    "a document that starts with `{}` is of no kind that is checked",
                    found.join("`, `")
                )
            };
            out.report(Draft::note(Reason::FileKindUnknown, root.position, message));
        }
    }
}

/// A part of a document, as a document.
pub(super) fn part<'d>(node: &'d Node, whole: &Document<'_>) -> Document<'d> {
    Document {
        root: node,
        text: None,
        syntax: whole.syntax,
        broken: whole.broken,
    }
}

fn has_embedded_policy(node: &Node, depth: usize) -> bool {
    depth < MAX_DEPTH
        && match &node.content {
            Content::Mapping(members) => members.iter().any(|member| {
                POLICY_MEMBERS.contains(&member.key.as_str())
                    || has_embedded_policy(&member.value, depth + 1)
            }),
            Content::Sequence(items) => items
                .iter()
                .any(|item| has_embedded_policy(item, depth + 1)),
            _ => false,
        }
}

/// Checks every policy of a request to AWS or an answer, as object or as text.
fn embedded_policies(node: &Node, path: &str, out: &mut Collector<'_>, claims: &mut Claims) {
    for item in items(node) {
        embedded_policies(item, path, out, claims);
    }
    for member in members(node) {
        let path = if path.is_empty() {
            member.key.clone()
        } else {
            format!("{path}.{}", member.key)
        };
        if member.key == CLIENT_IDS {
            for audience in items(&member.value) {
                super::audience::check(audience, out);
            }
        } else if POLICY_MEMBERS.contains(&member.key.as_str()) {
            let kind = (member.key == TRUST_MEMBER).then_some(FileKind::TrustPolicy);
            policy::check_member(&member.value, kind, &path, out, claims);
        } else {
            embedded_policies(&member.value, &path, out, claims);
        }
    }
}

const TRUST_MEMBER: &str = "AssumeRolePolicyDocument";
const CLIENT_IDS: &str = "ClientIDList";

/// The members of AWS's requests and answers that hold a policy, and the one that makes an identity provider's request
/// known.
const POLICY_MEMBERS: &[&str] = &[TRUST_MEMBER, "PolicyDocument", CLIENT_IDS];

const MAX_DEPTH: usize = 64;
