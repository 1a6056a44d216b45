//! `podpass credential-process`: a service account's credentials for a profile of ~/.aws/config.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use podpass_access::local::TokenSource;
use podpass_aws::Connection;
use podpass_cloud::{Exchange, Session};
use podpass_exchange::{AssumeRoleRequest, WebIdentityRequest};
use podpass_inject::MIN_TOKEN_EXPIRATION;
use podpass_kinds::Reason;
use serde::Serialize;

use crate::commands::token::{refused, session_token};
use crate::duration::parse_duration;
use crate::failure::Failure;
use crate::identity_args::{IdentityArgs, tokens};
use crate::output;

#[derive(Debug, Args)]
#[command(
    override_usage = "podpass credential-process --as <NS/SA> [OPTIONS]",
    after_help = AFTER_HELP
)]
pub(crate) struct CredentialProcessArgs {
    /// How long the credentials live, 15m to 12h. [default: 1h, whatever the role's maximum is]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    duration: Option<Duration>,
    #[command(flatten)]
    identity: IdentityArgs,
}

pub(crate) async fn run(arguments: &CredentialProcessArgs) -> Result<ExitCode, Failure> {
    let input = arguments.identity.check()?;
    let duration = arguments.duration.map(seconds).transpose()?;
    let cluster = input.connect().await?;
    let mut identity = input.find(&cluster, Vec::new(), |_| {}).await?;
    if let (Some(last), Some(seconds)) = (identity.chain.last(), duration)
        && seconds > LONGEST_CHAINED
    {
        return Err(Failure::denied(
            Reason::ChainDuration,
            format!("--duration: the credentials of {last} cannot live {seconds} s, since it is taken on with those of another role"),
        )
        .detail("expected", format!("at most {LONGEST_CHAINED} s, whatever the role's maximum is"))
        .help("leave `--duration` out, or give 1h or less"));
    }
    // It is used once, at once.
    identity.token_request.expiration_seconds = Some(MIN_TOKEN_EXPIRATION);
    let session_name = input.session_name(&cluster);
    let (token, _) = tokens(cluster, &identity)
        .request()
        .await
        .map_err(|error| Failure::cluster(&error))?;
    let role = &identity.role_arn;
    let mut request = WebIdentityRequest::new(role.as_str(), session_name.as_str(), token.clone());
    request.duration_seconds = duration.filter(|_| identity.chain.is_empty());
    let connection = Connection::unsigned(&input.aws_settings())
        .await
        .map_err(|error| Failure::cloud(&error))?;
    let mut session = connection
        .assume_role_with_web_identity(&request)
        .await
        .map_err(|error| refused(&error, role, &token))?;
    for (index, role) in identity.chain.iter().enumerate() {
        let is_last = index + 1 == identity.chain.len();
        let request = AssumeRoleRequest {
            role_arn: role.to_string(),
            role_session_name: session_name.to_string(),
            duration_seconds: duration.filter(|_| is_last),
            ..AssumeRoleRequest::default()
        };
        let connection = connection.with_credentials(&session.credentials);
        session = connection
            .assume_role(&request)
            .await
            .map_err(|error| Failure::cloud(&error))?;
    }
    output::json(&ProcessCredentials::from(&session))?;
    Ok(ExitCode::SUCCESS)
}

/// What the AWS CLI and the SDKs read from a `credential_process`.
///
/// Source: "Process credential provider" in the AWS SDKs and Tools Reference Guide.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessCredentials<'a> {
    version: u32,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    /// In ISO 8601.
    expiration: String,
}

impl<'a> From<&'a Session> for ProcessCredentials<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            version: 1,
            access_key_id: &session.credentials.access_key_id,
            secret_access_key: session.credentials.secret_access_key.expose(),
            session_token: session_token(session),
            expiration: Timestamp::from_second(session.expires_at)
                .map_or_else(|_| session.expires_at.to_string(), |at| at.to_string()),
        }
    }
}

/// What AssumeRoleWithWebIdentity accepts.
fn seconds(duration: Duration) -> Result<i64, Failure> {
    let seconds = duration.as_secs();
    let fits = (MIN_SECONDS..=MAX_SECONDS).contains(&seconds);
    i64::try_from(seconds).ok().filter(|_| fits).ok_or_else(|| {
        Failure::usage(format!("--duration: credentials cannot live {seconds} s"))
            .detail("expected", format!("{MIN_SECONDS} to {MAX_SECONDS} s"))
            .help("give 15m to 12h, and not more than the role's maximum")
    })
}

const AFTER_HELP: &str = "\
For ~/.aws/config:

    [profile app]
    region = eu-west-1
    credential_process = podpass credential-process --as ns/app

STS is called without a signature, so that the profile never calls itself. `--as` is the service account here, not
kubectl's impersonation.";

/// STS's limit for a role that is assumed with a role's credentials ("Role chaining" in the IAM user guide).
const LONGEST_CHAINED: i64 = 3_600;
const MIN_SECONDS: u64 = 900;
const MAX_SECONDS: u64 = 43_200;
