//! `create-iam-roles`: one role for each CredentialsRequest, and the secret that names it.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use podpass_aws::Connection;
use podpass_cloud::{Applied, Apply, Exchange, Observe};
use podpass_provision::{
    Adoption, CLIENT_IDS, ClusterName, DesiredRole, OidcProviderArn, Plan, PolicyArn, Resource,
    RoleArn, RolePlan, RoleRequest, dry_run_files, manifests,
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

/// What came of a role, told when its turn comes.
struct WorkedRole {
    plan: Plan,
    resource: Resource,
    /// The role's ARN when it existed before.
    found: Option<RoleArn>,
    /// What came of each step that was taken, from the first.
    applied: Vec<Applied>,
    /// The path of the secret's manifest.
    secret: Result<PathBuf, Failure>,
}

/// Creates or updates the roles.
pub(crate) async fn create_iam_roles(input: &RolesInput, report: &Report) -> Result<(), Failure> {
    inputs::output_dir(&input.output_dir)?;
    let cluster = inputs::cluster(&input.name)?;
    let region = input.region.as_deref().map(inputs::region).transpose()?;
    let provider = inputs::provider_arn(&input.identity_provider_arn)?;
    let boundary = inputs::boundary(input.permissions_boundary_arn.as_deref())?;
    if let Some(region) = &region {
        inputs::require_partition_of(region, &provider)?;
    }
    let selection = requests_dir::read(&input.credentials_requests_dir, input.tech_preview)?;
    report.selection(&selection)?;
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
    if let Some(configured) = connection.region() {
        let configured = configured.parse().map_err(|error| failures::name(&error))?;
        inputs::require_partition_of(&configured, &provider)?;
    }
    let found = connection
        .oidc_provider(&provider)
        .await
        .map_err(|error| Failure::cloud(&error))?;
    let Some(found) = found else {
        return Err(provider_missing(&connection, &provider).await);
    };
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
            // The command's boundary is the administrator's; a request may bound itself only where there is none.
            let boundary = boundary.or(request.boundary.as_ref());
            if let Some(arn) = boundary {
                inputs::require_same_account(arn, provider)
                    .map_err(|failure| failure.detail("request", request.place.to_string()))?;
            }
            let desired =
                DesiredRole::for_request(cluster, &request, provider, client_ids, boundary)
                    .map_err(|error| failures::role(&error, &request.place))?;
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
            .map(async |role| apply_one(connection, role, output).await)
            .buffered(concurrency)
    );
    let mut failures = Vec::new();
    // The results come in the order of the requests, whichever role is done first, so that two runs read alike.
    while let Some(worked) = results.next().await {
        report.advance_bar();
        tell(&worked, report)?;
        if let Err(failure) = worked.secret {
            failures.push((worked.resource, failure));
        }
    }
    report.end_bar();
    all_or_partly(failures, total)
}

async fn apply_one(connection: &Connection, role: PlannedRole, output: &OutputDir) -> WorkedRole {
    let RolePlan { plan, name, arn } = role.planned;
    let mut applied = Vec::new();
    let mut taken = Ok(arn.clone());
    for step in &plan.steps {
        match connection.apply(step).await {
            Ok(done) => {
                if let Applied::Role(created) = &done {
                    taken = Ok(Some(created.clone()));
                }
                applied.push(done);
            }
            Err(error) => {
                taken = Err(failures::step(step, &error));
                break;
            }
        }
    }
    let secret = taken.and_then(|arn| {
        let arn = arn.ok_or_else(|| {
            Failure::failed(format!(
                "role {name} was created, but AWS did not tell its ARN"
            ))
        })?;
        output.write_manifest(&manifests::secret(&role.request, &arn))
    });
    WorkedRole {
        resource: Resource::role(&name),
        plan,
        found: arn,
        applied,
        secret,
    }
}

/// Tells all that happened to one role in one go, but for its failure.
fn tell(worked: &WorkedRole, report: &Report) -> Result<(), Failure> {
    report.notes(&worked.plan)?;
    if let Some(found) = &worked.found {
        report.tell(&Event::RoleFound(found.as_str()))?;
    }
    for (step, applied) in worked.plan.steps.iter().zip(&worked.applied) {
        report.tell(&Event::StepTaken(step, applied))?;
    }
    if let Ok(secret) = &worked.secret {
        let outcome = worked.plan.outcome(&worked.resource);
        report.tell(&Event::Reached(&worked.resource, outcome))?;
        report.tell(&Event::SecretWritten(secret))?;
    }
    Ok(())
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

/// An OIDC provider that is not found may well exist, in an account that the caller does not speak for.
async fn provider_missing(connection: &Connection, provider: &OidcProviderArn) -> Failure {
    let failure = Failure::denied(
        podpass_kinds::Reason::OidcProviderMissing,
        format!("the OIDC provider {provider} does not exist"),
    );
    let account = provider.account().as_str();
    match connection.caller_identity().await {
        Ok(caller) if caller.account != account => failure
            .detail("expected", format!("an OIDC provider in the caller's account {}", caller.account))
            .detail("actual", format!("one in account {account}"))
            .help("use credentials of the provider's account, or correct `--identity-provider-arn`"),
        _ => failure.help(
            "create it with `podpass aws create-identity-provider`, or correct `--identity-provider-arn`",
        ),
    }
}

/// One failure is told as it is; of several the first, with the others' words.
fn all_or_partly(failures: Vec<(Resource, Failure)>, total: usize) -> Result<(), Failure> {
    let failed = failures.len();
    let mut failures = failures.into_iter();
    let Some((_, mut first)) = failures.next() else {
        return Ok(());
    };
    for (role, other) in failures {
        first = first.detail("also", format!("{role}: {}", other.message()));
    }
    if failed < total {
        first.exit = Exit::PartlyFailed;
        first = first.detail("done", format!("{} of {total} roles", total - failed));
    }
    Err(first)
}
