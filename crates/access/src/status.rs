//! How a cluster gives its workloads cloud permissions now: mode, issuer, keys, webhook; and the cloud's side of it.
//!
//! Looked at is what the caller may see. A refused request hides its part and no other, and is kept, so that the caller
//! can be told which permission is missing.

mod cloud;

use podpass_cluster::{Cluster, ClusterError, IdentityWebhook, OpenShift};
use podpass_kinds::Reason;
use podpass_provision::Seen;
use podpass_token::KeySet;
use serde::Serialize;

pub use cloud::{
    BucketStatus, CloudStatus, ObjectStatus, ProviderStatus, PublishedKey, RoleStatus,
    look_at_cloud,
};

/// What a cluster says of itself.
#[derive(Debug)]
pub struct ClusterStatus {
    /// The URL of the API server.
    pub server: String,
    /// How OpenShift's components get credentials; `None` on any other cluster.
    pub openshift: Option<OpenShift>,
    /// Who signs service account tokens, and with which keys.
    pub issuer: IssuerStatus,
    /// The webhooks that inject identities.
    pub webhooks: Seen<Vec<IdentityWebhook>>,
    /// What is worth knowing about it.
    pub remarks: Vec<Remark>,
    /// The requests that were refused.
    pub refused: Vec<ClusterError>,
}

/// The issuer of service account tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerStatus {
    /// The issuer that the API server signs with, as its discovery document says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signs: Option<String>,
    /// The issuer that OpenShift's Authentication names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured: Option<String>,
    /// The keys that the API server publishes.
    pub keys: Vec<KeyStatus>,
    #[serde(skip)]
    jwks: String,
}

/// A published key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// Its id; `None` for a key that no token can name.
    pub kid: Option<String>,
    /// Why AWS does not use it; `None` for a key that it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// The reason code, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Reason>,
    /// One clause.
    pub message: String,
}

impl ClusterStatus {
    /// Looks at a cluster.
    pub async fn of(cluster: &Cluster) -> Result<Self, ClusterError> {
        let (openshift, published, webhooks) = tokio::join!(
            cluster.openshift(),
            cluster.published_issuer(),
            cluster.identity_webhooks(),
        );
        let mut openshift = openshift?;
        let mut refused = Vec::new();
        if let Some(openshift) = &mut openshift {
            refused.append(&mut openshift.refused);
        }
        let mut remarks = Vec::new();
        let published = seen(published, &mut refused)?;
        let configured = openshift
            .as_ref()
            .and_then(|openshift| openshift.sources.issuer.present())
            .filter(|issuer| !issuer.is_empty());
        let mut issuer = IssuerStatus {
            configured: configured.cloned(),
            ..IssuerStatus::default()
        };
        if let Seen::Present(published) = published {
            match keys_of(&published.jwks) {
                Ok(keys) => issuer.keys = keys,
                Err(problem) => remarks.push(Remark::of(
                    Reason::IssuerDocumentInvalid,
                    format!("the API server's own JWKS cannot be used: {problem}"),
                )),
            }
            issuer.signs = Some(published.issuer);
            issuer.jwks = published.jwks;
        }
        if let (Some(signs), Some(configured)) = (&issuer.signs, &issuer.configured)
            && signs != configured
        {
            remarks.push(Remark::of(
                Reason::IssuerStringMismatch,
                format!(
                    "the API server signs with the issuer `{signs}`, and Authentication names `{configured}`: the change \
                     has not reached every API server yet"
                ),
            ));
        }
        let webhooks = seen(webhooks, &mut refused)?;
        if webhooks.present().is_some_and(Vec::is_empty) {
            remarks.push(Remark::of(
                Reason::WebhookMissing,
                Reason::WebhookMissing.hint(),
            ));
        }
        Ok(Self {
            server: cluster.server().to_owned(),
            openshift,
            issuer,
            webhooks,
            remarks,
            refused,
        })
    }
}

impl IssuerStatus {
    /// The issuer: that of the API server, or else the one that is configured.
    pub fn url(&self) -> Option<&str> {
        self.signs.as_deref().or(self.configured.as_deref())
    }

    /// The JWKS as the API server serves it; empty when it could not be read.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }
}

impl Remark {
    fn of(code: Reason, message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            message: message.into(),
        }
    }

    fn plain(message: impl Into<String>) -> Self {
        Self {
            code: None,
            message: message.into(),
        }
    }
}

/// The keys of a JWKS, in its order, or what is wrong with the document.
fn keys_of(jwks: &str) -> Result<Vec<KeyStatus>, String> {
    let set = KeySet::from_jwks_json(jwks).map_err(|error| error.to_string())?;
    let usable = set.key_ids().map(|kid| KeyStatus {
        kid: Some(kid.to_owned()),
        unusable: None,
    });
    let unusable = set.unusable().iter().map(|key| KeyStatus {
        kid: key.kid.clone(),
        unusable: Some(key.why.to_string()),
    });
    Ok(usable.chain(unusable).collect())
}

/// Takes a refused request for something hidden, and keeps the refusal.
fn seen<T>(
    found: Result<T, ClusterError>,
    refused: &mut Vec<ClusterError>,
) -> Result<Seen<T>, ClusterError> {
    match found {
        Ok(found) => Ok(Seen::Present(found)),
        Err(error) if error.is_not_found() => Ok(Seen::Absent),
        Err(error) if error.is_forbidden() => {
            refused.push(error);
            Ok(Seen::Hidden)
        }
        Err(error) => Err(error),
    }
}
