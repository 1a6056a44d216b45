//! Names from the kubeconfig and the cluster as candidates.
//!
//! What an argument takes is read off its value's name (`NS/SA`, `KIND/NAME`, `POD`) or off kubectl's flag, so a command
//! has nothing to say beyond its help. Whatever fails, or takes longer than a second, yields no candidates.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Arg, Command};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use podpass_cluster::resources::{NAMESPACE, POD, SERVICE_ACCOUNT};
use podpass_cluster::{Cluster, ClusterError, Target, WorkloadRef};
use podpass_kinds::ServiceAccountRef;

use crate::cluster_args::ClusterArgs;

/// What the line says of the cluster and of the service account.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// `None` where its flags make no sense.
    target: Option<Target>,
    account: Option<ServiceAccountRef>,
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Context,
    KubeconfigCluster,
    KubeconfigUser,
    Namespace,
    ServiceAccount,
    Workload,
    Pod,
    Target,
}

/// Keeps what others print away from the command line that is being edited: a credential plugin of the kubeconfig
/// writes to our standard error, and may ask on our standard input.
pub(super) fn silence() {
    if let Ok(nothing) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&nothing);
        let _ = rustix::stdio::dup2_stderr(&nothing);
    }
}

// === impl Line ===

impl Line {
    /// Reads the words of an unfinished command line.
    pub(super) fn of(words: &[OsString]) -> Self {
        let target = ClusterArgs::of_line(words).map(|arguments| Target {
            request_timeout: Some(PATIENCE),
            ..arguments.target()
        });
        let account = words
            .iter()
            .filter_map(|word| word.to_str())
            .filter(|word| word.parse::<WorkloadRef>().is_err())
            .find_map(|word| word.parse().ok());
        Self { target, account }
    }

    /// Lets the arguments of a command be completed with names.
    pub(super) fn complete(&self, command: Command) -> Command {
        command
            .mut_args(|argument| match Wanted::by(&argument) {
                None => argument,
                Some(wanted) => {
                    let line = self.clone();
                    argument.add(ArgValueCompleter::new(move |current: &OsStr| {
                        line.candidates(wanted, current)
                    }))
                }
            })
            .mut_subcommands(|subcommand| self.complete(subcommand))
    }

    fn candidates(&self, wanted: Wanted, current: &OsStr) -> Vec<CompletionCandidate> {
        let (Some(target), Some(current)) = (&self.target, current.to_str()) else {
            return Vec::new();
        };
        let names = match wanted {
            Wanted::Context => target.kubeconfig_names().contexts,
            Wanted::KubeconfigCluster => target.kubeconfig_names().clusters,
            Wanted::KubeconfigUser => target.kubeconfig_names().users,
            _ => self.ask(target, wanted, current),
        };
        let fitting = names.into_iter().filter(|name| name.starts_with(current));
        fitting.map(CompletionCandidate::new).collect()
    }

    /// Asks the cluster, on a thread that is left behind when it takes too long.
    fn ask(&self, target: &Target, wanted: Wanted, current: &str) -> Vec<String> {
        let (sender, answer) = mpsc::channel();
        let (line, target, current) = (self.clone(), target.clone(), current.to_owned());
        thread::spawn(move || {
            let names = crate::block_on(async {
                let found = match Cluster::connect(&target).await {
                    Ok(cluster) => line.names(&cluster, &target, wanted, &current).await,
                    Err(error) => Err(error),
                };
                Ok(found.unwrap_or_default())
            });
            let _ = sender.send(names.unwrap_or_default());
        });
        answer.recv_timeout(PATIENCE).unwrap_or_default()
    }

    async fn names(
        &self,
        cluster: &Cluster,
        target: &Target,
        wanted: Wanted,
        current: &str,
    ) -> Result<Vec<String>, ClusterError> {
        match wanted {
            Wanted::Namespace => cluster.names(NAMESPACE, None).await,
            Wanted::Pod => {
                cluster
                    .names(POD, Some(self.namespace(cluster, target)))
                    .await
            }
            Wanted::Workload => self.workloads(cluster, target, current).await,
            Wanted::ServiceAccount => service_accounts(cluster, current).await,
            Wanted::Target => {
                let mut names = self
                    .workloads(cluster, target, current)
                    .await
                    .unwrap_or_default();
                names.extend(service_accounts(cluster, current).await?);
                Ok(names)
            }
            // These need no cluster.
            Wanted::Context | Wanted::KubeconfigCluster | Wanted::KubeconfigUser => Ok(Vec::new()),
        }
    }

    /// `KIND/`, then `KIND/NAME` with the kind as it was written.
    async fn workloads(
        &self,
        cluster: &Cluster,
        target: &Target,
        current: &str,
    ) -> Result<Vec<String>, ClusterError> {
        let Some((kind, _)) = current.split_once('/') else {
            return Ok(WorkloadRef::kinds()
                .map(|(kind, _)| format!("{kind}/"))
                .collect());
        };
        let Ok(reference) = format!("{kind}/x").parse::<WorkloadRef>() else {
            return Ok(Vec::new());
        };
        let namespace = self.namespace(cluster, target);
        let names = cluster.names(reference.resource, Some(namespace)).await?;
        Ok(names.iter().map(|name| format!("{kind}/{name}")).collect())
    }

    /// `-n` says it, or the service account that is meant, or the context.
    fn namespace<'a>(&'a self, cluster: &'a Cluster, target: &Target) -> &'a str {
        match &self.account {
            Some(account) if target.namespace.is_none() => account.namespace(),
            _ => cluster.namespace(),
        }
    }
}

/// `NS/`, then `NS/SA`. Who may not list namespaces gets the context's.
async fn service_accounts(cluster: &Cluster, current: &str) -> Result<Vec<String>, ClusterError> {
    if let Some((namespace, _)) = current.split_once('/') {
        let names = cluster.names(SERVICE_ACCOUNT, Some(namespace)).await?;
        return Ok(names
            .iter()
            .map(|name| format!("{namespace}/{name}"))
            .collect());
    }
    let namespaces = cluster.names(NAMESPACE, None).await;
    let namespaces = namespaces.unwrap_or_else(|_| vec![cluster.namespace().to_owned()]);
    Ok(namespaces.iter().map(|name| format!("{name}/")).collect())
}

// === impl Wanted ===

impl Wanted {
    /// What an argument takes, by kubectl's flags and by the name of its value.
    fn by(argument: &Arg) -> Option<Self> {
        let kubectls = argument.get_help_heading() == Some("Cluster");
        match argument.get_long() {
            Some("context") if kubectls => return Some(Self::Context),
            Some("cluster") if kubectls => return Some(Self::KubeconfigCluster),
            Some("user") if kubectls => return Some(Self::KubeconfigUser),
            Some("namespace") if kubectls => return Some(Self::Namespace),
            _ => {}
        }
        let [value] = argument.get_value_names()? else {
            return None;
        };
        match (value.contains("NS/SA"), value.contains("KIND/NAME")) {
            (true, true) => Some(Self::Target),
            (true, false) => Some(Self::ServiceAccount),
            (false, true) => Some(Self::Workload),
            (false, false) => (value == "POD").then_some(Self::Pod),
        }
    }
}

/// How long a person waits after Tab.
const PATIENCE: Duration = Duration::from_secs(1);
