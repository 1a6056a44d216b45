//! What exists of OIDC providers and roles.

use aws_sdk_iam::types::Tag;
use futures::{StreamExt, TryStreamExt};
use percent_encoding::percent_decode_str;
use podpass_cloud::CloudError;
use podpass_provision::{
    IdentityProvider, ObservedOidcProvider, ObservedRole, OidcProviderArn, Ownership, RoleName,
    Seen, Tags,
};

use super::bucket::hidden;
use crate::connection::Connection;
use crate::error::has_code;

impl Connection {
    /// The provider of the issuer, compared by URL; without one, the cluster's providers for other issuers.
    pub(super) async fn observe_oidc_providers(
        &self,
        desired: &IdentityProvider,
    ) -> Result<(Option<ObservedOidcProvider>, Vec<OidcProviderArn>), CloudError> {
        let arns = self.oidc_provider_arns().await?;
        let of_issuer = arns
            .iter()
            .find(|arn| arn.issuer_without_scheme() == desired.issuer_without_scheme());
        if let Some(arn) = of_issuer
            && let Some(provider) = self.observe_oidc_provider(arn).await?
        {
            return Ok((Some(provider), Vec::new()));
        }
        let others = self.observe_each_oidc_provider(arns).await?;
        let others = others
            .into_iter()
            .filter(|provider| provider.tags.owner(&desired.cluster) == Ownership::Ours)
            .map(|provider| provider.arn)
            .collect();
        Ok((None, others))
    }

    /// All OIDC providers of the account; the list has no pages.
    pub(super) async fn oidc_provider_arns(&self) -> Result<Vec<OidcProviderArn>, CloudError> {
        let listed = self.iam.list_open_id_connect_providers().send().await;
        let listed =
            listed.map_err(|error| self.failed("iam:ListOpenIDConnectProviders", error))?;
        Ok(listed
            .open_id_connect_provider_list()
            .iter()
            .filter_map(|entry| entry.arn()?.parse().ok())
            .collect())
    }

    /// Those of `arns` that are still there.
    pub(super) async fn observe_each_oidc_provider(
        &self,
        arns: Vec<OidcProviderArn>,
    ) -> Result<Vec<ObservedOidcProvider>, CloudError> {
        let found: Vec<Option<ObservedOidcProvider>> = futures::stream::iter(arns)
            .map(async |arn| self.observe_oidc_provider(&arn).await)
            .buffered(READS_AT_A_TIME)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    pub(super) async fn observe_oidc_provider(
        &self,
        arn: &OidcProviderArn,
    ) -> Result<Option<ObservedOidcProvider>, CloudError> {
        let found = self
            .iam
            .get_open_id_connect_provider()
            .open_id_connect_provider_arn(arn.as_str())
            .send()
            .await;
        match found {
            Ok(found) => Ok(Some(ObservedOidcProvider {
                arn: arn.clone(),
                url: found.url().unwrap_or_default().to_owned(),
                client_ids: found.client_id_list().to_vec(),
                thumbprints: found.thumbprint_list().to_vec(),
                tags: tags(found.tags()),
            })),
            Err(error) if has_code(&error, "NoSuchEntity") => Ok(None),
            Err(error) => Err(self.failed("iam:GetOpenIDConnectProvider", error)),
        }
    }

    pub(super) async fn observe_role(
        &self,
        name: &RoleName,
    ) -> Result<Option<ObservedRole>, CloudError> {
        let found = match self.iam.get_role().role_name(name.as_str()).send().await {
            Ok(found) => found,
            Err(error) if has_code(&error, "NoSuchEntity") => return Ok(None),
            Err(error) => return Err(self.failed("iam:GetRole", error)),
        };
        let unexpected = |what: &str| self.unexpected("iam:GetRole", what);
        let role = found.role().ok_or_else(|| unexpected("a role"))?;
        // IAM finds a role by its name in any spelling of upper and lower case.
        let name: RoleName = role
            .role_name()
            .parse()
            .map_err(|_| unexpected("a role name"))?;
        let permissions = self.role_policy(&name).await?;
        Ok(Some(ObservedRole {
            arn: role.arn().parse().map_err(|_| unexpected("a role's ARN"))?,
            name,
            description: role.description().map(str::to_owned),
            trust_policy: self.decoded(
                "iam:GetRole",
                role.assume_role_policy_document().unwrap_or_default(),
            )?,
            boundary: role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn())
                .map(str::to_owned),
            tags: tags(role.tags()),
            permissions,
        }))
    }

    /// The inline policy that is named after its role.
    async fn role_policy(&self, name: &RoleName) -> Result<Seen<String>, CloudError> {
        match self.inline_policy(name, name.as_str()).await {
            Ok(Some(document)) => Ok(Seen::Present(document)),
            Ok(None) => Ok(Seen::Absent),
            Err(error) => hidden(error),
        }
    }

    /// An inline policy by its name; `None` when it does not exist.
    pub(super) async fn inline_policy(
        &self,
        role: &RoleName,
        policy: &str,
    ) -> Result<Option<String>, CloudError> {
        let action = "iam:GetRolePolicy";
        let found = self
            .iam
            .get_role_policy()
            .role_name(role.as_str())
            .policy_name(policy)
            .send()
            .await;
        match found {
            Ok(found) => self.decoded(action, found.policy_document()).map(Some),
            Err(error) if has_code(&error, "NoSuchEntity") => Ok(None),
            Err(error) => Err(self.failed(action, error)),
        }
    }

    /// IAM answers with documents percent-encoded.
    pub(crate) fn decoded(
        &self,
        action: &'static str,
        document: &str,
    ) -> Result<String, CloudError> {
        percent_decode_str(document)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| self.unexpected(action, "a document in UTF-8"))
    }
}

pub(super) fn tags(found: &[Tag]) -> Tags {
    found
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

/// IAM throttles reads at about ten a second.
pub(super) const READS_AT_A_TIME: usize = 5;
