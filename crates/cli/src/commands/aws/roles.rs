//! `create-iam-roles`: one role for each CredentialsRequest, and the secret that names it.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use podpass_aws::Connection;
use podpass_cloud::{Applied, Apply, Observe};
use podpass_provision::{
    Adoption, CLIENT_IDS, ClusterName, DesiredRole, OidcProviderArn, Outcome, Plan, PolicyArn,
    Resource, RoleArn, RolePlan, RoleRequest, dry_run_files, manifests,
};

use super::inputs::{self, DryRun, RolesInput};
use super::output_dir::{MANIFESTS, OutputDir};
use super::report::{Event, Report};
use super::{failures, requests_dir};
use crate::failure::{Exit, Failure};
use crate::output;

/// A request with the role it becomes.
pub(crate) struct RequestedRole {
    pub(crate) request: RoleRequest,
    pub(crate) desired: DesiredRole,
}

/// A role with the steps that lead to it.
pub(crate) struct PlannedRole {
    request: RoleRequest,
    planned: RolePlan,
}

/// A role whose steps are taken and whose secret is written.
struct DoneRole {
    resource: Resource,
    outcome: Outcome,
    secret: PathBuf,
}

/// Creates or updates the roles.
pub(crate) async fn create_iam_roles(input: &RolesInput, report: &Report) -> Result<(), Failure> {
    let cluster = inputs::cluster(&input.name)?;
    let region = input.region.as_deref().map(inputs::region).transpose()?;
    let provider = inputs::provider_arn(&input.identity_provider_arn)?;
    let boundary = inputs::boundary(input.permissions_boundary_arn.as_deref())?;
    let selection = requests_dir::read(&input.credentials_requests_dir, input.tech_preview)?;
    for skipped in &selection.skipped {
        report.tell(&Event::DocumentSkipped(skipped))?;
    }
    // Sizes and names are checked with the audiences that every provider of a cluster has.
    let usual = CLIENT_IDS.map(str::to_owned);
    let roles = desired(
        &cluster,
        selection.requests,
        &provider,
        &usual,
        boundary.as_ref(),
    )?;
    if input.target.dry_run == DryRun::Files {
        return save_files(&roles, provider.as_str(), &input.output_dir, report);
    }
    let connection = input.target.connect(region.as_ref()).await?;
    let found = connection
        .oidc_provider(&provider)
        .await
        .map_err(|error| Failure::cloud(&error))?
        .ok_or_else(|| provider_missing(&provider))?;
    let requests = roles.into_iter().map(|role| role.request).collect();
    let roles = desired(
        &cluster,
        requests,
        &provider,
        &found.client_ids,
        boundary.as_ref(),
    )?;
    let planned = plan(
        &connection,
        roles,
        input.target.adoption,
        input.concurrency,
        report,
    )
    .await?;
    if input.target.dry_run == DryRun::Plan {
        return output::data(&whole(&planned).to_string());
    }
    let output = OutputDir::ensure(&input.output_dir)?;
    output.ensure_folder(MANIFESTS)?;
    apply(&connection, planned, input.concurrency, &output, report).await
}

/// The roles that the requests ask for; all of them, or the reason why one cannot be.
pub(crate) fn desired(
    cluster: &ClusterName,
    requests: Vec<RoleRequest>,
    provider: &OidcProviderArn,
    client_ids: &[String],
    boundary: Option<&PolicyArn>,
) -> Result<Vec<RequestedRole>, Failure> {
    requests
        .into_iter()
        .map(|request| {
            let own = request
                .boundary
                .as_deref()
                .map(|arn| {
                    arn.parse().map_err(|error: podpass_policy::InvalidArn| {
                        Failure::usage(format!("{}: `spec.providerSpec.permissionsBoundary`: {error}", request.place))
                            .help("write the ARN of a managed policy: arn:aws:iam::<12 digits>:policy/<name>")
                    })
                })
                .transpose()?;
            // The command's boundary is the administrator's; a request may bound itself only where there is none.
            let boundary = boundary.or(own.as_ref());
            let desired = DesiredRole::for_request(cluster, &request, provider, client_ids, boundary)
                .map_err(|error| failures::role(&error))?;
            Ok(RequestedRole { request, desired })
        })
        .collect()
}

/// Looks at all roles before any is changed, so that a refusal leaves everything as it was.
pub(crate) async fn plan(
    connection: &Connection,
    roles: Vec<RequestedRole>,
    adoption: Adoption,
    concurrency: usize,
    report: &Report,
) -> Result<Vec<PlannedRole>, Failure> {
    report.start_bar("Looking at roles  ", roles.len());
    let results: Vec<Result<PlannedRole, Failure>> = futures::stream::iter(roles)
        .map(async |role| {
            let observed = connection
                .roles(&role.desired)
                .await
                .map_err(|error| Failure::cloud(&error));
            report.advance_bar();
            let planned = role
                .desired
                .plan(&observed?, adoption)
                .map_err(|refusal| failures::refusal(&refusal))?;
            Ok(PlannedRole {
                request: role.request,
                planned,
            })
        })
        .buffered(concurrency)
        .collect()
        .await;
    report.end_bar();
    results.into_iter().collect()
}

/// The plans of all roles as one.
pub(crate) fn whole(planned: &[PlannedRole]) -> Plan {
    let mut whole = Plan::default();
    for role in planned {
        whole.extend(role.planned.plan.clone());
    }
    whole
}

/// Takes the steps of several roles at a time, each role's in order, and writes the secrets.
///
/// A role that fails does not stop the others; running again completes what is missing.
pub(crate) async fn apply(
    connection: &Connection,
    planned: Vec<PlannedRole>,
    concurrency: usize,
    output: &OutputDir,
    report: &Report,
) -> Result<(), Failure> {
    let total = planned.len();
    report.start_bar("Working on roles  ", total);
    let mut results = std::pin::pin!(
        futures::stream::iter(planned)
            .map(async |role| apply_one(connection, role, output, report).await)
            .buffered(concurrency)
    );
    let mut failures = Vec::new();
    // The results come in the order of the requests, whichever role is done first.
    while let Some(result) = results.next().await {
        report.advance_bar();
        match result {
            Ok(done) => {
                report.tell(&Event::Reached(&done.resource, done.outcome))?;
                report.tell(&Event::SecretWritten(&done.secret))?;
            }
            Err(failure) => failures.push(failure),
        }
    }
    report.end_bar();
    all_or_partly(failures, total)
}

async fn apply_one(
    connection: &Connection,
    role: PlannedRole,
    output: &OutputDir,
    report: &Report,
) -> Result<DoneRole, Failure> {
    let RolePlan { plan, name, arn } = role.planned;
    report.notes(&plan)?;
    if let Some(found) = &arn {
        report.tell(&Event::RoleFound(found.as_str()))?;
    }
    let mut arn: Option<RoleArn> = arn;
    for step in &plan.steps {
        let applied = connection
            .apply(step)
            .await
            .map_err(|error| failures::step(step, &error))?;
        report.tell(&Event::StepTaken(step, &applied))?;
        if let Applied::Role(created) = applied {
            arn = Some(created);
        }
    }
    let arn = arn.ok_or_else(|| {
        Failure::failed(format!(
            "role {name} was created, but AWS did not tell its ARN"
        ))
    })?;
    let resource = Resource::role(&name);
    Ok(DoneRole {
        secret: output.write_manifest(&manifests::secret(&role.request, &arn))?,
        outcome: plan.outcome(&resource),
        resource,
    })
}

/// ccoctl's dry run for roles: `05-…` and `06-…`, and secrets that a person has to complete.
pub(crate) fn save_files(
    roles: &[RequestedRole],
    provider_arn: &str,
    output_dir: &Path,
    report: &Report,
) -> Result<(), Failure> {
    let output = OutputDir::ensure(output_dir)?;
    output.ensure_folder(MANIFESTS)?;
    for (index, role) in roles.iter().enumerate() {
        for file in dry_run_files::role(index, &role.desired, provider_arn) {
            let path = output.write_public(&file.name, &file.content)?;
            report.tell(&Event::FileSaved {
                description: &file.description,
                path: &path,
            })?;
        }
        let path = output.write_manifest(&manifests::secret_to_be_completed(&role.request))?;
        report.tell(&Event::SecretWritten(&path))?;
    }
    Ok(())
}

fn provider_missing(provider: &OidcProviderArn) -> Failure {
    Failure::denied(
        podpass_kinds::Reason::OidcProviderMissing,
        format!("the OIDC provider {provider} does not exist"),
    )
    .help("create it with `podpass aws create-identity-provider`, or correct `--identity-provider-arn`")
}

/// One failure is told as it is; of several the first, with the others' words.
fn all_or_partly(failures: Vec<Failure>, total: usize) -> Result<(), Failure> {
    let failed = failures.len();
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else {
        return Ok(());
    };
    for other in failures {
        first = first.detail("also", other.message());
    }
    if failed < total {
        first.exit = Exit::PartlyFailed;
        first = first.detail("done", format!("{} of {total} roles", total - failed));
    }
    Err(first)
}
