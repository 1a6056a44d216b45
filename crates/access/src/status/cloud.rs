//! AWS's side of a cluster: the OIDC provider of its issuer, the published keys, the bucket, the roles.

use std::collections::BTreeSet;

use podpass_cloud::{CloudError, ErrorKind, Exchange, Observe};
use podpass_kinds::Reason;
use podpass_policy::{Arn, OidcProviderArn};
use podpass_provision::{
    BucketState, ClusterName, DISCOVERY_KEY, Deletion, FoundRole, IdentityProvider, IssuerBucket,
    JWKS_KEY, ObservedBucket, ObservedOidcProvider, Ownership, Region, Tags,
};
use podpass_token::{Jwks, KeySet};
use serde::Serialize;

use super::{IssuerStatus, Remark};

/// What AWS holds of a cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudStatus {
    /// The account that was looked at.
    pub account: String,
    /// The ARN of whoever looked.
    pub caller: String,
    /// The cluster's name in ownership tags; `None` when nothing tells it.
    pub cluster_name: Option<String>,
    /// The OIDC provider of the cluster's issuer.
    pub provider: Option<ProviderStatus>,
    /// OIDC providers with the cluster's ownership tag and another issuer, such as the one before.
    pub other_providers: Vec<String>,
    /// The bucket that is the issuer.
    pub bucket: Option<BucketStatus>,
    /// The keys that are published at the issuer.
    pub published_keys: Vec<PublishedKey>,
    /// The cluster's keys that are not published at the issuer.
    pub missing_keys: Vec<String>,
    /// The roles with the cluster's ownership tag.
    pub roles: Vec<RoleStatus>,
    /// What is worth knowing about it.
    pub remarks: Vec<Remark>,
    /// The calls that were refused; their part is left out above.
    #[serde(skip)]
    pub refused: Vec<CloudError>,
}

/// An OIDC provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderStatus {
    /// Its ARN.
    pub arn: String,
    /// The audiences it accepts.
    pub audiences: Vec<String>,
    /// The thumbprints it trusts.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// The issuer's bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketStatus {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Its tags.
    pub tags: Tags,
    /// The issuer's documents in it.
    pub objects: Vec<ObjectStatus>,
}

/// A document of the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// Its key.
    pub key: String,
    /// Its tags.
    pub tags: Tags,
}

/// A key that is published at the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedKey {
    /// Its id.
    pub kid: String,
    /// Whether the cluster publishes it, too: another key is an old one, or somebody else's.
    pub in_cluster: bool,
}

/// A role of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleStatus {
    /// Its name.
    pub name: String,
    /// Its description, which names the secret or the service account that it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The names of its inline policies and the ARNs of the attached ones.
    pub policies: Vec<String>,
}

/// Looks at AWS's side of a cluster.
///
/// `name` is the cluster's name where the caller knows it; otherwise the tags of the OIDC provider tell it, or the
/// issuer does. `region` is that of the calls. Only a failure that concerns everything is an error: no credentials, no
/// connection.
pub async fn look_at_cloud<C: Observe + Exchange>(
    cloud: &C,
    issuer: &IssuerStatus,
    name: Option<ClusterName>,
    region: &Region,
) -> Result<CloudStatus, CloudError> {
    let caller = cloud.caller_identity().await?;
    let mut status = CloudStatus {
        account: caller.account,
        caller: caller.arn,
        cluster_name: None,
        provider: None,
        other_providers: Vec::new(),
        bucket: None,
        published_keys: Vec::new(),
        missing_keys: Vec::new(),
        roles: Vec::new(),
        remarks: Vec::new(),
        refused: Vec::new(),
    };
    let url = issuer.url();
    let arn = url.and_then(|url| status.provider_arn(url));
    if let (Some(url), None) = (url, &arn) {
        let message =
            format!("AWS cannot trust the issuer `{url}`: it has to start with `https://`");
        status.remark(Reason::IssuerStringMismatch, message);
    }
    let provider = match &arn {
        Some(arn) => status.allowed(cloud.oidc_provider(arn).await)?,
        None => None,
    };
    if let (Some(arn), Some(None)) = (&arn, &provider) {
        let message = format!("the account has no OIDC provider {arn}");
        status.remark(Reason::OidcProviderMissing, message);
    }
    let provider = provider.flatten();
    let bucket = url.and_then(IssuerBucket::of_issuer);
    let tagged = provider.as_ref().and_then(|found| found.tags.cluster());
    let name = name
        .or(tagged)
        .or_else(|| bucket.as_ref().map(|bucket| bucket.cluster.clone()));
    status.provider = provider.as_ref().map(ProviderStatus::of);
    status.cluster_name = name.as_ref().map(ToString::to_string);
    match bucket {
        Some(bucket) => status.look_into(cloud, issuer, bucket).await?,
        None if url.is_some() => status.remarks.push(Remark::plain(
            "the issuer is no bucket of the cluster's, so the keys that it publishes were not looked at",
        )),
        None => {}
    }
    match name {
        Some(name) => status.look_for_owned(cloud, name, region).await?,
        None => status.remarks.push(Remark::plain(
            "nothing tells the cluster's name in ownership tags, so its roles were not looked for: give it with `--name`",
        )),
    }
    Ok(status)
}

impl CloudStatus {
    /// The bucket and the keys that are published in it.
    async fn look_into<C: Observe>(
        &mut self,
        cloud: &C,
        issuer: &IssuerStatus,
        found: IssuerBucket,
    ) -> Result<(), CloudError> {
        // What the cluster needs is what its API server publishes.
        let desired = IdentityProvider {
            issuer: found.bucket.issuer_in(&found.region),
            cluster: found.cluster,
            region: found.region,
            bucket: found.bucket,
            keys: Jwks::parse(issuer.jwks()).unwrap_or_default(),
        };
        let bucket = desired.bucket.as_str();
        let Some(observed) = self.allowed(cloud.identity_provider(&desired).await)? else {
            return Ok(());
        };
        match observed.bucket {
            ObservedBucket::Absent => self.remark(
                Reason::IssuerUnreachable,
                format!("the issuer's bucket `{bucket}` does not exist"),
            ),
            ObservedBucket::NotAccessible => self.remarks.push(Remark::plain(format!(
                "the issuer's bucket `{bucket}` is another account's, or the caller may not see it"
            ))),
            ObservedBucket::Elsewhere { region } => self.remark(
                Reason::IssuerUnreachable,
                format!(
                    "the issuer's bucket `{bucket}` is in {}, and the issuer says {}",
                    region.as_deref().unwrap_or("another region"),
                    desired.region
                ),
            ),
            ObservedBucket::Present(state) => {
                self.compare_keys(issuer, &state);
                self.bucket = Some(BucketStatus::of(&desired, *state));
            }
        }
        Ok(())
    }

    /// The published keys beside the cluster's.
    fn compare_keys(&mut self, issuer: &IssuerStatus, state: &BucketState) {
        let Some(jwks) = &state.jwks else {
            self.remark(
                Reason::IssuerUnreachable,
                format!("the issuer's bucket has no `{JWKS_KEY}`"),
            );
            return;
        };
        let published = match KeySet::from_jwks_json(&jwks.body) {
            Ok(set) => set,
            Err(error) => {
                let message = format!("`{JWKS_KEY}` of the issuer cannot be used: {error}");
                self.remark(Reason::IssuerDocumentInvalid, message);
                return;
            }
        };
        let own: BTreeSet<&str> = issuer
            .keys
            .iter()
            .filter_map(|key| key.kid.as_deref())
            .collect();
        let published: Vec<&str> = published.key_ids().collect();
        self.published_keys = published
            .iter()
            .map(|&kid| PublishedKey {
                kid: kid.to_owned(),
                in_cluster: own.contains(kid),
            })
            .collect();
        let missing = own.iter().filter(|&kid| !published.contains(kid));
        self.missing_keys = missing.map(|&kid| kid.to_owned()).collect();
        for kid in self.missing_keys.clone() {
            let message = format!(
                "the cluster's key `{kid}` is not published at the issuer: AWS refuses tokens that it signs"
            );
            self.remark(Reason::IssuerKeyMissing, message);
        }
    }

    /// What carries the cluster's ownership tag, by the listing that a deletion goes by.
    async fn look_for_owned<C: Observe>(
        &mut self,
        cloud: &C,
        cluster: ClusterName,
        region: &Region,
    ) -> Result<(), CloudError> {
        let listing = Deletion {
            cluster,
            region: region.clone(),
            // It was looked into by the issuer's URL.
            bucket: None,
        };
        let Some(owned) = self.allowed(cloud.cluster(&listing).await)? else {
            return Ok(());
        };
        let is_ours = |tags: &Tags| tags.owner(&listing.cluster) == Ownership::Ours;
        let own_arn = self.provider.as_ref().map(|provider| provider.arn.as_str());
        self.other_providers = owned
            .oidc_providers
            .iter()
            .filter(|provider| is_ours(&provider.tags))
            .map(|provider| provider.arn.to_string())
            .filter(|arn| Some(arn.as_str()) != own_arn)
            .collect();
        let roles = owned.roles.iter().filter(|role| is_ours(&role.tags));
        self.roles = roles.map(RoleStatus::of).collect();
        self.remarks.extend(owned.hidden.iter().map(|action| {
            Remark::plain(format!(
                "the caller lacks {action}: roles may have more policies than are shown"
            ))
        }));
        Ok(())
    }

    /// The result of a call, or nothing when it was refused.
    fn allowed<T>(&mut self, called: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
        match called {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ErrorKind::NotAuthorised => {
                self.refused.push(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn provider_arn(&self, issuer: &str) -> Option<OidcProviderArn> {
        let caller: Arn = self.caller.parse().ok()?;
        let url = issuer.strip_prefix("https://")?;
        OidcProviderArn::new(caller.partition(), self.account.parse().ok()?, url).ok()
    }

    fn remark(&mut self, code: Reason, message: String) {
        self.remarks.push(Remark::of(code, message));
    }
}

impl ProviderStatus {
    fn of(found: &ObservedOidcProvider) -> Self {
        Self {
            arn: found.arn.to_string(),
            audiences: found.client_ids.clone(),
            thumbprints: found.thumbprints.clone(),
            tags: found.tags.clone(),
        }
    }
}

impl BucketStatus {
    fn of(desired: &IdentityProvider, state: BucketState) -> Self {
        let documents = [(DISCOVERY_KEY, state.discovery), (JWKS_KEY, state.jwks)];
        let objects = documents.into_iter().filter_map(|(key, found)| {
            Some(ObjectStatus {
                key: key.to_owned(),
                tags: found?.tags,
            })
        });
        Self {
            name: desired.bucket.to_string(),
            region: desired.region.to_string(),
            tags: state.tags,
            objects: objects.collect(),
        }
    }
}

impl RoleStatus {
    fn of(found: &FoundRole) -> Self {
        let attached = found.attached_policies.iter().map(ToString::to_string);
        Self {
            name: found.name.to_string(),
            description: found.description.clone(),
            policies: found
                .inline_policies
                .iter()
                .cloned()
                .chain(attached)
                .collect(),
        }
    }
}
