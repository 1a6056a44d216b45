//! CredentialsRequests.

use podpass_kinds::yaml::{Content, Node};
use podpass_kinds::{DocumentContent, Reason, annotations, read_credentials_requests, spelling};
use podpass_policy::{Document as Policy, DocumentKind};
use serde_json::{Value, json};

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::policy::{Wildcards, check_wildcards};
use super::{Document, at, items, members};

pub(super) fn check(document: &Document<'_>, mark: usize, out: &mut Collector<'_>) {
    let root = document.root;
    if at(
        root,
        &["metadata", "annotations", annotations::RELEASE_DELETE],
    )
    .and_then(Node::as_str)
        == Some("true")
    {
        return;
    }
    for (path, known) in KNOWN {
        if let Some(node) = at(root, path) {
            check_fields(node, known, out);
        }
    }
    let provider = at(root, &["spec", "providerSpec"]);
    let is_aws = provider
        .and_then(|provider| provider.get("kind"))
        .and_then(Node::as_str)
        == Some("AWSProviderSpec");
    if !is_aws && !out.errors_since(mark) {
        return check_whole(document, out);
    }
    if let Some(provider) = provider {
        check_fields(provider, PROVIDER_FIELDS, out);
        for entry in provider
            .get("statementEntries")
            .map(items)
            .unwrap_or_default()
        {
            check_fields(entry, ENTRY_FIELDS, out);
            check_entry(entry, out);
        }
    }
    if let Some(spec) = root.get("spec") {
        check_service_accounts(spec, out);
    }
    if !document.broken && !out.errors_since(mark) {
        check_whole(document, out);
    }
}

/// What the reader that `podpass aws` uses says.
fn check_whole(document: &Document<'_>, out: &mut Collector<'_>) {
    let Some(text) = document.text.filter(|_| !document.broken) else {
        return;
    };
    match read_credentials_requests(out.file(), text.text) {
        Err(error) => out.report(Draft::read_error(&error, text.first_line)),
        Ok(documents) => {
            for document in documents {
                if let DocumentContent::OtherCloud(other) = document.content {
                    let message = format!(
                        "a request of kind `{}` is not checked further",
                        other.provider_kind
                    );
                    let mut position = document.position;
                    position.line = position.line.saturating_add(text.first_line);
                    out.report(Draft::note(Reason::OtherCloud, position, message));
                }
            }
        }
    }
}

fn check_fields(node: &Node, known: &[&str], out: &mut Collector<'_>) {
    for member in members(node) {
        let key = member.key.as_str();
        if known.contains(&key) || ELSEWHERE.contains(&key) {
            continue;
        }
        let message = format!("`{key}` is no field here and is ignored");
        let draft = Draft::warning(Reason::FieldUnknown, member.key_position, message);
        out.report(match spelling::nearest(key, known) {
            Some(meant) => draft
                .expected(meant)
                .actual(key)
                .fix(format!("write `{meant}`")),
            None => draft,
        });
    }
}

fn check_service_accounts(spec: &Node, out: &mut Collector<'_>) {
    let names = spec.get("serviceAccountNames");
    if names.map(items).unwrap_or_default().is_empty() && spec.get("secretRef").is_some() {
        let position = names.map_or(spec.position, |names| names.position);
        let message = "the request names no service account, so no role with a trust policy can be made of it";
        out.report(Draft::warning(
            Reason::ServiceAccountsMissing,
            position,
            message,
        ));
    }
}

/// A statement, read as IAM would read the policy made of it.
fn check_entry(entry: &Node, out: &mut Collector<'_>) {
    let text = |member: &str| entry.get(member).and_then(Node::as_str);
    let actions = entry.get("action").map(items).unwrap_or_default();
    if text("effect") == Some("Allow")
        && entry.get("policyCondition").is_none()
        && let Some(resource) = entry.get("resource")
    {
        let actions: Vec<&Node> = actions.iter().collect();
        check_wildcards(&actions, &[resource], Wildcards::Request, out);
    }
    if let (Some(effect), Some(resource), false) =
        (text("effect"), text("resource"), actions.is_empty())
    {
        let mut statement = json!({
            "Effect": effect,
            "Action": actions.iter().map(Node::to_json).collect::<Value>(),
            "Resource": resource,
        });
        if let Some(condition) = entry
            .get("policyCondition")
            .filter(|node| matches!(node.content, Content::Mapping(_)))
        {
            statement["Condition"] = condition.to_json();
        }
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        if let Err(error) = Policy::parse(&policy, DocumentKind::Permissions) {
            let message = format!(
                "IAM refuses the policy made of this statement: {}",
                error.kind
            );
            out.report(Draft::error(
                Reason::PolicyMalformed,
                entry.position,
                message,
            ));
        }
    }
}

const SPEC_FIELDS: &[&str] = &[
    "cloudTokenPath",
    "providerSpec",
    "secretRef",
    "serviceAccountNames",
];
const PROVIDER_FIELDS: &[&str] = &[
    "apiVersion",
    "kind",
    "permissionsBoundary",
    "statementEntries",
    "stsIAMRoleARN",
];
const ENTRY_FIELDS: &[&str] = &["action", "effect", "policyCondition", "resource"];
const KNOWN: &[(&[&str], &[&str])] = &[
    (&["spec"], SPEC_FIELDS),
    (&["spec", "secretRef"], &["name", "namespace"]),
];

/// Known fields in the wrong place have a finding of their own.
const ELSEWHERE: &[&str] = &[
    "cloudTokenPath",
    "providerSpec",
    "secretRef",
    "serviceAccountNames",
    "statementEntries",
];
