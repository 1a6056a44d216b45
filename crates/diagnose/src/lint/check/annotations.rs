//! The webhook's annotations: their names, and that their values are text.

use podpass_kinds::annotations::{
    AUDIENCE, DEFAULT_PREFIX, ROLE_ARN, SKIP_CONTAINERS, STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION,
};
use podpass_kinds::yaml::{Content, Member, Node};
use podpass_kinds::{Reason, annotations};
use podpass_policy::RoleArn;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::edit::Edit;
use super::super::spelling;
use super::{Text, members};
use crate::nearness::distance;

/// What carries the annotations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    ServiceAccount,
    Pod,
}

impl Carrier {
    /// The suffixes that count on it.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::ServiceAccount => &[
                ROLE_ARN,
                AUDIENCE,
                STS_REGIONAL_ENDPOINTS,
                TOKEN_EXPIRATION,
                SKIP_CONTAINERS,
            ],
            Self::Pod => &[TOKEN_EXPIRATION, SKIP_CONTAINERS],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ServiceAccount => "a ServiceAccount",
            Self::Pod => "a pod",
        }
    }
}

/// Looks at the names and types of all annotations of an object.
pub(super) fn check(
    annotations: &Node,
    carrier: Carrier,
    text: Option<Text<'_>>,
    out: &mut Collector<'_>,
) {
    for member in members(annotations) {
        if let Some(meant) = lookalike(&member.key, carrier) {
            report_lookalike(member, &meant, annotations, text, out);
        } else if let Some(suffix) = suffix_of_webhook(&member.key) {
            report_without_effect(member, suffix, carrier, out);
        }
        check_is_text(member, text, out);
    }
}

/// Whether an annotation of a ServiceAccount looks like the one of that suffix.
pub(super) fn has_lookalike(all: &Node, suffix: &str) -> bool {
    let meant = annotations::name(DEFAULT_PREFIX, suffix);
    let keys = members(all).iter().map(|member| &member.key);
    keys.filter_map(|key| lookalike(key, Carrier::ServiceAccount))
        .any(|found| found == meant)
}

/// Looks for blanks around the value of an annotation, and offers to remove them.
pub(super) fn check_blanks(
    value: &Node,
    code: Reason,
    text: Option<Text<'_>>,
    out: &mut Collector<'_>,
) {
    let (Some(value_text), Some(written)) = (value.as_str(), written(value, text)) else {
        return;
    };
    let trimmed = value_text.trim();
    let quote = written
        .chars()
        .next()
        .filter(|quote| ['"', '\''].contains(quote));
    if let (Some(quote), true) = (quote, trimmed != value_text) {
        let old = format!("{quote}{value_text}{quote}");
        if written.starts_with(&old) {
            let new = format!("{quote}{trimmed}{quote}");
            let message = "removed the blanks around the value";
            out.edit(Edit::new(code, value.position, old, new, message));
        }
    }
}

fn check_is_text(member: &Member, text: Option<Text<'_>>, out: &mut Collector<'_>) {
    let found = match &member.value.content {
        Content::String(_) => return,
        _ => member.value.type_name(),
    };
    let position = member.value.position;
    let message = format!(
        "the value of the annotation `{}` is {found}, not text",
        member.key
    );
    out.report(Draft::error(Reason::AnnotationNotText, position, message).expected("a string"));
    let is_scalar = matches!(member.value.content, Content::Bool(_) | Content::Number(_));
    if let Some(written) = written(&member.value, text).filter(|_| is_scalar) {
        let old: String = written
            .chars()
            .take_while(|c| !c.is_whitespace() && !",}]\"'".contains(*c))
            .collect();
        if !old.is_empty() && !old.starts_with(['*', '!', '&']) {
            let new = format!("\"{old}\"");
            let message = format!("put the value of `{}` into quotes", member.key);
            out.edit(Edit::new(
                Reason::AnnotationNotText,
                position,
                old,
                new,
                message,
            ));
        }
    }
}

fn report_lookalike(
    member: &Member,
    meant: &str,
    all: &Node,
    text: Option<Text<'_>>,
    out: &mut Collector<'_>,
) {
    let message = format!(
        "the annotation `{}` is not `{meant}`, so the webhook does not see it",
        member.key
    );
    out.report(
        Draft::error(Reason::AnnotationLookalike, member.key_position, message)
            .expected(meant)
            .actual(&member.key)
            .fix(format!("write `{meant}`")),
    );
    let is_role = meant == annotations::name(DEFAULT_PREFIX, ROLE_ARN);
    let value_fits = match member.value.as_str() {
        Some(value) => !is_role || value.parse::<RoleArn>().is_ok(),
        None => !is_role,
    };
    let is_free = all.get(meant).is_none()
        && members(all)
            .iter()
            .filter(|other| {
                lookalike(&other.key, Carrier::ServiceAccount).as_deref() == Some(meant)
            })
            .count()
            == 1;
    if value_fits && is_free && text.is_some() {
        let quoted = source_at(member.key_position, text)
            .is_some_and(|source| source.starts_with(['"', '\'']));
        let mut place = member.key_position;
        place.column += u32::from(quoted);
        let message = format!("renamed the annotation `{}` to `{meant}`", member.key);
        out.edit(Edit::new(
            Reason::AnnotationLookalike,
            place,
            &member.key,
            meant,
            message,
        ));
    }
}

fn report_without_effect(member: &Member, suffix: &str, carrier: Carrier, out: &mut Collector<'_>) {
    if carrier.suffixes().contains(&suffix) || OTHER_SUFFIXES.contains(&suffix) {
        return;
    }
    let message = format!(
        "the annotation `{}` has no effect on {}",
        member.key,
        carrier.name()
    );
    let draft = Draft::warning(
        Reason::AnnotationWithoutEffect,
        member.key_position,
        message,
    );
    let elsewhere = [Carrier::ServiceAccount, Carrier::Pod]
        .into_iter()
        .find(|other| other.suffixes().contains(&suffix));
    out.report(match elsewhere {
        Some(other) => draft.fix(format!("put the annotation on {} instead", other.name())),
        None => draft.fix("remove the annotation; the webhook knows none of that name"),
    });
}

/// The annotation of the webhook that was meant, if the key is not right itself.
fn lookalike(key: &str, carrier: Carrier) -> Option<String> {
    let (prefix, suffix) = key.split_once('/')?;
    let known = [
        ROLE_ARN,
        AUDIENCE,
        STS_REGIONAL_ENDPOINTS,
        TOKEN_EXPIRATION,
        SKIP_CONTAINERS,
    ];
    if prefix == DEFAULT_PREFIX && (known.contains(&suffix) || OTHER_SUFFIXES.contains(&suffix)) {
        return None;
    }
    if key == KUBE2IAM && carrier == Carrier::ServiceAccount {
        return Some(annotations::name(DEFAULT_PREFIX, ROLE_ARN));
    }
    let prefix_is_near = prefix == DEFAULT_PREFIX
        || spelling::letters(prefix).contains("amazon")
        || prefix.eq_ignore_ascii_case("eks")
        || prefix.len() <= MAX_PREFIX && distance(&prefix.to_lowercase(), DEFAULT_PREFIX) <= 4;
    let meant = spelling::nearest(suffix, &known).or_else(|| {
        ALIASES
            .iter()
            .find(|(alias, _)| spelling::letters(suffix) == *alias)
            .map(|(_, meant)| *meant)
    })?;
    prefix_is_near.then(|| annotations::name(DEFAULT_PREFIX, meant))
}

/// The suffix of an annotation of the webhook's domain.
fn suffix_of_webhook(key: &str) -> Option<&str> {
    key.strip_prefix(DEFAULT_PREFIX)?.strip_prefix('/')
}

/// The text of the file from the start of a node on.
fn written<'t>(node: &Node, text: Option<Text<'t>>) -> Option<&'t str> {
    source_at(node.position, text)
}

fn source_at(position: podpass_policy::Position, text: Option<Text<'_>>) -> Option<&str> {
    let Text { text, first_line } = text?;
    let line = usize::try_from(position.line.checked_sub(first_line + 1)?).ok()?;
    let column = usize::try_from(position.column.checked_sub(1)?).ok()?;
    let line = text.lines().nth(line)?;
    let (start, _) = line.char_indices().nth(column)?;
    Some(&line[start..])
}

/// The annotation of kube2iam and kiam, which those who come from them keep.
const KUBE2IAM: &str = "iam.amazonaws.com/role";

/// Words for the same that are too far from it to be misspellings, without separators and in lower case.
const ALIASES: &[(&str, &str)] = &[
    ("role", ROLE_ARN),
    ("iamrole", ROLE_ARN),
    ("iamrolearn", ROLE_ARN),
    ("rolearns", ROLE_ARN),
    ("aud", AUDIENCE),
    ("tokenexpirationseconds", TOKEN_EXPIRATION),
    ("expirationseconds", TOKEN_EXPIRATION),
    ("expiration", TOKEN_EXPIRATION),
    ("skipcontainer", SKIP_CONTAINERS),
    ("regionalsts", STS_REGIONAL_ENDPOINTS),
    ("stsregionalendpoint", STS_REGIONAL_ENDPOINTS),
];

/// Names of the same domain that others read: EKS itself, and the webhook's object selector.
const OTHER_SUFFIXES: &[&str] = &["compute-type", "nodegroup", "skip-pod-identity-webhook"];

const MAX_PREFIX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_which_annotation_was_meant() {
        let role = Some("eks.amazonaws.com/role-arn");
        for (key, expected) in [
            ("eks.amazonaws.com/rolearn", role),
            ("eks.amazonaws.com/role_arn", role),
            ("eks.amazonaws.com/roleArn", role),
            ("eks.amazonaws.com/iam-role-arn", role),
            ("EKS.amazonaws.com/role-arn", role),
            ("eks.amazon.com/role-arn", role),
            ("eks.amazonaws.co/role-arn", role),
            ("amazonaws.com/role-arn", role),
            ("iam.amazonaws.com/role", role),
            (
                "eks.amazonaws.com/sts-regional-endpoint",
                Some("eks.amazonaws.com/sts-regional-endpoints"),
            ),
            ("eks.amazonaws.com/role-arn", None),
            ("eks.amazonaws.com/region", None),
            ("example.org/role-arn", None),
            ("role-arn", None),
            ("kubectl.kubernetes.io/last-applied-configuration", None),
        ] {
            assert_eq!(
                lookalike(key, Carrier::ServiceAccount).as_deref(),
                expected,
                "{key}"
            );
        }
    }
}
