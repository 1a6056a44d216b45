//! What a server may do, asked of the API server.

use serde_json::{Value, json};

use crate::connect::Cluster;
use crate::error::ClusterError;
use crate::object::{Resource, not_a_path};

/// Something that the caller may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// The verb of RBAC.
    pub verb: &'a str,
    /// The resource.
    pub resource: Resource,
    /// The namespace; `None` means all of them.
    pub namespace: Option<&'a str>,
    /// The one object; `None` means all of them.
    pub name: Option<&'a str>,
}

impl Cluster {
    /// Whether this connection's user may do that (SelfSubjectAccessReview, which everybody may ask).
    pub async fn may(&self, access: Access<'_>) -> Result<bool, ClusterError> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": access.verb,
                "group": access.resource.group,
                "resource": access.resource.plural,
                "namespace": access.namespace.unwrap_or_default(),
                "name": access.name.unwrap_or_default(),
            }},
        });
        let request = http::Request::post(REVIEWS)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(review.to_string().into_bytes());
        let request = request.map_err(not_a_path)?;
        let what = "selfsubjectaccessreviews";
        let answered: Value = self
            .run("create", what, self.client.request(request))
            .await?;
        Ok(answered["status"]["allowed"] == true)
    }
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
