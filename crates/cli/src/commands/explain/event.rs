//! `podpass explain ev-17`: all that the running sandbox compared for one request.

use std::fmt::Write as _;
use std::process::ExitCode;

use podpass_sandbox::{ControlError, EventId, EventTold};
use serde::Serialize;

use super::{ExplainArgs, ExplainFormat};
use crate::commands::sandbox::{control, events};
use crate::failure::Failure;
use crate::output::{self, Paint, printable};

/// An event as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    event: &'a EventTold,
}

pub(super) async fn run(id: EventId, arguments: &ExplainArgs) -> Result<ExitCode, Failure> {
    if arguments.token.is_some() {
        return Err(Failure::usage(format!(
            "{id} is an event of a sandbox, which has the token and the policies itself"
        ))
        .help("leave `--token` and its companions out"));
    }
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let event = client.event(id).await.map_err(|error| match &error {
        ControlError::Refused { message, .. } => Failure::failed(message)
            .help("`podpass sandbox events` lists those that are kept, the newest 10 000"),
        error => control::failure(error),
    })?;
    match arguments.output {
        ExplainFormat::Json => output::json(&EventDocument {
            api_version: crate::API_VERSION,
            kind: "Event",
            event: &event,
        })?,
        ExplainFormat::Table => output::data(&render(&event, Paint::for_stdout()))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn render(event: &EventTold, paint: Paint) -> String {
    let summary = &event.summary;
    let mut text = format!(
        "{}  {}:{} by {}: {}\n",
        paint.strong(&summary.id.to_string()),
        summary.service,
        printable(&summary.action),
        printable(&summary.principal),
        summary.decision.as_str(),
    );
    text.push_str(&events::details(summary, paint));
    if !event.looked_at.is_empty() {
        text.push_str("\nlooked at:\n");
    }
    for line in &event.looked_at {
        let _ = writeln!(text, "  {}", printable(line));
    }
    text
}
