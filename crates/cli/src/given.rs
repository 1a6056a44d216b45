//! Values as they are given on the command line, refused by name where somebody forgot to fill one in.
//!
//! For every flag that takes a name, a region, an address or an ARN, under every name of the binary. Nothing is called
//! before.

use std::path::Path;
use std::str::FromStr;

use podpass_kinds::{Reason, placeholder};
use podpass_policy::{Arn, InvalidArn};

use crate::failure::Failure;

/// Refuses a value that still holds what a document's reader was to replace: `<name>`, `XXXXXXXX`, `10xxxxxxxx83`.
///
/// `flag` is the flag as it is written, such as `--name`.
pub(crate) fn text(flag: &str, value: &str) -> Result<(), Failure> {
    match placeholder(value).or_else(|| filler(value)) {
        Some(left) => Err(refused(flag, value, left)),
        None => Ok(()),
    }
}

/// Refuses a path with a `<placeholder>` in it. Other fillers can be part of a real path.
pub(crate) fn path(flag: &str, value: &Path) -> Result<(), Failure> {
    let value = value.to_string_lossy();
    match placeholder(&value) {
        Some(left) => Err(refused(flag, &value, left)),
        None => Ok(()),
    }
}

/// Reads an ARN. Placeholders and accounts that are not twelve digits are refused by name; `form` says what is expected
/// instead of anything else.
pub(crate) fn arn<T: FromStr<Err = InvalidArn>>(
    flag: &str,
    value: &str,
    form: &str,
) -> Result<T, Failure> {
    text(flag, value)?;
    if let Some(account) = bad_account(value) {
        let failure = Failure::input(
            Reason::BadAccountId,
            format!("{flag}: the account in `{value}` is not an AWS account id"),
        );
        return Err(failure
            .detail("expected", "12 digits")
            .detail("actual", account));
    }
    value
        .parse()
        .map_err(|error: InvalidArn| Failure::usage(format!("{flag}: {error}")).help(form))
}

fn refused(flag: &str, value: &str, left: &str) -> Failure {
    Failure::input(
        Reason::PlaceholderLeft,
        format!("{flag}: the placeholder `{left}` was not replaced"),
    )
    .detail("actual", value)
}

/// A word of nothing but digits and a run of `x` or `X`, which stand for digits and letters that were blackened.
///
/// Letters beside it make it a name, which may have any letter four times.
fn filler(value: &str) -> Option<&str> {
    value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            let crosses = word.trim_matches(|c: char| c.is_ascii_digit());
            crosses.len() >= SHORTEST_FILLER
                && (crosses.bytes().all(|b| b == b'x') || crosses.bytes().all(|b| b == b'X'))
        })
}

/// The account of an ARN, where it has one that cannot be.
fn bad_account(value: &str) -> Option<String> {
    let arn: Arn = value.parse().ok()?;
    let is_fine = arn.account_id().is_some() || ["", "aws"].contains(&arn.account());
    (!is_fine).then(|| {
        let account = arn.account();
        if account.bytes().all(|b| b.is_ascii_digit()) {
            format!("{account}, which are {}", account.len())
        } else {
            account.to_owned()
        }
    })
}

/// Fewer are no sign: `xxx` is a size, and part of many a name.
const SHORTEST_FILLER: usize = 4;

#[cfg(test)]
mod tests {
    use podpass_policy::OidcProviderArn;

    use super::*;

    #[test]
    fn placeholders_of_documents_are_refused_by_name() {
        for (value, left) in [
            ("<name>", "<name>"),
            ("my-<name>", "<name>"),
            ("XXXXXXXX", "XXXXXXXX"),
            ("prod-xxxx", "xxxx"),
            ("arn:aws:iam::10xxxxxxxx83:role/a", "10xxxxxxxx83"),
            ("arn:aws:iam::<ACCOUNT_ID>:policy/b", "<ACCOUNT_ID>"),
        ] {
            let failure = text("--flag", value).unwrap_err();
            assert!(
                failure
                    .message()
                    .contains(&format!("--flag: the placeholder `{left}`")),
                "{value}: {failure}"
            );
            assert_eq!(failure.exit, crate::failure::Exit::Usage);
        }
    }

    #[test]
    fn real_values_pass() {
        for value in [
            "prod",
            "size-xxx",
            "maxxxxed",
            "xxxx1a2b",
            "2bqxxxxv7k",
            "eu-west-1",
            "http://127.0.0.1:4566",
            "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/2bqxxxxv7k",
        ] {
            assert!(text("--flag", value).is_ok(), "{value}");
        }
        assert!(path("--flag", Path::new("/tmp/tmp.XXXXXX")).is_ok());
        assert!(path("--flag", Path::new("out/<cluster>")).is_err());
    }

    #[test]
    fn accounts_that_cannot_be_are_refused_by_name() {
        for (value, part) in [
            (
                "arn:aws:iam::1234567890:oidc-provider/a.example",
                "1234567890, which are 10",
            ),
            (
                "arn:aws:iam::492***148:oidc-provider/a.example",
                "492***148",
            ),
        ] {
            let failure = arn::<OidcProviderArn>("--arn", value, "").unwrap_err();
            let told = failure.to_string();
            assert!(told.contains("BAD_ACCOUNT_ID"), "{told}");
            assert!(told.contains(part) && told.contains("--arn"), "{told}");
        }
        let fine = "arn:aws:iam::012345678901:oidc-provider/a.example";
        assert!(arn::<OidcProviderArn>("--arn", fine, "").is_ok());
    }
}
