//! One API call in progress: its input, who makes it, and what will be reported about it.

use jiff::Timestamp;
use podpass_kinds::Reason;
use podpass_policy::{AccountId, Context, Decision, MessageStyle, PolicyTrace};

use crate::authorize::Question;
use crate::caller::Caller;
use crate::event::{Event, EventId, Outcome};
use crate::iam::store::Account;
use crate::issuers::Wanted;
use crate::query::{ApiError, Fault, Form};

/// A call of a Query API whose credentials have been verified.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) form: &'a Form,
    pub(crate) caller: &'a Caller,
    /// The time by the sandbox's clock.
    pub(crate) now: Timestamp,
    /// What the request itself brings: address, user agent, time, region.
    pub(crate) context: &'a Context,
    pub(crate) report: &'a mut Report,
}

/// What will be reported about a request, filled in as it becomes known.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) service: String,
    pub(crate) action: String,
    pub(crate) principal: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) resource: Option<String>,
    pub(crate) exchange: Option<podpass_exchange::Trace>,
    pub(crate) policy: Vec<PolicyTrace>,
    /// Which layer of the policies denied, when the newest decision was a denial.
    pub(crate) denied_by: Option<Reason>,
    /// An issuer that has to be asked before this call can be answered.
    pub(crate) wanted: Option<Wanted>,
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
            account: Some(account),
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
        let room = MAX_TRACES.saturating_sub(self.policy.len());
        self.policy
            .extend(decision.trace.iter().take(room).cloned());
    }

    /// Finishes the report; what clients sent is cut to a length, so that the ring of events stays bounded.
    pub(crate) fn into_event(
        mut self,
        id: EventId,
        time: Timestamp,
        mut outcome: Outcome,
    ) -> Event {
        for text in [&mut self.service, &mut self.action, &mut self.principal] {
            shorten(text);
        }
        self.resource.iter_mut().for_each(shorten);
        for step in self.exchange.iter_mut().flat_map(|trace| &mut trace.steps) {
            step.reword(|comparison| comparison.actual.iter_mut().for_each(shorten));
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
            wanted: _,
        } = self;
        if let Outcome::Denied { reason, .. } = &mut outcome {
            *reason = reason.or(denied_by);
        }
        Event {
            id,
            time,
            service,
            action,
            principal,
            account,
            resource,
            outcome,
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
