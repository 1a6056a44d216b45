//! Whether a bucket policy is public, as S3 Block Public Access sees it.

use super::principal::{PrincipalClause, PrincipalKind, PrincipalSet};
use super::statement::{Effect, Statement};
use super::{Document, Version};
use crate::condition::{Comparison, Condition, Network, Quantifier, WhenMissing};
use crate::context::Context;
use crate::template::{Template, Wildcards};

/// Whether some statement allows everybody without tying it to fixed callers.
///
/// The rule is that of S3's documentation ("The meaning of public"); a Deny does not make a public Allow private.
pub(super) fn is_public(document: &Document) -> bool {
    document.statements.iter().any(|statement| {
        statement.effect == Effect::Allow
            && is_for_everyone(statement)
            && !statement
                .conditions
                .iter()
                .any(|condition| names_fixed_callers(condition, document.version))
    })
}

fn is_for_everyone(statement: &Statement) -> bool {
    match &statement.principal {
        None => false,
        Some(
            PrincipalClause::NotPrincipal(_) | PrincipalClause::Principal(PrincipalSet::Everyone),
        ) => true,
        Some(PrincipalClause::Principal(set)) => set
            .of_kind(PrincipalKind::Aws)
            .iter()
            .any(|value| value == "*"),
    }
}

fn names_fixed_callers(condition: &Condition, version: Version) -> bool {
    let operator = condition.operator;
    // These hold for a caller that does not have the key at all.
    if operator.when_missing == WhenMissing::Pass || operator.quantifier == Quantifier::ForAllValues
    {
        return false;
    }
    if condition.values.is_empty() {
        return false;
    }
    let on = |keys: &[&str]| keys.iter().any(|key| condition.has_key(key));
    match operator.comparison {
        Comparison::IpAddress => {
            on(&["aws:SourceIp"])
                && condition
                    .values
                    .iter()
                    .all(|value| Network::read(value).is_some_and(|network| !network.is_wide()))
        }
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => {
            on(FIXING_KEYS)
                && condition
                    .values
                    .iter()
                    .all(|value| is_fixed(value, version, Wildcards::Literal))
        }
        Comparison::StringLike | Comparison::ArnEquals | Comparison::ArnLike => {
            on(FIXING_KEYS)
                && condition
                    .values
                    .iter()
                    .all(|value| is_fixed(value, version, Wildcards::Active))
        }
        _ => false,
    }
}

/// Whether a value is the same for every request and covers one text only.
fn is_fixed(value: &str, version: Version, wildcards: Wildcards) -> bool {
    Template::read(value, version, wildcards).is_ok_and(|template| {
        template.as_literal().is_some() && template.resolve(&Context::new()).is_some()
    })
}

const FIXING_KEYS: &[&str] = &[
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:userid",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
];

#[cfg(test)]
mod tests {
    use crate::{Document, DocumentKind};

    #[test]
    fn only_an_unconditional_allow_for_everybody_is_public() {
        let fixed = |condition: &str| format!(r#""Principal": "*", "Condition": {condition}"#);
        for (name, rest, expected) in [
            ("everyone", r#""Principal": "*""#.to_owned(), true),
            (
                "aws everyone",
                r#""Principal": {"AWS": ["123456789012", "*"]}"#.to_owned(),
                true,
            ),
            (
                "an account",
                r#""Principal": {"AWS": "123456789012"}"#.to_owned(),
                false,
            ),
            (
                "a service",
                r#""Principal": {"Service": "cloudfront.amazonaws.com"}"#.to_owned(),
                false,
            ),
            (
                "an organisation",
                fixed(r#"{"StringEquals": {"aws:principalorgid": "o-1"}}"#),
                false,
            ),
            (
                "if exists",
                fixed(r#"{"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}"#),
                true,
            ),
            (
                "for all",
                fixed(r#"{"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/"}}"#),
                true,
            ),
            (
                "a pattern",
                fixed(r#"{"StringLike": {"aws:PrincipalOrgID": "o-*"}}"#),
                true,
            ),
            (
                "a variable",
                fixed(r#"{"StringEquals": {"aws:SourceVpc": "${aws:userid}"}}"#),
                true,
            ),
            (
                "negated",
                fixed(r#"{"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}"#),
                true,
            ),
            (
                "another key",
                fixed(r#"{"StringEquals": {"aws:UserAgent": "x"}}"#),
                true,
            ),
            (
                "a small network",
                fixed(r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#),
                false,
            ),
            (
                "a wide network",
                fixed(r#"{"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1"]}}"#),
                true,
            ),
            (
                "a wide IPv6 network",
                fixed(r#"{"IpAddress": {"aws:SourceIp": "2001::/16"}}"#),
                true,
            ),
            (
                "one of two conditions",
                fixed(r#"{"StringEquals": {"aws:UserAgent": "x", "aws:SourceVpce": "vpce-1"}}"#),
                false,
            ),
        ] {
            let text = format!(
                r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", {rest}}}}}"#
            );
            let document = Document::parse(&text, DocumentKind::Bucket).unwrap();
            assert_eq!(document.is_public(), expected, "{name}");
            let denied = text.replace("Allow", "Deny");
            assert!(
                !Document::parse(&denied, DocumentKind::Bucket)
                    .unwrap()
                    .is_public(),
                "{name}"
            );
        }
    }
}
