//! Taking the steps of a plan.

mod deletion;

use std::time::Duration;

use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration,
    Tag as S3Tag, Tagging,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use podpass_cloud::{Applied, Apply, CloudError, ErrorKind};
use podpass_provision::{BucketName, ObjectUpload, PublicAccessBlock, Replaces, Step, Tags};

use crate::connection::Connection;
use crate::error::has_code;

impl Apply for Connection {
    async fn apply(&self, step: &Step) -> Result<Applied, CloudError> {
        let mut delays = UNTIL_VISIBLE.iter();
        loop {
            let error = match self.take(step).await {
                Ok(applied) => return Ok(applied),
                Err(error) => error,
            };
            // What was just made is not visible everywhere at once, and IAM then says that it does not exist.
            match delays.next() {
                Some(delay) if error.kind == ErrorKind::NotFound => {
                    tokio::time::sleep(*delay).await;
                }
                _ => return Err(error),
            }
        }
    }
}

impl Connection {
    async fn take(&self, step: &Step) -> Result<Applied, CloudError> {
        match step {
            Step::CreateBucket { bucket, region } => {
                self.make_bucket(bucket.as_str(), region.as_str()).await?;
            }
            Step::TagBucket { bucket, tags } => {
                self.tag_bucket(step.action(), bucket, tags).await?;
            }
            Step::SetPublicAccessBlock { bucket, settings } => {
                self.set_public_access_block(step.action(), bucket, *settings)
                    .await?;
            }
            Step::PutBucketPolicy { bucket, document } => {
                let put = self
                    .s3
                    .put_bucket_policy()
                    .bucket(bucket.as_str())
                    .policy(document);
                put.send()
                    .await
                    .map_err(|error| self.failed(step.action(), error))?;
            }
            Step::PutObject { upload, replaces } => {
                self.upload(step.action(), upload, replaces).await?;
            }
            Step::TagObject { bucket, key, tags } => {
                let tagging = s3_tagging(step.action(), tags)?;
                let put = self
                    .s3
                    .put_object_tagging()
                    .bucket(bucket.as_str())
                    .key(key)
                    .tagging(tagging);
                put.send()
                    .await
                    .map_err(|error| self.failed(step.action(), error))?;
            }
            _ => return self.take_iam(step).await,
        }
        Ok(Applied::Done)
    }

    async fn take_iam(&self, step: &Step) -> Result<Applied, CloudError> {
        let action = step.action();
        match step {
            Step::CreateOidcProvider {
                url,
                client_ids,
                tags,
            } => {
                let made = self
                    .iam
                    .create_open_id_connect_provider()
                    .url(url)
                    .set_client_id_list(Some(client_ids.clone()))
                    .set_tags(Some(iam_tags(action, tags)?))
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
                let arn = made.open_id_connect_provider_arn().unwrap_or_default();
                return arn
                    .parse()
                    .map(Applied::OidcProvider)
                    .map_err(|_| self.unexpected(action, "the provider's ARN"));
            }
            Step::AddClientId {
                provider,
                client_id,
            } => {
                let add = self
                    .iam
                    .add_client_id_to_open_id_connect_provider()
                    .open_id_connect_provider_arn(provider.as_str())
                    .client_id(client_id);
                add.send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::TagOidcProvider { provider, tags } => {
                let tag = self
                    .iam
                    .tag_open_id_connect_provider()
                    .open_id_connect_provider_arn(provider.as_str())
                    .set_tags(Some(iam_tags(action, tags)?));
                tag.send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            _ => return self.take_role(step).await,
        }
        Ok(Applied::Done)
    }

    async fn take_role(&self, step: &Step) -> Result<Applied, CloudError> {
        let action = step.action();
        match step {
            Step::CreateRole {
                role,
                trust_policy,
                description,
                boundary,
                tags,
            } => {
                let made = self
                    .iam
                    .create_role()
                    .role_name(role.as_str())
                    .assume_role_policy_document(trust_policy)
                    .description(description)
                    .set_permissions_boundary(
                        boundary
                            .as_ref()
                            .map(|boundary| boundary.as_str().to_owned()),
                    )
                    .set_tags(Some(iam_tags(action, tags)?))
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
                let arn = made
                    .role()
                    .map(aws_sdk_iam::types::Role::arn)
                    .unwrap_or_default();
                return arn
                    .parse()
                    .map(Applied::Role)
                    .map_err(|_| self.unexpected(action, "the role's ARN"));
            }
            Step::UpdateTrustPolicy { role, document } => {
                let update = self
                    .iam
                    .update_assume_role_policy()
                    .role_name(role.as_str())
                    .policy_document(document);
                update
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::UpdateRoleDescription { role, description } => {
                let update = self
                    .iam
                    .update_role()
                    .role_name(role.as_str())
                    .description(description);
                update
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::SetPermissionsBoundary { role, boundary } => {
                let put = self
                    .iam
                    .put_role_permissions_boundary()
                    .role_name(role.as_str())
                    .permissions_boundary(boundary.as_str());
                put.send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::TagRole { role, tags } => {
                let tag = self
                    .iam
                    .tag_role()
                    .role_name(role.as_str())
                    .set_tags(Some(iam_tags(action, tags)?));
                tag.send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::PutRolePolicy {
                role,
                policy_name,
                document,
            } => {
                let put = self
                    .iam
                    .put_role_policy()
                    .role_name(role.as_str())
                    .policy_name(policy_name)
                    .policy_document(document);
                put.send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::AttachRolePolicy { role, policy } => {
                let attach = self
                    .iam
                    .attach_role_policy()
                    .role_name(role.as_str())
                    .policy_arn(policy.as_str());
                attach
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            _ => return self.take_deletion(step).await,
        }
        Ok(Applied::Done)
    }

    /// Makes a bucket; one that the account owns already is as good.
    pub(crate) async fn make_bucket(&self, bucket: &str, region: &str) -> Result<(), CloudError> {
        let configuration = (region != UNCONSTRAINED_REGION).then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region))
                .build()
        });
        let create = self
            .s3
            .create_bucket()
            .bucket(bucket)
            .set_create_bucket_configuration(configuration);
        match create.send().await {
            Ok(_) => Ok(()),
            Err(error) if has_code(&error, "BucketAlreadyOwnedByYou") => Ok(()),
            Err(error) => Err(self.failed("s3:CreateBucket", error)),
        }
    }

    async fn tag_bucket(
        &self,
        action: &'static str,
        bucket: &BucketName,
        tags: &Tags,
    ) -> Result<(), CloudError> {
        let tagging = s3_tagging(action, tags)?;
        let put = self
            .s3
            .put_bucket_tagging()
            .bucket(bucket.as_str())
            .tagging(tagging);
        put.send()
            .await
            .map_err(|error| self.failed(action, error))?;
        Ok(())
    }

    async fn set_public_access_block(
        &self,
        action: &'static str,
        bucket: &BucketName,
        settings: PublicAccessBlock,
    ) -> Result<(), CloudError> {
        let configuration = PublicAccessBlockConfiguration::builder()
            .block_public_acls(settings.block_public_acls)
            .ignore_public_acls(settings.ignore_public_acls)
            .block_public_policy(settings.block_public_policy)
            .restrict_public_buckets(settings.restrict_public_buckets)
            .build();
        let put = self
            .s3
            .put_public_access_block()
            .bucket(bucket.as_str())
            .public_access_block_configuration(configuration);
        put.send()
            .await
            .map_err(|error| self.failed(action, error))?;
        Ok(())
    }

    async fn upload(
        &self,
        action: &'static str,
        upload: &ObjectUpload,
        replaces: &Replaces,
    ) -> Result<(), CloudError> {
        let (if_match, if_none_match) = match replaces {
            Replaces::Nothing => (None, Some("*".to_owned())),
            Replaces::Version(entity_tag) => (Some(entity_tag.clone()), None),
            Replaces::Anything => (None, None),
        };
        let put = self
            .s3
            .put_object()
            .bucket(upload.bucket.as_str())
            .key(&upload.key)
            .content_type(upload.content_type)
            .tagging(as_query(&upload.tags))
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .body(ByteStream::from(upload.body.clone().into_bytes()));
        match put.send().await {
            Ok(_) => Ok(()),
            // The answer to an earlier try was lost: what is there is this very upload.
            Err(error) if has_code(&error, "PreconditionFailed") && self.holds(upload).await => {
                Ok(())
            }
            Err(error) => Err(self.failed(action, error)),
        }
    }

    /// Whether the object has the content of `upload`.
    async fn holds(&self, upload: &ObjectUpload) -> bool {
        let found = self.get_object(upload.bucket.as_str(), &upload.key).await;
        found.is_ok_and(|body| body == upload.body.as_bytes())
    }
}

fn s3_tagging(action: &'static str, tags: &Tags) -> Result<Tagging, CloudError> {
    let mut tagging = Tagging::builder();
    for (key, value) in tags.iter() {
        let tag = S3Tag::builder().key(key).value(value).build();
        tagging = tagging.tag_set(tag.map_err(|error| invalid(action, error))?);
    }
    tagging.build().map_err(|error| invalid(action, error))
}

fn iam_tags(action: &'static str, tags: &Tags) -> Result<Vec<IamTag>, CloudError> {
    tags.iter()
        .map(|(key, value)| IamTag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(action, error))
}

/// Tags as the `x-amz-tagging` header wants them.
fn as_query(tags: &Tags) -> String {
    tags.iter()
        .map(|(key, value)| {
            format!(
                "{}={}",
                utf8_percent_encode(key, QUERY),
                utf8_percent_encode(value, QUERY)
            )
        })
        .collect::<Vec<_>>()
        .join("&")
}

fn invalid(
    action: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> CloudError {
    CloudError::new(ErrorKind::Refused, action, error.to_string()).because(error)
}

/// Everything but the unreserved characters of RFC 3986.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The region that has no location constraint.
const UNCONSTRAINED_REGION: &str = "us-east-1";

/// How long to wait for what was just made; real AWS needs some seconds now and then.
const UNTIL_VISIBLE: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_a_header_are_percent_encoded() {
        let tags: Tags = [("openshift.io/a b".to_owned(), "x&y=z".to_owned())]
            .into_iter()
            .collect();
        assert_eq!(as_query(&tags), "openshift.io%2Fa%20b=x%26y%3Dz");
    }
}
