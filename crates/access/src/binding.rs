//! The cluster's side of giving a service account a role, and of taking it back.

use std::collections::BTreeMap;
use std::fmt;

use podpass_cluster::{
    Annotated, Cluster, ClusterError, FIELD_MANAGER, ServiceAccount, Workload, WorkloadRef,
};
use podpass_kinds::{ServiceAccountRef, annotations};
use podpass_policy::RoleArn;
use podpass_provision::Outcome;
use serde_json::{Value, json};
use thiserror::Error;

/// What the cluster is to hold of a service account's role.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The service account.
    pub account: ServiceAccountRef,
    /// The domain of the webhook's annotations.
    pub prefix: String,
    /// The role.
    pub role: RoleArn,
    /// The roles that a pod takes on after it, one after the other.
    pub chain: Vec<RoleArn>,
    /// The name of the cluster whose podpass made the role; `None` for a role that somebody else gave.
    pub made_for: Option<String>,
    /// Whether a missing namespace and a missing service account are made.
    pub create: bool,
    /// A workload that is to run as the service account.
    pub workload: Option<WorkloadRef>,
    /// Whether another role in the annotation is replaced.
    pub adopt: bool,
}

/// The steps to it, in order; every object that was looked at has one.
#[derive(Clone, Debug, Default)]
pub struct BindingPlan {
    /// The steps.
    pub steps: Vec<(ClusterStep, Outcome)>,
}

/// One call to the API server.
#[derive(Clone, Debug)]
pub enum ClusterStep {
    /// The namespace exists.
    Namespace(String),
    /// The service account exists and has its annotations.
    ServiceAccount(ServiceAccountRef),
    /// The workload runs as the service account.
    Workload(WorkloadRef),
}

/// Why nothing is changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The API server did not do it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Something has to be there first.
    #[error("there is no {what}")]
    Missing {
        /// What, such as ``namespace `ns` ``.
        what: String,
        /// Whether `--create` makes it.
        creatable: bool,
    },
    /// The service account has another role already.
    #[error(transparent)]
    OtherRole(Box<OtherRole>),
}

/// A service account that has another role than it is to have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("service account `{account}` has another role already")]
pub struct OtherRole {
    /// The service account.
    pub account: ServiceAccountRef,
    /// The role that is to be set.
    pub expected: String,
    /// The role that is there.
    pub actual: String,
    /// Who wrote it, as far as it is known.
    pub written: Option<Annotated>,
}

/// What taking a role back did in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbound {
    /// The annotations that were, or are to be, removed; empty when there was nothing to do.
    pub removed: Vec<String>,
}

impl Binding {
    /// Looks at the cluster and says what is to be done.
    pub async fn plan(&self, cluster: &Cluster) -> Result<BindingPlan, Refused> {
        let mut plan = BindingPlan::default();
        let (namespace, name) = (self.account.namespace(), self.account.name());
        let found = cluster.service_account(namespace, name).await?;
        if found.is_none() && !cluster.has_namespace(namespace).await? {
            if !self.create {
                return Err(missing(format!("namespace `{namespace}`"), true));
            }
            let step = ClusterStep::Namespace(namespace.to_owned());
            plan.steps.push((step, Outcome::Created));
        }
        let outcome = match &found {
            None if !self.create => {
                return Err(missing(format!("service account `{}`", self.account), true));
            }
            None => Outcome::Created,
            Some(found) => {
                self.refuse_other_role(found)?;
                if self.is_set_on(found) {
                    Outcome::Unchanged
                } else {
                    Outcome::Configured
                }
            }
        };
        let step = ClusterStep::ServiceAccount(self.account.clone());
        plan.steps.push((step, outcome));
        if let Some(reference) = &self.workload {
            let workload = self.workload(cluster, reference).await?;
            let runs = workload.manifest.service_account_name() == name;
            let outcome = if runs {
                Outcome::Unchanged
            } else {
                Outcome::Configured
            };
            plan.steps
                .push((ClusterStep::Workload(reference.clone()), outcome));
        }
        Ok(plan)
    }

    /// Takes one step of the plan. It can be taken again.
    pub async fn apply(&self, cluster: &Cluster, step: &ClusterStep) -> Result<(), Refused> {
        let (namespace, name) = (self.account.namespace(), self.account.name());
        match step {
            ClusterStep::Namespace(namespace) => cluster.create_namespace(namespace).await?,
            ClusterStep::ServiceAccount(_) => {
                let found = if let Some(found) = cluster.service_account(namespace, name).await? {
                    found
                } else {
                    cluster.create_service_account(namespace, name).await?;
                    cluster.existing_service_account(namespace, name).await?
                };
                self.refuse_other_role(&found)?;
                cluster
                    .annotate_service_account(&found, &self.annotations(), self.adopt)
                    .await?;
            }
            ClusterStep::Workload(reference) => {
                let workload = self.workload(cluster, reference).await?;
                cluster.set_service_account(&workload, name).await?;
            }
        }
        Ok(())
    }

    /// The service account as a manifest, for those who apply it themselves.
    pub fn manifest(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": self.account.name(),
                "namespace": self.account.namespace(),
                "annotations": self.annotations(),
            },
        })
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let role = (self.role_annotation(), self.role.to_string());
        let made = self
            .made_for
            .as_ref()
            .map(|cluster| (MADE_FOR.to_owned(), cluster.clone()));
        let chain = self.chain.iter().map(RoleArn::as_str);
        let chain = (!self.chain.is_empty()).then(|| {
            let roles = chain.collect::<Vec<_>>().join(",");
            (annotations::ASSUME_ROLE_CHAIN.to_owned(), roles)
        });
        std::iter::once(role).chain(made).chain(chain).collect()
    }

    fn role_annotation(&self) -> String {
        annotations::name(&self.prefix, annotations::ROLE_ARN)
    }

    fn is_set_on(&self, found: &ServiceAccount) -> bool {
        let present = &found.view.annotations;
        // Applying takes away what an earlier `bind` applied and this one does not.
        let is_left = |name: &str| {
            let written = found.annotated.get(name);
            written.is_some_and(|written| written.manager == FIELD_MANAGER)
        };
        let wanted = self.annotations();
        wanted
            .iter()
            .all(|(name, value)| present.get(name) == Some(value))
            && [MADE_FOR, annotations::ASSUME_ROLE_CHAIN]
                .iter()
                .all(|name| wanted.contains_key(*name) || !is_left(name))
    }

    fn refuse_other_role(&self, found: &ServiceAccount) -> Result<(), Refused> {
        let annotation = self.role_annotation();
        let present = found.view.annotations.get(&annotation);
        match present.filter(|role| !role.is_empty() && **role != self.role.to_string()) {
            Some(actual) if !self.adopt => Err(Refused::OtherRole(Box::new(OtherRole {
                account: self.account.clone(),
                expected: self.role.to_string(),
                actual: actual.clone(),
                written: found.annotated.get(&annotation).cloned(),
            }))),
            _ => Ok(()),
        }
    }

    async fn workload(
        &self,
        cluster: &Cluster,
        reference: &WorkloadRef,
    ) -> Result<Workload, Refused> {
        let namespace = self.account.namespace();
        let found = cluster.workload(namespace, reference).await?;
        found.ok_or_else(|| missing(format!("{reference} in namespace `{namespace}`"), false))
    }
}

impl Unbound {
    /// Looks at what a service account has of podpass's and the webhook's role annotations.
    pub fn plan(found: &ServiceAccount, prefix: &str) -> Self {
        let names = [
            annotations::name(prefix, annotations::ROLE_ARN),
            MADE_FOR.to_owned(),
            annotations::ASSUME_ROLE_CHAIN.to_owned(),
        ];
        Self {
            removed: names
                .into_iter()
                .filter(|name| found.view.annotations.contains_key(name))
                .collect(),
        }
    }

    /// Removes them.
    pub async fn apply(
        &self,
        cluster: &Cluster,
        found: &ServiceAccount,
    ) -> Result<(), ClusterError> {
        if self.removed.is_empty() {
            return Ok(());
        }
        cluster.remove_annotations(found, &self.removed).await
    }
}

fn missing(what: String, creatable: bool) -> Refused {
    Refused::Missing { what, creatable }
}

impl fmt::Display for ClusterStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(name) => write!(f, "namespace/{name}"),
            Self::ServiceAccount(account) => write!(f, "serviceaccount/{}", account.name()),
            Self::Workload(reference) => reference.fmt(f),
        }
    }
}

/// On a service account: the name of the cluster for which `podpass bind` made its role, so that `podpass unbind` knows
/// that there is something to take back in the cloud.
pub const MADE_FOR: &str = "podpass.dev/role-made-for";
