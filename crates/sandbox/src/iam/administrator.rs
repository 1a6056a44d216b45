//! The administrator that each account starts with.

use std::collections::BTreeSet;

use jiff::Timestamp;
use podpass_policy::{DocumentKind, Partition, Path, UserArn};

use super::aws_managed;
use super::store::{AccessKey, Account, Grants, InlinePolicy, KeyStatus, Named, PolicyText, User};
use super::tags::Tags;
use crate::ids::{self, IdKind};
use crate::random::RandomFailure;

/// An account whose only content is the user `admin`, which may do everything, and its access key.
///
/// It is a user and not the root of the account, because AWS lets no root assume a role.
pub(crate) fn with_administrator(
    given: &crate::Account,
    now: Timestamp,
) -> Result<Account, RandomFailure> {
    let mut account = Account::new(given.id.clone());
    let name: podpass_policy::UserName = NAME.parse().expect("a constant that is a user name");
    let mut inline = Named::default();
    inline.insert(POLICY, administrator_access());
    let user = User {
        arn: UserArn::new(Partition::Aws, given.id.clone(), Path::root(), name.clone()),
        id: ids::new_id(IdKind::User, &given.id)?,
        created: now,
        grants: Grants {
            inline,
            ..Grants::default()
        },
        groups: BTreeSet::new(),
        tags: Tags::default(),
    };
    account.users.insert(NAME, user);
    let key = AccessKey {
        id: given.access_key_id.clone(),
        secret: given.secret_access_key.clone(),
        user: name,
        status: KeyStatus::Active,
        created: now,
    };
    account.access_keys.insert(key.id.clone(), key);
    Ok(account)
}

fn administrator_access() -> InlinePolicy {
    InlinePolicy {
        name: POLICY.parse().expect("a constant that is a policy name"),
        policy: PolicyText::parse(
            aws_managed::EVERYTHING.to_owned(),
            DocumentKind::Permissions,
        )
        .expect("a constant that is a policy"),
    }
}

const NAME: &str = "admin";
const POLICY: &str = "AdministratorAccess";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrator_has_a_key_and_a_policy() {
        let given = crate::Account {
            id: "123456789012".parse().unwrap(),
            access_key_id: "test".into(),
            secret_access_key: crate::Secret::new("s".into()),
        };
        let account = with_administrator(&given, Timestamp::UNIX_EPOCH).unwrap();
        let admin = account.users.find("admin").unwrap();
        assert_eq!(admin.arn.as_str(), "arn:aws:iam::123456789012:user/admin");
        assert_eq!(admin.grants.inline.values().count(), 1);
        assert!(account.access_keys.contains_key("test"));
    }
}
