//! Reading service accounts and their pods from a cluster, and comparing them.

use std::collections::BTreeMap;

use podpass_cluster::{Cluster, ClusterError, ServiceAccount, Workload, WorkloadRef};
use podpass_inject::Note;
use podpass_kinds::{ServiceAccountRef, ServiceAccountView, annotations};
use serde_json::Value;
use thiserror::Error;

use super::{Account, AccountReport, ExpectedIdentity, InjectionRules, PodReport};

/// What is looked at.
#[derive(Clone, Debug)]
pub enum Selection {
    /// A service account and the pods that run as it.
    Account(ServiceAccountRef),
    /// A pod, or the pods of a workload.
    Workload {
        /// Its namespace.
        namespace: String,
        /// Its kind and name.
        workload: WorkloadRef,
    },
    /// The service accounts with a role, and the pods that run as them or still have an identity; of one namespace or of
    /// all.
    Roles(Option<String>),
}

/// Why there is nothing to compare.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LookError {
    /// The API server did not answer it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// What is asked about does not exist.
    #[error("there is no {0}")]
    Missing(String),
}

/// Looks at what is selected. `labels` selects among the pods, in kubectl's form; empty selects all.
///
/// Pods that have ended are left out, except one that is asked about by its name.
pub async fn look(
    cluster: &Cluster,
    selection: &Selection,
    labels: &str,
    rules: &InjectionRules,
) -> Result<Vec<AccountReport>, LookError> {
    let (pods, accounts) = match selection {
        Selection::Account(account) => {
            let (namespace, name) = (account.namespace(), account.name());
            let found = cluster.service_account(namespace, name).await?;
            let found = found.ok_or_else(|| missing("service account", namespace, name))?;
            let mut pods = cluster.pods(Some(namespace), labels).await?;
            pods.retain(|pod| is_alive(pod) && pod.manifest.service_account_name() == name);
            (pods, vec![found])
        }
        Selection::Workload {
            namespace,
            workload,
        } => {
            let found = cluster.workload(namespace, workload).await?;
            let found = found.ok_or_else(|| {
                missing(
                    &workload.resource.kind.to_lowercase(),
                    namespace,
                    &workload.name,
                )
            })?;
            let mut pods = cluster.pods_of(&found).await?;
            if found.manifest.is_template() {
                pods.retain(is_alive);
            }
            let name = found.manifest.service_account_name();
            let account = cluster.service_account(namespace, name).await?;
            (
                pods,
                vec![account.unwrap_or_else(|| absent(namespace, name))],
            )
        }
        Selection::Roles(namespace) => {
            let namespace = namespace.as_deref();
            let (accounts, pods) = tokio::try_join!(
                cluster.service_accounts(namespace),
                cluster.pods(namespace, labels)
            )?;
            (pods.into_iter().filter(is_alive).collect(), accounts)
        }
    };
    let mut of_account: BTreeMap<(String, String), Vec<Workload>> = BTreeMap::new();
    for pod in pods {
        let key = (
            pod.manifest.namespace().to_owned(),
            pod.manifest.service_account_name().to_owned(),
        );
        of_account.entry(key).or_default().push(pod);
    }
    let mut reports = Vec::new();
    for account in accounts {
        let key = (account.view.namespace.clone(), account.view.name.clone());
        let pods = of_account.remove(&key).unwrap_or_default();
        reports.push(AccountReport::of(&account, &pods, rules));
    }
    // A service account can be deleted under its pods, and pods of one Deployment can run as several.
    for ((namespace, name), pods) in of_account {
        let account = match selection {
            Selection::Roles(_) => None,
            _ => cluster.service_account(&namespace, &name).await?,
        };
        let account = account.unwrap_or_else(|| absent(&namespace, &name));
        reports.push(AccountReport::of(&account, &pods, rules));
    }
    if let Selection::Roles(_) = selection {
        reports.retain(|report| {
            report.expected.is_some() || report.pods.iter().any(|pod| !pod.differences.is_empty())
        });
    }
    Ok(reports)
}

impl AccountReport {
    fn of(account: &ServiceAccount, pods: &[Workload], rules: &InjectionRules) -> Self {
        let (expected, notes) = ExpectedIdentity::of(&account.view, rules);
        let annotation =
            annotations::name(&rules.settings.annotation_prefix, annotations::ROLE_ARN);
        let subject = Account {
            view: &account.view,
            role_written: account.annotated.get(&annotation),
        };
        let pods = pods.iter().map(|pod| {
            let mut report = PodReport::of(pod.manifest.object(), subject, rules);
            // Once for the account is enough.
            report
                .notes
                .retain(|note| !notes.iter().any(|own: &Note| own == note));
            report
        });
        Self {
            service_account: format!("{}/{}", account.view.namespace, account.view.name),
            exists: !account.resource_version.is_empty(),
            pods: pods.collect(),
            expected,
            notes,
        }
    }

    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        self.pods.iter().any(|pod| !pod.differences.is_empty())
    }
}

/// A service account that pods name and the cluster does not have.
fn absent(namespace: &str, name: &str) -> ServiceAccount {
    ServiceAccount {
        view: ServiceAccountView {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..ServiceAccountView::default()
        },
        resource_version: String::new(),
        annotated: BTreeMap::new(),
    }
}

fn is_alive(pod: &Workload) -> bool {
    let phase = pod.manifest.object().pointer("/status/phase");
    !matches!(phase.and_then(Value::as_str), Some("Succeeded" | "Failed"))
}

fn missing(kind: &str, namespace: &str, name: &str) -> LookError {
    LookError::Missing(format!("{kind} `{namespace}/{name}`"))
}
