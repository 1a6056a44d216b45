//! The Principal and NotPrincipal elements.

use super::fields::{Fields, Form};
use super::{Fault, Rules, read_values, resource_control};
use crate::aws_principal::AwsPrincipal;
use crate::document::{
    DocumentKind, Effect, PrincipalClause, PrincipalKind, PrincipalSet, Statement,
};
use crate::error::PolicyErrorKind;
use crate::json::{Node, Value};
use crate::{Arn, OidcProviderArn};

pub(super) fn read(
    fields: &Fields<'_>,
    effect: Effect,
    rules: Rules,
) -> Result<Option<PrincipalClause>, Fault> {
    let form = fields.find_form("Principal", "NotPrincipal")?;
    let prohibited = |node: &Node, element| {
        let kind = PolicyErrorKind::ProhibitedElement {
            element,
            document: rules.kind,
        };
        Fault::new(node.position, kind)
    };
    match (form, rules.kind) {
        (
            None,
            DocumentKind::Permissions | DocumentKind::Session | DocumentKind::ServiceControl,
        ) => Ok(None),
        (None, DocumentKind::Trust | DocumentKind::Bucket | DocumentKind::ResourceControl) => {
            let kind = PolicyErrorKind::MissingElement {
                element: "Principal",
            };
            Err(Fault::new(fields.node.position, kind))
        }
        (
            Some(Form::Plain(node)),
            DocumentKind::Permissions | DocumentKind::Session | DocumentKind::ServiceControl,
        ) => Err(prohibited(node, "Principal")),
        (
            Some(Form::Not(node)),
            DocumentKind::Permissions
            | DocumentKind::Session
            | DocumentKind::ServiceControl
            | DocumentKind::ResourceControl,
        ) => Err(prohibited(node, "NotPrincipal")),
        (Some(Form::Plain(node)), DocumentKind::ResourceControl) => {
            Ok(Some(resource_control::read_principal(node)?))
        }
        (Some(Form::Plain(node)), _) => {
            Ok(Some(PrincipalClause::Principal(read_set(node, rules)?)))
        }
        (Some(Form::Not(node)), _) if effect == Effect::Allow => Err(Fault::new(
            node.position,
            PolicyErrorKind::AllowWithNotPrincipal,
        )),
        (Some(Form::Not(node)), DocumentKind::Trust) => Err(prohibited(node, "NotPrincipal")),
        (Some(Form::Not(node)), DocumentKind::Bucket) => {
            Ok(Some(PrincipalClause::NotPrincipal(read_set(node, rules)?)))
        }
    }
}

/// Refuses an Allow for a provider that all AWS customers share when no condition tells the customer's own users apart.
pub(super) fn check_shared_providers(statement: &Statement) -> Result<(), Fault> {
    let unguarded = statement.effect == Effect::Allow && statement.conditions.is_empty();
    match statement
        .federated_principals()
        .iter()
        .find(|value| *value == COGNITO)
    {
        Some(value) if unguarded => {
            let kind = PolicyErrorKind::FederatedWithoutCondition {
                value: value.clone(),
            };
            Err(Fault::new(statement.position, kind))
        }
        _ => Ok(()),
    }
}

fn read_set(node: &Node, rules: Rules) -> Result<PrincipalSet, Fault> {
    let members = match &node.value {
        Value::String(text) if text == "*" => return Ok(PrincipalSet::Everyone),
        Value::String(text) => {
            let kind = PolicyErrorKind::PrincipalForm {
                value: text.clone(),
            };
            return Err(Fault::new(node.position, kind));
        }
        Value::Object(members) => members,
        _ => return Err(Fault::wrong_type(node, "Principal", "`\"*\"` or an object")),
    };
    let fields = Fields::read(
        node,
        "a principal",
        &PrincipalKind::ALL.map(PrincipalKind::as_str),
    )?;
    let mut listed = Vec::with_capacity(members.len());
    for member in members {
        let Some(kind) = PrincipalKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == member.name)
        else {
            continue;
        };
        let values = read_values(&member.node, kind.as_str(), |value| {
            check_principal(kind, value, rules.kind)
        })?;
        listed.push((kind, values));
    }
    if listed.iter().all(|(_, values)| values.is_empty()) {
        return Err(Fault::new(
            fields.node.position,
            PolicyErrorKind::EmptyPrincipal,
        ));
    }
    Ok(PrincipalSet::Listed(listed))
}

fn check_principal(
    kind: PrincipalKind,
    value: &str,
    document: DocumentKind,
) -> Result<(), PolicyErrorKind> {
    let (valid, expected) = match kind {
        PrincipalKind::Aws => (
            AwsPrincipal::read(value).is_some(),
            "an AWS principal: it must be `*`, an account id, or the full ARN of an account's root, a user, a role or a session, without wildcards",
        ),
        PrincipalKind::Federated => (
            is_federated(value),
            "a federated principal: it must be the ARN of an OIDC or SAML provider, or the domain name of a built-in provider",
        ),
        PrincipalKind::Service => (
            is_domain_name(value),
            "a service principal: it must be a name like `ec2.amazonaws.com`",
        ),
        PrincipalKind::CanonicalUser => (
            document == DocumentKind::Bucket
                && value.len() == 64
                && value.bytes().all(|b| b.is_ascii_hexdigit()),
            "a canonical user: it must be 64 hexadecimal digits, and stands in bucket policies only",
        ),
    };
    if valid {
        return Ok(());
    }
    Err(PolicyErrorKind::Principal {
        kind: kind.as_str(),
        value: value.to_owned(),
        expected,
    })
}

fn is_federated(value: &str) -> bool {
    let is_saml = |arn: Arn| {
        arn.service() == "iam"
            && arn.account_id().is_some()
            && arn
                .resource()
                .strip_prefix("saml-provider/")
                .is_some_and(|name| !name.is_empty() && !name.contains(['*', '?']))
    };
    is_domain_name(value)
        || value.parse::<OidcProviderArn>().is_ok()
        || value.parse::<Arn>().is_ok_and(is_saml)
}

fn is_domain_name(value: &str) -> bool {
    value.contains('.')
        && value.len() <= 253
        && value.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

const COGNITO: &str = "cognito-identity.amazonaws.com";
