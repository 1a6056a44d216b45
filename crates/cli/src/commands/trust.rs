//! `podpass trust`: the trust policy to hand to whoever makes the role.

use std::process::ExitCode;

use clap::Args;
use podpass_kinds::ServiceAccountRef;
use podpass_policy::{AccountId, Partition};
use podpass_provision::WebIdentityTrust;

use super::aws::inputs as aws;
use super::bind::provider_of;
use crate::cluster_args::ClusterArgs;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The service account.
    #[arg(value_name = "NS/SA")]
    account: ServiceAccountRef,
    /// The OIDC provider of the cluster's issuer; with it neither the cluster nor AWS is asked.
    #[arg(long, value_name = "ARN", required_unless_present = "account_id", conflicts_with_all = ["account_id", "issuer"])]
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
            provider_of(arguments.partition.as_str(), account.as_str(), &issuer)?
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
