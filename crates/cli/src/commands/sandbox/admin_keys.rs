//! Administrators' access keys from the command line, a file or the environment: `[ACCOUNT=]ID:SECRET`.

use podpass_policy::AccountId;
use podpass_sandbox::{AccountSettings, AdminKey};

use crate::args::SandboxStartArgs;
use crate::failure::Failure;
use crate::files;

const VARIABLE: &str = "PODPASS_SANDBOX_ADMIN_KEY";

/// A key and the account it was given for; `None` means the first account.
#[derive(Debug)]
pub(super) struct Given {
    account: Option<AccountId>,
    key: AdminKey,
    place: String,
}

/// Gathers the keys: those of the command line win over the file, the file over the environment.
pub(super) fn collect(arguments: &SandboxStartArgs) -> Result<Vec<Given>, Failure> {
    let mut given = Vec::new();
    if let Ok(text) = std::env::var(VARIABLE) {
        given.push(parse(&text, VARIABLE)?);
    }
    if let Some(path) = &arguments.admin_key_file {
        let text = files::read_text(path)?;
        for (number, line) in text.lines().enumerate() {
            if !line.trim().is_empty() {
                given.push(parse(
                    line.trim(),
                    &format!("`{}` line {}", path.display(), number + 1),
                )?);
            }
        }
    }
    for text in &arguments.admin_keys {
        given.push(parse(text, "`--admin-key`")?);
    }
    Ok(given)
}

/// Gives each key to its account.
pub(super) fn assign(accounts: &mut [AccountSettings], given: &[Given]) -> Result<(), Failure> {
    for each in given {
        let account = match &each.account {
            None => accounts.first_mut(),
            Some(id) => accounts.iter_mut().find(|account| account.id == *id),
        };
        let Some(account) = account else {
            let id = each
                .account
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            return Err(Failure::usage(format!(
                "{} is for account {id}, which the sandbox does not have",
                each.place
            ))
            .help(format!("add `--account {id}`")));
        };
        account.admin_key = Some(each.key.clone());
    }
    Ok(())
}

/// Reads one key. The message never repeats the text: it holds a secret.
fn parse(text: &str, place: &str) -> Result<Given, Failure> {
    let form = "write [ACCOUNT=]ID:SECRET, for example `test:test` or `210987654321=test:test`";
    // The secret may hold `=` and `:`; the id may not, so the first `:` ends it.
    let Some((front, secret)) = text.split_once(':') else {
        return Err(Failure::usage(format!(
            "{place} has no `:` between access key id and secret"
        ))
        .help(form));
    };
    let (account, id) = match front.split_once('=') {
        None => (None, front),
        Some((account, id)) => {
            let account = account.parse::<AccountId>().map_err(|error| {
                Failure::usage(format!("{place} names the account `{account}`"))
                    .because(&error)
                    .help(form)
            })?;
            (Some(account), id)
        }
    };
    let key = AdminKey::new(id, secret).map_err(|error| {
        Failure::usage(format!("{place} is not an access key"))
            .because(&error)
            .help(form)
    })?;
    Ok(Given {
        account,
        key,
        place: place.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> AccountSettings {
        AccountSettings::new(id.parse().unwrap())
    }

    #[test]
    fn a_key_without_account_is_the_first_accounts() {
        let mut accounts = [account("111111111111"), account("222222222222")];
        let given = [
            parse("test:s=e:c", "x").unwrap(),
            parse("222222222222=other:b", "x").unwrap(),
        ];
        assign(&mut accounts, &given).unwrap();
        let key = accounts[0].admin_key.as_ref().unwrap();
        assert_eq!((key.id(), key.secret().expose()), ("test", "s=e:c"));
        assert_eq!(accounts[1].admin_key.as_ref().unwrap().id(), "other");
    }

    #[test]
    fn a_malformed_key_is_refused_without_being_repeated() {
        for (text, expected) in [
            ("hunter2", "no `:`"),
            ("12345=test:hunter2", "account `12345`"),
            ("a:hunter2", "is not an access key"),
            ("bad-id:hunter2", "is not an access key"),
        ] {
            let failure = parse(text, "`--admin-key`").unwrap_err().to_string();
            assert!(failure.contains(expected), "{failure}");
            assert!(!failure.contains("hunter2"), "{failure}");
        }
    }

    #[test]
    fn a_key_for_an_unknown_account_is_refused() {
        let given = [parse("333333333333=test:b", "`--admin-key`").unwrap()];
        let failure = assign(&mut [account("111111111111")], &given).unwrap_err();
        assert!(failure.message().contains("333333333333"), "{failure}");
    }
}
