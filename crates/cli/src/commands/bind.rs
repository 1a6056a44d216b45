//! `podpass bind` and `unbind`: a role for a service account, in AWS and in the cluster, and back.

mod inputs;
mod outcome;
mod role;
mod undo;

use std::process::ExitCode;

use podpass_access::{Binding, BindingPlan, Refused};
use podpass_aws::Connection;
use podpass_cloud::{Apply, CloudError};
use podpass_cluster::{Annotated, Cluster};
use podpass_kinds::Reason;
use podpass_provision::{Outcome, Plan};

pub(crate) use self::inputs::{BindArgs, UnbindArgs, role_of};
use self::inputs::{RoleInput, Side};
use self::outcome::Document;
use self::role::PlannedRole;
pub(crate) use self::role::provider_of;
pub(crate) use self::undo::run as unbind;
use super::aws::failures;
use crate::failure::{Exit, Failure};

/// Gives a service account a role. Both sides are looked at before either is changed.
pub(crate) async fn run(arguments: BindArgs) -> Result<ExitCode, Failure> {
    let input = arguments.check()?;
    let cluster = match input.side {
        Some(Side::Aws) => None,
        _ => Some(input.cluster.connect().await?),
    };
    let rules = input.prefix.rules(cluster.as_ref()).await?;
    let (role, planned) = match &input.role {
        RoleInput::Given(arn) => (arn.clone(), None),
        RoleInput::Made(wanted) => {
            let planned = wanted
                .plan(&input.account, cluster.as_ref(), &rules)
                .await?;
            (planned.arn.clone(), Some(planned))
        }
    };
    let binding = Binding {
        account: input.account.clone(),
        prefix: rules.settings.annotation_prefix,
        role: role.clone(),
        chain: input.chain.clone(),
        made_for: planned
            .as_ref()
            .map(|planned| planned.wanted.cluster.to_string()),
        create: input.create,
        workload: input.workload.clone(),
        adopt: input.adopt,
    };
    let in_cluster = match &cluster {
        Some(cluster) => Some(
            binding
                .plan(cluster)
                .await
                .map_err(|refused| refusal(&refused))?,
        ),
        None => None,
    };
    let mut document = Document::new("Binding", &input.account, input.dry_run);
    document.chained(&role, &input.chain);
    document.role_arn = Some(role);
    if let Some(planned) = &planned {
        document.of_role(planned);
    }
    if let Some(in_cluster) = &in_cluster {
        document.of_cluster(in_cluster);
        document.manifest = Some(binding.manifest());
    }
    if input.dry_run {
        return document.print(input.output);
    }
    if let Some(planned) = &planned {
        take(&planned.connection, &planned.plan).await?;
    }
    if let (Some(cluster), Some(in_cluster)) = (&cluster, &in_cluster) {
        apply(&binding, cluster, in_cluster, planned.as_ref()).await?;
    }
    document.print(input.output)
}

/// Takes the steps in the cloud, in order.
async fn take(connection: &Connection, plan: &Plan) -> Result<(), Failure> {
    for step in &plan.steps {
        let taken: Result<_, CloudError> = connection.apply(step).await;
        taken.map_err(|error| failures::step(step, &error))?;
    }
    Ok(())
}

async fn apply(
    binding: &Binding,
    cluster: &Cluster,
    plan: &BindingPlan,
    role: Option<&PlannedRole>,
) -> Result<(), Failure> {
    for (step, outcome) in &plan.steps {
        if *outcome == Outcome::Unchanged {
            continue;
        }
        binding.apply(cluster, step).await.map_err(|refused| {
            let failure = refusal(&refused).detail("while", step.to_string());
            match role {
                Some(role) => after(&role.plan, failure),
                None => failure,
            }
        })?;
    }
    Ok(())
}

/// A failure in the cluster once AWS's side is done.
fn after(in_aws: &Plan, mut failure: Failure) -> Failure {
    if in_aws.is_empty() {
        return failure;
    }
    failure.exit = Exit::PartlyFailed;
    let done = in_aws
        .resources
        .iter()
        .map(|resource| format!("{resource} {}", in_aws.outcome(resource)));
    failure.detail("done", done.collect::<Vec<_>>().join(", "))
}

fn refusal(refused: &Refused) -> Failure {
    match refused {
        Refused::Cluster(error) => Failure::cluster(error),
        Refused::Missing { creatable, .. } => {
            Failure::failed(refused.to_string()).help(if *creatable {
                "make it with `--create`, or check namespace and name"
            } else {
                "check namespace and name"
            })
        }
        Refused::OtherRole(other) => {
            let mut failure = Failure::denied(Reason::NotOwned, refused.to_string());
            failure.exit = Exit::Refused;
            let failure = failure
                .detail("expected", other.expected.clone())
                .detail("actual", other.actual.clone())
                .help("replace it with `--adopt`, or take it back first with `podpass unbind`");
            match &other.written {
                Some(written) => failure.detail("written by", writer(written)),
                None => failure,
            }
        }
        _ => Failure::failed(refused.to_string()),
    }
}

fn writer(written: &Annotated) -> String {
    match written.time {
        Some(time) => format!("{} at {time}", written.manager),
        None => written.manager.clone(),
    }
}
