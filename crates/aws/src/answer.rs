//! What an answer says of itself beside its content: request id, status, headers, and how often it was asked for.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use podpass_cloud::AnswerMetadata;

/// Listens to one call; the SDK's own result has the request id alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listener(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    attempts: u32,
    answer: AnswerMetadata,
}

impl Listener {
    /// What was heard of the call, which the service logged under this id.
    pub(crate) fn heard(&self, request_id: Option<&str>) -> AnswerMetadata {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        AnswerMetadata {
            request_id: request_id.map(str::to_owned),
            retry_attempts: heard.attempts.saturating_sub(1),
            ..heard.answer.clone()
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Listener {
    fn name(&self) -> &'static str {
        "Listener"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.attempts = heard.attempts.saturating_add(1);
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.answer.status = response.status().as_u16();
        heard.answer.headers.clear();
        for (name, value) in response.headers() {
            let values = heard.answer.headers.entry(name.to_ascii_lowercase());
            // A header that stands twice is a list, in HTTP as in boto3.
            values
                .and_modify(|values| {
                    values.push_str(", ");
                    values.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        Ok(())
    }
}
