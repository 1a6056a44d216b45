//! A simulation as a person reads it.

use std::fmt::Write as _;

use podpass_diagnose::simulate::{
    Bearer, ConditionRow, Edit, NearMiss, PermissionSimulation, Scenario, Signature, Simulation,
    Verdict,
};
use podpass_policy::StatementOutcome;

use crate::output::{Paint, printable};
use crate::table::Table;

pub(super) fn render(
    scenario: &Scenario,
    simulation: &Simulation,
    permission: Option<&PermissionSimulation>,
    paint: Paint,
) -> String {
    let mut text = verdict(simulation, paint);
    let _ = writeln!(text, "signature  {}", signature(scenario, simulation));
    if !simulation.conditions.is_empty() {
        let _ = write!(text, "\n{}", conditions(&simulation.conditions, paint));
    }
    if let Some(miss) = &simulation.nearest_miss {
        let _ = write!(text, "\n{}", nearest_miss(&scenario.trust.name, miss));
    }
    if !simulation.is_allowed() {
        let _ = write!(text, "\n{}", edits(scenario, simulation));
    }
    if let Some(permission) = permission {
        let _ = write!(text, "\n{}", permissions(permission, paint));
    }
    text
}

/// `CODE: message`, as STS would answer.
pub(crate) fn answer_of(simulation: &Simulation) -> String {
    simulation
        .answer
        .as_ref()
        .map_or_else(String::new, |answer| {
            format!("{}: {}", answer.code, printable(&answer.message))
        })
}

/// One edit with its place.
pub(crate) fn edit_line(trust: &str, edit: &Edit) -> String {
    let what = printable(&edit.to_string());
    match edit.position() {
        Some(place) => format!("{trust}:{}:{}: {what}", place.line, place.column),
        None => what,
    }
}

fn verdict(simulation: &Simulation, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(session) = &simulation.session {
        let _ = writeln!(text, "{}", paint.good("ALLOW"));
        let _ = writeln!(text, "session    {}", session.arn);
        let _ = writeln!(text, "subject    {}", printable(&session.subject));
        let _ = writeln!(text, "audience   {}", printable(&session.audience));
        let _ = writeln!(text, "provider   {}", session.provider);
    } else {
        let _ = writeln!(text, "{}  {}", paint.error("DENY"), answer_of(simulation));
        if let Some(reason) = simulation.reason {
            let _ = writeln!(text, "reason     {reason}: {}", reason.hint());
        }
    }
    text
}

fn signature(scenario: &Scenario, simulation: &Simulation) -> &'static str {
    match (simulation.signature, scenario.bearer) {
        (Signature::Valid, _) => "valid",
        (Signature::Invalid, _) => "NOT VALID",
        (Signature::NotReached, _) => "not reached",
        (Signature::NotChecked, Bearer::Token) => {
            "not checked: whoever made this token could have written anything (give the issuer's keys with `--jwks`)"
        }
        (Signature::NotChecked, Bearer::Described) => {
            "not checked: there is no token, only its description"
        }
    }
}

fn conditions(rows: &[ConditionRow], paint: Paint) -> String {
    let mut table = Table::new(&[
        "STATEMENT",
        "KEY",
        "OPERATOR",
        "EXPECTED",
        "ACTUAL",
        "RESULT",
    ]);
    for row in rows {
        let statement = match &row.sid {
            Some(sid) => format!("{} {sid}", row.statement),
            None => row.statement.to_string(),
        };
        let actual = row.actual.as_ref().map(|actual| actual.join(", "));
        table.judged_row(
            [
                &statement,
                &row.key,
                &row.operator,
                &row.expected.join(", "),
                actual.as_deref().unwrap_or("(absent)"),
                if row.result { "holds" } else { "FAILS" },
            ],
            !row.result,
        );
    }
    table.render(paint)
}

fn nearest_miss(trust: &str, miss: &NearMiss) -> String {
    let mut text = format!("nearest miss ({}): {}", miss.step, printable(&miss.what));
    if let Some(place) = miss.position {
        let _ = write!(text, " at {trust}:{}:{}", place.line, place.column);
    }
    text.push('\n');
    if miss.expected.is_empty() {
        text.push_str("  = expected  (nothing is listed)\n");
    }
    for expected in &miss.expected {
        let _ = writeln!(text, "  = expected  {}", printable(expected));
    }
    let actual = miss.actual.as_deref().unwrap_or("(absent)");
    let _ = writeln!(text, "  = actual    {}", printable(actual));
    if let Some(difference) = &miss.difference {
        let _ = writeln!(
            text,
            "  = differs   from `{}` at character {}",
            printable(&difference.nearest),
            difference.character
        );
    }
    text
}

fn edits(scenario: &Scenario, simulation: &Simulation) -> String {
    if simulation.edits.is_empty() {
        let fix = simulation.reason.map_or("nothing", |reason| reason.fix());
        return format!("no edit of these inputs allows it: {fix}\n");
    }
    let mut text = "smallest edit that allows it:\n".to_owned();
    for edit in &simulation.edits {
        let _ = writeln!(text, "  {}", edit_line(&scenario.trust.name, edit));
        if let Edit::TrustPolicy(edit) = edit {
            for line in edit.old.lines() {
                let _ = writeln!(text, "    - {}", printable(line));
            }
            for line in edit.new.lines() {
                let _ = writeln!(text, "    + {}", printable(line));
            }
        }
    }
    text
}

fn permissions(permission: &PermissionSimulation, paint: Paint) -> String {
    let asked = format!(
        "{} on {}",
        printable(&permission.action),
        printable(&permission.resource)
    );
    let mut text = match permission.verdict {
        Verdict::Allow => format!("{}  {asked}\n", paint.good("ALLOW")),
        Verdict::Deny => format!("{}  {asked}\n", paint.error("DENY")),
    };
    if let Some(reason) = permission.reason {
        let _ = writeln!(text, "reason     {reason}: {}", reason.hint());
    }
    if let Some(message) = &permission.message {
        let _ = writeln!(text, "message    {}", printable(message));
    }
    if let Some(place) = &permission.statement {
        let sid = place
            .sid
            .as_ref()
            .map(|sid| format!(" `{sid}`"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "statement  {}{sid} of {}:{}:{} {}",
            place.statement,
            place.source,
            place.position.line,
            place.position.column,
            outcome(&place.outcome)
        );
    }
    text
}

fn outcome(outcome: &StatementOutcome) -> String {
    let differs = |what: &str, expected: &[String]| {
        format!(
            "comes nearest; its {what} is {}",
            printable(&expected.join(", "))
        )
    };
    match outcome {
        StatementOutcome::Matches => "matches".to_owned(),
        StatementOutcome::PrincipalDiffers { expected, .. } => differs("principal", expected),
        StatementOutcome::ActionDiffers { expected, .. } => differs("action", expected),
        StatementOutcome::ResourceDiffers { expected, .. } => differs("resource", expected),
        StatementOutcome::ConditionFails => {
            "comes nearest; a condition of it does not hold".to_owned()
        }
    }
}
