//! `create-all`: key pair, identity provider and roles in one go.

use std::path::PathBuf;

use podpass_aws::Connection;
use podpass_cloud::Exchange;
use podpass_provision::{CLIENT_IDS, IdentityProvider, OidcProviderArn, Region, dry_run_files};
use podpass_token::{KeySize, PublicKey, SigningKey};

use super::inputs::{self, AllInput, DryRun};
use super::key_pair::{PRIVATE_KEY, PUBLIC_KEY};
use super::report::{Event, Report};
use super::{identity_provider, key_pair, requests_dir, roles};
use crate::failure::Failure;
use crate::output;

/// Creates or completes everything.
///
/// All input is checked first, then everything that exists; only then is the first file written and the first call
/// made that changes something.
pub(crate) async fn create_all(input: &AllInput, report: &Report) -> Result<(), Failure> {
    inputs::refuse_private_bucket(input.private_bucket)?;
    inputs::output_dir(&input.output_dir)?;
    let without_keys = identity_provider::desired(&input.name, &input.region, &[])?;
    let cluster = &without_keys.cluster;
    let boundary = inputs::boundary(input.permissions_boundary_arn.as_deref())?;
    let given_keys = input
        .public_key_file
        .as_deref()
        .map(inputs::public_keys)
        .transpose()?;
    key_pair::check(&input.output_dir, given_keys.is_some())?;
    let selection = requests_dir::read(&input.credentials_requests_dir, input.tech_preview)?;
    report.selection(&selection)?;
    let usual = CLIENT_IDS.map(str::to_owned);
    let roles = roles::desired(
        cluster,
        selection.requests,
        &unknown_provider(&without_keys)?,
        &usual,
        boundary.as_ref(),
    )?;
    if input.target.dry_run == DryRun::Files {
        let desired = with_keys(input, given_keys, report)?;
        identity_provider::save_files(&desired, &input.output_dir, report)?;
        return roles::save_files(
            &roles,
            dry_run_files::UNKNOWN_PROVIDER,
            &input.output_dir,
            report,
        );
    }

    let connection = input.target.connect(Some(&without_keys.region)).await?;
    let observed = identity_provider::observe(&connection, &without_keys).await?;
    let planned = identity_provider::decide(&without_keys, &observed, input.target.adoption)?;
    let provider = match &planned.arn {
        Some(arn) => arn.clone(),
        None => future_provider(&connection, &without_keys).await?,
    };
    let requests = roles.into_iter().map(|role| role.request).collect();
    let roles = roles::desired(
        cluster,
        requests,
        &provider,
        &planned.client_ids,
        boundary.as_ref(),
    )?;
    let planned_roles = roles::plan(
        &connection,
        roles,
        input.target.adoption,
        input.concurrency,
        report,
    )
    .await?;
    if input.target.dry_run == DryRun::Plan {
        let keys = given_keys.map_or_else(|| planned_keys(input, report), Ok)?;
        let desired = identity_provider::desired(&input.name, &input.region, &keys)?;
        let mut plan = identity_provider::decide(&desired, &observed, input.target.adoption)?.plan;
        plan.extend(roles::whole(&planned_roles));
        return output::data(&plan.to_string());
    }

    let output = identity_provider::prepare(&input.output_dir)?;
    let desired = with_keys(input, given_keys, report)?;
    let planned = identity_provider::decide(&desired, &observed, input.target.adoption)?;
    let created = identity_provider::apply(&connection, &desired, &planned, report).await?;
    if created != provider {
        return Err(Failure::failed(
            "the OIDC provider has another ARN than the roles were planned for",
        )
        .detail("expected", provider.to_string())
        .detail("actual", created.to_string())
        .help("run the command again: it continues where it stopped"));
    }
    identity_provider::write_authentication(&output, &desired.issuer, report)?;
    roles::apply(
        &connection,
        planned_roles,
        input.concurrency,
        &output,
        report,
    )
    .await
}

/// The identity provider with the keys of the command line, of the output directory, or of a new pair.
fn with_keys(
    input: &AllInput,
    given: Option<Vec<PublicKey>>,
    report: &Report,
) -> Result<IdentityProvider, Failure> {
    let keys = match given {
        Some(keys) => keys,
        None => inputs::public_keys(&key_pair::find_or_create(&input.output_dir, report)?)?,
    };
    identity_provider::desired(&input.name, &input.region, &keys)
}

/// The keys for a plan, which writes nothing: those that are there, or a stand-in for the pair that would be made.
fn planned_keys(input: &AllInput, report: &Report) -> Result<Vec<PublicKey>, Failure> {
    let [public, private] =
        [PUBLIC_KEY, PRIVATE_KEY].map(|name| -> PathBuf { input.output_dir.join(name) });
    if public.exists() {
        return inputs::public_keys(&public);
    }
    if private.exists() {
        let pem = crate::files::read_text(&private)?;
        let key =
            SigningKey::from_pem(&pem).map_err(|error| super::failures::key(&private, &error))?;
        return Ok(vec![key.public().clone()]);
    }
    report.tell(&Event::Note(&format!(
        "a key pair would be created in {}",
        input.output_dir.display()
    )))?;
    let key = SigningKey::generate(KeySize::Rsa2048)
        .map_err(|error| Failure::failed("cannot make a key pair").because(&error))?;
    Ok(vec![key.public().clone()])
}

/// The ARN that the provider will have: it follows from the account and the issuer.
async fn future_provider(
    connection: &Connection,
    desired: &IdentityProvider,
) -> Result<OidcProviderArn, Failure> {
    let caller = connection
        .caller_identity()
        .await
        .map_err(|error| Failure::cloud(&error))?;
    provider_of(&caller.account, &desired.region, desired)
}

/// An ARN to check names and sizes with, when nobody may be asked for the account.
fn unknown_provider(desired: &IdentityProvider) -> Result<OidcProviderArn, Failure> {
    provider_of(inputs::UNKNOWN_ACCOUNT, &desired.region, desired)
}

fn provider_of(
    account: &str,
    region: &Region,
    desired: &IdentityProvider,
) -> Result<OidcProviderArn, Failure> {
    let account = account
        .parse()
        .map_err(|error: podpass_policy::InvalidAccountId| {
            Failure::failed("AWS told no account id").because(&error)
        })?;
    OidcProviderArn::new(region.partition(), account, desired.issuer_without_scheme())
        .map_err(|error| Failure::failed("the OIDC provider cannot be named").because(&error))
}
