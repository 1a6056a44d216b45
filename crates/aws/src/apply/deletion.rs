//! Taking the steps that delete.

use podpass_cloud::{Applied, CloudError, ErrorKind};
use podpass_provision::Step;

use crate::connection::Connection;

impl Connection {
    /// Takes a step that deletes; what is gone already is as good.
    pub(super) async fn take_deletion(&self, step: &Step) -> Result<Applied, CloudError> {
        match self.delete(step).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(Applied::Done),
        }
    }

    async fn delete(&self, step: &Step) -> Result<(), CloudError> {
        let action = step.action();
        match step {
            Step::DeleteObject { bucket, key } => {
                let delete = self.s3.delete_object().bucket(bucket.as_str()).key(key);
                delete
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::DeleteBucket { bucket } => {
                let delete = self.s3.delete_bucket().bucket(bucket.as_str());
                delete
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::RemoveFromInstanceProfile { role, profile } => {
                let remove = self
                    .iam
                    .remove_role_from_instance_profile()
                    .role_name(role.as_str())
                    .instance_profile_name(profile);
                remove
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::DetachRolePolicy { role, policy } => {
                let detach = self
                    .iam
                    .detach_role_policy()
                    .role_name(role.as_str())
                    .policy_arn(policy.as_str());
                detach
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::DeleteRolePolicy { role, policy_name } => {
                let delete = self
                    .iam
                    .delete_role_policy()
                    .role_name(role.as_str())
                    .policy_name(policy_name);
                delete
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::DeleteRole { role } => {
                let delete = self.iam.delete_role().role_name(role.as_str());
                delete
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            Step::DeleteOidcProvider { provider } => {
                let delete = self
                    .iam
                    .delete_open_id_connect_provider()
                    .open_id_connect_provider_arn(provider.as_str());
                delete
                    .send()
                    .await
                    .map_err(|error| self.failed(action, error))?;
            }
            other => {
                return Err(CloudError::new(
                    ErrorKind::Other,
                    action,
                    format!("this build cannot {}", other.describe()),
                ));
            }
        }
        Ok(())
    }
}
