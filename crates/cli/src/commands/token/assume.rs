//! `podpass token assume`: the exchange that an SDK makes in a pod, with what AWS leaves unsaid.

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::Timestamp;
use podpass_aws::{Connection, EnvironmentSettings};
use podpass_cloud::{CloudError, ErrorKind, Exchange, Session};
use podpass_exchange::WebIdentityRequest;
use podpass_policy::RoleArn;
use podpass_token::{Jwt, Token};
use serde::Serialize;
use serde_json::Value;

use crate::args::{AssumeFormat, TokenAssumeArgs};
use crate::failure::Failure;
use crate::{files, output};

pub(super) async fn run(arguments: &TokenAssumeArgs) -> Result<ExitCode, Failure> {
    let role: RoleArn =
        arguments
            .role_arn
            .parse()
            .map_err(|error: podpass_policy::InvalidArn| {
                Failure::usage(error.to_string())
                    .help("write arn:<partition>:iam::<12-digit account>:role/<name>")
            })?;
    let token = Token::new(files::read_text(&arguments.token_file)?.trim().to_owned());
    // AWS counts: a session name says which program it was, and podpass is one.
    let session_name = arguments
        .session_name
        .clone()
        .unwrap_or_else(|| format!("podpass-{}", Timestamp::now().as_second()));
    let mut request = WebIdentityRequest::new(role.as_str(), session_name, token.clone());
    request.duration_seconds = arguments.duration.map(i64::from);
    let settings = EnvironmentSettings {
        profile: None,
        region: arguments.region.as_deref().map(parse_region).transpose()?,
        endpoint_url: arguments.endpoint_url.clone(),
    };
    let connection = Connection::unsigned(&settings)
        .await
        .map_err(|error| Failure::cloud(&error))?;
    let session = connection
        .assume_role_with_web_identity(&request)
        .await
        .map_err(|error| refused(&error, &role, &token))?;
    match arguments.output {
        AssumeFormat::Json => output::json(&SessionDocument::from(&session))?,
        AssumeFormat::Env => output::data(&output::shell_exports(variables(&session)))?,
        AssumeFormat::Powershell => {
            output::data(&output::powershell_exports(variables(&session)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_region(text: &str) -> Result<podpass_provision::Region, Failure> {
    text.parse()
        .map_err(|error: podpass_provision::NameError| Failure::usage(error.to_string()))
}

/// AWS's answer, beside it what the token says: the values that provider and trust policy must match.
pub(crate) fn refused(error: &CloudError, role: &RoleArn, token: &Token) -> Failure {
    let mut failure = Failure::cloud(error).detail("role", role.as_str());
    if let Ok(jwt) = Jwt::decode(token) {
        let claims = jwt.claims();
        for (label, claim) in [("issuer", "iss"), ("audience", "aud"), ("subject", "sub")] {
            let shown = match claims.get(claim) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Array(values)) => values
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
                Some(other) => other.to_string(),
                None => "(absent)".to_owned(),
            };
            failure = failure.detail(label, shown);
        }
        if let Some(expires) = claims
            .get("exp")
            .and_then(Value::as_i64)
            .and_then(|at| Timestamp::from_second(at).ok())
        {
            failure = failure.detail("expires", expires.to_string());
        }
    }
    match error.kind {
        ErrorKind::NotAuthorised => failure.help(
            "AWS does not say which: the role is missing, or its trust policy does not allow this issuer, audience and subject",
        ),
        ErrorKind::Unreachable { .. } | ErrorKind::TimedOut { .. } | ErrorKind::NoRegion => failure,
        _ => failure.help("compare the issuer and the audience with the OIDC provider in the role's account"),
    }
}

/// A granted session, as `-o json` prints it: beside our own `apiVersion` and `kind` the members of AWS's answer, in the
/// words of the AWS CLI and boto3.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SessionDocument<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    #[serde(rename = "kind")]
    kind: &'static str,
    credentials: AssumedCredentials<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_from_web_identity_token: Option<&'a str>,
    assumed_role_user: AssumedRoleUser<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
    response_metadata: ResponseMetadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedCredentials<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser<'a> {
    assumed_role_id: &'a str,
    arn: &'a str,
}

/// What boto3 adds to every answer, and what the AWS CLI keeps of it in its cache.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResponseMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(rename = "HTTPStatusCode")]
    status: u16,
    #[serde(rename = "HTTPHeaders")]
    headers: &'a BTreeMap<String, String>,
    retry_attempts: u32,
}

impl<'a> From<&'a Session> for SessionDocument<'a> {
    fn from(session: &'a Session) -> Self {
        let credentials = &session.credentials;
        let answer = &session.answer;
        Self {
            api_version: crate::API_VERSION,
            kind: "Session",
            credentials: AssumedCredentials {
                access_key_id: &credentials.access_key_id,
                secret_access_key: credentials.secret_access_key.expose(),
                session_token: session_token(session),
                expiration: Timestamp::from_second(session.expires_at)
                    .map_or_else(|_| session.expires_at.to_string(), |at| at.to_string()),
            },
            subject_from_web_identity_token: session.subject.as_deref(),
            assumed_role_user: AssumedRoleUser {
                assumed_role_id: &session.assumed_role_id,
                arn: &session.assumed_role_arn,
            },
            packed_policy_size: session.packed_policy_size,
            provider: session.provider.as_deref(),
            audience: session.audience.as_deref(),
            source_identity: session.source_identity.as_deref(),
            response_metadata: ResponseMetadata {
                request_id: answer.request_id.as_deref(),
                status: answer.status,
                headers: &answer.headers,
                retry_attempts: answer.retry_attempts,
            },
        }
    }
}

pub(crate) fn session_token(session: &Session) -> &str {
    session
        .credentials
        .session_token
        .as_ref()
        .map_or("", |token| token.expose())
}

fn variables(session: &Session) -> [(&'static str, &str); 3] {
    let credentials = &session.credentials;
    [
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.as_str()),
        (
            "AWS_SECRET_ACCESS_KEY",
            credentials.secret_access_key.expose(),
        ),
        ("AWS_SESSION_TOKEN", session_token(session)),
    ]
}
