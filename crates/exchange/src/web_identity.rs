//! `AssumeRoleWithWebIdentity`.

mod authorised;
mod claims;
mod known;
mod presented;
mod session_claims;
mod supposed;

use jiff::Timestamp;
use podpass_policy::{Context, Partition};
use podpass_token::{KeySet, Token};

pub use self::authorised::{Registered, Verified};
pub use self::presented::{Presented, present};
pub use self::supposed::{Rehearsal, Supposed};

use crate::behaviour::Behaviour;
use crate::denial::Denial;
use crate::grant::WebIdentityGrant;
use crate::issuer::IssuerFailure;
use crate::model::{OidcProvider, Role};

/// The parameters of a call.
#[derive(Clone, Debug)]
pub struct WebIdentityRequest {
    /// `RoleArn`.
    pub role_arn: String,
    /// `RoleSessionName`.
    pub role_session_name: String,
    /// `WebIdentityToken`.
    pub token: Token,
    /// `ProviderId`, which OpenID Connect tokens must not have.
    pub provider_id: Option<String>,
    /// `Policy`, an inline session policy.
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    pub policy_arns: Vec<String>,
    /// `DurationSeconds`; one hour if absent, whatever the role allows.
    pub duration_seconds: Option<i64>,
    /// The partition of the endpoint that is called; `None` accepts a role of any partition.
    pub partition: Option<Partition>,
    /// What the call itself brings: `aws:SourceIp`, `aws:SecureTransport`, `aws:UserAgent`, `aws:RequestedRegion`.
    pub context: Context,
    /// How STS behaves where it was seen to behave in more than one way.
    pub behaviour: Behaviour,
}

impl WebIdentityRequest {
    /// Makes a request with the required parameters only.
    pub fn new(
        role_arn: impl Into<String>,
        role_session_name: impl Into<String>,
        token: Token,
    ) -> Self {
        Self {
            role_arn: role_arn.into(),
            role_session_name: role_session_name.into(),
            token,
            provider_id: None,
            policy: None,
            policy_arns: Vec::new(),
            duration_seconds: None,
            partition: None,
            context: Context::new(),
            behaviour: Behaviour::default(),
        }
    }
}

/// Takes all steps at once, where providers, keys and role are at hand.
pub fn assume_role_with_web_identity<'a>(
    request: WebIdentityRequest,
    providers: impl IntoIterator<Item = &'a OidcProvider>,
    keys: Result<&KeySet, IssuerFailure>,
    role: Option<&Role>,
    now: Timestamp,
) -> Result<WebIdentityGrant, Denial> {
    present(request, now)?
        .at(providers)?
        .verify(keys)?
        .authorise(role)
}
