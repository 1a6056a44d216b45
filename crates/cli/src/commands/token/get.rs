//! `podpass token get`: a token of a service account, as the kubelet asks for it.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use podpass_cluster::{BoundPod, TokenRequest};
use podpass_kinds::ServiceAccountRef;
use serde::Serialize;

use crate::cluster_args::ClusterArgs;
use crate::duration::parse_duration;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct TokenGetArgs {
    /// The service account.
    #[arg(value_name = "NS/SA")]
    account: ServiceAccountRef,
    /// The audience; may be repeated, but AWS takes tokens of one audience only.
    #[arg(
        long = "audience",
        value_name = "AUDIENCE",
        default_value = "sts.amazonaws.com"
    )]
    audiences: Vec<String>,
    /// How long the token lives, at least 10m; the API server may shorten it. [default: the API server's, mostly 1h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expiry: Option<Duration>,
    /// Bind the token to this pod of the service account, so that it dies with it.
    #[arg(long, value_name = "POD")]
    bind_pod: Option<String>,
    /// The token alone, or JSON with its expiration.
    #[arg(short, long, value_enum, default_value_t = TokenFormat::Raw)]
    output: TokenFormat,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TokenFormat {
    Raw,
    Json,
}

/// A token as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuedToken<'a> {
    api_version: &'static str,
    kind: &'static str,
    service_account: String,
    audiences: &'a [String],
    expiration_timestamp: Timestamp,
    token: &'a str,
}

pub(super) async fn run(arguments: &TokenGetArgs) -> Result<ExitCode, Failure> {
    let expiration_seconds = arguments.expiry.map(seconds).transpose()?;
    let cluster = arguments.cluster.connect().await?;
    let request = TokenRequest {
        namespace: arguments.account.namespace().to_owned(),
        service_account: arguments.account.name().to_owned(),
        audiences: arguments.audiences.clone(),
        expiration_seconds,
        pod: arguments
            .bind_pod
            .clone()
            .map(|name| BoundPod { name, uid: None }),
    };
    let (token, expiration_timestamp) = cluster
        .request_token(&request)
        .await
        .map_err(|error| Failure::cluster(&error))?;
    match arguments.output {
        TokenFormat::Raw => output::line(token.expose())?,
        TokenFormat::Json => output::json(&IssuedToken {
            api_version: crate::API_VERSION,
            kind: "IssuedToken",
            service_account: arguments.account.to_string(),
            audiences: &arguments.audiences,
            expiration_timestamp,
            token: token.expose(),
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The API server refuses less than ten minutes, and more than 2^32 seconds.
fn seconds(expiry: Duration) -> Result<i64, Failure> {
    let seconds = expiry.as_secs();
    let fits = (MIN_SECONDS..=MAX_SECONDS).contains(&seconds);
    i64::try_from(seconds).ok().filter(|_| fits).ok_or_else(|| {
        Failure::usage(format!("--expiry: a token cannot live {seconds} s"))
            .detail("expected", format!("{MIN_SECONDS} to {MAX_SECONDS} s"))
            .help("ask for at least 10m")
    })
}

const MIN_SECONDS: u64 = 600;
const MAX_SECONDS: u64 = 1 << 32;
