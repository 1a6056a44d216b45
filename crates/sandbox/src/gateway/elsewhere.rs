//! Calls of services that are not here.

use std::sync::PoisonError;

use podpass_policy::MessageStyle;

use super::{Answered, Facing, Gateway, refused};
use crate::authorize::Question;
use crate::call::{Report, merged};
use crate::credentials::Verified;
use crate::elsewhere::{DRY_RUN_SUCCEEDED, Elsewhere};
use crate::event::Outcome;
use crate::query::ApiError;

impl Gateway {
    /// Verifies the signature for a service that is not here, so that nobody takes its answer for the service's, and
    /// says whose it is.
    pub(super) fn answer_other(
        &self,
        service: &str,
        facing: Facing<'_>,
        report: &mut Report,
    ) -> Answered {
        service.clone_into(&mut report.service);
        let call = Elsewhere::of(service, facing.request);
        if let Some(operation) = call.operation() {
            operation.clone_into(&mut report.action);
        }
        let verified = match self.verify(facing, call.dialect(), report) {
            Ok(verified) => verified,
            Err(error) => {
                let error = refused(&error, call.dialect());
                return (call.answer(&error, None), Outcome::from(&error));
            }
        };
        let denied = self.denied_elsewhere(&call, &verified, facing, report);
        let decision = call.action().map(|_| denied.is_none());
        let caller = verified.caller.principal.arn();
        let error = denied.unwrap_or_else(|| call.allowed(&caller));
        let outcome = if error.code == DRY_RUN_SUCCEEDED {
            Outcome::Allowed
        } else {
            Outcome::from(&error)
        };
        (call.answer(&error, decision), outcome)
    }

    /// The denial of a call of a service that is not here, when the caller's policies do not allow it.
    fn denied_elsewhere(
        &self,
        call: &Elsewhere<'_>,
        verified: &Verified,
        facing: Facing<'_>,
        report: &mut Report,
    ) -> Option<ApiError> {
        let Facing { request, now, .. } = facing;
        let action = call.action()?;
        let caller = &verified.caller;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let account = state.account(caller.account_id()?)?;
        let resource = call.resource(&account.id, &verified.region);
        report.resource = Some(resource.clone().into_owned());
        let context = merged([request.context(&verified.region, now), caller.context()]);
        let question = Question {
            caller,
            account: Some(account),
            action: &action,
            resource: &resource,
            context: &context,
            resource_policy: None,
            resource_account: Some(&account.id),
        };
        let decision = question.decide();
        report.add_decision(&decision);
        (!decision.is_allowed()).then(|| {
            let words = decision.denied_message_in(MessageStyle::WithReason, &question.request());
            call.denied(words)
        })
    }
}
