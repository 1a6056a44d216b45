//! The encoded message in a denial of EC2: what was asked and which statements denied, sealed, so that only who may
//! call `DecodeAuthorizationMessage` reads it.
//!
//! Source: "DecodeAuthorizationMessage" in the AWS STS API Reference; the members are those that AWS answers with.

use std::collections::BTreeMap;

use podpass_policy::{
    AccountId, ActionClause, Attached, Context, Decision, Effect, Request, ResourceClause,
    Statement, StatementOutcome, Verdict,
};
use serde::Serialize;

use crate::authorize::Question;
use crate::caller::Caller;
use crate::random::RandomFailure;
use crate::session::Seal;

/// What a denial was about, as AWS decodes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    allowed: bool,
    explicit_deny: bool,
    matched_statements: Items<Matched>,
    /// Policies that could not be evaluated: there are none here.
    failures: Items<()>,
    context: Asked<'a>,
}

/// The statement that denied.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Matched {
    statement_id: String,
    effect: &'static str,
    principals: Items<One>,
    principal_groups: Items<One>,
    /// Those of a NotAction too: AWS does not tell the two apart.
    actions: Items<One>,
    resources: Items<One>,
    conditions: Items<Key>,
}

#[derive(Serialize)]
struct Asked<'a> {
    principal: Asker,
    action: &'a str,
    resource: &'a str,
    conditions: Items<Key>,
}

#[derive(Serialize)]
struct Asker {
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    arn: String,
}

/// A context key with its values.
#[derive(Serialize)]
struct Key {
    key: String,
    values: Items<One>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Serialize)]
struct One {
    value: String,
}

/// Encodes the message of a denial, for whoever may decode it in the caller's account.
pub(crate) fn encode(
    seal: &Seal,
    account: &AccountId,
    question: &Question<'_>,
    decision: &Decision,
) -> Result<String, RandomFailure> {
    let Request {
        action,
        resource,
        context,
        principal,
    } = question.request();
    let mut message = Message {
        allowed: false,
        explicit_deny: matches!(decision.verdict, Verdict::ExplicitDeny(_)),
        matched_statements: matched(question, decision),
        failures: Items { items: Vec::new() },
        context: Asked {
            principal: Asker {
                id: question.caller.unique_id(),
                name: question.caller.user_name().map(str::to_owned),
                arn: principal.arn(),
            },
            action,
            resource,
            conditions: keys(context),
        },
    };
    loop {
        let plain = serde_json::to_vec(&message).map_err(|_| RandomFailure)?;
        let is_cut = plain.len() > MAX
            && (message.matched_statements.items.pop().is_some()
                || message.context.conditions.items.pop().is_some());
        if !is_cut {
            return seal.close_text(&purpose(account), &plain);
        }
    }
}

/// Decodes a message of a denial in this account; `None` when it is none.
pub(crate) fn decode(seal: &Seal, account: &AccountId, encoded: &str) -> Option<String> {
    let plain = seal.open_text(&purpose(account), encoded)?;
    String::from_utf8(plain).ok()
}

/// What a message is sealed for: nothing else, and no other account's message, opens as one.
fn purpose(account: &AccountId) -> String {
    format!("authorization message of {account}")
}

/// The statements that deny.
fn matched(question: &Question<'_>, decision: &Decision) -> Items<Matched> {
    let Verdict::ExplicitDeny(layer) = decision.verdict else {
        return Items { items: Vec::new() };
    };
    let policies = question
        .account
        .map(|account| question.caller.policies(account))
        .unwrap_or_default();
    let held = policies.held.identity.iter().chain(&policies.held.boundary);
    let own = held.chain(policies.session.iter().flatten());
    let levels = policies.service_controls.levels.iter();
    let all: Vec<Attached<'_>> = own
        .map(crate::iam::store::NamedDocument::attached)
        .chain(levels.flat_map(|level| level.policies.iter().copied()))
        .collect();
    let of_layer = decision.trace.iter().filter(|trace| trace.layer == layer);
    let denying = of_layer.flat_map(|trace| {
        let attached = all.iter().find(|attached| attached.source == trace.source);
        let statements = trace.statements.iter().filter(|statement| {
            statement.effect == Effect::Deny && statement.outcome == StatementOutcome::Matches
        });
        statements
            .filter_map(move |statement| attached?.document.statements.get(statement.index))
            .map(|statement| Matched::of(statement, question.caller))
    });
    Items {
        items: denying.collect(),
    }
}

impl Matched {
    fn of(statement: &Statement, caller: &Caller) -> Self {
        let (ActionClause::Action(actions) | ActionClause::NotAction(actions)) = &statement.actions;
        let resources = statement.resources.iter().flat_map(|clause| {
            let (ResourceClause::Resource(values) | ResourceClause::NotResource(values)) = clause;
            values.iter()
        });
        let conditions = statement.conditions.iter().map(|condition| Key {
            key: condition.key.clone(),
            values: texts(condition.values.iter()),
        });
        Self {
            statement_id: statement.sid.clone().unwrap_or_default(),
            effect: match statement.effect {
                Effect::Allow => "ALLOW",
                Effect::Deny => "DENY",
            },
            principals: texts(caller.person().map(|person| &person.id)),
            principal_groups: Items { items: Vec::new() },
            actions: texts(actions.iter()),
            resources: texts(resources),
            conditions: Items {
                items: conditions.collect(),
            },
        }
    }
}

fn keys(context: &Context) -> Items<Key> {
    let sorted: BTreeMap<_, _> = context.iter().collect();
    let keys = sorted.into_iter().map(|(key, value)| Key {
        key: key.to_owned(),
        values: texts(value.as_slice()),
    });
    Items {
        items: keys.collect(),
    }
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Items<One> {
    let texts = texts.into_iter().cloned();
    Items {
        items: texts.map(|value| One { value }).collect(),
    }
}

/// Bytes: with nonce and tag in Base64, what `EncodedMessage` may have is 10 240 characters.
const MAX: usize = 7_600;
