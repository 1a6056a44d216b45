//! What the commands are told, whichever personality reads the command line, and its checks before the first call.

use std::path::{Path, PathBuf};

use clap::Args;
use podpass_aws::{Connection, EnvironmentSettings};
use podpass_provision::{Adoption, ClusterName, OidcProviderArn, PolicyArn, Region, TechPreview};
use podpass_token::PublicKey;

use super::failures;
use crate::failure::Failure;
use crate::{files, given};

/// `create-key-pair`.
pub(crate) struct KeyPairInput {
    pub(crate) output_dir: PathBuf,
}

/// `create-identity-provider`.
pub(crate) struct IdentityProviderInput {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) public_key_file: Option<PathBuf>,
    pub(crate) private_bucket: bool,
    pub(crate) output_dir: PathBuf,
    pub(crate) target: Target,
}

/// `create-iam-roles`.
pub(crate) struct RolesInput {
    pub(crate) name: String,
    pub(crate) region: Option<String>,
    pub(crate) credentials_requests_dir: PathBuf,
    pub(crate) identity_provider_arn: String,
    pub(crate) permissions_boundary_arn: Option<String>,
    pub(crate) tech_preview: TechPreview,
    pub(crate) concurrency: usize,
    pub(crate) output_dir: PathBuf,
    pub(crate) target: Target,
}

/// `create-all`.
pub(crate) struct AllInput {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) credentials_requests_dir: PathBuf,
    pub(crate) public_key_file: Option<PathBuf>,
    pub(crate) private_bucket: bool,
    pub(crate) permissions_boundary_arn: Option<String>,
    pub(crate) tech_preview: TechPreview,
    pub(crate) concurrency: usize,
    pub(crate) output_dir: PathBuf,
    pub(crate) target: Target,
}

/// `delete`.
pub(crate) struct DeleteInput {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) consent: Consent,
    pub(crate) concurrency: usize,
    pub(crate) target: Target,
}

/// Whether a person has agreed to what is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// By the command line, which says so or is ccoctl's.
    Given,
    /// Not yet.
    Ask,
}

/// Where changes go, if anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) dry_run: DryRun,
    pub(crate) adoption: Adoption,
    pub(crate) cloud: Cloud,
}

/// How AWS is reached.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReachArgs {
    /// The profile of the AWS configuration.
    #[arg(long)]
    profile: Option<String>,
    /// Ask this endpoint instead of AWS.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl ReachArgs {
    pub(crate) fn settings(self) -> Result<EnvironmentSettings, Failure> {
        let flags = [
            ("--profile", &self.profile),
            ("--endpoint-url", &self.endpoint_url),
        ];
        for (flag, value) in flags {
            value
                .iter()
                .try_for_each(|value| given::text(flag, value))?;
        }
        Ok(EnvironmentSettings {
            profile: self.profile,
            region: None,
            endpoint_url: self.endpoint_url,
        })
    }
}

/// How the cloud is reached.
#[derive(Clone, Debug)]
pub(crate) enum Cloud {
    /// As the environment and the command line say.
    Configured(EnvironmentSettings),
    /// By a connection that is there already.
    Connected(Box<Connection>),
}

impl Default for Cloud {
    fn default() -> Self {
        Self::Configured(EnvironmentSettings::default())
    }
}

/// Whether and how nothing is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// Things are changed.
    #[default]
    No,
    /// The plan is printed.
    Plan,
    /// ccoctl's files are written.
    Files,
}

impl Target {
    /// Connects; the region is the command's, or the AWS configuration's.
    pub(crate) async fn connect(&self, region: Option<&Region>) -> Result<Connection, Failure> {
        let settings = match &self.cloud {
            Cloud::Connected(connection) => return Ok(Connection::clone(connection)),
            Cloud::Configured(settings) => EnvironmentSettings {
                region: region.cloned(),
                ..settings.clone()
            },
        };
        Connection::from_environment(&settings)
            .await
            .map_err(|error| Failure::cloud(&error))
    }
}

pub(crate) fn cluster(name: &str) -> Result<ClusterName, Failure> {
    given::text("--name", name)?;
    name.parse().map_err(|error| failures::name(&error))
}

pub(crate) fn region(region: &str) -> Result<Region, Failure> {
    given::text("--region", region)?;
    region.parse().map_err(|error| failures::name(&error))
}

pub(crate) fn provider_arn(arn: &str) -> Result<OidcProviderArn, Failure> {
    given::arn(
        "--identity-provider-arn",
        arn,
        "copy the ARN that `create-identity-provider` printed: arn:aws:iam::<12 digits>:oidc-provider/<issuer>",
    )
}

pub(crate) fn boundary(arn: Option<&str>) -> Result<Option<PolicyArn>, Failure> {
    let read = |arn| {
        given::arn(
            "--permissions-boundary-arn",
            arn,
            "write the ARN of a managed policy: arn:aws:iam::<12 digits>:policy/<name>",
        )
    };
    arn.map(read).transpose()
}

/// The output directory, refused before anything is made in it.
pub(crate) fn output_dir(path: &Path) -> Result<(), Failure> {
    given::path("--output-dir", path)
}

/// Refuses ccoctl's flag for an issuer behind CloudFront. Whoever gives it must not get a public bucket instead.
pub(crate) fn refuse_private_bucket(asked_for: bool) -> Result<(), Failure> {
    if !asked_for {
        return Ok(());
    }
    Err(Failure::usage(
        "`--create-private-s3-bucket` is not available in this version of podpass: nothing was made",
    )
    .help("use OpenShift's ccoctl for a private bucket, or leave the flag out for a public one"))
}

/// Refuses an OIDC provider that no endpoint of the region can know.
pub(crate) fn require_partition_of(
    region: &Region,
    provider: &OidcProviderArn,
) -> Result<(), Failure> {
    let (expected, actual) = (region.partition(), provider.partition());
    if expected == actual {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--identity-provider-arn: `{provider}` is not in the partition of the region `{region}`"
    ))
    .detail("expected", expected.as_str())
    .detail("actual", actual.as_str())
    .help("correct the ARN, or `--region`"))
}

/// Refuses a boundary that IAM cannot attach to a role beside the OIDC provider.
pub(crate) fn require_same_account(
    boundary: &PolicyArn,
    provider: &OidcProviderArn,
) -> Result<(), Failure> {
    let refused = |what: &str, expected: &str, actual: &str| {
        Err(Failure::usage(format!(
            "the permissions boundary `{boundary}` is in another {what} than the roles"
        ))
        .detail("expected", expected)
        .detail("actual", actual)
        .help("write the ARN of a managed policy of the roles' own account, or of AWS"))
    };
    let (expected, actual) = (provider.partition().as_str(), boundary.partition().as_str());
    if expected != actual {
        return refused("partition", expected, actual);
    }
    // Before the first call of `create-all` nobody knows the account.
    match boundary.account() {
        Some(own)
            if own != provider.account() && provider.account().as_str() != UNKNOWN_ACCOUNT =>
        {
            refused("account", provider.account().as_str(), own.as_str())
        }
        _ => Ok(()),
    }
}

/// All keys of the file: a cluster that rotates its signing key has two.
pub(crate) fn public_keys(path: &Path) -> Result<Vec<PublicKey>, Failure> {
    given::path("--public-key-file", path)?;
    let text = files::read_text(path).map_err(|failure| {
        failure.help("make a key pair with `podpass aws create-key-pair`, or name the file with `--public-key-file`")
    })?;
    PublicKey::read_pem_bundle(&text).map_err(|error| failures::key(path, &error))
}

/// Stands for the account in ARNs that are made before anybody was asked.
pub(crate) const UNKNOWN_ACCOUNT: &str = "000000000000";
