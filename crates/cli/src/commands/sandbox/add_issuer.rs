//! `podpass sandbox add-issuer`: the running sandbox verifies the tokens of a cluster that it cannot reach.

use std::path::Path;
use std::process::ExitCode;

use podpass_sandbox::{Change, ControlError, Issuer, IssuerError};

use super::control;
use crate::args::{IssuerSourceArgs, SandboxAddIssuerArgs};
use crate::cluster_args::ClusterArgs;
use crate::failure::{Exit, Failure};
use crate::{files, output};

pub(super) async fn run(arguments: &SandboxAddIssuerArgs) -> Result<ExitCode, Failure> {
    let issuer = read(&arguments.source, &arguments.cluster).await?;
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let change = client
        .add_issuer(&issuer)
        .await
        .map_err(|error| match error {
            ControlError::Conflict { message } => Failure::new(Exit::Refused, message).help(
                "publish the key in that bucket with `podpass aws create-identity-provider`, or delete the bucket first",
            ),
            error => control::failure(&error),
        })?;
    output::line(&format!("issuer/{} {change}", issuer.url()))?;
    for key in issuer.keys().unusable() {
        output::note(&format!(
            "note: the JWKS has a key that verifies nothing: {key}"
        ));
    }
    if change == Change::Created {
        output::note(&format!(
            "hint: `aws iam create-open-id-connect-provider --url {} --client-id-list sts.amazonaws.com` lets roles \
             trust it",
            issuer.url()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(source: &IssuerSourceArgs, cluster: &ClusterArgs) -> Result<Issuer, Failure> {
    match (&source.issuer, &source.jwks) {
        (Some(url), Some(jwks)) => of_files(url, jwks),
        _ => of_cluster(cluster).await,
    }
}

/// What the API server itself says, since its issuer cannot be reached.
async fn of_cluster(cluster: &ClusterArgs) -> Result<Issuer, Failure> {
    let cluster = cluster.connect().await?;
    let published = cluster
        .published_issuer()
        .await
        .map_err(|error| Failure::cluster(&error))?;
    Issuer::new(&published.issuer, &published.jwks).map_err(|error| {
        Failure::failed(format!("the issuer of {} cannot be used", cluster.server()))
            .because(&error)
            .help("AWS trusts issuers that begin with `https://`: set `--service-account-issuer` of the kube-apiserver")
    })
}

fn of_files(url: &str, jwks: &Path) -> Result<Issuer, Failure> {
    Issuer::new(url, &files::read_text(jwks)?).map_err(|error| match &error {
        IssuerError::Url { .. } => Failure::usage(format!("--issuer: {error}")).help(
            "write it exactly as the tokens have it in `iss`, which `podpass token decode` shows; `kubectl get --raw \
             /.well-known/openid-configuration` names it too",
        ),
        _ => Failure::usage(format!("cannot use `{}`", jwks.display()))
            .because(&error)
            .help("get it from the cluster: `kubectl get --raw /openid/v1/jwks > keys.json`"),
    })
}
