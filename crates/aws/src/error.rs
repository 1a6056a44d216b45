//! From the SDK's errors to the port's.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use podpass_cloud::{CloudError, ErrorKind};

use crate::connection::Connection;

impl Connection {
    /// Says of `error` what kind it is; `action` is the call, written as a permission.
    pub(crate) fn failed<E>(
        &self,
        action: &'static str,
        error: SdkError<E, HttpResponse>,
    ) -> CloudError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let endpoint = self.endpoint();
        let request_id = error.request_id().map(str::to_owned);
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match error {
            SdkError::ServiceError(answer) => {
                let metadata = answer.err().meta();
                let code = metadata.code().map(str::to_owned);
                let message = match (metadata.message(), status) {
                    (Some(message), _) => message.to_owned(),
                    (None, Some(status @ 200..=299)) => not_aws(&endpoint, status),
                    (None, status) => format!(
                        "the service answered with HTTP status {}",
                        status.unwrap_or_default()
                    ),
                };
                CloudError::new(kind_of(code.as_deref(), status), action, message)
                    .answered(code.as_deref(), request_id.as_deref())
            }
            SdkError::TimeoutError(_) => CloudError::new(
                ErrorKind::TimedOut {
                    endpoint: endpoint.clone(),
                },
                action,
                format!("{endpoint} did not answer in time"),
            ),
            SdkError::ResponseError(answer) => CloudError::new(
                ErrorKind::Other,
                action,
                not_aws(&endpoint, answer.raw().status().as_u16()),
            )
            .answered(None, request_id.as_deref()),
            error => unsent(action, &endpoint, &error),
        }
    }

    /// An answer that AWS never gives.
    pub(crate) fn unexpected(&self, action: &'static str, what: impl Into<String>) -> CloudError {
        CloudError::new(
            ErrorKind::Other,
            action,
            format!("{} answered without {}", self.endpoint(), what.into()),
        )
    }
}

/// Whether the service answered with `code`.
pub(crate) fn has_code<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    code: &str,
) -> bool {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        == Some(code)
}

/// The HTTP status of the answer, when there was one.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

fn not_aws(endpoint: &str, status: u16) -> String {
    format!("{endpoint} gave an answer that is not AWS's (HTTP status {status})")
}

/// Why a call never left: no credentials, no region, no connection. The last cause says it; the ones before are layers.
///
/// The error itself goes no further: some of the SDK's layers print the whole request, tokens and keys included.
fn unsent<E>(action: &'static str, endpoint: &str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: Error + Send + Sync + 'static,
{
    let (timed_out, no_connection) = match error {
        SdkError::DispatchFailure(failure) => {
            (failure.is_timeout(), failure.is_io() || failure.is_user())
        }
        _ => (false, false),
    };
    let reason = innermost(error);
    if let Some(credentials) = cause::<CredentialsError>(error) {
        if let Some(refused) = refused_exchange(credentials) {
            return refused;
        }
        let reason = innermost(credentials);
        let told = !matches!(credentials, CredentialsError::CredentialsNotLoaded(_));
        // Of what was looked for in vain, only a profile was asked for by its name; the chain lists all it looked for.
        let is_asked_for = reason.to_ascii_lowercase().contains("profile")
            && !reason.starts_with(NOTHING_IN_CHAIN);
        let message = if told || is_asked_for {
            format!("the AWS credentials cannot be used: {reason}")
        } else {
            "no AWS credentials in the environment, the profiles or the metadata of this machine"
                .to_owned()
        };
        return CloudError::new(ErrorKind::NoCredentials, action, message);
    }
    if reason.contains("Missing Region") {
        return CloudError::new(ErrorKind::NoRegion, action, "no region is set");
    }
    let whom = endpoint.to_owned();
    if timed_out {
        let message = format!("{endpoint} did not answer in time");
        return CloudError::new(ErrorKind::TimedOut { endpoint: whom }, action, message);
    }
    if no_connection {
        let message = format!("cannot reach {endpoint}: {reason}");
        return CloudError::new(ErrorKind::Unreachable { endpoint: whom }, action, message);
    }
    CloudError::new(ErrorKind::Other, action, reason)
}

/// The answer of STS, when the credentials would have come from there and were refused: a role of a profile, or the
/// token of a pod.
fn refused_exchange(credentials: &CredentialsError) -> Option<CloudError> {
    let of = |action: &str, metadata: &ErrorMetadata, request_id: Option<&str>| {
        let message = metadata.message().unwrap_or("the exchange was refused");
        CloudError::new(ErrorKind::NotAuthorised, action, message)
            .answered(metadata.code(), request_id)
    };
    if let Some(error) = cause::<SdkError<AssumeRoleWithWebIdentityError>>(credentials) {
        let answer = error.as_service_error()?;
        let action = "sts:AssumeRoleWithWebIdentity";
        return Some(of(action, answer.meta(), error.request_id()));
    }
    let error = cause::<SdkError<AssumeRoleError>>(credentials)?;
    let answer = error.as_service_error()?;
    Some(of("sts:AssumeRole", answer.meta(), error.request_id()))
}

/// How the SDK's default chain begins what it says when all of its sources were in vain.
const NOTHING_IN_CHAIN: &str = "no credentials found in chain";

fn kind_of(code: Option<&str>, status: Option<u16>) -> ErrorKind {
    match code.unwrap_or_default() {
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidToken"
        | "RequestTimeTooSkewed"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "AuthFailure"
        | "NotAuthorized"
        | "AllAccessDisabled"
        | "AccountProblem" => ErrorKind::NotAuthorised,
        "NoSuchEntity" | "NoSuchBucket" | "NoSuchKey" | "NotFound" => ErrorKind::NotFound,
        "EntityAlreadyExists"
        | "ConcurrentModification"
        | "EntityTemporarilyUnmodifiable"
        | "OperationAborted"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "PreconditionFailed" => ErrorKind::Conflict,
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "TooManyRequestsException" => ErrorKind::Throttled,
        _ => match status {
            Some(401 | 403) => ErrorKind::NotAuthorised,
            Some(404) => ErrorKind::NotFound,
            Some(409 | 412) => ErrorKind::Conflict,
            Some(429) => ErrorKind::Throttled,
            Some(400..=499) => ErrorKind::Refused,
            _ => ErrorKind::Other,
        },
    }
}

fn cause<'e, C: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e C> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(cause) = error.downcast_ref() {
            return Some(cause);
        }
        next = error.source();
    }
    None
}

/// The text of the last cause: the ones before it are the SDK's own layers.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use podpass_cloud::{Exchange, WebIdentityRequest};

    use super::*;

    #[tokio::test]
    async fn an_error_shows_nothing_of_the_request() {
        let region = "eu-west-1".parse().unwrap();
        // The SDK's own error for an endpoint without a scheme prints the request with its body.
        let connection = Connection::isolated("localhost:4566", &region, None);
        let request = WebIdentityRequest::new(
            "arn:aws:iam::123456789012:role/r",
            "session",
            "eyJhbGciOiJSUzI1NiJ9.e30.c2VjcmV0".parse().unwrap(),
        );
        let error = connection
            .assume_role_with_web_identity(&request)
            .await
            .unwrap_err();
        let mut told = format!("{error} {error:?}");
        let mut next = error.source();
        while let Some(cause) = next {
            told.push_str(&cause.to_string());
            next = cause.source();
        }
        assert!(told.contains("scheme"), "{told}");
        assert!(!told.contains("c2VjcmV0"), "{told}");
    }
}
