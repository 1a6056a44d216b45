//! `podpass sandbox events`: what the running sandbox was asked, what it decided, and why.

mod shown;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podpass_sandbox::{ControlClient, ControlError, EventSummary, EventsPage};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::control;
use crate::failure::Failure;
use crate::format::yaml_of;
use crate::output::{self, Paint};

pub(crate) use self::shown::details;

#[derive(Debug, Args)]
pub(crate) struct SandboxEventsArgs {
    /// Go on with what happens from now on, until Ctrl-C or the end of the sandbox.
    #[arg(short, long)]
    follow: bool,
    /// Only the newest so many. [default: all that are kept, up to 10 000]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// For a person or for a program; with `--follow`, a document for each event.
    #[arg(short, long, value_enum, default_value_t = EventsFormat::Table)]
    output: EventsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EventsFormat {
    Table,
    Json,
    Yaml,
}

/// Events as `-o json` prints them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventList<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [EventSummary],
}

pub(crate) async fn run(arguments: &SandboxEventsArgs) -> Result<ExitCode, Failure> {
    // Before anything is printed, so that from then on a signal ends it cleanly.
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| Failure::failed("cannot listen for signals").because(&error))?;
    tokio::select! {
        ended = show(arguments) => ended.map(|()| ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

async fn show(arguments: &SandboxEventsArgs) -> Result<(), Failure> {
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let (events, cursor) = recorded(&client, arguments.limit).await?;
    if !arguments.follow {
        return print_all(&events, arguments.output);
    }
    if arguments.output == EventsFormat::Table {
        output::data(&shown::header(Paint::for_stdout()))?;
    }
    print_each(&events, arguments.output)?;
    follow(&client, cursor, arguments.output).await?;
    output::note("note: the sandbox has ended");
    Ok(())
}

/// Everything that is recorded now, and where to go on.
async fn recorded(
    client: &ControlClient,
    limit: Option<usize>,
) -> Result<(Vec<EventSummary>, u64), Failure> {
    let read = async |cursor, newest| {
        let page = client.events(cursor, newest).await;
        page.map_err(|error| control::failure(&error))
    };
    let mut page = read(None, limit).await?;
    let mut events = std::mem::take(&mut page.events);
    while page.more && limit.is_none_or(|limit| events.len() < limit) {
        page = read(Some(page.cursor), None).await?;
        events.append(&mut page.events);
    }
    // What happened between two pages came on top.
    let surplus = limit.map_or(0, |limit| events.len().saturating_sub(limit));
    events.drain(..surplus);
    Ok((events, page.cursor))
}

/// Prints what happens, until the sandbox ends.
async fn follow(
    client: &ControlClient,
    mut cursor: u64,
    format: EventsFormat,
) -> Result<(), Failure> {
    loop {
        let page: EventsPage = match client.next_events(cursor).await {
            Ok(page) => page,
            // It answered before, so it was killed.
            Err(ControlError::Connect { .. } | ControlError::BrokenOff { .. }) => return Ok(()),
            Err(error) => return Err(control::failure(&error)),
        };
        if page.missed > 0 {
            output::note(&format!(
                "note: {} events came faster than they were read, and are not shown",
                page.missed
            ));
        }
        print_each(&page.events, format)?;
        if page.ended && !page.more {
            return Ok(());
        }
        cursor = page.cursor;
    }
}

fn print_all(events: &[EventSummary], format: EventsFormat) -> Result<(), Failure> {
    let list = EventList {
        api_version: crate::API_VERSION,
        kind: "EventList",
        items: events,
    };
    match format {
        EventsFormat::Table => {
            let paint = Paint::for_stdout();
            let rows = events.iter().map(|event| shown::row(event, paint));
            output::data(&(shown::header(paint) + &rows.collect::<String>()))
        }
        EventsFormat::Json => output::json(&list),
        EventsFormat::Yaml => yaml_of(&list),
    }
}

fn print_each(events: &[EventSummary], format: EventsFormat) -> Result<(), Failure> {
    for event in events {
        match format {
            EventsFormat::Table => output::data(&shown::row(event, Paint::for_stdout()))?,
            EventsFormat::Json => {
                let line = serde_json::to_string(event).map_err(|error| {
                    Failure::failed("cannot print the event as JSON").because(&error)
                })?;
                output::line(&line)?;
            }
            EventsFormat::Yaml => {
                output::line("---")?;
                yaml_of(event)?;
            }
        }
    }
    Ok(())
}

/// 128 and the number of SIGINT, as shells say it.
const INTERRUPTED: u8 = 130;
