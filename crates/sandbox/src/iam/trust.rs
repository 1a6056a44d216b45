//! Trust policies as IAM takes them.

use podpass_policy::{Arn, DocumentKind, PrincipalKind};

use super::rules::quota;
use super::store::{Account, PolicyText};
use crate::query::ApiError;

/// Reads a trust policy: its grammar, its size, and that the account's own users and roles in it exist.
pub(crate) fn parse(text: String, account: &Account) -> Result<PolicyText, ApiError> {
    let policy = PolicyText::parse(text, DocumentKind::Trust)
        .map_err(|error| ApiError::malformed_policy(error.aws_message()))?;
    if policy.counted_len() > quota::TRUST_POLICY {
        let limit = quota::TRUST_POLICY;
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {limit}"
        )));
    }
    let principals = policy
        .document
        .statements
        .iter()
        .filter_map(|statement| statement.principal.as_ref());
    for principal in principals.flat_map(|clause| clause.set().of_kind(PrincipalKind::Aws)) {
        if !exists(principal, account) {
            return Err(ApiError::malformed_policy(format!(
                "Invalid principal in policy: \"AWS\":\"{principal}\""
            )));
        }
    }
    Ok(policy)
}

/// What lies in other accounts is taken on trust, as nobody can look it up there.
fn exists(principal: &str, account: &Account) -> bool {
    let Ok(arn) = principal.parse::<Arn>() else {
        return true;
    };
    if arn.service() != "iam" || arn.account() != account.id.as_str() {
        return true;
    }
    match arn.resource().split_once('/') {
        Some(("role", _)) => principal
            .parse()
            .is_ok_and(|arn| account.role_at(&arn).is_some()),
        Some(("user", path)) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            account
                .users
                .find(name)
                .is_some_and(|user| user.arn.as_str() == principal)
        }
        _ => true,
    }
}
