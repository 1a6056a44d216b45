//! Service control policies from files: `--scp ACCOUNT=FILE`.

use std::path::PathBuf;
use std::str::FromStr;

use podpass_policy::AccountId;
use podpass_sandbox::{AccountSettings, ServiceControl};

use crate::commands::simulate::not_a_policy;
use crate::failure::Failure;
use crate::files;

/// A policy's file and the account that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceControlFile {
    account: AccountId,
    path: PathBuf,
}

impl FromStr for ServiceControlFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (account, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or("write ACCOUNT=FILE, such as 123456789012=deny-s3.json")?;
        Ok(Self {
            account: account.parse().map_err(|error| format!("{error}"))?,
            path: path.into(),
        })
    }
}

/// Reads each file and attaches its policy to its account.
pub(super) fn attach(
    accounts: &mut [AccountSettings],
    given: &[ServiceControlFile],
) -> Result<(), Failure> {
    for ServiceControlFile { account, path } in given {
        let Some(limited) = accounts.iter_mut().find(|known| known.id == *account) else {
            return Err(Failure::usage(format!(
                "`--scp` is for account {account}, which the sandbox does not have"
            ))
            .help(format!("add `--account {account}`")));
        };
        let name = path.display().to_string();
        let policy = ServiceControl::parse(&*name, &files::read_text(path)?)
            .map_err(|error| not_a_policy(&name, &error))?;
        limited.service_controls.push(policy);
    }
    Ok(())
}
