//! `podpass unbind`: the role goes when it is the service account's own, then the annotation.

use std::process::ExitCode;

use podpass_access::{MADE_FOR, Unbound};
use podpass_aws::Connection;
use podpass_cloud::{Exchange, Observe};
use podpass_cluster::{Cluster, ClusterError, ServiceAccount};
use podpass_kinds::annotations;
use podpass_provision::{
    BoundRole, ClusterName, Outcome, Plan, RoleArn, RoleName, Unbinding, WebIdentityTrust,
};

use super::super::aws::failures;
use super::inputs::{Side, UnbindArgs, UnbindInput};
use super::outcome::Document;
use super::role::provider_of;
use crate::consent;
use crate::failure::{Exit, Failure};

/// Takes a service account's role back. What is gone already is no error.
pub(crate) async fn run(arguments: UnbindArgs) -> Result<ExitCode, Failure> {
    let input = arguments.check()?;
    let cluster = match input.side {
        Some(Side::Aws) => None,
        _ => Some(input.cluster.connect().await?),
    };
    let found = match &cluster {
        Some(cluster) => cluster
            .service_account(input.account.namespace(), input.account.name())
            .await
            .map_err(|error| Failure::cluster(&error))?,
        None => None,
    };
    let rules = input.prefix.rules(cluster.as_ref()).await?;
    let prefix = rules.settings.annotation_prefix.as_str();
    let mut document = Document::new("Unbinding", &input.account, input.dry_run);
    let in_aws = match input.side {
        Some(Side::Cluster) => None,
        _ => {
            plan_role(
                &input,
                prefix,
                cluster.as_ref(),
                found.as_ref(),
                &mut document,
            )
            .await?
        }
    };
    if let Some((_, plan)) = &in_aws {
        document.of_plan(plan);
    }
    let in_cluster = found.as_ref().map(|found| Unbound::plan(found, prefix));
    match &in_cluster {
        Some(unbound) => document.reached(account_name(&input), outcome_of(unbound)),
        None if cluster.is_some() => {
            document.note(format!("there is no service account `{}`", input.account));
        }
        None => {}
    }
    if input.dry_run {
        return document.print(input.output);
    }
    // The role first: the annotation is what tells a run after an interrupted one that there is a role to delete.
    if let Some((connection, plan)) = &in_aws {
        if !plan.is_empty() && !input.yes {
            for step in &plan.steps {
                crate::output::note(&format!("{}: {}", step.action(), step.describe()));
            }
            consent::ask("Delete all of this?", "deleted")?;
        }
        super::take(connection, plan).await?;
    }
    if let Some(cluster) = &cluster {
        let removed = remove_annotations(&input, prefix, cluster).await;
        removed.map_err(|error| match &in_aws {
            Some((_, plan)) => super::after(plan, Failure::cluster(&error)),
            None => Failure::cluster(&error),
        })?;
    }
    document.print(input.output)
}

/// Reads the account again: the question, and the calls to AWS, may have taken a while.
async fn remove_annotations(
    input: &UnbindInput,
    prefix: &str,
    cluster: &Cluster,
) -> Result<(), ClusterError> {
    let (namespace, name) = (input.account.namespace(), input.account.name());
    match cluster.service_account(namespace, name).await? {
        Some(found) => {
            let unbound = Unbound::plan(&found, prefix);
            unbound.apply(cluster, &found).await
        }
        None => Ok(()),
    }
}

/// What is to be done in AWS; nothing unless `bind` made the role, or the command line says which it is.
async fn plan_role(
    input: &UnbindInput,
    prefix: &str,
    cluster: Option<&Cluster>,
    found: Option<&ServiceAccount>,
    document: &mut Document,
) -> Result<Option<(Connection, Plan)>, Failure> {
    let annotation = |name: &str| found?.view.annotations.get(name);
    let made_for: Option<ClusterName> = annotation(MADE_FOR).and_then(|name| name.parse().ok());
    let annotated: Option<RoleArn> = annotation(&annotations::name(prefix, annotations::ROLE_ARN))
        .and_then(|arn| arn.parse().ok());
    let is_named = input.role.cluster_name.is_some() || input.role.role_name.is_some();
    if made_for.is_none() && !is_named && input.side != Some(Side::Aws) {
        if let Some(role) = annotated {
            document.note(format!("{role} was not made by `podpass bind`; it stays"));
        }
        return Ok(None);
    }
    let connection = input.role.connect().await?;
    if let Some(role) = &annotated {
        require_account_of(role, &connection).await?;
    }
    let provider = match (&annotated, cluster) {
        (Some(role), Some(cluster)) if input.role.provider.is_none() => {
            let issuer = podpass_access::issuer(cluster, &input.account)
                .await
                .map_err(|error| Failure::cluster(&error))?;
            provider_of(role.partition(), role.account().clone(), &issuer)?
        }
        _ => {
            input
                .role
                .provider(&input.account, cluster, &connection)
                .await?
        }
    };
    let cluster_name = match input.role.cluster_name.clone().or(made_for) {
        Some(name) => name,
        None => input.role.cluster_name(&provider)?,
    };
    let name = role_name(input, annotated.as_ref(), &cluster_name)?;
    let wanted = BoundRole {
        cluster: cluster_name,
        account: input.account.clone(),
        name,
        trust: WebIdentityTrust {
            provider,
            subjects: vec![input.account.subject()],
            audiences: Vec::new(),
        },
        inline: std::collections::BTreeMap::new(),
        attached: Vec::new(),
        boundary: None,
    };
    let details = connection
        .role(&wanted.name)
        .await
        .map_err(|error| Failure::cloud(&error))?;
    let Some(details) = details else {
        document.note(format!("there is no role/{}", wanted.name));
        return Ok(None);
    };
    let unbinding = details
        .unbind(&wanted)
        .map_err(|refusal| failures::refusal(&refusal))?;
    match unbinding {
        Unbinding::Plan(plan) => Ok(Some((connection, plan))),
        Unbinding::Stays { resource, why } => {
            document.note(format!("{resource} stays: {why}"));
            Ok(None)
        }
    }
}

/// Refuses to look for a role in another account than its own: it would seem to be gone, and the annotation, the only
/// trace of it, would be removed.
async fn require_account_of(role: &RoleArn, connection: &Connection) -> Result<(), Failure> {
    let caller = connection
        .caller_identity()
        .await
        .map_err(|error| Failure::cloud(&error))?;
    if caller.account == role.account().as_str() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!("{role} is in another account than the caller's"),
    )
    .detail("expected", role.account().as_str())
    .detail("actual", caller.account)
    .help("use credentials of the role's account, or do the cluster's side alone with `--plan-only=cluster`"))
}

/// The role that is meant: the one that is named, the annotated one, or the one that `bind` would make.
fn role_name(
    input: &UnbindInput,
    annotated: Option<&RoleArn>,
    cluster: &ClusterName,
) -> Result<RoleName, Failure> {
    if let Some(name) = &input.role.role_name {
        return Ok(name.clone());
    }
    if let Some(name) = annotated.map(|arn| arn.name().clone()) {
        return Ok(name);
    }
    BoundRole::usual_name(cluster, &input.account)
        .map_err(|error| Failure::usage(error.to_string()))
}

fn account_name(input: &UnbindInput) -> String {
    format!("serviceaccount/{}", input.account.name())
}

fn outcome_of(unbound: &Unbound) -> Outcome {
    if unbound.removed.is_empty() {
        Outcome::Unchanged
    } else {
        Outcome::Configured
    }
}
