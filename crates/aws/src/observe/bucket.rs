//! What exists of the issuer's bucket.

use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::SdkError;
use podpass_cloud::{CloudError, ErrorKind};
use podpass_provision::{
    BucketName, BucketState, DISCOVERY_KEY, IdentityProvider, JWKS_KEY, ObservedBucket,
    ObservedObject, PublicAccessBlock, Region, Seen, Tags,
};

use crate::connection::Connection;
use crate::error::{has_code, status};

impl Connection {
    pub(super) async fn observe_bucket(
        &self,
        desired: &IdentityProvider,
    ) -> Result<ObservedBucket, CloudError> {
        let bucket = desired.bucket.as_str();
        let state = Box::pin(async {
            let (tags, empty, public_access_block, policy, discovery, jwks) = tokio::try_join!(
                self.bucket_tags(bucket),
                self.is_empty(bucket),
                self.public_access_block(bucket),
                self.bucket_policy(bucket),
                self.object(bucket, DISCOVERY_KEY),
                self.object(bucket, JWKS_KEY),
            )?;
            Ok(BucketState {
                tags,
                empty,
                public_access_block,
                policy,
                discovery,
                jwks,
            })
        });
        self.look_into(&desired.bucket, &desired.region, state)
            .await
    }

    /// Looks for the bucket, and then for what the question is about, `state`, in one that is there.
    pub(super) async fn look_into<S>(
        &self,
        bucket: &BucketName,
        region: &Region,
        state: impl Future<Output = Result<S, CloudError>>,
    ) -> Result<ObservedBucket<S>, CloudError> {
        let region = region.as_str();
        match self.s3.head_bucket().bucket(bucket.as_str()).send().await {
            Ok(found) => match found.bucket_region() {
                Some(actual) if actual != region => Ok(ObservedBucket::Elsewhere {
                    region: Some(actual.to_owned()),
                }),
                _ => Ok(ObservedBucket::Present(Box::new(state.await?))),
            },
            Err(error) => self.unseen_bucket(region, error),
        }
    }

    /// A HEAD has no body: status and headers are all there is.
    fn unseen_bucket<S>(
        &self,
        region: &str,
        error: SdkError<HeadBucketError, HttpResponse>,
    ) -> Result<ObservedBucket<S>, CloudError> {
        let elsewhere = error
            .raw_response()
            .and_then(|response| response.headers().get("x-amz-bucket-region"))
            .filter(|actual| *actual != region)
            .map(str::to_owned);
        match status(&error) {
            Some(404) => Ok(ObservedBucket::Absent),
            Some(301 | 307) => Ok(ObservedBucket::Elsewhere { region: elsewhere }),
            Some(_) if elsewhere.is_some() => Ok(ObservedBucket::Elsewhere { region: elsewhere }),
            Some(403) => Ok(ObservedBucket::NotAccessible),
            _ => Err(self.failed("s3:ListBucket", error)),
        }
    }

    pub(super) async fn bucket_tags(&self, bucket: &str) -> Result<Tags, CloudError> {
        match self.s3.get_bucket_tagging().bucket(bucket).send().await {
            Ok(found) => Ok(tags(found.tag_set())),
            Err(error) if has_code(&error, "NoSuchTagSet") => Ok(Tags::default()),
            Err(error) => Err(self.failed("s3:GetBucketTagging", error)),
        }
    }

    async fn is_empty(&self, bucket: &str) -> Result<bool, CloudError> {
        let listed = self
            .s3
            .list_objects_v2()
            .bucket(bucket)
            .max_keys(1)
            .send()
            .await;
        let listed = listed.map_err(|error| self.failed("s3:ListBucket", error))?;
        Ok(listed.contents().is_empty())
    }

    async fn public_access_block(
        &self,
        bucket: &str,
    ) -> Result<Seen<PublicAccessBlock>, CloudError> {
        match self
            .s3
            .get_public_access_block()
            .bucket(bucket)
            .send()
            .await
        {
            Ok(found) => Ok(found
                .public_access_block_configuration()
                .map_or(Seen::Absent, |block| Seen::Present(settings(block)))),
            Err(error) if has_code(&error, "NoSuchPublicAccessBlockConfiguration") => {
                Ok(Seen::Absent)
            }
            Err(error) => hidden(self.failed("s3:GetBucketPublicAccessBlock", error)),
        }
    }

    async fn bucket_policy(&self, bucket: &str) -> Result<Seen<String>, CloudError> {
        match self.s3.get_bucket_policy().bucket(bucket).send().await {
            Ok(found) => Ok(found.policy.map_or(Seen::Absent, Seen::Present)),
            Err(error) if has_code(&error, "NoSuchBucketPolicy") => Ok(Seen::Absent),
            Err(error) => hidden(self.failed("s3:GetBucketPolicy", error)),
        }
    }

    async fn object(&self, bucket: &str, key: &str) -> Result<Option<ObservedObject>, CloudError> {
        let found = match self.s3.get_object().bucket(bucket).key(key).send().await {
            Ok(found) => found,
            Err(error) if has_code(&error, "NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.failed("s3:GetObject", error)),
        };
        let entity_tag = found.e_tag;
        let body = found.body.collect().await.map_err(|error| {
            CloudError::new(
                ErrorKind::Other,
                "s3:GetObject",
                format!("the content of {key} broke off"),
            )
            .because(error)
        })?;
        let tagging = self
            .s3
            .get_object_tagging()
            .bucket(bucket)
            .key(key)
            .send()
            .await;
        let tagging = tagging.map_err(|error| self.failed("s3:GetObjectTagging", error))?;
        Ok(Some(ObservedObject {
            body: String::from_utf8_lossy(&body.into_bytes()).into_owned(),
            entity_tag,
            tags: tags(tagging.tag_set()),
        }))
    }
}

/// ccoctl's documented permissions lack some reading actions; a part the caller may not read is unknown, not an error.
pub(super) fn hidden<T>(error: CloudError) -> Result<Seen<T>, CloudError> {
    if error.code.as_deref() == Some("AccessDenied") {
        Ok(Seen::Hidden)
    } else {
        Err(error)
    }
}

pub(super) fn tags(found: &[aws_sdk_s3::types::Tag]) -> Tags {
    found
        .iter()
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect()
}

fn settings(block: &PublicAccessBlockConfiguration) -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: block.block_public_acls().unwrap_or_default(),
        ignore_public_acls: block.ignore_public_acls().unwrap_or_default(),
        block_public_policy: block.block_public_policy().unwrap_or_default(),
        restrict_public_buckets: block.restrict_public_buckets().unwrap_or_default(),
    }
}
