//! The elements of a policy: which must be there, and which must not.

use podpass_kinds::yaml::{Content, Node};
use podpass_kinds::{Reason, spelling};
use podpass_policy::{Comparison, ConditionOperator};

use super::super::check::members;
use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::kind::FileKind;
use super::{one_or_more, statements};

pub(super) fn check(root: &Node, kind: FileKind, out: &mut Collector<'_>) {
    check_elements(root, "a policy", POLICY_ELEMENTS, out);
    check_version(root, out);
    let found = root.get("Statement");
    if statements(root).is_empty() {
        let position = found.map_or(root.position, |node| node.position);
        out.report(Draft::error(
            Reason::PolicyElementMissing,
            position,
            "the policy has no statement",
        ));
    }
    for statement in statements(root) {
        if matches!(statement.content, Content::Mapping(_)) {
            check_statement(statement, kind, out);
        } else {
            let message = format!("a statement is {}, not an object", statement.type_name());
            out.report(Draft::error(
                Reason::PolicyMalformed,
                statement.position,
                message,
            ));
        }
    }
}

fn check_version(root: &Node, out: &mut Collector<'_>) {
    let version = root.get("Version");
    match version.map(|node| (node.position, node.as_str())) {
        Some((_, Some(CURRENT))) => {}
        None | Some((_, Some(OLD))) => {
            if root.to_json().to_string().contains("${") {
                let position = version.map_or(root.position, |node| node.position);
                let message = "the policy uses `${…}`, which is plain text in the version of 2008 that counts here";
                out.report(
                    Draft::warning(Reason::PolicyVersionOld, position, message).expected(CURRENT),
                );
            }
        }
        Some((position, found)) => {
            let message = match found {
                Some(found) => format!("`{found}` is not a version of the policy language"),
                None => "the Version is not a string".to_owned(),
            };
            let mut draft =
                Draft::error(Reason::PolicyVersionInvalid, position, message).expected(CURRENT);
            if let Some(found) = found {
                draft = draft.actual(found);
            }
            out.report(draft);
        }
    }
}

fn check_statement(statement: &Node, kind: FileKind, out: &mut Collector<'_>) {
    check_elements(statement, "a statement", STATEMENT_ELEMENTS, out);
    let names = match kind {
        FileKind::TrustPolicy => ["Effect", "Principal", "Action"].as_slice(),
        FileKind::BucketPolicy => ["Effect", "Principal", "Action", "Resource"].as_slice(),
        _ => ["Effect", "Action", "Resource"].as_slice(),
    };
    for name in names {
        let not = format!("Not{name}");
        // A misspelt element has a finding of its own, which this would only repeat.
        let is_misspelt = members(statement).iter().any(|member| {
            !STATEMENT_ELEMENTS.contains(&member.key.as_str())
                && spelling::nearest(&member.key, &[*name]).is_some()
        });
        if statement.get(name).is_none() && statement.get(&not).is_none() && !is_misspelt {
            let message = format!("the statement has no {name}");
            let fix = match (kind, *name) {
                (FileKind::TrustPolicy, "Action") => {
                    "add `\"Action\": \"sts:AssumeRoleWithWebIdentity\"` for service accounts, `\"sts:AssumeRole\"` for AWS principals".to_owned()
                }
                _ => format!("add `\"{name}\"`"),
            };
            out.report(
                Draft::error(Reason::PolicyElementMissing, statement.position, message)
                    .expected(*name)
                    .fix(fix),
            );
        }
    }
    let prohibited: &[&str] = match kind {
        FileKind::TrustPolicy => &["Resource", "NotResource"],
        FileKind::PermissionsPolicy => &["Principal", "NotPrincipal"],
        _ => &[],
    };
    for member in members(statement)
        .iter()
        .filter(|member| prohibited.contains(&member.key.as_str()))
    {
        let message = format!("a {kind} must not have the element `{}`", member.key);
        let draft = Draft::error(Reason::PolicyElementUnknown, member.key_position, message);
        out.report(draft.fix(format!("remove `{}`", member.key)));
    }
    if let Some(condition) = statement.get("Condition") {
        check_booleans(condition, out);
    }
}

/// Reports the texts that are compared with a boolean and are none: AWS stores them, and takes them for `false`.
fn check_booleans(condition: &Node, out: &mut Collector<'_>) {
    let is_boolean = |name: &str| {
        let operator = name.parse::<ConditionOperator>();
        operator.is_ok_and(|operator| {
            matches!(operator.comparison, Comparison::Bool | Comparison::Null)
        })
    };
    let blocks = members(condition)
        .iter()
        .filter(|block| is_boolean(&block.key));
    for block in blocks {
        let values = members(&block.value)
            .iter()
            .flat_map(|key| one_or_more(&key.value));
        for value in values {
            let Some(text) = value.as_str() else {
                continue;
            };
            if !["true", "false"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word))
            {
                let message = format!(
                    "`{text}` is not a boolean, and `{}` takes it for `false`",
                    block.key
                );
                out.report(
                    Draft::warning(Reason::ConditionNotBoolean, value.position, message)
                        .expected("true")
                        .expected("false")
                        .actual(text),
                );
            }
        }
    }
}

/// Reports the members that are not elements; each that is near one is told which.
fn check_elements(node: &Node, parent: &str, known: &[&str], out: &mut Collector<'_>) {
    for member in members(node)
        .iter()
        .filter(|member| !known.contains(&member.key.as_str()))
    {
        let message = format!("`{}` is not an element of {parent}", member.key);
        let draft = Draft::error(Reason::PolicyElementUnknown, member.key_position, message);
        out.report(match spelling::nearest(&member.key, known) {
            Some(meant) => draft
                .expected(meant)
                .actual(&member.key)
                .fix(format!("write `{meant}`")),
            None => draft,
        });
    }
}

/// The versions of the policy language, the current one first.
pub(in super::super) const VERSIONS: [&str; 2] = [CURRENT, OLD];
const CURRENT: &str = "2012-10-17";
const OLD: &str = "2008-10-17";
const POLICY_ELEMENTS: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
