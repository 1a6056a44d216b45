//! One API call in progress: its input, who makes it, and what will be reported about it.

use std::ops::Range;

use http::StatusCode;
use jiff::Timestamp;
use podpass_exchange::{Comparison, Outcome as StepOutcome};
use podpass_kinds::Reason;
use podpass_policy::{AccountId, Context, Decision, MessageStyle, PolicyTrace};

use crate::authorize::Question;
use crate::caller::Caller;
use crate::event::{Cause, Event, EventId, Outcome};
use crate::faults::Exposure;
use crate::iam::store::Account;
use crate::issuers::Wanted;
use crate::query::{ApiError, Fault, Form};
use crate::sigv4::SignatureError;
use crate::trail::{Actor, WebIdentity};

/// A call of a Query API whose credentials have been verified.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) form: &'a Form,
    pub(crate) caller: &'a Caller,
    /// The time by the sandbox's clock.
    pub(crate) now: Timestamp,
    /// What the request itself brings: address, user agent, time, region.
    pub(crate) context: Context,
    pub(crate) report: &'a mut Report,
    /// What goes wrong on purpose.
    pub(crate) exposure: &'a Exposure<'a>,
    /// The caller's account as it is seen, when its changes spread late.
    pub(crate) seen: Option<&'a Account>,
}

/// What will be reported about a request, filled in as it becomes known.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) service: String,
    pub(crate) action: String,
    pub(crate) principal: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) resource: Option<String>,
    /// The region that the request was signed for, or that its host name has.
    pub(crate) region: Option<String>,
    /// The service's clock, where a fault lets it differ from the system's.
    pub(crate) service_clock: Option<Timestamp>,
    /// The bucket of a request of S3.
    pub(crate) bucket: Option<String>,
    /// Where in the body of an answer of STS or IAM the result stands, without what is secret in it.
    pub(crate) shown: Vec<Range<usize>>,
    /// The caller, once a signature was verified.
    pub(crate) actor: Option<Actor>,
    /// The subject of a token, once it was verified.
    pub(crate) web_identity: Option<WebIdentity>,
    pub(crate) exchange: Option<podpass_exchange::Trace>,
    pub(crate) policy: Vec<PolicyTrace>,
    /// Which layer of the policies denied, when the newest decision was a denial.
    pub(crate) denied_by: Option<Reason>,
    /// An issuer that has to be asked before this call can be answered.
    pub(crate) wanted: Option<Wanted>,
    /// What decided that denial.
    pub(crate) cause: Option<Cause>,
}

impl Call<'_> {
    /// Asks whether the caller may do `action` on `resource`, both inside its own account.
    ///
    /// `extra` holds the keys of the service; the caller's and the request's are added.
    pub(crate) fn authorize(
        &mut self,
        account: &Account,
        action: &str,
        resource: &str,
        extra: Context,
    ) -> Result<(), ApiError> {
        let mut context = self.full_context(extra);
        context.insert("aws:ResourceAccount", account.id.as_str());
        let question = Question {
            caller: self.caller,
            account: Some(self.seen.unwrap_or(account)),
            action,
            resource,
            context: &context,
            resource_policy: None,
            resource_account: Some(&account.id),
        };
        let decision = question.decide();
        self.report.resource = Some(resource.to_owned());
        self.report.add_decision(&decision);
        if decision.is_allowed() {
            return Ok(());
        }
        Err(ApiError::denied(decision.denied_message_in(
            MessageStyle::WithReason,
            &question.request(),
        )))
    }

    /// The request's and the caller's context keys together with the service's own.
    pub(crate) fn full_context(&self, extra: Context) -> Context {
        merged([self.context.clone(), self.caller.context(), extra])
    }
}

impl Report {
    /// Keeps the trace of a decision, unless the call has asked for very many already.
    pub(crate) fn add_decision(&mut self, decision: &Decision) {
        self.denied_by = Reason::of_verdict(decision.verdict);
        self.cause = Cause::of_decision(decision);
        let room = MAX_TRACES.saturating_sub(self.policy.len());
        self.policy
            .extend(decision.trace.iter().take(room).cloned());
    }

    /// Keeps what refused a signature, where AWS's words do not tell it.
    pub(crate) fn add_signature_error(&mut self, error: &SignatureError) {
        let (reason, what, expected, actual) = match error.plain() {
            SignatureError::Old { request, now } | SignatureError::Early { request, now } => (
                Reason::ClockSkew,
                "request date",
                format!("about {now}"),
                request.to_string(),
            ),
            SignatureError::ExpiredToken => (
                Reason::AppNotRefreshing,
                "session",
                "one that has not ended".to_owned(),
                "it has ended".to_owned(),
            ),
            _ => return,
        };
        self.denied_by = Some(reason);
        self.cause = Some(Cause {
            compared: Some(what.to_owned()),
            expected: vec![expected],
            actual: Some(actual),
            ..Cause::of_layer("signature")
        });
    }

    /// Finishes the report; what clients sent is cut to a length, so that the ring of events stays bounded.
    pub(crate) fn into_event(
        mut self,
        id: EventId,
        time: Timestamp,
        status: StatusCode,
        mut outcome: Outcome,
        faults: Vec<String>,
    ) -> Event {
        for text in [&mut self.service, &mut self.action, &mut self.principal] {
            shorten(text);
        }
        self.resource.iter_mut().for_each(shorten);
        // Passed steps have no words until somebody reads them; see the event log.
        let steps = self.exchange.iter_mut().flat_map(|trace| &mut trace.steps);
        for step in steps.filter(|step| step.outcome == StepOutcome::Failed) {
            step.reword(shorten_actual);
        }
        match &mut outcome {
            Outcome::Allowed => {}
            Outcome::Denied { message, .. } | Outcome::Failed { message, .. } => shorten(message),
        }
        let Self {
            service,
            action,
            principal,
            account,
            resource,
            exchange,
            policy,
            denied_by,
            cause,
            ..
        } = self;
        if let Outcome::Denied { reason, .. } = &mut outcome {
            *reason = reason.or(denied_by);
        }
        let is_denied = matches!(outcome, Outcome::Denied { .. });
        let cause = cause
            .or_else(|| exchange.as_ref().and_then(Cause::of_exchange))
            .filter(|_| is_denied)
            .map(|cause| cause.bounded(shorten));
        Event {
            id,
            time,
            service,
            action,
            principal,
            account,
            resource,
            status: status.as_u16(),
            outcome,
            cause,
            faults,
            exchange,
            policy,
        }
    }
}

impl From<&ApiError> for Outcome {
    fn from(error: &ApiError) -> Self {
        let (code, message) = (error.code.to_owned(), error.message.clone());
        match error.fault {
            Fault::Denied => Self::Denied {
                code,
                message,
                reason: error.reason,
            },
            Fault::Failed => Self::Failed { code, message },
        }
    }
}

/// Joins contexts; later ones win.
pub(crate) fn merged<const N: usize>(contexts: [Context; N]) -> Context {
    let mut all = Context::new();
    for context in contexts {
        all.extend(
            context
                .iter()
                .map(|(key, value)| (key.to_owned(), value.clone())),
        );
    }
    all
}

/// Cuts what was found in a comparison to a length.
pub(crate) fn shorten_actual(comparison: &mut Comparison) {
    comparison.actual.iter_mut().for_each(shorten);
}

fn shorten(text: &mut String) {
    if text.len() <= MAX_TEXT {
        return;
    }
    let end = (0..=MAX_TEXT)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or_default();
    text.truncate(end);
    text.push('…');
}

/// The deletion of a thousand objects is a thousand decisions.
const MAX_TRACES: usize = 256;
/// Bytes; ARNs have at most 2048 characters.
const MAX_TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut text = format!("a{}", "é".repeat(MAX_TEXT));
        shorten(&mut text);
        assert!(text.len() <= MAX_TEXT + '…'.len_utf8() && text.ends_with("é…"));
        let mut short = "x".repeat(MAX_TEXT);
        shorten(&mut short);
        assert_eq!(short.len(), MAX_TEXT);
    }
}
