//! `podpass get`: what pods were given, beside what they should have been.

mod container;
mod report;
mod target;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podpass_access::injected::{AccountReport, InjectionRules, LookError, Selection, look};
use podpass_cluster::Cluster;
use serde::Serialize;

use self::container::Chosen;
use self::report::Width;
use self::target::Target;
use super::inject::SettingsArgs;
use crate::cluster_args::ClusterArgs;
use crate::failure::{Exit, Failure};
use crate::format::Format;
use crate::output::{self, Paint};

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// A service account (NS/SA or sa/NAME), a pod (pod/NAME) or a workload (deploy/NAME, sts/NAME, …). [default: every
    /// service account of the namespace that has a role]
    #[arg(value_name = "NS/SA|KIND/NAME", conflicts_with = "all_namespaces")]
    target: Option<Target>,
    /// Every service account of the cluster that has a role, and the pods that run as them.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Only pods with these labels, as kubectl takes them.
    #[arg(short = 'l', long, value_name = "LABELS", default_value = "")]
    selector: String,
    /// The container that `env` and `aws-config` are about. [default: the first that has an identity]
    #[arg(short = 'c', long, value_name = "NAME")]
    container: Option<String>,
    /// In `aws-config`: where its reader finds the token. [default: the path in the container]
    #[arg(long, value_name = "PATH")]
    token_file: Option<String>,
    /// For a person (`wide`: with the account's role and the token's audience and life) or for a program; `env` prints a container's AWS variables as shell exports, `aws-config` an AWS config
    /// file that is the same identity.
    #[arg(short, long, value_enum, default_value_t = GetFormat::Table)]
    output: GetFormat,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GetFormat {
    Table,
    Wide,
    Json,
    Yaml,
    /// The names alone, one a line.
    Name,
    Env,
    AwsConfig,
}

/// The comparison, as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InjectionDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    /// Where the webhook's settings were read: the service that it runs behind; `null` where its flags' defaults count.
    webhook_service: Option<&'a str>,
    service_accounts: &'a [AccountReport],
}

pub(crate) async fn run(arguments: GetArgs) -> Result<ExitCode, Failure> {
    let cluster = arguments.cluster.connect().await?;
    let selection = arguments.selection(&cluster)?;
    let rules = arguments.rules(&cluster).await?;
    let found = Box::pin(look(&cluster, &selection, &arguments.selector, &rules))
        .await
        .map_err(|error| failure(&error))?;
    let format = match arguments.output {
        GetFormat::Table | GetFormat::Wide => Format::Table,
        GetFormat::Json => Format::Json,
        GetFormat::Yaml => Format::Yaml,
        GetFormat::Name => Format::Name,
        GetFormat::Env => {
            Chosen::among(&found, arguments.container.as_deref())?.print_env()?;
            return Ok(ExitCode::SUCCESS);
        }
        GetFormat::AwsConfig => {
            let container = arguments.container.as_deref();
            let config = container::aws_config(&found, container, arguments.token_file.as_deref())?;
            output::data(&config)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let document = InjectionDocument {
        api_version: crate::API_VERSION,
        kind: "Injection",
        webhook_service: rules.of_service.as_deref(),
        service_accounts: &found,
    };
    format.print(
        &document,
        |document| {
            let width = if arguments.output == GetFormat::Wide {
                Width::Wide
            } else {
                Width::Usual
            };
            report::render(document.service_accounts, width, Paint::for_stdout())
        },
        |document| report::names(document.service_accounts),
    )?;
    let differs = found
        .iter()
        .any(|account| account.differs() || !account.exists);
    Ok(if differs {
        Exit::Failed.into()
    } else {
        ExitCode::SUCCESS
    })
}

impl GetArgs {
    fn selection(&self, cluster: &Cluster) -> Result<Selection, Failure> {
        let namespace = cluster.namespace();
        Ok(match &self.target {
            None if self.all_namespaces => Selection::Roles(None),
            None => Selection::Roles(Some(namespace.to_owned())),
            Some(Target::Workload(_)) if !self.selector.is_empty() => {
                return Err(Failure::usage(
                    "`--selector` does not go with a pod or a workload, which has its own pods",
                )
                .help("leave it out, or name the service account"));
            }
            Some(Target::Workload(workload)) => Selection::Workload {
                namespace: namespace.to_owned(),
                workload: workload.clone(),
            },
            Some(Target::Account(account)) => Selection::Account(account.clone()),
            Some(Target::AccountName(name)) => Selection::Account(
                podpass_kinds::ServiceAccountRef::new(namespace, name)
                    .map_err(|error| Failure::usage(error.to_string()))?,
            ),
        })
    }

    /// How the cluster's webhook runs, and over it what the command line says.
    async fn rules(&self, cluster: &Cluster) -> Result<InjectionRules, Failure> {
        let rules = Box::pin(InjectionRules::of_cluster(cluster)).await;
        let rules = rules.map_err(|error| Failure::cluster(&error))?;
        Ok(InjectionRules {
            settings: self.settings.over(rules.settings),
            assignments: self.settings.assignments(rules.assignments)?,
            ..rules
        })
    }
}

fn failure(error: &LookError) -> Failure {
    match error {
        LookError::Cluster(error) => Failure::cluster(error),
        error => Failure::failed(error.to_string()).help("check namespace and name"),
    }
}
