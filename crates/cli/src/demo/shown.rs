//! What the demo shows of tokens, policies, errors and events, on one line each.

use std::fmt::Write as _;

use podpass_cloud::CloudError;
use podpass_policy::{Document, DocumentKind, StatementOutcome};
use podpass_sandbox::Event;
use podpass_token::{Jwt, Token};

use crate::failure::Failure;

/// The claims of a token that AWS looks at.
pub(super) fn claims(token: &Token) -> Result<Vec<(&'static str, String)>, Failure> {
    let jwt = Jwt::decode(token)
        .map_err(|error| Failure::failed("a minted token cannot be decoded").because(&error))?;
    let shown = ["iss", "aud", "sub", "exp", "kubernetes.io"]
        .into_iter()
        .filter_map(|claim| {
            let value = jwt.claims().get(claim)?;
            Some((
                claim,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            ))
        });
    let kid = jwt.kid().map(|kid| ("kid", kid.to_owned()));
    Ok(kid.into_iter().chain(shown).collect())
}

/// The statements of a policy document: what each allows or denies, and under which conditions.
pub(super) fn policy(text: &str, kind: DocumentKind) -> Result<Vec<String>, Failure> {
    let document = Document::parse(text, kind)
        .map_err(|error| Failure::failed("a policy of the demo cannot be read").because(&error))?;
    let mut lines = Vec::new();
    for statement in &document.statements {
        let mut line = format!(
            "{} {}",
            statement.effect.as_str(),
            statement.actions.values().join(", ")
        );
        let federated = statement.federated_principals();
        if !federated.is_empty() {
            let _ = write!(line, " for tokens of {}", federated.join(", "));
        }
        lines.push(line);
        for condition in &statement.conditions {
            let values = condition.values.join(", ");
            lines.push(format!(
                "  if {} {} {values}",
                condition.operator, condition.key
            ));
        }
    }
    Ok(lines)
}

/// An error as the AWS CLI prints it.
pub(super) fn in_words_of_aws(error: &CloudError) -> String {
    let action = error
        .action
        .split_once(':')
        .map_or(error.action.as_str(), |(_, name)| name);
    let code = error.code.as_deref().unwrap_or("no answer");
    format!(
        "An error occurred ({code}) when calling the {action} operation: {}",
        error.message
    )
}

/// The statements that were looked at for a call, and why each does not apply.
pub(super) fn statements_looked_at(event: &Event) -> Vec<String> {
    let described = event.policy.iter().flat_map(|policy| {
        policy.statements.iter().map(move |statement| {
            let outcome = describe_outcome(&statement.outcome);
            format!(
                "{}, statement {}: {outcome}",
                policy.source,
                statement.index + 1
            )
        })
    });
    described.collect()
}

fn describe_outcome(outcome: &StatementOutcome) -> String {
    let differs = |what: &str, expected: &[String], actual: &str| {
        format!("its {what} are {}, not {actual}", expected.join(", "))
    };
    match outcome {
        StatementOutcome::Matches => "matches".to_owned(),
        StatementOutcome::PrincipalDiffers { expected, actual } => {
            differs("principals", expected, actual)
        }
        StatementOutcome::ActionDiffers { expected, actual } => {
            differs("actions", expected, actual)
        }
        StatementOutcome::ResourceDiffers { expected, actual } => {
            differs("resources", expected, actual)
        }
        StatementOutcome::ConditionFails => "a condition does not hold".to_owned(),
    }
}
