//! Reading what exists.

mod bucket;
mod cluster;
mod iam;

use podpass_cloud::{CloudError, Observe};
use podpass_provision::{
    Deletion, DesiredRole, IdentityProvider, ObservedCluster, ObservedIdentityProvider,
    ObservedOidcProvider, ObservedRoles, OidcProviderArn, RoleDetails, RoleName,
};

use crate::connection::Connection;

impl Observe for Connection {
    async fn identity_provider(
        &self,
        desired: &IdentityProvider,
    ) -> Result<ObservedIdentityProvider, CloudError> {
        let (bucket, providers) = tokio::try_join!(
            Box::pin(self.observe_bucket(desired)),
            Box::pin(self.observe_oidc_providers(desired))
        )?;
        let (oidc_provider, other_issuers) = providers;
        Ok(ObservedIdentityProvider {
            bucket,
            oidc_provider,
            other_issuers,
        })
    }

    async fn oidc_provider(
        &self,
        arn: &OidcProviderArn,
    ) -> Result<Option<ObservedOidcProvider>, CloudError> {
        self.observe_oidc_provider(arn).await
    }

    async fn role(&self, name: &RoleName) -> Result<Option<RoleDetails>, CloudError> {
        self.role_details(name).await
    }

    async fn roles(&self, desired: &DesiredRole) -> Result<ObservedRoles, CloudError> {
        let named = self.observe_role(&desired.name).await?;
        let cut = match (&named, &desired.cut_name) {
            (None, Some(cut_name)) => self.observe_role(cut_name).await?,
            _ => None,
        };
        Ok(ObservedRoles { named, cut })
    }

    async fn cluster(&self, deletion: &Deletion) -> Result<ObservedCluster, CloudError> {
        self.observe_cluster(deletion).await
    }
}
