//! The issuer that a cluster signs its tokens with.

use podpass_cluster::{Cluster, ClusterError, TokenRequest, resources};
use podpass_kinds::ServiceAccountRef;
use podpass_token::Jwt;
use serde_json::Value;

/// Finds out the issuer of a cluster's service account tokens, as spelled in them.
///
/// Asked are, in this order, the API server's discovery document, OpenShift's `Authentication`, and a token of the
/// service account: a user may be allowed one and not the others. The error is that of the first.
pub async fn issuer(
    cluster: &Cluster,
    account: &ServiceAccountRef,
) -> Result<String, ClusterError> {
    let first = match cluster.published_issuer().await {
        Ok(published) => return Ok(published.issuer),
        Err(error) => error,
    };
    if !first.is_forbidden() && !first.is_not_found() {
        return Err(first);
    }
    let authentication = cluster
        .get(resources::AUTHENTICATION, None, "cluster")
        .await;
    if let Ok(Some(authentication)) = authentication {
        let issuer = authentication.pointer("/spec/serviceAccountIssuer");
        if let Some(issuer) = issuer
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
        {
            return Ok(issuer.to_owned());
        }
    }
    let request = TokenRequest {
        namespace: account.namespace().to_owned(),
        service_account: account.name().to_owned(),
        audiences: Vec::new(),
        expiration_seconds: None,
        pod: None,
    };
    let Ok((token, _)) = cluster.request_token(&request).await else {
        return Err(first);
    };
    let issuer = Jwt::decode(&token).ok().and_then(|jwt| {
        let issuer = jwt.claims().get("iss")?.as_str()?;
        Some(issuer.to_owned())
    });
    issuer.ok_or(first)
}
