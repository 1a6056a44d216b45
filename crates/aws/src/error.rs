//! From the SDK's errors to the port's.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
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
                let message = metadata.message().map_or_else(
                    || {
                        format!(
                            "the service answered with HTTP status {}",
                            status.unwrap_or_default()
                        )
                    },
                    str::to_owned,
                );
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
            SdkError::ResponseError(answer) => {
                let error = CloudError::new(
                    ErrorKind::Other,
                    action,
                    format!(
                        "{endpoint} gave an answer that is not AWS's (HTTP status {})",
                        answer.raw().status()
                    ),
                )
                .answered(None, request_id.as_deref());
                error.because(SdkError::<E, HttpResponse>::ResponseError(answer))
            }
            SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => {
                unsent(action, &endpoint, error)
            }
            error => CloudError::new(ErrorKind::Other, action, "the call failed").because(error),
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

/// Why a call never left: no credentials, no region, no connection. The last cause says it; the ones before are layers.
fn unsent<E>(action: &'static str, endpoint: &str, error: SdkError<E, HttpResponse>) -> CloudError
where
    E: Error + Send + Sync + 'static,
{
    let (timed_out, no_connection) = match &error {
        SdkError::DispatchFailure(failure) => {
            (failure.is_timeout(), failure.is_io() || failure.is_user())
        }
        _ => (false, false),
    };
    let reason = innermost(&error);
    if let Some(credentials) = cause::<CredentialsError>(&error) {
        let message = match credentials {
            CredentialsError::CredentialsNotLoaded(_) => {
                "no AWS credentials in the environment, the profiles or the metadata of this machine".to_owned()
            }
            found => format!("the AWS credentials cannot be used: {}", innermost(found)),
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
    CloudError::new(ErrorKind::Other, action, reason).because(error)
}

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
