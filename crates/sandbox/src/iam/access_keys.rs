//! Long-term access keys of users.

use super::Answer;
use super::holder::Holder;
use super::pages::Paging;
use super::rules::{self, quota};
use super::store::{AccessKey, Account, KeyStatus};
use super::users::named_or_calling;
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Input, Xml};
use crate::words;

/// `CreateAccessKey`; the only answer that has the secret.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.optional::<String>("UserName", &rules::NAME);
    input.finish()?;
    let name = authorize(call, account, "iam:CreateAccessKey", name?)?;
    let user = account
        .users
        .find(&name)
        .ok_or_else(|| Holder::User.missing(&name))?
        .arn
        .name()
        .clone();
    if account
        .access_keys
        .values()
        .filter(|key| key.user == user)
        .count()
        >= quota::ACCESS_KEYS_PER_USER
    {
        let limit = quota::ACCESS_KEYS_PER_USER;
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for AccessKeysPerUser: {limit}"
        )));
    }
    let key = AccessKey {
        id: ids::new_id(IdKind::LongTermKey, &account.id)?,
        secret: ids::new_secret()?,
        user,
        status: KeyStatus::Active,
        created: call.now,
    };
    let xml = Xml::of(|xml| {
        xml.element("AccessKey", |xml| {
            xml.text("UserName", key.user.as_str());
            xml.text("AccessKeyId", &key.id);
            xml.text("Status", key.status.word());
            xml.secret("SecretAccessKey", key.secret.expose());
            xml.text("CreateDate", &words::date(key.created));
        });
    });
    account.access_keys.insert(key.id.clone(), key);
    Ok(xml)
}

/// `ListAccessKeys`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.optional::<String>("UserName", &rules::NAME);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let (name, paging) = (name?, paging?);
    let name = authorize(call, account, "iam:ListAccessKeys", name)?;
    let user = account
        .users
        .find(&name)
        .ok_or_else(|| Holder::User.missing(&name))?
        .arn
        .name();
    let keys = account.access_keys.values().filter(|key| key.user == *user);
    let page = paging.cut(
        call,
        account,
        user.as_str(),
        keys.map(|key| (key.id.clone(), key)),
    )?;
    Ok(page.to_xml("AccessKeyMetadata", |xml, key| {
        xml.text("UserName", key.user.as_str());
        xml.text("AccessKeyId", &key.id);
        xml.text("Status", key.status.word());
        xml.text("CreateDate", &words::date(key.created));
    }))
}

/// `UpdateAccessKey`.
pub(crate) fn update(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let id = input.required::<String>("AccessKeyId", &rules::ACCESS_KEY_ID);
    let status = input.required::<String>("Status", &crate::query::Constraint::length(1, 16));
    let name = input.optional::<String>("UserName", &rules::NAME);
    input.finish()?;
    let (id, status) = (id?, status?);
    let name = authorize(call, account, "iam:UpdateAccessKey", name?)?;
    let status = match status.as_str() {
        "Active" => KeyStatus::Active,
        "Inactive" => KeyStatus::Inactive,
        _ => {
            return Err(ApiError::invalid_input(
                "Status must be Active or Inactive.",
            ));
        }
    };
    key_of(account, &id, &name)?.status = status;
    Ok(Xml::default())
}

/// `DeleteAccessKey`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let id = input.required::<String>("AccessKeyId", &rules::ACCESS_KEY_ID);
    let name = input.optional::<String>("UserName", &rules::NAME);
    input.finish()?;
    let id = id?;
    let name = authorize(call, account, "iam:DeleteAccessKey", name?)?;
    key_of(account, &id, &name)?;
    account.access_keys.remove(&id);
    Ok(Xml::default())
}

fn authorize(
    call: &mut Call<'_>,
    account: &Account,
    action: &str,
    name: Option<String>,
) -> Result<String, ApiError> {
    let name = named_or_calling(call, name)?;
    let found = Holder::User.find(account, &name);
    call.authorize(account, action, &found.arn, found.context())?;
    Ok(name)
}

fn key_of<'a>(
    account: &'a mut Account,
    id: &str,
    user: &str,
) -> Result<&'a mut AccessKey, ApiError> {
    if account.users.find(user).is_none() {
        return Err(Holder::User.missing(user));
    }
    account
        .access_keys
        .get_mut(id)
        .filter(|key| key.user.as_str().eq_ignore_ascii_case(user))
        .ok_or_else(|| {
            ApiError::no_such_entity(format!("The Access Key with id {id} cannot be found"))
        })
}

impl KeyStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}
