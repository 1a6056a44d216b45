//! `podpass install`: the objects that deploy the webhook, printed or applied.

mod inputs;
mod plan;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use podpass_manifests::{WebhookOptions, to_yaml};
use serde_json::{Value, json};

use self::inputs::WebhookArgs;
pub(crate) use self::inputs::WebhookNameArgs;
use self::plan::Plan;
pub(crate) use self::plan::{manifests, not_ours};
use crate::block_on;
use crate::cluster_args::ClusterArgs;
use crate::failure::{Exit, Failure};
use crate::{consent, output};

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(subcommand)]
    command: InstallCommand,
}

#[derive(Debug, Subcommand)]
enum InstallCommand {
    /// Install the pod identity webhook, in the namespace of `-n` or, without it, in `podpass-webhook`, which is made.
    Webhook(Box<InstallWebhookArgs>),
}

#[derive(Debug, Args)]
struct InstallWebhookArgs {
    /// Show what would be created and configured, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Apply without asking.
    #[arg(short, long)]
    yes: bool,
    /// Take over fields that somebody else has set since.
    #[arg(long)]
    force_conflicts: bool,
    /// Print the manifests instead of applying them; no cluster is asked.
    #[arg(short, long, value_enum)]
    output: Option<ManifestFormat>,
    #[command(flatten)]
    webhook: WebhookArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ManifestFormat {
    Yaml,
    /// One List.
    Json,
}

pub(crate) fn run(arguments: InstallArgs) -> Result<ExitCode, Failure> {
    let InstallCommand::Webhook(arguments) = arguments.command;
    let options = arguments
        .webhook
        .options(arguments.cluster.namespace.as_deref());
    options
        .check()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let objects = options.render();
    match arguments.output {
        Some(ManifestFormat::Yaml) => output::data(&to_yaml(&objects))?,
        Some(ManifestFormat::Json) => output::json(&list(&objects))?,
        None => block_on(apply(&arguments, &options))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(objects: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": objects})
}

async fn apply(arguments: &InstallWebhookArgs, options: &WebhookOptions) -> Result<(), Failure> {
    let cluster = arguments.cluster.connect().await?;
    let force = arguments.force_conflicts;
    let plan = Plan::of(&cluster, options, force).await?;
    if arguments.dry_run {
        return output::data(&plan.to_string());
    }
    if plan.changes() && !arguments.yes {
        output::error_text(&plan.to_string());
        consent::ask("Apply all of this?", "applied")?;
    }
    plan.carry_out(&cluster, force).await
}

/// A failure behind the first change says what is done.
fn after(done: &[String], mut failure: Failure) -> Failure {
    if done.is_empty() {
        return failure;
    }
    failure.exit = Exit::PartlyFailed;
    failure.detail("done", done.join(", "))
}
