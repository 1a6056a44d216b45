//! kubectl's connection flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use podpass_cluster::{Cluster, Target};

use crate::duration::parse_duration;
use crate::failure::Failure;

/// Which cluster is meant, by kubectl's flags; KUBECONFIG and `~/.kube/config` count as they do there.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// The kubeconfig file. [default: KUBECONFIG, ~/.kube/config, or the pod that this runs in]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The cluster of the kubeconfig, instead of the context's.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The user of the kubeconfig, instead of the context's.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The URL of the API server, instead of the cluster's.
    #[arg(short, long, value_name = "URL")]
    server: Option<String>,
    /// The namespace, where none is named. [default: the context's]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// How long one request may take, such as 30s; 0 does not limit it.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30s")]
    request_timeout: Duration,
}

impl ClusterArgs {
    pub(crate) async fn connect(&self) -> Result<Cluster, Failure> {
        let target = Target {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            namespace: self.namespace.clone(),
            request_timeout: Some(self.request_timeout).filter(|timeout| !timeout.is_zero()),
        };
        Cluster::connect(&target)
            .await
            .map_err(|error| Failure::cluster(&error))
    }
}
