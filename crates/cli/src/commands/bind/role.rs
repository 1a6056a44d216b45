//! AWS's side: the role as it is wanted, and what has to be done for it.

use std::collections::BTreeMap;

use podpass_access::injected::InjectionRules;
use podpass_access::issuer;
use podpass_aws::Connection;
use podpass_cloud::{Exchange, Observe};
use podpass_cluster::Cluster;
use podpass_kinds::{Reason, ServiceAccountRef, annotations};
use podpass_policy::{AccountId, Arn, Partition};
use podpass_provision::{
    Adoption, BoundRole, ClusterName, IssuerBucket, ObservedOidcProvider, OidcProviderArn, Plan,
    PolicyArn, RoleArn, WebIdentityTrust,
};

use super::super::aws::failures;
use super::inputs::AwsSide;
use crate::failure::Failure;

/// The role that `bind` is to make.
pub(crate) struct WantedRole {
    pub(crate) aws: AwsSide,
    pub(crate) inline: BTreeMap<String, String>,
    pub(crate) attached: Vec<PolicyArn>,
    pub(crate) boundary: Option<PolicyArn>,
    pub(crate) adoption: Adoption,
}

/// The role with the steps to it.
pub(crate) struct PlannedRole {
    pub(crate) connection: Connection,
    pub(crate) wanted: BoundRole,
    /// Its ARN, also before it exists.
    pub(crate) arn: RoleArn,
    pub(crate) plan: Plan,
}

impl WantedRole {
    /// Looks at issuer, OIDC provider and role.
    pub(crate) async fn plan(
        &self,
        account: &ServiceAccountRef,
        cluster: Option<&Cluster>,
        rules: &InjectionRules,
    ) -> Result<PlannedRole, Failure> {
        let connection = self.aws.connect().await?;
        let provider = self.aws.provider(account, cluster, &connection).await?;
        let found = existing(&connection, &provider).await?;
        check_audience(account, cluster, rules, &found).await?;
        let cluster_name = self.aws.cluster_name(&provider)?;
        let name = match &self.aws.role_name {
            Some(name) => name.clone(),
            None => BoundRole::usual_name(&cluster_name, account)
                .map_err(|error| Failure::usage(error.to_string()))?,
        };
        let wanted = BoundRole {
            cluster: cluster_name,
            account: account.clone(),
            name,
            trust: WebIdentityTrust {
                provider: provider.clone(),
                subjects: vec![account.subject()],
                audiences: found.client_ids,
            },
            inline: self.inline.clone(),
            attached: self.attached.clone(),
            boundary: self.boundary.clone(),
        };
        wanted.check().map_err(|error| {
            Failure::usage(error.to_string())
                .help("allow less, or attach managed policies with `--policy-arn`")
        })?;
        let details = connection
            .role(&wanted.name)
            .await
            .map_err(|error| Failure::cloud(&error))?;
        let planned = wanted
            .plan(details.as_ref(), self.adoption)
            .map_err(|refusal| failures::refusal(&refusal))?;
        let arn = match planned.arn {
            Some(arn) => arn,
            None => RoleArn::new(
                provider.partition(),
                provider.account().clone(),
                podpass_policy::Path::root(),
                wanted.name.clone(),
            ),
        };
        Ok(PlannedRole {
            connection,
            wanted,
            arn,
            plan: planned.plan,
        })
    }
}

impl AwsSide {
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        Connection::from_environment(&self.settings)
            .await
            .map_err(|error| Failure::cloud(&error))
    }

    /// The OIDC provider: the one that is named, or that of the cluster's issuer in the caller's account.
    pub(crate) async fn provider(
        &self,
        account: &ServiceAccountRef,
        cluster: Option<&Cluster>,
        connection: &Connection,
    ) -> Result<OidcProviderArn, Failure> {
        let cluster = match (&self.provider, cluster) {
            (Some(provider), _) => return Ok(provider.clone()),
            (None, Some(cluster)) => cluster,
            (None, None) => {
                return Err(Failure::usage("nobody says what the cluster's issuer is")
                    .help("give the cluster's OIDC provider with `--identity-provider-arn`"));
            }
        };
        let issuer = issuer(cluster, account)
            .await
            .map_err(|error| Failure::cluster(&error))?;
        let caller = connection
            .caller_identity()
            .await
            .map_err(|error| Failure::cloud(&error))?;
        let unreadable = |error: &dyn std::error::Error| {
            Failure::failed(format!("STS says that the caller is `{}`", caller.arn)).because(error)
        };
        let arn: Arn = caller.arn.parse().map_err(|error| unreadable(&error))?;
        let account = caller.account.parse().map_err(|error| unreadable(&error))?;
        provider_of(arn.partition(), account, &issuer)
    }

    /// The cluster's name: the one that is given, or that of which the issuer's bucket is.
    pub(crate) fn cluster_name(&self, provider: &OidcProviderArn) -> Result<ClusterName, Failure> {
        if let Some(name) = &self.cluster_name {
            return Ok(name.clone());
        }
        let issuer = provider.issuer_without_scheme();
        let of_bucket = IssuerBucket::of_issuer(&format!("https://{issuer}"));
        of_bucket.map(|found| found.cluster).ok_or_else(|| {
            Failure::usage(format!(
                "the issuer `{issuer}` does not tell the cluster's name"
            ))
            .help("give a name with `--name`; it goes into the role's name and tags")
        })
    }
}

/// The ARN of the OIDC provider for an issuer.
pub(crate) fn provider_of(
    partition: Partition,
    account: AccountId,
    issuer: &str,
) -> Result<OidcProviderArn, Failure> {
    let Some(without_scheme) = issuer.strip_prefix("https://") else {
        return Err(Failure::denied(
            Reason::IssuerStringMismatch,
            format!("the cluster's issuer `{issuer}` is not one that AWS can trust: it has to start with `https://`"),
        )
        .help("give the cluster an issuer that AWS can read: see `podpass aws create-identity-provider`"));
    };
    OidcProviderArn::new(partition, account, without_scheme).map_err(|error| {
        Failure::failed(format!("the issuer `{issuer}` has no OIDC provider")).because(&error)
    })
}

async fn existing(
    connection: &Connection,
    provider: &OidcProviderArn,
) -> Result<ObservedOidcProvider, Failure> {
    let found = connection
        .oidc_provider(provider)
        .await
        .map_err(|error| Failure::cloud(&error))?;
    found.ok_or_else(|| {
        Failure::denied(
            Reason::OidcProviderMissing,
            format!("the OIDC provider {provider} does not exist"),
        )
        .help("create it with `podpass aws create-identity-provider`, or correct `--identity-provider-arn`")
    })
}

/// Refuses a role that the pod's token could never get: its audience has to be one of the provider's.
async fn check_audience(
    account: &ServiceAccountRef,
    cluster: Option<&Cluster>,
    rules: &InjectionRules,
    provider: &ObservedOidcProvider,
) -> Result<(), Failure> {
    let found = match cluster {
        Some(cluster) => cluster
            .service_account(account.namespace(), account.name())
            .await
            .map_err(|error| Failure::cluster(&error))?,
        None => None,
    };
    let settings = &rules.settings;
    let annotated = found.as_ref().and_then(|found| {
        found
            .view
            .annotation(&settings.annotation_prefix, annotations::AUDIENCE)
    });
    let audience = annotated.unwrap_or(&settings.token_audience);
    // An empty one is the API server's own, which nothing says.
    if audience.is_empty() || provider.client_ids.iter().any(|id| id == audience) {
        return Ok(());
    }
    Err(Failure::denied(
        Reason::AudienceNotInClientIds,
        format!("tokens of `{account}` are for an audience that the OIDC provider does not list"),
    )
    .detail("expected", provider.client_ids.join(", "))
    .detail("actual", audience))
}
