//! The token service.

use aws_sdk_sts::operation::RequestId as _;
use aws_sdk_sts::types::{
    AssumedRoleUser, Credentials as StsCredentials, PolicyDescriptorType, Tag,
};
use podpass_cloud::{
    AnswerMetadata, AssumeRoleRequest, CallerIdentity, CloudError, Credentials, ErrorKind,
    Exchange, Secret, Session, WebIdentityRequest,
};

use crate::answer::Listener;
use crate::connection::Connection;

impl Exchange for Connection {
    fn with_credentials(&self, credentials: &Credentials) -> Self {
        Self::with_credentials(self, credentials)
    }

    async fn caller_identity(&self) -> Result<CallerIdentity, CloudError> {
        let action = "sts:GetCallerIdentity";
        let found = self.sts.get_caller_identity().send().await;
        let found = found.map_err(|error| self.failed(action, error))?;
        let part =
            |part: Option<String>, what: &str| part.ok_or_else(|| self.unexpected(action, what));
        Ok(CallerIdentity {
            account: part(found.account, "an account")?,
            arn: part(found.arn, "an ARN")?,
            user_id: part(found.user_id, "a user id")?,
        })
    }

    async fn assume_role_with_web_identity(
        &self,
        request: &WebIdentityRequest,
    ) -> Result<Session, CloudError> {
        let action = "sts:AssumeRoleWithWebIdentity";
        let listener = Listener::default();
        let granted = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&request.role_arn)
            .role_session_name(&request.role_session_name)
            .web_identity_token(request.token.expose())
            .set_provider_id(request.provider_id.clone())
            .set_policy(request.policy.clone())
            .set_policy_arns(policy_arns(&request.policy_arns))
            .set_duration_seconds(seconds(action, request.duration_seconds)?)
            .customize()
            .interceptor(listener.clone())
            .send()
            .await
            .map_err(|error| self.failed(action, error))?;
        let answer = listener.heard(granted.request_id());
        let user = granted.assumed_role_user;
        let mut session = self.session(action, granted.credentials, user, answer)?;
        session.source_identity = granted.source_identity;
        session.subject = granted.subject_from_web_identity_token;
        session.audience = granted.audience;
        session.provider = granted.provider;
        #[expect(deprecated, reason = "the AWS CLI prints it, and so do we")]
        {
            session.packed_policy_size = granted.packed_policy_size;
        }
        Ok(session)
    }

    async fn assume_role(&self, request: &AssumeRoleRequest) -> Result<Session, CloudError> {
        let action = "sts:AssumeRole";
        let listener = Listener::default();
        let granted = self
            .sts
            .assume_role()
            .role_arn(&request.role_arn)
            .role_session_name(&request.role_session_name)
            .set_policy(request.policy.clone())
            .set_policy_arns(policy_arns(&request.policy_arns))
            .set_duration_seconds(seconds(action, request.duration_seconds)?)
            .set_tags(tags(action, request)?)
            .set_transitive_tag_keys(transitive_tag_keys(request))
            .set_external_id(request.external_id.clone())
            .set_source_identity(request.source_identity.clone())
            .set_serial_number(request.serial_number.clone())
            .set_token_code(request.token_code.clone())
            .customize()
            .interceptor(listener.clone())
            .send()
            .await
            .map_err(|error| self.failed(action, error))?;
        let answer = listener.heard(granted.request_id());
        let user = granted.assumed_role_user;
        let mut session = self.session(action, granted.credentials, user, answer)?;
        session.source_identity = granted.source_identity;
        #[expect(deprecated, reason = "the AWS CLI prints it, and so do we")]
        {
            session.packed_policy_size = granted.packed_policy_size;
        }
        Ok(session)
    }
}

impl Connection {
    fn session(
        &self,
        action: &'static str,
        credentials: Option<StsCredentials>,
        user: Option<AssumedRoleUser>,
        answer: AnswerMetadata,
    ) -> Result<Session, CloudError> {
        let credentials = credentials.ok_or_else(|| self.unexpected(action, "credentials"))?;
        let user = user.ok_or_else(|| self.unexpected(action, "an assumed role"))?;
        Ok(Session {
            expires_at: credentials.expiration.secs(),
            credentials: Credentials {
                access_key_id: credentials.access_key_id,
                secret_access_key: Secret::new(credentials.secret_access_key),
                session_token: Some(Secret::new(credentials.session_token)),
            },
            assumed_role_arn: user.arn,
            assumed_role_id: user.assumed_role_id,
            subject: None,
            audience: None,
            provider: None,
            packed_policy_size: None,
            source_identity: None,
            answer,
        })
    }
}

fn policy_arns(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    (!arns.is_empty()).then(|| {
        arns.iter()
            .map(|arn| PolicyDescriptorType::builder().arn(arn).build())
            .collect()
    })
}

fn tags(action: &'static str, request: &AssumeRoleRequest) -> Result<Option<Vec<Tag>>, CloudError> {
    let tags = request
        .tags
        .iter()
        .map(|tag| Tag::builder().key(&tag.key).value(&tag.value).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            CloudError::new(ErrorKind::Refused, action, error.to_string()).because(error)
        })?;
    Ok((!tags.is_empty()).then_some(tags))
}

fn transitive_tag_keys(request: &AssumeRoleRequest) -> Option<Vec<String>> {
    let transitive = request.tags.iter().filter(|tag| tag.transitive);
    let keys: Vec<String> = transitive.map(|tag| tag.key.clone()).collect();
    (!keys.is_empty()).then_some(keys)
}

fn seconds(action: &'static str, seconds: Option<i64>) -> Result<Option<i32>, CloudError> {
    seconds.map(i32::try_from).transpose().map_err(|error| {
        CloudError::new(ErrorKind::Refused, action, "the duration is out of range").because(error)
    })
}
