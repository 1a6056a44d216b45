//! Events as a person reads them: one line each, and below a denial what decided.

use std::fmt::Write as _;

use podpass_sandbox::{Cause, EventSummary, Verdict};

use crate::output::{Paint, printable};

/// The columns' names; the columns have fixed widths, because those of later events are not known yet.
pub(super) fn header(paint: Paint) -> String {
    let text = line("EVENT", "TIME", "CALL", "DECISION", "PRINCIPAL");
    format!("{}\n", paint.strong(&text))
}

/// A line for an event, and more below it for one that was not allowed.
pub(super) fn row(event: &EventSummary, paint: Paint) -> String {
    let action = if event.action.is_empty() {
        "(unknown)"
    } else {
        &event.action
    };
    let text = line(
        &event.id.to_string(),
        &event.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        &printable(&format!("{}:{action}", event.service)),
        event.decision.as_str(),
        &printable(&event.principal),
    );
    let text = match event.decision {
        Verdict::Allowed => text,
        Verdict::Denied | Verdict::Failed => paint.error(&text),
    };
    format!("{text}\n{}", details(event, paint))
}

/// What AWS answered, what decided, and what to change; nothing for a call that was allowed and met no fault.
pub(crate) fn details(event: &EventSummary, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(code) = &event.code {
        let message = printable(event.message.as_deref().unwrap_or_default());
        push(
            &mut text,
            "answer",
            &format!("{} {code}: {message}", event.status),
        );
    }
    if let Some(resource) = event.resource.as_ref().filter(|_| event.code.is_some()) {
        push(&mut text, "resource", &printable(resource));
    }
    if let Some(cause) = &event.cause {
        push(&mut text, "refused by", &printable(&place(cause)));
        if let Some(compared) = compared(cause) {
            push(&mut text, "compared", &printable(&compared));
            for expected in &cause.expected {
                push(&mut text, "expected", &printable(expected));
            }
            let actual = cause.actual.as_deref().unwrap_or("(absent)");
            push(&mut text, "actual", &printable(actual));
        }
    }
    if let (Some(reason), Some(hint)) = (&event.reason, &event.hint) {
        push(&mut text, "reason", &format!("{reason}: {hint}"));
    }
    if !event.faults.is_empty() {
        push(&mut text, "faults", &event.faults.join(", "));
    }
    if let Some(fix) = &event.fix {
        let _ = writeln!(text, "  = {}: {fix}", paint.help("help"));
    }
    text
}

fn push(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "  = {label:<10} {value}");
}

/// The layer, the policy and the statement.
fn place(cause: &Cause) -> String {
    let mut place = match &cause.policy {
        None => cause.layer.clone(),
        Some(policy) if policy.starts_with(&cause.layer) => policy.clone(),
        Some(policy) => format!("{}, {policy}", cause.layer),
    };
    if let Some(statement) = &cause.statement {
        let _ = write!(place, ", statement {}", statement.index + 1);
        if let Some(sid) = &statement.sid {
            let _ = write!(place, " `{sid}`");
        }
        let _ = write!(
            place,
            " (line {}, column {})",
            statement.line, statement.column
        );
    }
    place
}

fn compared(cause: &Cause) -> Option<String> {
    match (&cause.key, &cause.operator) {
        (Some(key), Some(operator)) => Some(format!("condition {operator} {key}")),
        _ => cause.compared.clone(),
    }
}

fn line(id: &str, time: &str, call: &str, decision: &str, principal: &str) -> String {
    format!("{id:<8}  {time:<20}  {call:<34}  {decision:<8}  {principal}")
}
