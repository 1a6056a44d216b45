//! Single calls that workloads and administrators make, beside the port: what a demo shows.

use aws_sdk_s3::primitives::ByteStream;
use podpass_cloud::{CloudError, ErrorKind};

use crate::connection::Connection;

impl Connection {
    /// The names of the caller's buckets (`aws s3 ls`).
    pub async fn list_buckets(&self) -> Result<Vec<String>, CloudError> {
        let listed = self.s3.list_buckets().send().await;
        let listed = listed.map_err(|error| self.failed("s3:ListAllMyBuckets", error))?;
        Ok(listed
            .buckets()
            .iter()
            .filter_map(|bucket| bucket.name().map(str::to_owned))
            .collect())
    }

    /// Makes a bucket in the connection's region (`aws s3 mb`); one the account owns already is as good.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), CloudError> {
        let region = self.region().unwrap_or_default().to_owned();
        self.make_bucket(bucket, &region).await
    }

    /// Uploads an object (`aws s3 cp FILE s3://BUCKET/KEY`).
    pub async fn put_object(&self, bucket: &str, key: &str, body: &[u8]) -> Result<(), CloudError> {
        let put = self
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(ByteStream::from(body.to_vec()));
        put.send()
            .await
            .map_err(|error| self.failed("s3:PutObject", error))?;
        Ok(())
    }

    /// Downloads an object (`aws s3 cp s3://BUCKET/KEY FILE`).
    pub async fn get_object(&self, bucket: &str, key: &str) -> Result<Vec<u8>, CloudError> {
        let found = self.s3.get_object().bucket(bucket).key(key).send().await;
        let found = found.map_err(|error| self.failed("s3:GetObject", error))?;
        let body = found.body.collect().await.map_err(|error| {
            CloudError::new(
                ErrorKind::Other,
                "s3:GetObject",
                format!("the content of {key} broke off"),
            )
            .because(error)
        })?;
        Ok(body.to_vec())
    }

    /// Creates a customer managed policy and returns its ARN.
    pub async fn create_policy(&self, name: &str, document: &str) -> Result<String, CloudError> {
        let action = "iam:CreatePolicy";
        let made = self
            .iam
            .create_policy()
            .policy_name(name)
            .policy_document(document)
            .send()
            .await;
        let made = made.map_err(|error| self.failed(action, error))?;
        made.policy()
            .and_then(|policy| policy.arn())
            .map(str::to_owned)
            .ok_or_else(|| self.unexpected(action, "the policy's ARN"))
    }

    /// Creates a role with a trust policy and nothing else, and returns its ARN.
    pub async fn create_role(&self, name: &str, trust_policy: &str) -> Result<String, CloudError> {
        let action = "iam:CreateRole";
        let made = self
            .iam
            .create_role()
            .role_name(name)
            .assume_role_policy_document(trust_policy)
            .send()
            .await
            .map_err(|error| self.failed(action, error))?;
        made.role()
            .map(|role| role.arn().to_owned())
            .ok_or_else(|| self.unexpected(action, "the role's ARN"))
    }

    /// The trust policy of a role (`aws iam get-role`).
    pub async fn trust_policy(&self, role: &str) -> Result<String, CloudError> {
        let action = "iam:GetRole";
        let found = self.iam.get_role().role_name(role).send().await;
        let found = found.map_err(|error| self.failed(action, error))?;
        let role = found
            .role()
            .ok_or_else(|| self.unexpected(action, "a role"))?;
        self.decoded(
            action,
            role.assume_role_policy_document().unwrap_or_default(),
        )
    }

    /// Attaches a managed policy to a role.
    pub async fn attach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CloudError> {
        let attach = self
            .iam
            .attach_role_policy()
            .role_name(role)
            .policy_arn(policy_arn);
        attach
            .send()
            .await
            .map_err(|error| self.failed("iam:AttachRolePolicy", error))?;
        Ok(())
    }

    /// Creates an instance profile that holds a role, as AWS's console does for every role it makes for EC2.
    pub async fn create_instance_profile(&self, name: &str, role: &str) -> Result<(), CloudError> {
        let create = self
            .iam
            .create_instance_profile()
            .instance_profile_name(name);
        create
            .send()
            .await
            .map_err(|error| self.failed("iam:CreateInstanceProfile", error))?;
        let add = self
            .iam
            .add_role_to_instance_profile()
            .instance_profile_name(name)
            .role_name(role);
        add.send()
            .await
            .map_err(|error| self.failed("iam:AddRoleToInstanceProfile", error))?;
        Ok(())
    }

    /// Registers an issuer as an OIDC provider, without a thumbprint, and returns its ARN.
    pub async fn create_oidc_provider(
        &self,
        url: &str,
        client_ids: &[&str],
    ) -> Result<String, CloudError> {
        let action = "iam:CreateOpenIDConnectProvider";
        let client_ids = client_ids.iter().map(|&id| id.to_owned()).collect();
        let made = self
            .iam
            .create_open_id_connect_provider()
            .url(url)
            .set_client_id_list(Some(client_ids))
            .send()
            .await
            .map_err(|error| self.failed(action, error))?;
        made.open_id_connect_provider_arn()
            .map(str::to_owned)
            .ok_or_else(|| self.unexpected(action, "the provider's ARN"))
    }
}
