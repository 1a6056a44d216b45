//! What an account holds, as far as an exchange needs it.

use std::sync::Arc;

use podpass_policy::{Document, OidcProviderArn, RoleArn};
use serde::{Deserialize, Serialize};

/// An OIDC provider of IAM.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OidcProvider {
    /// Its ARN, which carries the account and the issuer's URL without the scheme.
    pub arn: OidcProviderArn,
    /// The audiences that it accepts.
    pub client_ids: Vec<String>,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its ARN.
    pub arn: RoleArn,
    /// Its unique id, `AROA…`; a role that is created again under the same name has another one.
    pub id: String,
    /// Its trust policy (`AssumeRolePolicyDocument`).
    pub trust: Arc<Document>,
    /// The longest session that may be asked for, 3600 to 43200 seconds.
    pub max_session_seconds: u32,
}
