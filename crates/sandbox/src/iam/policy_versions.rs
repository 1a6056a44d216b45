//! Versions of managed policies.

use podpass_policy::PolicyArn;

use super::managed::{
    authorize, find_customer, find_customer_mut, missing, parse_document, read_arn,
};
use super::pages::Paging;
use super::rules::{self, quota};
use super::store::{Account, PolicyVersion};
use super::{Answer, aws_managed};
use crate::call::Call;
use crate::query::{ApiError, Input, Xml};
use crate::words;

/// `CreatePolicyVersion`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    let document = input.required::<String>("PolicyDocument", &rules::DOCUMENT);
    let as_default = call.form.boolean("SetAsDefault")?.unwrap_or(false);
    input.finish()?;
    let arn = arn?;
    authorize(call, account, "iam:CreatePolicyVersion", &arn)?;
    let now = call.now;
    let policy = find_customer_mut(account, &arn)?;
    if policy.versions.len() >= quota::POLICY_VERSIONS {
        return Err(ApiError::limit_exceeded(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
             version.",
        ));
    }
    let number = policy.next_version;
    let version = PolicyVersion {
        number,
        policy: parse_document(document?)?,
        created: now,
    };
    policy.next_version = number + 1;
    policy.updated = now;
    if as_default {
        policy.default_version = number;
    }
    let default = policy.default_version;
    let xml =
        Xml::of(|xml| xml.element("PolicyVersion", |xml| write_listed(xml, &version, default)));
    policy.versions.push(version);
    Ok(xml)
}

/// `GetPolicyVersion`.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let (arn, id) = read_arn_and_id(call)?;
    authorize(call, account, "iam:GetPolicyVersion", &arn)?;
    if let Some(policy) = arn
        .parse::<PolicyArn>()
        .ok()
        .and_then(|arn| aws_managed::find(&arn))
    {
        if number(&id) != Some(policy.version) {
            return Err(missing_version(&arn, &id));
        }
        return Ok(Xml::of(|xml| {
            xml.element("PolicyVersion", |xml| {
                write_members(
                    xml,
                    &policy.policy.text,
                    policy.version,
                    policy.version,
                    policy.updated,
                );
            });
        }));
    }
    let policy = find_customer(account, &arn)?;
    let version = number(&id)
        .and_then(|number| policy.version(number))
        .ok_or_else(|| missing_version(&arn, &id))?;
    Ok(Xml::of(|xml| {
        xml.element("PolicyVersion", |xml| {
            write_members(
                xml,
                &version.policy.text,
                version.number,
                policy.default_version,
                version.created,
            );
        });
    }))
}

/// `ListPolicyVersions`, newest first.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    let paging = Paging::read(&mut input);
    input.finish()?;
    let arn = arn?;
    authorize(call, account, "iam:ListPolicyVersions", &arn)?;
    if let Some(policy) = arn
        .parse::<PolicyArn>()
        .ok()
        .and_then(|arn| aws_managed::find(&arn))
    {
        let only = PolicyVersion {
            number: policy.version,
            policy: policy.policy.clone(),
            created: policy.updated,
        };
        return Ok(Xml::of(|xml| {
            xml.list("Versions", [&only], |xml, version| {
                write_listed(xml, version, policy.version);
            });
            xml.text("IsTruncated", "false");
        }));
    }
    let policy = find_customer(account, &arn)?;
    // Keys rise as the numbers fall, so that the newest comes first.
    let keyed = policy
        .versions
        .iter()
        .rev()
        .map(|version| (format!("{:010}", u32::MAX - version.number), version));
    let page = paging?.cut(call, account, &arn, keyed)?;
    Ok(page.to_xml("Versions", |xml, version| {
        write_listed(xml, version, policy.default_version);
    }))
}

/// `SetDefaultPolicyVersion`.
pub(crate) fn set_default(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (arn, id) = read_arn_and_id(call)?;
    authorize(call, account, "iam:SetDefaultPolicyVersion", &arn)?;
    let now = call.now;
    let policy = find_customer_mut(account, &arn)?;
    let number = number(&id)
        .filter(|number| policy.version(*number).is_some())
        .ok_or_else(|| missing_version(&arn, &id))?;
    policy.default_version = number;
    policy.updated = now;
    Ok(Xml::default())
}

/// `DeletePolicyVersion`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (arn, id) = read_arn_and_id(call)?;
    authorize(call, account, "iam:DeletePolicyVersion", &arn)?;
    let policy = find_customer_mut(account, &arn)?;
    let number = number(&id)
        .filter(|number| policy.version(*number).is_some())
        .ok_or_else(|| missing_version(&arn, &id))?;
    if number == policy.default_version {
        return Err(ApiError::delete_conflict(
            "Cannot delete the default version of a policy.",
        ));
    }
    policy.versions.retain(|version| version.number != number);
    Ok(Xml::default())
}

fn read_arn_and_id(call: &Call<'_>) -> Result<(String, String), ApiError> {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    let id = input.required::<String>("VersionId", &rules::VERSION_ID);
    input.finish()?;
    Ok((arn?, id?))
}

fn number(id: &str) -> Option<u32> {
    id.strip_prefix('v')?.parse().ok()
}

fn missing_version(arn: &str, id: &str) -> ApiError {
    match arn.parse::<PolicyArn>() {
        Ok(_) => ApiError::no_such_entity(format!(
            "Policy {arn} version {id} does not exist or is not attachable."
        )),
        Err(_) => missing(arn),
    }
}

fn write_members(xml: &mut Xml, text: &str, number: u32, default: u32, created: jiff::Timestamp) {
    xml.text("Document", &words::encoded(text));
    xml.text("VersionId", &format!("v{number}"));
    xml.text(
        "IsDefaultVersion",
        if number == default { "true" } else { "false" },
    );
    xml.text("CreateDate", &words::date(created));
}

/// Lists leave the document out.
fn write_listed(xml: &mut Xml, version: &PolicyVersion, default: u32) {
    xml.text("VersionId", &format!("v{}", version.number));
    xml.text(
        "IsDefaultVersion",
        if version.number == default {
            "true"
        } else {
            "false"
        },
    );
    xml.text("CreateDate", &words::date(version.created));
}
