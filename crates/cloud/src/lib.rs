//! The port to a cloud: what podpass asks of it, in its own types.
//!
//! Use cases depend on these traits and never on an SDK. [`Observe`] reads what is there, [`Apply`] takes one step of a
//! plan, [`Exchange`] asks the token service. How many calls run at a time is the caller's decision.

mod credentials;
mod error;

use std::future::Future;

pub use podpass_exchange::{AssumeRoleRequest, WebIdentityRequest};
use podpass_provision::{
    Deletion, DesiredRole, IdentityProvider, ObservedCluster, ObservedIdentityProvider,
    ObservedOidcProvider, ObservedRoles, OidcProviderArn, RoleArn, RoleDetails, RoleName, Step,
};

pub use credentials::{AnswerMetadata, CallerIdentity, Credentials, Secret, Session};
pub use error::{CloudError, ErrorKind};

/// Reads what exists, without changing anything.
pub trait Observe: Send + Sync {
    /// What exists of `desired`.
    fn identity_provider(
        &self,
        desired: &IdentityProvider,
    ) -> impl Future<Output = Result<ObservedIdentityProvider, CloudError>> + Send;

    /// The OIDC provider of that ARN, when it exists.
    fn oidc_provider(
        &self,
        arn: &OidcProviderArn,
    ) -> impl Future<Output = Result<Option<ObservedOidcProvider>, CloudError>> + Send;

    /// The role of that name with all that it holds, when it exists. Fails where the caller may not see all of it.
    fn role(
        &self,
        name: &RoleName,
    ) -> impl Future<Output = Result<Option<RoleDetails>, CloudError>> + Send;

    /// What exists under the names that `desired` can have.
    fn roles(
        &self,
        desired: &DesiredRole,
    ) -> impl Future<Output = Result<ObservedRoles, CloudError>> + Send;

    /// What exists that is the cluster's, or looks as if it were.
    fn cluster(
        &self,
        deletion: &Deletion,
    ) -> impl Future<Output = Result<ObservedCluster, CloudError>> + Send;
}

/// Takes one step. A step that was taken before can be taken again.
pub trait Apply: Send + Sync {
    /// Takes `step` and says what came of it.
    fn apply(&self, step: &Step) -> impl Future<Output = Result<Applied, CloudError>> + Send;
}

/// Asks the token service.
pub trait Exchange: Send + Sync {
    /// The same service, called with other credentials, such as those of a session.
    #[must_use]
    fn with_credentials(&self, credentials: &Credentials) -> Self
    where
        Self: Sized;

    /// Who the caller is (`sts:GetCallerIdentity`).
    fn caller_identity(&self) -> impl Future<Output = Result<CallerIdentity, CloudError>> + Send;

    /// Credentials for a service account token (`sts:AssumeRoleWithWebIdentity`); the call is not signed.
    fn assume_role_with_web_identity(
        &self,
        request: &WebIdentityRequest,
    ) -> impl Future<Output = Result<Session, CloudError>> + Send;

    /// Credentials of a role for the caller (`sts:AssumeRole`).
    fn assume_role(
        &self,
        request: &AssumeRoleRequest,
    ) -> impl Future<Output = Result<Session, CloudError>> + Send;
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is done.
    Done,
    /// An OIDC provider was created.
    OidcProvider(OidcProviderArn),
    /// A role was created.
    Role(RoleArn),
}
