//! What the demo makes in AWS, by the code behind `podpass aws` and by the calls of the documents.

use std::path::Path;

use podpass_aws::Connection;
use podpass_cloud::Apply;
use podpass_policy::{PolicyName, RoleName};
use podpass_provision::{Adoption, Outcome, Region, Resource, Step};

use super::unexpected;
use crate::commands::aws::{KeyPairInput, Report, Voice, create_key_pair, identity_provider};
use crate::failure::Failure;
use crate::files;

/// Makes the key pair; afterwards the folder holds what `podpass aws create-key-pair` leaves.
pub(super) fn key_pair(folder: &Path) -> Result<(), Failure> {
    let input = KeyPairInput {
        output_dir: folder.to_owned(),
    };
    create_key_pair(&input, &Report::new(Voice::Quiet)).map(|_| ())
}

/// Makes bucket, documents and OIDC provider; returns what became of each.
pub(super) async fn identity_provider(
    administrator: &Connection,
    name: &str,
    region: &Region,
    folder: &Path,
    adoption: Adoption,
) -> Result<Vec<(Resource, Outcome)>, Failure> {
    let public = folder.join("serviceaccount-signer.public");
    let keys = podpass_token::PublicKey::read_pem_bundle(&files::read_text(&public)?).map_err(
        |error| Failure::failed(format!("cannot use `{}`", public.display())).because(&error),
    )?;
    let desired = identity_provider::desired(name, &region.to_string(), &keys)?;
    let planned = identity_provider::plan(administrator, &desired, adoption).await?;
    identity_provider::apply(
        administrator,
        &desired,
        &planned,
        &Report::new(Voice::Quiet),
    )
    .await?;
    let plan = &planned.plan;
    Ok(plan
        .resources
        .iter()
        .map(|resource| (resource.clone(), plan.outcome(resource)))
        .collect())
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
