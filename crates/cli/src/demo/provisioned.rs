//! What the demo makes in AWS, by the code behind `podpass aws` and by the calls of the documents.

use std::fs;
use std::path::{Path, PathBuf};

use podpass_aws::Connection;
use podpass_cloud::{Apply, Secret};
use podpass_policy::{PolicyName, RoleName};
use podpass_provision::{Adoption, Outcome, Resource, Step, TechPreview};

use super::unexpected;
use super::world::World;
use crate::commands::aws::{
    AllInput, Cloud, DEFAULT_CONCURRENCY, DryRun, IdentityProviderInput, KeyPairInput, PRIVATE_KEY,
    Remembered, Report, RolesInput, Target, Voice, create_all, create_iam_roles,
    create_identity_provider, create_key_pair,
};
use crate::failure::Failure;
use crate::files;

/// Makes the key pair; afterwards the folder holds what `podpass aws create-key-pair` leaves.
pub(super) fn key_pair(world: &World, folder: &Path) -> Result<(), Failure> {
    bring_key(world, folder)?;
    let input = KeyPairInput {
        output_dir: folder.to_owned(),
    };
    create_key_pair(&input, &Report::new(Voice::Quiet))?;
    remember_key(world, folder)
}

/// Makes bucket, documents and OIDC provider; returns what became of each.
pub(super) async fn identity_provider(
    administrator: &Connection,
    name: &str,
    region: &str,
    folder: &Path,
    adoption: Adoption,
) -> Result<Vec<(Resource, Outcome)>, Failure> {
    let report = Report::new(Voice::Quiet);
    let input = IdentityProviderInput {
        private_bucket: false,
        name: name.to_owned(),
        region: region.to_owned(),
        public_key_file: None,
        output_dir: folder.to_owned(),
        target: target(administrator, adoption),
    };
    create_identity_provider(&input, &report).await?;
    Ok(report.into_remembered().reached)
}

/// A directory of CredentialsRequests with the examples of these names and contents.
pub(super) fn credentials_requests(
    folder: &Path,
    name: &str,
    examples: &[(&str, &str)],
) -> Result<PathBuf, Failure> {
    let directory = folder.join(name);
    fs::create_dir_all(&directory).map_err(|error| {
        Failure::failed(format!("cannot make `{}`", directory.display())).because(&error)
    })?;
    for (file, text) in examples {
        files::write_atomically(&directory.join(file), text.as_bytes(), 0o644)?;
    }
    Ok(directory)
}

/// Makes the roles of a directory of CredentialsRequests, and the Secrets in `folder`.
pub(super) async fn roles(
    administrator: &Connection,
    name: &str,
    requests: &Path,
    provider_arn: &str,
    folder: &Path,
) -> Result<Remembered, Failure> {
    let report = Report::new(Voice::Quiet);
    let input = RolesInput {
        name: name.to_owned(),
        region: None,
        credentials_requests_dir: requests.to_owned(),
        identity_provider_arn: provider_arn.to_owned(),
        permissions_boundary_arn: None,
        tech_preview: TechPreview::Exclude,
        concurrency: usize::from(DEFAULT_CONCURRENCY),
        output_dir: folder.to_owned(),
        target: target(administrator, Adoption::Refuse),
    };
    create_iam_roles(&input, &report).await?;
    Ok(report.into_remembered())
}

/// Makes key pair, identity provider and roles.
pub(super) async fn all(
    world: &World,
    administrator: &Connection,
    (name, region): (&str, &str),
    requests: &Path,
    folder: &Path,
) -> Result<Remembered, Failure> {
    bring_key(world, folder)?;
    let report = Report::new(Voice::Quiet);
    let input = AllInput {
        private_bucket: false,
        name: name.to_owned(),
        region: region.to_owned(),
        credentials_requests_dir: requests.to_owned(),
        public_key_file: None,
        permissions_boundary_arn: None,
        tech_preview: TechPreview::Exclude,
        concurrency: usize::from(DEFAULT_CONCURRENCY),
        output_dir: folder.to_owned(),
        target: target(administrator, Adoption::Refuse),
    };
    create_all(&input, &report).await?;
    remember_key(world, folder)?;
    Ok(report.into_remembered())
}

/// Makes a role with a trust policy, and with an inline permissions policy where one is given.
pub(super) async fn role(
    administrator: &Connection,
    name: &str,
    trust_policy: &str,
    permissions: Option<(&str, &str)>,
) -> Result<(), Failure> {
    administrator
        .create_role(name, trust_policy)
        .await
        .map_err(|error| unexpected(&error))?;
    if let Some((policy_name, document)) = permissions {
        let named = |error: podpass_policy::InvalidName| {
            Failure::failed("a name of the demo is none").because(&error)
        };
        let policy_name: PolicyName = policy_name.parse().map_err(named)?;
        let step = Step::PutRolePolicy {
            role: name.parse::<RoleName>().map_err(named)?,
            policy_name: policy_name.to_string(),
            document: document.to_owned(),
        };
        administrator
            .apply(&step)
            .await
            .map_err(|error| unexpected(&error))?;
    }
    Ok(())
}

fn target(administrator: &Connection, adoption: Adoption) -> Target {
    Target {
        dry_run: DryRun::No,
        adoption,
        cloud: Cloud::Connected(Box::new(administrator.clone())),
    }
}

/// Puts the private key of an earlier cluster into the folder, where the commands find it as a user's own.
fn bring_key(world: &World, folder: &Path) -> Result<(), Failure> {
    let path = folder.join(PRIVATE_KEY);
    let Some(key) = world.key().get().filter(|_| !path.exists()) else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|error| {
        Failure::failed(format!("cannot make `{}`", folder.display())).because(&error)
    })?;
    files::write_atomically(&path, key.expose().as_bytes(), 0o600)
}

fn remember_key(world: &World, folder: &Path) -> Result<(), Failure> {
    let pem = files::read_text(&folder.join(PRIVATE_KEY))?;
    world.key().get_or_init(|| Secret::new(pem));
    Ok(())
}
