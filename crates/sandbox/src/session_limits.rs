//! What temporary credentials of a user and of a federated user cannot be used for, whatever their policies say.
//!
//! Source: IAM User Guide, "Compare AWS STS credentials".

use crate::call::Call;
use crate::query::{ApiError, QueryService};
use crate::session::SessionHolder;
use crate::sigv4::{Dialect, SignatureError};

/// Refuses a call that the caller's kind of credentials is not good for.
pub(crate) fn check(service: QueryService, call: &Call<'_>) -> Result<(), ApiError> {
    let within = match call.caller.session_holder() {
        None | Some(SessionHolder::Role { .. }) => return Ok(()),
        // Both kinds lack a second factor, without which IAM does not take them.
        Some(_) if service == QueryService::Iam => {
            let refusal = SignatureError::InvalidToken.refusal(Dialect::Query);
            return Err(ApiError {
                code: refusal.code,
                ..ApiError::denied(refusal.message)
            });
        }
        Some(SessionHolder::User { .. }) => ["AssumeRole", "GetCallerIdentity"].as_slice(),
        Some(SessionHolder::FederatedUser { .. }) => ["GetCallerIdentity"].as_slice(),
    };
    let action = call.report.action.as_str();
    if within.contains(&action) || REFUSING.contains(&action) {
        return Ok(());
    }
    let resource = call
        .form
        .text("RoleArn")
        .map(|arn| format!(" on resource: {arn}"));
    Err(ApiError::denied(format!(
        "User: {} is not authorized to perform: sts:{action}{}",
        call.caller.principal.arn(),
        resource.unwrap_or_default()
    )))
}

/// These refuse session credentials themselves, in words of their own, or do not ask who calls.
const REFUSING: [&str; 3] = [
    "AssumeRoleWithWebIdentity",
    "GetFederationToken",
    "GetSessionToken",
];
