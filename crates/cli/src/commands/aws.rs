//! `podpass aws`: key pair, identity provider and roles of a cluster, made and deleted, with ccoctl's flags.

mod create_all;
mod delete;
pub(crate) mod failures;
mod identity_provider;
pub(crate) mod inputs;
mod key_pair;
mod output_dir;
mod report;
mod requests_dir;
mod roles;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use podpass_provision::{Adoption, TechPreview};

use crate::failure::Failure;

pub(crate) use create_all::create_all;
pub(crate) use delete::delete;
pub(crate) use identity_provider::create_identity_provider;
pub(crate) use inputs::{
    AllInput, Cloud, Consent, DeleteInput, DryRun, IdentityProviderInput, KeyPairInput, ReachArgs,
    RolesInput, Target,
};
pub(crate) use key_pair::{PRIVATE_KEY, create_key_pair};
pub(crate) use report::{Remembered, Report, Voice};
pub(crate) use roles::create_iam_roles;

#[derive(Debug, Args)]
pub(crate) struct AwsArgs {
    #[command(subcommand)]
    command: AwsCommand,
}

#[derive(Debug, Subcommand)]
enum AwsCommand {
    /// Create the key pair with which the cluster signs service account tokens.
    #[command(name = "create-key-pair")]
    KeyPair(KeyPairArgs),
    /// Create the issuer's bucket and its documents, and the OIDC provider in IAM.
    #[command(name = "create-identity-provider")]
    IdentityProvider(IdentityProviderArgs),
    /// Create one role for each CredentialsRequest, and the secrets that name them.
    #[command(name = "create-iam-roles")]
    IamRoles(RolesArgs),
    /// All of it in one go: key pair, identity provider and roles.
    #[command(name = "create-all")]
    All(AllArgs),
    /// Delete all of it that carries the cluster's ownership tag, and say what stays.
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct KeyPairArgs {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct IdentityProviderArgs {
    /// The name of the cluster: it goes into the bucket's name and into all tags.
    #[arg(long)]
    name: String,
    /// The region of the bucket.
    #[arg(long)]
    region: String,
    /// The public keys of the cluster's signing keys (PEM). [default: serviceaccount-signer.public in the output
    /// directory]
    #[arg(long, value_name = "FILE")]
    public_key_file: Option<PathBuf>,
    #[command(flatten)]
    bucket: BucketArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct RolesArgs {
    /// The name of the cluster: it goes into the roles' names and into all tags.
    #[arg(long)]
    name: String,
    /// The directory with the CredentialsRequests of the release.
    #[arg(long, value_name = "DIRECTORY")]
    credentials_requests_dir: PathBuf,
    /// The OIDC provider that the roles trust.
    #[arg(long, value_name = "ARN")]
    identity_provider_arn: String,
    /// The region, which also decides the partition. [default: the AWS configuration's]
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    role: RoleArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct AllArgs {
    /// The name of the cluster: it goes into the names of bucket and roles, and into all tags.
    #[arg(long)]
    name: String,
    /// The region of the bucket.
    #[arg(long)]
    region: String,
    /// The directory with the CredentialsRequests of the release.
    #[arg(long, value_name = "DIRECTORY")]
    credentials_requests_dir: PathBuf,
    /// The public keys of the cluster's signing keys (PEM); without it a key pair is created, unless there is one.
    #[arg(long, value_name = "FILE")]
    public_key_file: Option<PathBuf>,
    #[command(flatten)]
    bucket: BucketArgs,
    #[command(flatten)]
    role: RoleArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct RoleArgs {
    /// The managed policy that bounds the roles.
    #[arg(long, value_name = "ARN")]
    permissions_boundary_arn: Option<String>,
    /// Also process the requests of the tech preview.
    #[arg(long)]
    enable_tech_preview: bool,
    #[command(flatten)]
    pace: PaceArgs,
}

#[derive(Debug, Args)]
struct PaceArgs {
    /// How many resources are worked on at a time.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CONCURRENCY, value_parser = clap::value_parser!(u8).range(1..=32))]
    concurrency: u8,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// The name of the cluster whose resources are deleted.
    #[arg(long)]
    name: String,
    /// The region of the bucket.
    #[arg(long)]
    region: String,
    /// Delete nothing: print the plan.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask. Where there is no terminal to ask on, nothing is deleted without it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    reach: ReachArgs,
}

#[derive(Debug, Args)]
struct BucketArgs {
    /// ccoctl's flag for an issuer behind CloudFront, which is refused.
    #[arg(long, hide = true)]
    create_private_s3_bucket: bool,
}

#[derive(Debug, Args)]
struct OutputArgs {
    /// Where keys and manifests go; made when missing. [default: the current directory]
    #[arg(
        long,
        value_name = "DIRECTORY",
        default_value = ".",
        hide_default_value = true
    )]
    output_dir: PathBuf,
}

#[derive(Debug, Args)]
struct ChangeArgs {
    /// Change nothing: print the plan, or write the inputs for the AWS CLI as ccoctl does (`--dry-run=files`).
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "plan", value_name = "HOW")]
    dry_run: Option<DryRunArg>,
    /// Take over resources of these names that carry no ownership tag.
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    reach: ReachArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRunArg {
    /// Look at what exists and print the steps.
    Plan,
    /// Ask nobody and write the inputs for the AWS CLI.
    Files,
}

/// Runs a subcommand of `podpass aws`.
pub(crate) fn run(arguments: AwsArgs) -> Result<ExitCode, Failure> {
    let report = Report::new(Voice::Podpass);
    match arguments.command {
        AwsCommand::KeyPair(arguments) => {
            let input = KeyPairInput {
                output_dir: arguments.output.output_dir,
            };
            create_key_pair(&input, &report)?;
        }
        AwsCommand::IdentityProvider(arguments) => {
            let input = IdentityProviderInput {
                name: arguments.name,
                region: arguments.region.clone(),
                public_key_file: arguments.public_key_file,
                private_bucket: arguments.bucket.create_private_s3_bucket,
                output_dir: arguments.output.output_dir,
                target: arguments.change.target()?,
            };
            crate::block_on(create_identity_provider(&input, &report))?;
        }
        AwsCommand::IamRoles(arguments) => {
            let input = RolesInput {
                name: arguments.name,
                region: arguments.region,
                credentials_requests_dir: arguments.credentials_requests_dir,
                identity_provider_arn: arguments.identity_provider_arn,
                permissions_boundary_arn: arguments.role.permissions_boundary_arn.clone(),
                tech_preview: arguments.role.tech_preview(),
                concurrency: usize::from(arguments.role.pace.concurrency),
                output_dir: arguments.output.output_dir,
                target: arguments.change.target()?,
            };
            crate::block_on(create_iam_roles(&input, &report))?;
        }
        AwsCommand::All(arguments) => {
            let input = AllInput {
                name: arguments.name,
                region: arguments.region,
                credentials_requests_dir: arguments.credentials_requests_dir,
                public_key_file: arguments.public_key_file,
                private_bucket: arguments.bucket.create_private_s3_bucket,
                permissions_boundary_arn: arguments.role.permissions_boundary_arn.clone(),
                tech_preview: arguments.role.tech_preview(),
                concurrency: usize::from(arguments.role.pace.concurrency),
                output_dir: arguments.output.output_dir,
                target: arguments.change.target()?,
            };
            crate::block_on(create_all(&input, &report))?;
        }
        AwsCommand::Delete(arguments) => {
            let input = DeleteInput {
                name: arguments.name,
                region: arguments.region,
                consent: if arguments.yes {
                    Consent::Given
                } else {
                    Consent::Ask
                },
                concurrency: usize::from(arguments.pace.concurrency),
                target: Target {
                    dry_run: if arguments.dry_run {
                        DryRun::Plan
                    } else {
                        DryRun::No
                    },
                    adoption: Adoption::Refuse,
                    cloud: Cloud::Configured(arguments.reach.settings()?),
                },
            };
            crate::block_on(delete(&input, &report))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl RoleArgs {
    fn tech_preview(&self) -> TechPreview {
        if self.enable_tech_preview {
            TechPreview::Include
        } else {
            TechPreview::Exclude
        }
    }
}

impl ChangeArgs {
    fn target(self) -> Result<Target, Failure> {
        Ok(Target {
            dry_run: match self.dry_run {
                None => DryRun::No,
                Some(DryRunArg::Plan) => DryRun::Plan,
                Some(DryRunArg::Files) => DryRun::Files,
            },
            adoption: if self.adopt {
                Adoption::Adopt
            } else {
                Adoption::Refuse
            },
            cloud: Cloud::Configured(self.reach.settings()?),
        })
    }
}

/// IAM takes a few writes a second before it throttles; ccoctl makes one call at a time.
pub(crate) const DEFAULT_CONCURRENCY: u8 = 8;

#[cfg(test)]
mod tests;
