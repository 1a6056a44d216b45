//! `podpass sandbox fault add|list|clear`: what goes wrong on purpose in the running sandbox.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use podpass_sandbox::{ControlError, Fault, FaultId, FaultKind, FaultState};
use serde::Serialize;

use super::control;
use crate::failure::Failure;
use crate::format::yaml_of;
use crate::output::{self, Paint};
use crate::table::Table;

#[derive(Debug, Args)]
pub(crate) struct SandboxFaultArgs {
    #[command(subcommand)]
    command: FaultCommand,
}

#[derive(Debug, Subcommand)]
enum FaultCommand {
    /// Let calls go wrong from now on.
    #[command(after_long_help = KINDS)]
    Add(AddArgs),
    /// List the faults and how many calls each has affected.
    List(ListArgs),
    /// Take one fault away, or all; whoever is held by one is let go.
    Clear(ClearArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What goes wrong: throttle, latency=DURATION, propagation=DURATION, error=CODE[:STATUS], stale-jwks,
    /// session-life=DURATION, clock-skew=OFFSET, region-down=REGION or hold=N; `--help` explains each.
    #[arg(value_name = "KIND")]
    kind: String,
    /// Only calls of this service: sts, iam, s3 or cloudtrail.
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Only calls of this action, such as AssumeRoleWithWebIdentity.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only so many calls. [default: without end; for `hold`, 1]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// For a person or for a program.
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table)]
    output: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    Table,
    Json,
    Yaml,
}

#[derive(Debug, Args)]
struct ClearArgs {
    /// The fault, such as `fault-1`. [default: all]
    id: Option<String>,
    /// Which sandbox, where several run.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

/// Faults as `-o json` prints them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultList<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [FaultState],
}

pub(super) async fn run(arguments: SandboxFaultArgs) -> Result<ExitCode, Failure> {
    match arguments.command {
        FaultCommand::Add(arguments) => add(arguments).await,
        FaultCommand::List(arguments) => list(&arguments).await,
        FaultCommand::Clear(arguments) => clear(&arguments).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn add(arguments: AddArgs) -> Result<(), Failure> {
    let kind: FaultKind = arguments
        .kind
        .parse()
        .map_err(|error| Failure::usage(format!("{error}")))?;
    let fault = Fault {
        kind,
        service: arguments.service,
        action: arguments.action,
        count: arguments.count,
    };
    fault
        .check()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let added = client
        .add_fault(&fault)
        .await
        .map_err(|error| control::failure(&error))?;
    output::line(&format!("fault/{} created", added.id))
}

async fn list(arguments: &ListArgs) -> Result<(), Failure> {
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let faults = client
        .faults()
        .await
        .map_err(|error| control::failure(&error))?;
    let list = FaultList {
        api_version: crate::API_VERSION,
        kind: "FaultList",
        items: &faults,
    };
    match arguments.output {
        ListFormat::Json => output::json(&list),
        ListFormat::Yaml => yaml_of(&list),
        ListFormat::Table => {
            if faults.is_empty() {
                output::note("note: this sandbox has no faults");
                return Ok(());
            }
            output::data(&table(&faults))
        }
    }
}

fn table(faults: &[FaultState]) -> String {
    let mut table = Table::new(&["ID", "KIND", "SERVICE", "ACTION", "HITS", "LEFT"]);
    for FaultState {
        id,
        fault,
        hits,
        left,
    } in faults
    {
        let or_any = |text: &Option<String>| text.clone().unwrap_or_else(|| "any".to_owned());
        table.row([
            &id.to_string(),
            &fault.kind.to_string(),
            &or_any(&fault.service),
            &or_any(&fault.action),
            &hits.to_string(),
            &left.map_or_else(|| "no end".to_owned(), |left| left.to_string()),
        ]);
    }
    table.render(Paint::for_stdout())
}

async fn clear(arguments: &ClearArgs) -> Result<(), Failure> {
    let id: Option<FaultId> = arguments
        .id
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error| Failure::usage(format!("{error}")))?;
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let gone = client
        .clear_faults(id)
        .await
        .map_err(|error| match &error {
            ControlError::Refused { message, .. } => Failure::failed(message)
                .help("`podpass sandbox fault list` lists those that are there"),
            error => control::failure(error),
        })?;
    if gone.is_empty() {
        output::note("note: this sandbox has no faults");
    }
    gone.iter()
        .try_for_each(|fault| output::line(&format!("fault/{} deleted", fault.id)))
}

const KINDS: &str = "\
Kinds:
  throttle               too many requests: Throttling (400), of S3 SlowDown (503)
  latency=DURATION       the answer takes so much longer
  propagation=DURATION   changes of IAM are seen so much later by the calls that it affects
  error=CODE[:STATUS]    this error, such as InternalFailure or ServiceUnavailable:503
  stale-jwks             STS keeps the keys of an issuer as they are now, or as it sees them first
  session-life=DURATION  sessions that STS grants end after so long, whatever was asked for
  clock-skew=OFFSET      the service's clock is so far ahead of the client's (10m), or behind (-10m)
  region-down=REGION     calls that are signed for the region get ServiceUnavailable (503)
  hold=N                 the Nth call is done and its answer withheld, with the connection open

Durations are written as 300ms, 20s or 1m30s. A fault affects the calls of the service and the action that it is
narrowed to, and is over after `--count` calls.";
