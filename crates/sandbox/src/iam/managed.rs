//! Managed policies: the customer's, and AWS's own to read.

use jiff::Timestamp;
use podpass_policy::{Context, DocumentKind, Partition, PolicyArn, PolicyName, PolicyPath};

use super::Answer;
use super::aws_managed::{self, AwsManagedPolicy};
use super::holder::check_quota;
use super::pages::Paging;
use super::rules::{self, quota};
use super::store::{Account, Grants, ManagedPolicy, PolicyText, PolicyVersion};
use super::tagging::{self, Tagged};
use super::tags::{KeyCase, Tags, add_request_tags, check_unique, read_tags};
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Constraint, Input, Pattern, Xml};
use crate::words;

/// A managed policy of either owner, as answers describe it.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    arn: &'a PolicyArn,
    id: &'a str,
    default_version: u32,
    created: Timestamp,
    updated: Timestamp,
    description: Option<&'a str>,
    tags: Option<&'a Tags>,
}

/// `CreatePolicy`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let name = input.required::<PolicyName>("PolicyName", &rules::NAME);
    let path = input.optional::<PolicyPath>("Path", &rules::POLICY_PATH);
    let document = input.required::<String>("PolicyDocument", &rules::DOCUMENT);
    let description = input.optional::<String>("Description", &rules::DESCRIPTION);
    let tags = read_tags(&mut input);
    input.finish()?;
    let (name, path, tags) = (name?, path?.unwrap_or_else(PolicyPath::root), tags?);
    let arn = PolicyArn::new(Partition::Aws, account.id.clone(), path, name.clone());

    let mut context = Context::new();
    add_request_tags(&mut context, &tags);
    call.authorize(account, "iam:CreatePolicy", arn.as_str(), context)?;
    tagging::authorize_new(call, account, Tagged::Policy, arn.as_str(), &tags)?;

    check_unique(&tags, KeyCase::Ignored)?;
    if account.policies.find(name.as_str()).is_some() {
        return Err(ApiError::already_exists(format!(
            "A policy called {name} already exists. Duplicate names are not allowed."
        )));
    }
    check_quota(&account.policies, quota::POLICIES, "PoliciesPerAccount")?;
    let policy = parse_document(document?)?;
    let mut kept = Tags::default();
    kept.set(tags, KeyCase::Ignored)?;
    let managed = ManagedPolicy {
        arn,
        id: ids::new_id(IdKind::ManagedPolicy, &account.id)?,
        created: call.now,
        updated: call.now,
        description: description?.filter(|text| !text.is_empty()),
        versions: vec![PolicyVersion {
            number: 1,
            policy,
            created: call.now,
        }],
        default_version: 1,
        next_version: 2,
        tags: kept,
    };
    let xml = Xml::of(|xml| {
        xml.element("Policy", |xml| {
            let described = Described::of(&managed);
            described.write(xml, account);
            managed.tags.write_some(xml);
        });
    });
    account.policies.insert(name.as_str(), managed);
    Ok(xml)
}

/// `GetPolicy`.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    input.finish()?;
    let arn = arn?;
    authorize(call, account, "iam:GetPolicy", &arn)?;
    let described = find(account, &arn)?;
    Ok(Xml::of(|xml| {
        xml.element("Policy", |xml| {
            described.write(xml, account);
            xml.optional("Description", described.description);
            if let Some(tags) = described.tags {
                tags.write_some(xml);
            }
        });
    }))
}

/// `ListPolicies`.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let scope = input.optional::<String>("Scope", &SCOPE);
    let prefix = input.optional::<String>("PathPrefix", &rules::PATH_PREFIX);
    let paging = Paging::read(&mut input);
    let attached_only = call.form.boolean("OnlyAttached")?.unwrap_or(false);
    input.finish()?;
    let scope = scope?.unwrap_or_else(|| "All".to_owned());
    let (prefix, paging) = (prefix?.unwrap_or_else(|| "/".to_owned()), paging?);
    let resource = format!("arn:aws:iam::{}:policy{prefix}", account.id);
    call.authorize(account, "iam:ListPolicies", &resource, Context::new())?;

    let local = account
        .policies
        .values()
        .filter(|_| scope != "AWS")
        .map(Described::of);
    let global = aws_managed::all()
        .iter()
        .filter(|_| scope != "Local")
        .map(Described::of_aws);
    let mut policies: Vec<Described<'_>> = local
        .chain(global)
        .filter(|policy| policy.arn.path().starts_with(&prefix))
        .filter(|policy| !attached_only || attachments(account, policy.arn) > 0)
        .collect();
    policies.sort_by(|one, other| one.arn.cmp(other.arn));
    let keyed = policies
        .into_iter()
        .map(|policy| (policy.arn.to_string(), policy));
    let page = paging.cut(
        call,
        account,
        &format!("{scope}\n{prefix}\n{attached_only}"),
        keyed,
    )?;
    Ok(page.to_xml("Policies", |xml, policy| {
        policy.write(xml, account);
    }))
}

/// `DeletePolicy`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    input.finish()?;
    let arn = arn?;
    authorize(call, account, "iam:DeletePolicy", &arn)?;
    let policy = find_customer(account, &arn)?;
    if attachments(account, &policy.arn) + boundary_uses(account, &policy.arn) > 0 {
        return Err(ApiError::delete_conflict(
            "Cannot delete a policy attached to entities.",
        ));
    }
    if policy.versions.len() > 1 {
        return Err(ApiError::delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's \
             versions. The default version is deleted with the policy.",
        ));
    }
    let name = policy.arn.name().clone();
    account.policies.remove(name.as_str());
    Ok(Xml::default())
}

/// Reads the document of a managed policy: its grammar and its size.
pub(crate) fn parse_document(text: String) -> Result<PolicyText, ApiError> {
    let policy = PolicyText::parse(text, DocumentKind::Permissions)
        .map_err(|error| ApiError::malformed_policy(error.aws_message()))?;
    if policy.counted_len() > quota::MANAGED_POLICY {
        let limit = quota::MANAGED_POLICY;
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for PolicySize: {limit}"
        )));
    }
    Ok(policy)
}

/// Reads `PolicyArn`.
pub(crate) fn read_arn(input: &mut Input<'_>) -> Result<String, ApiError> {
    input.required("PolicyArn", &rules::ARN)
}

/// Asks for an action on a policy, which need not exist.
pub(crate) fn authorize(
    call: &mut Call<'_>,
    account: &Account,
    action: &str,
    arn: &str,
) -> Result<(), ApiError> {
    let mut context = Context::new();
    if let Ok(policy) = find_customer(account, arn) {
        policy.tags.add_to(&mut context, "aws:ResourceTag");
        policy.tags.add_to(&mut context, "iam:ResourceTag");
    }
    call.authorize(account, action, arn, context)
}

/// The customer managed policy of that ARN.
pub(crate) fn find_customer<'a>(
    account: &'a Account,
    arn: &str,
) -> Result<&'a ManagedPolicy, ApiError> {
    let parsed = arn.parse::<PolicyArn>().ok();
    parsed
        .and_then(|arn| account.managed_policy(&arn))
        .ok_or_else(|| missing(arn))
}

/// The customer managed policy of that ARN, to be changed.
pub(crate) fn find_customer_mut<'a>(
    account: &'a mut Account,
    arn: &str,
) -> Result<&'a mut ManagedPolicy, ApiError> {
    let parsed = arn.parse::<PolicyArn>().map_err(|_| missing(arn))?;
    account
        .policies
        .find_mut(parsed.name().as_str())
        .filter(|policy| policy.arn == parsed)
        .ok_or_else(|| missing(arn))
}

/// No such managed policy.
pub(crate) fn missing(arn: &str) -> ApiError {
    ApiError::no_such_entity(format!("Policy {arn} was not found."))
}

fn find<'a>(account: &'a Account, arn: &str) -> Result<Described<'a>, ApiError> {
    let aws = arn
        .parse::<PolicyArn>()
        .ok()
        .and_then(|arn| aws_managed::find(&arn));
    match aws {
        Some(policy) => Ok(Described::of_aws(policy)),
        None => find_customer(account, arn).map(Described::of),
    }
}

fn attachments(account: &Account, arn: &PolicyArn) -> usize {
    grants(account)
        .filter(|grants| grants.attached.contains(arn))
        .count()
}

fn boundary_uses(account: &Account, arn: &PolicyArn) -> usize {
    grants(account)
        .filter(|grants| grants.boundary.as_ref() == Some(arn))
        .count()
}

/// What every role, user and group of the account holds.
fn grants(account: &Account) -> impl Iterator<Item = &Grants> {
    let roles = account.roles.values().map(|role| &role.grants);
    let users = account.users.values().map(|user| &user.grants);
    let groups = account.groups.values().map(|group| &group.grants);
    roles.chain(users).chain(groups)
}

impl<'a> Described<'a> {
    fn of(policy: &'a ManagedPolicy) -> Self {
        Self {
            arn: &policy.arn,
            id: &policy.id,
            default_version: policy.default_version,
            created: policy.created,
            updated: policy.updated,
            description: policy.description.as_deref(),
            tags: Some(&policy.tags),
        }
    }

    fn of_aws(policy: &'a AwsManagedPolicy) -> Self {
        Self {
            arn: &policy.arn,
            id: policy.id,
            default_version: policy.version,
            created: policy.created,
            updated: policy.updated,
            description: Some(policy.description),
            tags: None,
        }
    }

    fn write(&self, xml: &mut Xml, account: &Account) {
        xml.text("PolicyName", self.arn.name().as_str());
        xml.text("PolicyId", self.id);
        xml.text("Arn", self.arn.as_str());
        xml.text("Path", self.arn.path());
        xml.text("DefaultVersionId", &format!("v{}", self.default_version));
        xml.text(
            "AttachmentCount",
            &attachments(account, self.arn).to_string(),
        );
        xml.text(
            "PermissionsBoundaryUsageCount",
            &boundary_uses(account, self.arn).to_string(),
        );
        xml.text("IsAttachable", "true");
        xml.text("CreateDate", &words::date(self.created));
        xml.text("UpdateDate", &words::date(self.updated));
    }
}

const SCOPE: Constraint = Constraint {
    min: 1,
    max: 5,
    pattern: Some(Pattern {
        cited: "All|AWS|Local",
        holds: |text| matches!(text, "All" | "AWS" | "Local"),
    }),
};
