//! Whether the user may do something.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};

use crate::connect::Cluster;
use crate::error::ClusterError;

/// A verb on a resource, as RBAC names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// The verb, such as `create`.
    pub verb: &'a str,
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// The resource, such as `serviceaccounts`.
    pub resource: &'a str,
    /// The subresource, such as `token`; empty for the resource itself.
    pub subresource: &'a str,
    /// The namespace; empty for the whole cluster.
    pub namespace: &'a str,
}

impl Cluster {
    /// Asks whether the user may do this (SelfSubjectAccessReview).
    pub async fn may(&self, access: Access<'_>) -> Result<bool, ClusterError> {
        let attribute = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: attribute(access.verb),
                    group: attribute(access.group),
                    resource: attribute(access.resource),
                    subresource: attribute(access.subresource),
                    namespace: attribute(access.namespace),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let parameters = PostParams::default();
        let answer = self
            .run(
                "create",
                "a SelfSubjectAccessReview",
                api.create(&parameters, &review),
            )
            .await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
