//! `podpass trust`: the trust policy to hand to whoever makes the role.

use std::process::ExitCode;

use clap::Args;
use podpass_kinds::{Reason, ServiceAccountRef, annotations};
use podpass_policy::{AccountId, Partition};
use podpass_provision::{RoleArn, WebIdentityTrust, assume_role_trust};

use super::aws::inputs as aws;
use super::bind::{provider_of, role_of};
use crate::cluster_args::ClusterArgs;
use crate::failure::Failure;
use crate::output;
use crate::webhook_rules::PrefixArgs;

#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The service account.
    #[arg(value_name = "NS/SA")]
    account: ServiceAccountRef,
    /// The OIDC provider of the cluster's issuer; with it neither the cluster nor AWS is asked.
    #[arg(long, value_name = "ARN", required_unless_present_any = ["account_id", "chain"], conflicts_with_all = ["account_id", "issuer"])]
    identity_provider_arn: Option<String>,
    /// The role's account; the issuer is asked of the cluster.
    #[arg(long, value_name = "ID")]
    account_id: Option<AccountId>,
    /// The issuer, instead of asking the cluster.
    #[arg(long, value_name = "URL", requires = "account_id")]
    issuer: Option<String>,
    /// The role's partition.
    #[arg(long, value_name = "PARTITION", default_value = "aws")]
    partition: Partition,
    /// Instead: the trust policy of this role, which the service account's pods go on to.
    #[arg(long, value_name = "ARN", conflicts_with_all = ["identity_provider_arn", "account_id", "issuer"])]
    chain: Option<String>,
    /// The role that goes on to it. [default: what the service account's annotations say]
    #[arg(long, value_name = "ARN", requires = "chain")]
    role_arn: Option<String>,
    #[command(flatten)]
    prefix: PrefixArgs,
    /// An audience that the role accepts; may be repeated.
    #[arg(
        long = "audience",
        value_name = "AUDIENCE",
        default_value = "sts.amazonaws.com"
    )]
    audiences: Vec<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) async fn run(arguments: &TrustArgs) -> Result<ExitCode, Failure> {
    if let Some(chained) = &arguments.chain {
        let chained = role_of("--chain", chained)?;
        let from = match &arguments.role_arn {
            Some(arn) => role_of("--role-arn", arn)?,
            None => arguments.role_before(&chained).await?,
        };
        output::line(&assume_role_trust(&from))?;
        return Ok(ExitCode::SUCCESS);
    }
    let provider = match (&arguments.identity_provider_arn, &arguments.account_id) {
        (Some(arn), _) => aws::provider_arn(arn)?,
        (None, Some(account)) => {
            let issuer = if let Some(issuer) = &arguments.issuer {
                issuer.clone()
            } else {
                let cluster = arguments.cluster.connect().await?;
                podpass_access::issuer(&cluster, &arguments.account)
                    .await
                    .map_err(|error| Failure::cluster(&error))?
            };
            provider_of(arguments.partition, account.clone(), &issuer)?
        }
        (None, None) => return Err(Failure::usage("neither a provider nor an account is given")),
    };
    let trust = WebIdentityTrust {
        provider,
        subjects: vec![arguments.account.subject()],
        audiences: arguments.audiences.clone(),
    };
    output::line(&trust.to_pretty_json())?;
    Ok(ExitCode::SUCCESS)
}

impl TrustArgs {
    /// The role that stands before `chained` in the service account's annotations.
    async fn role_before(&self, chained: &RoleArn) -> Result<RoleArn, Failure> {
        let cluster = self.cluster.connect().await?;
        let found = cluster
            .existing_service_account(self.account.namespace(), self.account.name())
            .await
            .map_err(|error| Failure::cluster(&error))?;
        let rules = self.prefix.rules(Some(&cluster)).await?;
        let own = annotations::name(&rules.settings.annotation_prefix, annotations::ROLE_ARN);
        let Some(first) = found.view.annotations.get(&own) else {
            return Err(Failure::denied(
                Reason::NoRoleAnnotation,
                format!(
                    "service account `{}` has no annotation `{own}`",
                    self.account
                ),
            )
            .help("bind it first, or give the role with `--role-arn`"));
        };
        let chain = found.view.annotations.get(annotations::ASSUME_ROLE_CHAIN);
        let chain = chain.map_or("", String::as_str);
        let mut before = first.as_str();
        for role in chain.split(',').map(str::trim) {
            if role == chained.as_str() {
                return role_of(&own, before);
            }
            before = role;
        }
        Err(Failure::failed(format!(
            "service account `{}` does not go on to {chained}",
            self.account
        ))
        .detail(
            annotations::ASSUME_ROLE_CHAIN,
            if chain.is_empty() { "(nothing)" } else { chain },
        )
        .help("bind it with `--chain`, or give the role that goes on to it with `--role-arn`"))
    }
}
