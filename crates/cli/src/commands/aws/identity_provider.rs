//! `create-identity-provider`: the issuer's bucket and documents, and the OIDC provider in IAM.

use std::path::Path;

use podpass_aws::Connection;
use podpass_cloud::{Applied, Apply, Observe};
use podpass_provision::{
    Adoption, BucketName, IdentityProvider, IdentityProviderPlan, ObservedIdentityProvider,
    OidcProviderArn, Resource, dry_run_files, manifests,
};
use podpass_token::PublicKey;

use super::failures;
use super::inputs::{self, DryRun, IdentityProviderInput};
use super::key_pair::PUBLIC_KEY;
use super::output_dir::{MANIFESTS, OutputDir, TLS};
use super::report::{Event, Report};
use crate::failure::Failure;
use crate::output;

/// Creates or completes the identity provider.
pub(crate) async fn create_identity_provider(
    input: &IdentityProviderInput,
    report: &Report,
) -> Result<(), Failure> {
    inputs::refuse_private_bucket(input.private_bucket)?;
    inputs::output_dir(&input.output_dir)?;
    let cluster = inputs::cluster(&input.name)?;
    let region = inputs::region(&input.region)?;
    BucketName::for_issuer_of(&cluster).map_err(|error| failures::name(&error))?;
    let key_file = input
        .public_key_file
        .clone()
        .unwrap_or_else(|| input.output_dir.join(PUBLIC_KEY));
    let keys = inputs::public_keys(&key_file)?;
    let desired = IdentityProvider::in_public_bucket(cluster, region, &keys)
        .map_err(|error| failures::name(&error))?;
    match input.target.dry_run {
        DryRun::Files => save_files(&desired, &input.output_dir, report),
        DryRun::Plan => {
            let connection = input.target.connect(Some(&desired.region)).await?;
            let planned = plan(&connection, &desired, input.target.adoption).await?;
            output::data(&planned.plan.to_string())
        }
        DryRun::No => {
            let connection = input.target.connect(Some(&desired.region)).await?;
            let planned = plan(&connection, &desired, input.target.adoption).await?;
            let output = prepare(&input.output_dir)?;
            let arn = apply(&connection, &desired, &planned, report).await?;
            write_authentication(&output, &desired.issuer, report)?;
            report.tell(&Event::Next(&format!(
                "podpass aws create-iam-roles --name {} --region {} --identity-provider-arn {arn} \
                 --credentials-requests-dir DIRECTORY",
                input.name, input.region
            )))
        }
    }
}

/// The output directory with both folders, before anything else is made.
pub(crate) fn prepare(output_dir: &Path) -> Result<OutputDir, Failure> {
    let output = OutputDir::ensure(output_dir)?;
    output.ensure_folder(MANIFESTS)?;
    output.ensure_folder(TLS)?;
    Ok(output)
}

/// Looks at what exists and decides what to do.
pub(crate) async fn plan(
    connection: &Connection,
    desired: &IdentityProvider,
    adoption: Adoption,
) -> Result<IdentityProviderPlan, Failure> {
    decide(desired, &observe(connection, desired).await?, adoption)
}

/// Looks at what exists; which keys are wanted makes no difference.
pub(crate) async fn observe(
    connection: &Connection,
    desired: &IdentityProvider,
) -> Result<ObservedIdentityProvider, Failure> {
    connection
        .identity_provider(desired)
        .await
        .map_err(|error| Failure::cloud(&error))
}

/// Decides what to do about what exists.
pub(crate) fn decide(
    desired: &IdentityProvider,
    observed: &ObservedIdentityProvider,
    adoption: Adoption,
) -> Result<IdentityProviderPlan, Failure> {
    desired
        .plan(observed, adoption)
        .map_err(|refusal| failures::refusal(&refusal))
}

/// Takes the steps in order; returns the ARN of the OIDC provider.
pub(crate) async fn apply(
    connection: &Connection,
    desired: &IdentityProvider,
    planned: &IdentityProviderPlan,
    report: &Report,
) -> Result<OidcProviderArn, Failure> {
    let plan = &planned.plan;
    report.notes(plan)?;
    let bucket = Resource::bucket(&desired.bucket);
    if plan.outcome(&bucket) != podpass_provision::Outcome::Created {
        report.tell(&Event::BucketFound(desired.bucket.as_str()))?;
    }
    let mut arn = planned.arn.clone();
    for resource in &plan.resources {
        if resource.name.ends_with(podpass_provision::JWKS_KEY) {
            report.tell(&Event::ReadingPublicKey)?;
        }
        for step in plan
            .steps
            .iter()
            .filter(|step| step.resource() == *resource)
        {
            let applied = connection
                .apply(step)
                .await
                .map_err(|error| failures::step(step, &error))?;
            report.tell(&Event::StepTaken(step, &applied))?;
            if let Applied::OidcProvider(created) = applied {
                arn = Some(created);
            }
        }
        report.tell(&Event::Reached(resource, plan.outcome(resource)))?;
    }
    if let Some(found) = &planned.arn {
        report.tell(&Event::ProviderFound(found))?;
    }
    arn.ok_or_else(|| {
        Failure::failed("the OIDC provider was created, but AWS did not tell its ARN")
    })
}

/// Names the issuer for the cluster.
pub(crate) fn write_authentication(
    output: &OutputDir,
    issuer: &str,
    report: &Report,
) -> Result<(), Failure> {
    let path = output.write_manifest(&manifests::authentication(issuer))?;
    report.tell(&Event::AuthenticationWritten {
        path: &path,
        issuer,
    })
}

/// The identity provider's part of ccoctl's dry run: `01-…` to `04-…` and the Authentication manifest.
pub(crate) fn save_files(
    desired: &IdentityProvider,
    output_dir: &Path,
    report: &Report,
) -> Result<(), Failure> {
    let output = prepare(output_dir)?;
    for file in dry_run_files::identity_provider(desired) {
        if file.name.ends_with("keys.json") {
            report.tell(&Event::ReadingPublicKey)?;
        }
        let path = output.write_public(&file.name, &file.content)?;
        report.tell(&Event::FileSaved {
            description: &file.description,
            path: &path,
        })?;
    }
    write_authentication(&output, &desired.issuer, report)
}

/// What an identity provider would be with `keys`; fails when no bucket can be named after the cluster.
pub(crate) fn desired(
    name: &str,
    region: &str,
    keys: &[PublicKey],
) -> Result<IdentityProvider, Failure> {
    IdentityProvider::in_public_bucket(inputs::cluster(name)?, inputs::region(region)?, keys)
        .map_err(|error| failures::name(&error))
}
