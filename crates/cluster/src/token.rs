//! Service account tokens from the TokenRequest API.

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1 as authentication;
use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, PostParams};
use podpass_token::Token;

use crate::connect::Cluster;
use crate::error::{ClusterError, ErrorKind};

/// What a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The service account's namespace.
    pub namespace: String,
    /// The service account's name.
    pub service_account: String,
    /// The audiences; empty leaves the choice to the API server.
    pub audiences: Vec<String>,
    /// The lifetime in seconds, at least 600; the API server may shorten it. `None` leaves the choice to it.
    pub expiration_seconds: Option<i64>,
    /// The pod that the token is bound to: it dies with it, as far as the API server is asked.
    pub pod: Option<BoundPod>,
}

/// A pod that a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundPod {
    /// Its name.
    pub name: String,
    /// Its uid; `None` takes that of the pod of this name.
    pub uid: Option<String>,
}

impl Cluster {
    /// Asks for a token (`create` on `serviceaccounts/token`); returns it with the time at which it expires.
    ///
    /// Source: the Kubernetes TokenRequest API (authentication.k8s.io/v1).
    pub async fn request_token(
        &self,
        request: &TokenRequest,
    ) -> Result<(Token, Timestamp), ClusterError> {
        let api: Api<core::ServiceAccount> =
            Api::namespaced(self.client.clone(), &request.namespace);
        let bound = |pod: &BoundPod| authentication::BoundObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(pod.name.clone()),
            uid: pod.uid.clone(),
        };
        let body = authentication::TokenRequest {
            spec: authentication::TokenRequestSpec {
                audiences: request.audiences.clone(),
                expiration_seconds: request.expiration_seconds,
                bound_object_ref: request.pod.as_ref().map(bound),
            },
            ..authentication::TokenRequest::default()
        };
        let what = format!(
            "a token of service account `{}/{}`",
            request.namespace, request.service_account
        );
        let parameters = PostParams::default();
        let call = api.create_token_request(&request.service_account, &parameters, &body);
        let answer = self.run("create", &what, call).await?;
        let Some(status) = answer.status else {
            let message = format!("the API server gave no {what}");
            return Err(ClusterError::new(ErrorKind::Other, message));
        };
        Ok((Token::new(status.token), status.expiration_timestamp.0))
    }
}
