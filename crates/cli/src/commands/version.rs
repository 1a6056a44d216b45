//! `podpass version`: this program's version, and the API server's where there is a cluster.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podpass_cluster::{Cluster, ClusterError, ServerVersion};
use serde::Serialize;

use crate::cluster_args::ClusterArgs;
use crate::failure::Failure;
use crate::format::yaml_of;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// This program's version only; the cluster is not asked.
    #[arg(long)]
    client: bool,
    /// For a person or for a program.
    #[arg(short, long, value_enum, default_value_t = VersionFormat::Text)]
    output: VersionFormat,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VersionFormat {
    Text,
    Json,
    Yaml,
}

/// The versions as `-o json` prints them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    api_version: &'static str,
    kind: &'static str,
    client_version: Client,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_version: Option<Server>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    git_commit: Option<&'static str>,
    os: &'static str,
    arch: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    git_version: String,
    platform: String,
}

/// Succeeds without a cluster too: who asks for a version often has a problem with it.
pub(crate) async fn run(arguments: &VersionArgs) -> Result<ExitCode, Failure> {
    let target = arguments.cluster.target();
    let server = if arguments.client || !target.is_named() {
        None
    } else {
        match ask(Cluster::connect(&target).await).await {
            Ok(version) => Some(version),
            Err(error) => {
                output::note(&format!("the API server's version is unknown: {error}"));
                output::note(&format!("  = help: {}", error.hint()));
                None
            }
        }
    };
    let versions = Versions {
        api_version: crate::API_VERSION,
        kind: "Version",
        client_version: CLIENT,
        server_version: server.map(|server| Server {
            git_version: server.git_version,
            platform: server.platform,
        }),
    };
    match arguments.output {
        VersionFormat::Text => output::data(&versions.text())?,
        VersionFormat::Yaml => yaml_of(&versions)?,
        VersionFormat::Json => output::json(&versions)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(connected: Result<Cluster, ClusterError>) -> Result<ServerVersion, ClusterError> {
    connected?.version().await
}

// === impl Versions ===

impl Versions {
    fn text(&self) -> String {
        let client = &self.client_version;
        let commit = client.git_commit.map(|commit| format!(" {commit}"));
        let mut text = format!(
            "podpass {}{} ({}/{})\n",
            client.version,
            commit.unwrap_or_default(),
            client.os,
            client.arch
        );
        if let Some(server) = &self.server_version {
            let _ = writeln!(
                text,
                "Kubernetes {} ({})",
                server.git_version, server.platform
            );
        }
        text
    }
}

/// The commit is what the builder says in `PODPASS_COMMIT`: a build script that asked git would make the program depend
/// on where it is built.
const CLIENT: Client = Client {
    version: env!("CARGO_PKG_VERSION"),
    git_commit: option_env!("PODPASS_COMMIT"),
    os: std::env::consts::OS,
    arch: std::env::consts::ARCH,
};
