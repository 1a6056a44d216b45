//! What the cluster's webhook goes by, for commands that have to do as it does.

use podpass_access::injected::InjectionRules;
use podpass_cluster::Cluster;

use crate::failure::Failure;

/// The domain of the annotations, where the command line names one.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PrefixArgs {
    /// The domain of the annotations. [default: that of the cluster's webhook, else eks.amazonaws.com]
    #[arg(long, value_name = "DOMAIN")]
    annotation_prefix: Option<String>,
}

impl PrefixArgs {
    /// How the cluster's webhook runs, as far as it may be read; without a cluster, how it runs where nothing is set.
    pub(crate) async fn rules(&self, cluster: Option<&Cluster>) -> Result<InjectionRules, Failure> {
        let mut rules = match cluster {
            Some(cluster) => Box::pin(InjectionRules::of_cluster(cluster))
                .await
                .map_err(|error| Failure::cluster(&error))?,
            None => InjectionRules::default(),
        };
        if let Some(prefix) = &self.annotation_prefix {
            rules.settings.annotation_prefix.clone_from(prefix);
        }
        Ok(rules)
    }
}
