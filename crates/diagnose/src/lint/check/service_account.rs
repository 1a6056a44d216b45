//! ServiceAccounts.

use podpass_inject::{Pod, Settings, inject};
use podpass_kinds::annotations::{
    AUDIENCE, Carrier, DEFAULT_PREFIX, INCLUDE_CONTAINERS, REGION, ROLE_ARN, SKIP_CONTAINERS,
    STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION,
};
use podpass_kinds::yaml::Node;
use podpass_kinds::{Reason, annotations, read_service_accounts};
use podpass_policy::{Position, RoleArn};
use serde_json::json;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::claims::RoleClaim;
use super::{Claims, Document, Text, annotations as rules, arn, at, audience};

pub(super) fn check(
    document: &Document<'_>,
    mark: usize,
    out: &mut Collector<'_>,
    claims: &mut Claims,
) {
    if let Some(all) = at(document.root, &["metadata", "annotations"]) {
        rules::check(all, Carrier::ServiceAccount, document.text, out);
        if let Some(node) = all.get(&name(AUDIENCE)) {
            audience::check(node, out);
        }
        check_role(all, document, out, claims);
    }
    // The readers below stop at the first mistake and take only whole texts.
    if let (Some(text), false, false) = (document.text, document.broken, out.errors_since(mark)) {
        check_values(document.root, text, out);
    }
}

/// The role annotation, and that there is one where others ask for it.
fn check_role(all: &Node, document: &Document<'_>, out: &mut Collector<'_>, claims: &mut Claims) {
    let role = all.get(&name(ROLE_ARN)).filter(|role| !role.is_null());
    let Some(role) = role else {
        let others = [AUDIENCE, STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION];
        let asks = others
            .into_iter()
            .find(|suffix| all.get(&name(suffix)).is_some());
        if let Some(suffix) = asks.filter(|_| !rules::has_lookalike(all, ROLE_ARN)) {
            let message = format!(
                "there is `{}`, but no `{}`, so nothing is injected",
                name(suffix),
                name(ROLE_ARN)
            );
            out.report(Draft::warning(
                Reason::NoRoleAnnotation,
                all.position,
                message,
            ));
        }
        return;
    };
    let Some(value) = role.as_str() else {
        return;
    };
    if value.parse::<RoleArn>().is_err() {
        arn::check_role(value, role.position, out);
        rules::check_blanks(role, Reason::BadRoleArn, document.text, out);
    }
    if let (Ok(role_arn), Some(subject)) = (value.trim().parse::<RoleArn>(), subject(document.root))
    {
        let audience = match all.get(&name(AUDIENCE)).map(Node::as_str) {
            None => Some(Settings::default().token_audience),
            Some(named) => named.filter(|named| !named.is_empty()).map(str::to_owned),
        };
        claims.role(RoleClaim {
            subject,
            account: role_arn.account().clone(),
            audience,
            file: out.file().to_owned(),
            position: role.position,
        });
    }
}

/// What the webhook says about the values of the annotations.
fn check_values(root: &Node, text: Text<'_>, out: &mut Collector<'_>) {
    let accounts = match read_service_accounts(out.file(), text.text) {
        Ok(accounts) => accounts,
        Err(error) => return out.report(Draft::read_error(&error, text.first_line)),
    };
    let pod = json!({"spec": {"containers": [{"name": "any"}]}});
    for account in accounts {
        let injection = inject(&Pod::from(&pod), &account, &Settings::default());
        for note in injection.notes() {
            let (suffix, draft): (_, fn(Reason, Position, String) -> Draft) = match note.reason {
                Reason::TokenExpirationInvalid | Reason::TokenExpirationTooShort => {
                    (TOKEN_EXPIRATION, Draft::warning)
                }
                Reason::TokenExpirationTooLong => (TOKEN_EXPIRATION, Draft::error),
                Reason::StsRegionalEndpointsInvalid => (STS_REGIONAL_ENDPOINTS, Draft::warning),
                Reason::SkipContainersInvalid => (SKIP_CONTAINERS, Draft::warning),
                Reason::IncludeContainersInvalid => (INCLUDE_CONTAINERS, Draft::warning),
                Reason::RegionInvalid => (REGION, Draft::warning),
                _ => continue,
            };
            let value = at(root, &["metadata", "annotations", &name(suffix)]);
            let position = value.map_or(root.position, |value| value.position);
            out.report(draft(note.reason, position, note.message.clone()));
        }
    }
}

/// The subject of the account's tokens, where the manifest names its namespace.
fn subject(root: &Node) -> Option<String> {
    let member = |name| at(root, &["metadata", name]).and_then(Node::as_str);
    Some(format!(
        "system:serviceaccount:{}:{}",
        member("namespace")?,
        member("name")?
    ))
}

fn name(suffix: &str) -> String {
    annotations::name(DEFAULT_PREFIX, suffix)
}
