//! `podpass uninstall`: what `install` installed goes, the webhook configuration first.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use podpass_cluster::{Cluster, Manifest, Standing, resources};
use podpass_manifests::MANAGED_BY;

use super::install::{WebhookNameArgs, manifests, not_ours};
use crate::block_on;
use crate::cluster_args::ClusterArgs;
use crate::failure::{Exit, Failure};
use crate::{consent, output};

#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    #[command(subcommand)]
    command: UninstallCommand,
}

#[derive(Debug, Subcommand)]
enum UninstallCommand {
    /// Delete the pod identity webhook from the namespace of `-n` or, without it, from `podpass-webhook`.
    Webhook(UninstallWebhookArgs),
}

#[derive(Debug, Args)]
struct UninstallWebhookArgs {
    #[command(flatten)]
    which: WebhookNameArgs,
    /// Show what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// Delete without asking.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(arguments: UninstallArgs) -> Result<ExitCode, Failure> {
    let UninstallCommand::Webhook(arguments) = arguments.command;
    block_on(uninstall(&arguments))?;
    Ok(ExitCode::SUCCESS)
}

async fn uninstall(arguments: &UninstallWebhookArgs) -> Result<(), Failure> {
    let namespace = arguments.cluster.namespace.as_deref();
    let options = arguments.which.options(namespace);
    options
        .check()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let mut manifests = manifests(options.render_all());
    manifests.reverse();
    let cluster = arguments.cluster.connect().await?;
    let there = what_is_ours(&cluster, &options.namespace, manifests).await?;
    let mut plan = String::new();
    for (number, manifest) in there.iter().enumerate() {
        let note = if manifest.resource() == resources::NAMESPACE {
            ", with everything in it"
        } else {
            ""
        };
        let _ = writeln!(plan, "{:>3}. delete {manifest}{note}", number + 1);
    }
    if arguments.dry_run {
        return output::data(&plan);
    }
    if there.is_empty() {
        output::note("nothing is installed");
        return Ok(());
    }
    if !arguments.yes {
        output::error_text(&plan);
        consent::ask("Delete all of this?", "deleted")?;
    }
    delete(&cluster, &there).await
}

/// What exists of it. Nothing is deleted when somebody else installed some of it.
async fn what_is_ours(
    cluster: &Cluster,
    namespace: &str,
    manifests: Vec<Manifest>,
) -> Result<Vec<Manifest>, Failure> {
    let mut ours = Vec::new();
    let mut foreign = Vec::new();
    for manifest in manifests {
        let standing = cluster.standing(&manifest, MANAGED_BY, true).await;
        match standing.map_err(|error| Failure::cluster(&error))? {
            Standing::Absent | Standing::Unserved => {}
            Standing::Same | Standing::Differs => ours.push(manifest),
            // One that was there before the webhook stays.
            Standing::Foreign(_) if manifest.is_namespace(namespace) => {}
            Standing::Foreign(manager) => foreign.push((manifest, manager)),
        }
    }
    if foreign.is_empty() {
        Ok(ours)
    } else {
        Err(not_ours(&foreign)
            .help("uninstall it with the tool that installed it, such as `helm uninstall`"))
    }
}

/// Deletes in order. The webhook configuration is the first, and the rest waits for it: with `Fail`, a configuration
/// without a webhook would refuse every pod.
async fn delete(cluster: &Cluster, manifests: &[Manifest]) -> Result<(), Failure> {
    let mut left = Vec::new();
    for manifest in manifests {
        match cluster.delete_manifest(manifest).await {
            Ok(_) => output::line(&format!("{manifest} deleted"))?,
            Err(error) if manifest.resource() == resources::MUTATING_WEBHOOK_CONFIGURATION => {
                return Err(Failure::cluster(&error).detail("object", manifest.to_string()));
            }
            Err(error) => left.push((manifest, error)),
        }
    }
    let Some((_, first)) = left.first() else {
        return Ok(());
    };
    let mut failure = Failure::cluster(first);
    failure.exit = Exit::PartlyFailed;
    for (manifest, error) in &left {
        failure = failure.detail("left", format!("{manifest}: {error}"));
    }
    Err(failure)
}
