//! The webhook's annotations: their names, and that their values are text.

use podpass_kinds::annotations::{Carrier, DEFAULT_PREFIX, Misnamed, ROLE_ARN};
use podpass_kinds::yaml::{Content, Member, Node};
use podpass_kinds::{Reason, annotations};
use podpass_policy::RoleArn;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::edit::Edit;
use super::{Text, members};

/// Looks at the names and types of all annotations of an object.
pub(super) fn check(
    annotations: &Node,
    carrier: Carrier,
    text: Option<Text<'_>>,
    out: &mut Collector<'_>,
) {
    for member in members(annotations) {
        match Misnamed::of(&member.key, DEFAULT_PREFIX, carrier) {
            Some(Misnamed::Lookalike { meant, carriers }) if carriers.contains(&carrier) => {
                report_lookalike(member, &meant, annotations, text, out);
            }
            Some(Misnamed::Lookalike { meant, carriers }) => {
                let draft = draft_lookalike(member, &meant);
                out.report(match carriers {
                    [other, ..] => draft.fix(format!("write `{meant}` on {}", other.noun())),
                    [] => draft,
                });
            }
            Some(Misnamed::WithoutEffect { carriers }) => {
                report_without_effect(member, carriers, carrier, out);
            }
            None => {}
        }
        check_is_text(member, text, out);
    }
}

/// Whether an annotation of a ServiceAccount looks like the one of that suffix.
pub(super) fn has_lookalike(all: &Node, suffix: &str) -> bool {
    let meant = annotations::name(DEFAULT_PREFIX, suffix);
    let keys = members(all).iter().map(|member| &member.key);
    keys.filter_map(|key| lookalike(key))
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
    out.report(draft_lookalike(member, meant).fix(format!("write `{meant}`")));
    let is_role = meant == annotations::name(DEFAULT_PREFIX, ROLE_ARN);
    let value_fits = match member.value.as_str() {
        Some(value) => !is_role || value.parse::<RoleArn>().is_ok(),
        None => !is_role,
    };
    let is_free = all.get(meant).is_none()
        && members(all)
            .iter()
            .filter(|other| lookalike(&other.key).as_deref() == Some(meant))
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

fn draft_lookalike(member: &Member, meant: &str) -> Draft {
    let message = format!(
        "the annotation `{}` is not `{meant}`, so the webhook does not see it",
        member.key
    );
    Draft::error(Reason::AnnotationLookalike, member.key_position, message)
        .expected(meant)
        .actual(&member.key)
}

fn report_without_effect(
    member: &Member,
    carriers: &[Carrier],
    carrier: Carrier,
    out: &mut Collector<'_>,
) {
    let message = format!(
        "the annotation `{}` has no effect on {}",
        member.key,
        carrier.noun()
    );
    let draft = Draft::warning(
        Reason::AnnotationWithoutEffect,
        member.key_position,
        message,
    );
    out.report(match carriers {
        [other, ..] => draft.fix(format!("put the annotation on {} instead", other.noun())),
        [] => draft.fix("remove the annotation; the webhook knows none of that name"),
    });
}

/// The annotation of a ServiceAccount that was meant, if the key is not right itself.
fn lookalike(key: &str) -> Option<String> {
    match Misnamed::of(key, DEFAULT_PREFIX, Carrier::ServiceAccount)? {
        Misnamed::Lookalike { meant, .. } => Some(meant),
        Misnamed::WithoutEffect { .. } => None,
    }
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
