//! ARNs: their accounts, and what was left in them to be filled in.

use podpass_kinds::yaml::{Content, Node};
use podpass_kinds::{Reason, placeholder};
use podpass_policy::{Position, RoleArn};

use super::super::collector::Collector;
use super::super::draft::Draft;

/// Looks at every string of a value that is an ARN or a placeholder.
pub(in super::super) fn check_all(node: &Node, out: &mut Collector<'_>) {
    match &node.content {
        Content::String(text) => check(text, node.position, out),
        Content::Sequence(items) => {
            for item in items {
                check_all(item, out);
            }
        }
        Content::Mapping(members) => {
            for member in members {
                if !FREE_TEXT.contains(&member.key.as_str()) {
                    check_all(&member.value, out);
                }
            }
        }
        Content::Null | Content::Bool(_) | Content::Number(_) => {}
    }
}

/// Looks at a text that may be an ARN or a placeholder.
pub(in super::super) fn check(text: &str, position: Position, out: &mut Collector<'_>) {
    if let Some(placeholder) = placeholder(text) {
        let message = format!("the placeholder `{placeholder}` was not replaced");
        out.report(Draft::error(Reason::PlaceholderLeft, position, message).actual(placeholder));
    } else if let Some(account) = bad_account(text) {
        let digits = account.bytes().all(|byte| byte.is_ascii_digit());
        let message = match (digits, account.is_empty()) {
            (_, true) => format!("`{}` has no account", text.trim()),
            (true, _) => format!("the account `{account}` has {} digits", account.len()),
            (false, _) => format!("`{account}` is not an account id"),
        };
        out.report(
            Draft::error(Reason::BadAccountId, position, message)
                .expected("12 digits")
                .actual(account),
        );
    }
}

/// Looks at a text that must be the ARN of a role.
pub(super) fn check_role(text: &str, position: Position, out: &mut Collector<'_>) {
    if placeholder(text).is_some() || bad_account(text).is_some() {
        return check(text, position, out);
    }
    if let Err(error) = text.parse::<RoleArn>() {
        let mut draft = Draft::error(Reason::BadRoleArn, position, error.to_string()).actual(text);
        if text.trim().parse::<RoleArn>().is_ok() {
            draft = draft.fix("remove the blanks around the ARN");
        }
        out.report(draft);
    }
}

/// The account of an IAM, STS or other ARN that can be none.
fn bad_account(text: &str) -> Option<&str> {
    // A variable can stand for any part, and has colons of its own.
    if text.contains("${") {
        return None;
    }
    let mut parts = text.trim().splitn(6, ':');
    let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_arn = prefix == "arn" && (partition == "aws" || partition.starts_with("aws-"));
    let is_identity = matches!(service, "iam" | "sts") && !resource.starts_with('*');
    let digits = account.bytes().all(|byte| byte.is_ascii_digit());
    let is_fine = match (account, is_identity) {
        ("", _) => !is_identity,
        ("aws", _) => true,
        _ if account.contains(['*', '?']) => true,
        // Other services have owners that are no accounts, such as `partner`.
        (_, false) => !digits || account.len() == ACCOUNT_DIGITS,
        (_, true) => digits && account.len() == ACCOUNT_DIGITS,
    };
    (is_arn && !is_fine).then_some(account)
}

const ACCOUNT_DIGITS: usize = 12;

/// Members whose strings are not ours to understand: commands, and what people write to people.
const FREE_TEXT: &[&str] = &[
    "args",
    "command",
    "description",
    "Description",
    "data",
    "stringData",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_accounts_that_cannot_be() {
        for (text, expected) in [
            ("arn:aws:iam::1234567890:role/a", Some("1234567890")),
            ("arn:aws:iam::account:role/a", Some("account")),
            ("arn:aws:iam::10xxxxxxxx83:role/a", Some("10xxxxxxxx83")),
            ("arn:aws:iam:::role/a", Some("")),
            ("arn:aws:iam::123456789012:role/a", None),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", None),
            ("arn:aws:iam::*:role/a", None),
            ("arn:aws:iam::${AWS::AccountId}:role/a", None),
            ("arn:aws:s3:::bucket", None),
            ("arn:aws:sqs:eu-west-1:1234567890:queue", Some("1234567890")),
            ("arn:aws:marketplace::partner:offer", None),
            (
                "arn:aws:kms:${aws:RequestedRegion}:123456789012:key/a",
                None,
            ),
            ("arn:aws:s3:::1234567890:x", None),
            ("1234567890", None),
        ] {
            assert_eq!(bad_account(text), expected, "{text}");
        }
    }
}
