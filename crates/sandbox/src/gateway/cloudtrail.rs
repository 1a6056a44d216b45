//! Calls of CloudTrail: verified and authorised as all others, answered in JSON.

use std::sync::PoisonError;

use serde_json::Value;

use super::{Answered, Facing, Gateway, refused, seen};
use crate::call::{Call, Report};
use crate::event::Outcome;
use crate::query::{ApiError, Form};
use crate::sigv4::{Dialect, SignatureError};
use crate::trail::{self, Lookup, Place};

impl Gateway {
    /// Answers a call of CloudTrail.
    pub(super) fn answer_trail(&self, facing: Facing<'_>, report: &mut Report) -> Answered {
        "cloudtrail".clone_into(&mut report.service);
        let result = self.call_trail(facing, report);
        let outcome = result
            .as_ref()
            .map_or_else(Outcome::from, |_| Outcome::Allowed);
        let response = match result {
            Ok(result) => trail::answer(&result),
            Err(error) => trail::refuse(&error),
        };
        (response, outcome)
    }

    fn call_trail(&self, facing: Facing<'_>, report: &mut Report) -> Result<Value, ApiError> {
        let Facing { request, now, .. } = facing;
        trail::action_of(request).clone_into(&mut report.action);
        let verified = self
            .verify(facing, Dialect::Json, report)
            .map_err(|error| refused(&error, Dialect::Json))?;
        let lookup = Lookup::read(request)?;
        let missing = || refused(&SignatureError::InvalidToken, Dialect::Json);
        let account = verified.caller.account_id().ok_or_else(missing)?;
        let context = request.context(&verified.region, now);
        let past = self.past(facing);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut call = Call {
            form: &Form::default(),
            caller: &verified.caller,
            now,
            context,
            report,
            exposure: facing.exposure,
            seen: seen(past.as_ref(), &verified.caller),
        };
        trail::authorize(&mut call, state.account(account).ok_or_else(missing)?)?;
        let place = Place {
            account,
            region: &verified.region,
            now,
        };
        Ok(lookup.answer(&self.trail, place))
    }
}
