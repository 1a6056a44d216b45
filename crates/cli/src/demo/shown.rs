//! What the demo shows of tokens, policies, errors and events, on one line each.

use std::fmt::Write as _;

use jiff::Timestamp;
use podpass_cloud::{CloudError, Session};
use podpass_diagnose::lint::{Source, lint};
use podpass_policy::{Document, DocumentKind, PrincipalKind, ResourceClause};
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
        if let Some(principal) = &statement.principal {
            let named = principal.set().of_kind(PrincipalKind::Aws);
            if !named.is_empty() {
                let _ = write!(line, " for {}", named.join(", "));
            }
        }
        if let Some(ResourceClause::Resource(resources)) = &statement.resources {
            let _ = write!(line, " on {}", resources.join(", "));
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

/// What `podpass lint` finds in a file, a line each.
pub(super) fn findings(name: &str, text: &str) -> Vec<String> {
    let report = lint(&[Source { name, text }]);
    let line = |finding: &podpass_diagnose::Finding| {
        let place = finding.position.map_or_else(String::new, |position| {
            format!("{}:{}: ", position.line, position.column)
        });
        format!("{place}{}: {}", finding.code, finding.message)
    };
    report.findings.iter().map(line).collect()
}

/// What a token service answered, without its secrets.
pub(super) fn session(session: &Session) -> Vec<String> {
    let expires = Timestamp::from_second(session.expires_at).map(|at| at.to_string());
    let rows = [
        (
            "AccessKeyId",
            Some(session.credentials.access_key_id.clone()),
        ),
        ("Expiration", expires.ok()),
        ("SubjectFromWebIdentityToken", session.subject.clone()),
        ("AssumedRoleId", Some(session.assumed_role_id.clone())),
        ("Arn", Some(session.assumed_role_arn.clone())),
        ("Provider", session.provider.clone()),
        ("Audience", session.audience.clone()),
    ];
    let row = |(name, value): (&str, Option<String>)| Some(format!("{name:<27} {}", value?));
    rows.into_iter().filter_map(row).collect()
}

/// A time to the second.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An error as the AWS CLI prints it.
pub(super) fn in_words_of_aws(error: &CloudError) -> String {
    let action = error
        .action
        .split_once(':')
        .map_or(error.action.as_str(), |(_, name)| name);
    // The one operation here whose permission has another name.
    let operation = if action == "ListAllMyBuckets" {
        "ListBuckets"
    } else {
        action
    };
    let code = error.code.as_deref().unwrap_or("no answer");
    format!(
        "An error occurred ({code}) when calling the {operation} operation: {}",
        error.message
    )
}
