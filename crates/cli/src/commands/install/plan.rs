//! What applying would change, and the change.

use std::fmt;

use podpass_cluster::{Cluster, ClusterError, ErrorKind, Manifest, Standing, resources};
use podpass_manifests::{MANAGED_BY, WebhookOptions};
use podpass_provision::Outcome;
use serde_json::Value;

use super::after;
use crate::failure::{Exit, Failure};
use crate::output;

/// Each object with what becomes of it.
pub(super) struct Plan(Vec<(Manifest, Outcome)>);

/// The objects that the manifests crate renders.
pub(crate) fn manifests(objects: Vec<Value>) -> Vec<Manifest> {
    let known = |object| Manifest::of(object).expect("we install only kinds that we know");
    objects.into_iter().map(known).collect()
}

impl Plan {
    /// Looks at everything before anything is changed, and refuses to touch what somebody else installed.
    ///
    /// The namespace that the webhook runs in is the exception: one that is there is used as it is.
    pub(super) async fn of(
        cluster: &Cluster,
        options: &WebhookOptions,
        force: bool,
    ) -> Result<Self, Failure> {
        let namespace = options.namespace.as_str();
        let manifests = manifests(options.render());
        let makes_it = manifests.iter().any(|it| it.is_namespace(namespace));
        if !makes_it && !exists(cluster, namespace).await? {
            let message = format!("there is no namespace `{namespace}`");
            return Err(Failure::failed(message).help("make it first, or leave out `-n`"));
        }
        let mut plan = Vec::new();
        let mut foreign = Vec::new();
        let mut others = self::manifests(options.render_all());
        others.retain(|other| !manifests.iter().any(|it| it.is_of(other)));
        for manifest in manifests {
            let standing = cluster.standing(&manifest, MANAGED_BY, force).await;
            let outcome = match standing.map_err(|error| refused(&manifest, &error))? {
                Standing::Absent => Outcome::Created,
                Standing::Differs => Outcome::Configured,
                Standing::Same => Outcome::Unchanged,
                Standing::Foreign(_) if manifest.is_namespace(namespace) => continue,
                Standing::Foreign(manager) => {
                    foreign.push((manifest, manager));
                    continue;
                }
                Standing::Unserved => return Err(unserved(&manifest)),
            };
            plan.push((manifest, outcome));
        }
        if foreign.is_empty() {
            plan.extend(left_over(cluster, others).await?);
            Ok(Self(plan))
        } else {
            let help = "install beside it with another `--name`, or uninstall it first with the tool that installed it";
            Err(not_ours(&foreign).help(help))
        }
    }

    /// Whether there is anything to do.
    pub(super) fn changes(&self) -> bool {
        let mut outcomes = self.0.iter().map(|(_, outcome)| *outcome);
        outcomes.any(|outcome| outcome != Outcome::Unchanged)
    }

    /// Applies what is not as it should be, and says of each object what became of it.
    pub(super) async fn carry_out(self, cluster: &Cluster, force: bool) -> Result<(), Failure> {
        let mut done = Vec::new();
        for (manifest, outcome) in self.0 {
            let line = format!("{manifest} {}", word(outcome));
            if outcome != Outcome::Unchanged {
                let reached = match outcome {
                    Outcome::Deleted => cluster.delete_manifest(&manifest).await.map(drop),
                    _ => cluster.apply_manifest(&manifest, force).await,
                };
                reached.map_err(|error| after(&done, refused(&manifest, &error)))?;
                done.push(line.clone());
            }
            output::line(&line)?;
        }
        Ok(())
    }
}

/// What an earlier choice installed and this one does not have. Namespaces stay: others may have put something there.
async fn left_over(
    cluster: &Cluster,
    others: Vec<Manifest>,
) -> Result<Vec<(Manifest, Outcome)>, Failure> {
    let mut left = Vec::new();
    for other in others {
        if other.resource() == resources::NAMESPACE {
            continue;
        }
        let standing = cluster.standing(&other, MANAGED_BY, true).await;
        let standing = standing.map_err(|error| refused(&other, &error))?;
        if matches!(standing, Standing::Same | Standing::Differs) {
            left.push((other, Outcome::Deleted));
        }
    }
    Ok(left)
}

async fn exists(cluster: &Cluster, namespace: &str) -> Result<bool, Failure> {
    let found = cluster.get(resources::NAMESPACE, None, namespace).await;
    let found = found.map_err(|error| Failure::cluster(&error))?;
    Ok(found.is_some())
}

/// Numbered steps; what stays as it is is counted.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.iter();
        let steps = steps.filter(|(_, outcome)| *outcome != Outcome::Unchanged);
        let mut number = 0;
        for (manifest, outcome) in steps {
            number += 1;
            let verb = match outcome {
                Outcome::Created => "create",
                Outcome::Deleted => "delete",
                Outcome::Configured | Outcome::Unchanged => "configure",
            };
            writeln!(f, "{number:>3}. {verb} {manifest}")?;
        }
        writeln!(f, "{} of {} unchanged", self.0.len() - number, self.0.len())
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "created",
        Outcome::Configured => "configured",
        Outcome::Unchanged => "unchanged",
        Outcome::Deleted => "deleted",
    }
}

fn refused(manifest: &Manifest, error: &ClusterError) -> Failure {
    let failure = Failure::cluster(error).detail("object", manifest.to_string());
    match error.kind() {
        ErrorKind::Conflict => failure.help(
            "look at who set the fields since; `--force-conflicts` sets them to what the manifests say",
        ),
        _ => failure,
    }
}

fn unserved(manifest: &Manifest) -> Failure {
    let resource = manifest.resource();
    let help = match resource.group {
        "monitoring.coreos.com" => {
            "install the Prometheus operator first, or leave out `--service-monitor` and `--prometheus-rule`"
        }
        "cert-manager.io" => "install cert-manager first, or let `--tls own` make the certificate",
        _ => "Kubernetes 1.30 is the oldest that has all kinds",
    };
    let (kind, version) = (resource.kind, resource.api_version());
    Failure::failed(format!(
        "the cluster does not know the kind {kind} of {version}"
    ))
    .detail("object", manifest.to_string())
    .help(help)
}

/// Objects that somebody else installed are in the way.
pub(crate) fn not_ours(foreign: &[(Manifest, Option<String>)]) -> Failure {
    let message = match foreign.len() {
        1 => "an object of that name was not installed by podpass".to_owned(),
        many => format!("{many} objects of these names were not installed by podpass"),
    };
    let mut failure = Failure::new(Exit::Refused, message);
    let label = MANAGED_BY.0;
    for (manifest, manager) in foreign {
        let managed = match manager {
            Some(manager) => format!("{manifest} ({label}: {manager})"),
            None => format!("{manifest} (without the label {label})"),
        };
        failure = failure.detail("theirs", managed);
    }
    failure
}
