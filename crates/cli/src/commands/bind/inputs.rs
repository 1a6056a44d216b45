//! The command lines of `bind` and `unbind`, checked before any call.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use podpass_aws::EnvironmentSettings;
use podpass_cluster::WorkloadRef;
use podpass_kinds::ServiceAccountRef;
use podpass_policy::{Document, DocumentKind};
use podpass_provision::{
    Adoption, ClusterName, OidcProviderArn, PolicyArn, RoleArn, RoleName, assume_role_policy,
};

use super::super::aws::inputs as aws;
use super::super::simulate::not_a_policy;
use super::role::WantedRole;
use crate::cluster_args::ClusterArgs;
use crate::failure::Failure;
use crate::format::Format;
use crate::webhook_rules::PrefixArgs;
use crate::{files, given};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("permissions").required(true).multiple(true).args(["role_arn", "policies", "policy_arns", "chain"])))]
pub(crate) struct BindArgs {
    /// The service account.
    #[arg(value_name = "NS/SA")]
    account: ServiceAccountRef,
    /// A role that exists, such as one the security team made; AWS is not asked.
    #[arg(long, value_name = "ARN", conflicts_with_all = ["policies", "policy_arns"])]
    role_arn: Option<String>,
    /// Make a role with this permissions policy; may be repeated.
    #[arg(long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,
    /// Make a role with this managed policy attached; may be repeated.
    #[arg(long = "policy-arn", value_name = "ARN")]
    policy_arns: Vec<String>,
    /// Go on to this role, such as one of another account: pods end as it, with no code. More than one are taken on in
    /// this order. A role that is made here may take on the first of them.
    #[arg(long, value_name = "ARN", value_delimiter = ',')]
    chain: Vec<String>,
    /// The managed policy that bounds the role.
    #[arg(long, value_name = "ARN")]
    permissions_boundary_arn: Option<String>,
    /// Make the namespace and the service account if they are missing.
    #[arg(long)]
    create: bool,
    /// Let this workload of the namespace run as the service account, such as deploy/app.
    #[arg(long, value_name = "KIND/NAME")]
    workload: Option<WorkloadRef>,
    /// Take over a role that is not the service account's, and replace another role in the annotation.
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    both: BothArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UnbindArgs {
    /// The service account.
    #[arg(value_name = "NS/SA")]
    account: ServiceAccountRef,
    /// Do not ask before the role is deleted. Where there is no terminal to ask on, nothing is deleted without it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    both: BothArgs,
}

/// What both directions are told.
#[derive(Debug, Args)]
struct BothArgs {
    /// The name of the cluster, which goes into the role's name and tags. [default: that of the issuer's bucket]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The name of the role. [default: <cluster>-<namespace>-<service account>]
    #[arg(long, value_name = "NAME")]
    role_name: Option<String>,
    /// The OIDC provider of the cluster's issuer. [default: the one in the caller's account]
    #[arg(long, value_name = "ARN")]
    identity_provider_arn: Option<String>,
    /// Do one side only, with nothing but that side's credentials; the other team does the other.
    #[arg(long, value_enum, value_name = "SIDE")]
    plan_only: Option<Side>,
    /// Change nothing: print what would be done.
    #[arg(long)]
    dry_run: bool,
    /// How the outcome is printed; `yaml` with `--plan-only=cluster --dry-run` is the manifest to apply.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    prefix: PrefixArgs,
    /// The region whose endpoints are asked. [default: the AWS configuration's]
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    reach: aws::ReachArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// One of the two sides, each with credentials of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The role and its trust policy.
    Aws,
    /// The service account, its annotation, and the workload.
    Cluster,
}

/// What `bind` is to do.
pub(crate) struct BindInput {
    pub(crate) account: ServiceAccountRef,
    pub(crate) role: RoleInput,
    pub(crate) chain: Vec<RoleArn>,
    pub(crate) create: bool,
    pub(crate) workload: Option<WorkloadRef>,
    pub(crate) adopt: bool,
    pub(crate) side: Option<Side>,
    pub(crate) dry_run: bool,
    pub(crate) output: Format,
    pub(crate) prefix: PrefixArgs,
    pub(crate) cluster: ClusterArgs,
}

pub(crate) enum RoleInput {
    /// It exists.
    Given(RoleArn),
    /// It is made.
    Made(Box<WantedRole>),
}

/// What `unbind` is to do.
pub(crate) struct UnbindInput {
    pub(crate) account: ServiceAccountRef,
    pub(crate) yes: bool,
    pub(crate) side: Option<Side>,
    pub(crate) dry_run: bool,
    pub(crate) output: Format,
    pub(crate) prefix: PrefixArgs,
    pub(crate) cluster: ClusterArgs,
    pub(crate) role: AwsSide,
}

/// How the role is found in AWS.
#[derive(Clone, Debug)]
pub(crate) struct AwsSide {
    pub(crate) cluster_name: Option<ClusterName>,
    pub(crate) role_name: Option<RoleName>,
    pub(crate) provider: Option<OidcProviderArn>,
    pub(crate) settings: EnvironmentSettings,
}

impl BindArgs {
    pub(crate) fn check(self) -> Result<BindInput, Failure> {
        let side = self.both.plan_only;
        let chain = self.chain.iter().map(|arn| role_of("--chain", arn));
        let chain = chain.collect::<Result<Vec<_>, _>>()?;
        let role = match &self.role_arn {
            Some(arn) => RoleInput::Given(role_of("--role-arn", arn)?),
            None => RoleInput::Made(Box::new(self.wanted(chain.first())?)),
        };
        match (&role, side) {
            (RoleInput::Given(_), Some(Side::Aws)) => {
                return Err(Failure::usage(
                    "`--role-arn` never touches AWS, so nothing is left to do there",
                )
                .help("leave `--plan-only=aws` out, or give `--policy` for a role to make"));
            }
            (RoleInput::Made(_), Some(Side::Cluster)) => {
                return Err(Failure::usage(
                    "the cluster's side alone needs the role that the other side made",
                )
                .help("give it with `--role-arn`"));
            }
            _ => {}
        }
        Ok(BindInput {
            account: self.account,
            role,
            chain,
            create: self.create,
            workload: self.workload,
            adopt: self.adopt,
            side,
            dry_run: self.both.dry_run,
            output: self.both.output,
            prefix: self.both.prefix,
            cluster: self.both.cluster,
        })
    }

    /// The role to make; it may take on `next`.
    fn wanted(&self, next: Option<&RoleArn>) -> Result<WantedRole, Failure> {
        let aws = self.both.aws_side()?;
        if self.both.plan_only == Some(Side::Aws) && aws.provider.is_none() {
            return Err(
                Failure::usage("AWS's side alone does not ask the cluster for its issuer")
                    .help("give the cluster's OIDC provider with `--identity-provider-arn`"),
            );
        }
        let inline = self.policies.iter().map(|path| inline_policy(path));
        let inline = inline.collect::<Result<Vec<_>, _>>()?;
        let mut by_name = std::collections::BTreeMap::new();
        for (name, document) in inline {
            if by_name.insert(name.clone(), document).is_some() {
                return Err(Failure::usage(format!(
                    "--policy: two files make the policy name `{name}`"
                ))
                .help("a policy is named after its file: rename one of them"));
            }
        }
        if let Some(next) = next {
            by_name.insert(CHAIN_POLICY.to_owned(), assume_role_policy(next));
        }
        let form =
            "write the ARN of a managed policy: arn:aws:iam::<12 digits or aws>:policy/<name>";
        let attached = self
            .policy_arns
            .iter()
            .map(|arn| given::arn::<PolicyArn>("--policy-arn", arn, form));
        Ok(WantedRole {
            aws,
            inline: by_name,
            attached: attached.collect::<Result<_, _>>()?,
            boundary: aws::boundary(self.permissions_boundary_arn.as_deref())?,
            adoption: if self.adopt {
                Adoption::Adopt
            } else {
                Adoption::Refuse
            },
        })
    }
}

impl UnbindArgs {
    pub(crate) fn check(self) -> Result<UnbindInput, Failure> {
        let role = self.both.aws_side()?;
        Ok(UnbindInput {
            account: self.account,
            yes: self.yes,
            side: self.both.plan_only,
            dry_run: self.both.dry_run,
            output: self.both.output,
            prefix: self.both.prefix,
            cluster: self.both.cluster,
            role,
        })
    }
}

impl BothArgs {
    fn aws_side(&self) -> Result<AwsSide, Failure> {
        let role_name = |name: &String| {
            given::text("--role-name", name)?;
            name.parse().map_err(|_| {
                Failure::usage(format!("--role-name: `{name}` is not the name of a role"))
                    .help("use at most 64 letters, digits and _+=,.@-")
            })
        };
        Ok(AwsSide {
            cluster_name: self.name.as_deref().map(aws::cluster).transpose()?,
            role_name: self.role_name.as_ref().map(role_name).transpose()?,
            provider: self
                .identity_provider_arn
                .as_deref()
                .map(aws::provider_arn)
                .transpose()?,
            settings: EnvironmentSettings {
                region: self.region.as_deref().map(aws::region).transpose()?,
                ..self.reach.clone().settings()?
            },
        })
    }
}

/// Reads the ARN of a role that is given at `place`.
pub(crate) fn role_of(place: &str, arn: &str) -> Result<RoleArn, Failure> {
    given::arn(
        place,
        arn,
        "write arn:aws:iam::<12-digit account>:role/<path and name>",
    )
}

/// The name of the inline policy that lets a role take on the next one of a chain.
const CHAIN_POLICY: &str = "podpass-assume-role-chain";

/// Reads a permissions policy as IAM would take it; it is named after its file.
fn inline_policy(path: &Path) -> Result<(String, String), Failure> {
    given::path("--policy", path)?;
    let file = path.display().to_string();
    let text = files::read_text(path)?;
    Document::parse(&text, DocumentKind::Permissions)
        .map_err(|error| not_a_policy(&file, &error))?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(|c| if is_name(c) { c } else { '-' })
        .take(MAX_POLICY_NAME)
        .collect();
    Ok((name, text))
}

/// IAM's limit for the name of an inline policy, in characters.
const MAX_POLICY_NAME: usize = 128;
