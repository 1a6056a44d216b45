//! The parameters of a simulation.

use podpass_policy::{
    AccountId, Arn, Context, ContextValue, DocumentKind, ResourceClause, UserArn,
};

use super::super::pages::Paging;
use super::super::rules;
use super::super::store::PolicyText;
use crate::call::Call;
use crate::query::{self, ApiError, Constraint, Member};

/// The parameters as they were sent, each within its constraints.
#[derive(Debug)]
pub(super) struct Input {
    actions: Vec<String>,
    resources: Option<Vec<String>>,
    policies: Vec<String>,
    boundaries: Vec<String>,
    resource_policy: Option<String>,
    owner: Option<String>,
    caller: Option<String>,
    entries: Vec<Entry>,
    paging: Paging,
}

/// What is to be simulated besides the actions, read.
#[derive(Debug)]
pub(super) struct Details {
    pub(super) policies: Vec<PolicyText>,
    pub(super) boundary: Option<PolicyText>,
    pub(super) resource_policy: Option<PolicyText>,
    /// `None` stands for `*`.
    pub(super) resources: Option<Vec<String>>,
    pub(super) owner: Option<AccountId>,
    pub(super) caller: Option<UserArn>,
    pub(super) context: Context,
}

#[derive(Debug)]
struct Entry {
    key: String,
    values: Vec<String>,
    kind: String,
}

impl Input {
    /// Reads a call of `SimulateCustomPolicy`.
    pub(super) fn read_custom(call: &Call<'_>) -> Result<Self, ApiError> {
        let mut input = query::Input::new(call.form);
        let policies = input.required_list("PolicyInputList", MAX_MEMBERS);
        let read = Self::read(&mut input);
        input.finish()?;
        // An empty list is one policy too few, not a missing parameter.
        policies?;
        read
    }

    /// Reads a call of `SimulatePrincipalPolicy`, with `PolicySourceArn`.
    pub(super) fn read_principal(call: &Call<'_>) -> Result<(Self, String), ApiError> {
        let mut input = query::Input::new(call.form);
        let source = input.required::<String>("PolicySourceArn", &rules::ARN);
        let read = Self::read(&mut input);
        input.finish()?;
        Ok((read?, source?))
    }

    fn read(input: &mut query::Input<'_>) -> Result<Self, ApiError> {
        let actions = input.required_list("ActionNames", MAX_MEMBERS);
        let actions = actions.and_then(|members| texts(input, "actionNames", &members, &ACTION));
        let resources = optional_texts(input, "ResourceArns", "resourceArns", &RESOURCE);
        let policies = optional_texts(
            input,
            "PolicyInputList",
            "policyInputList",
            &rules::DOCUMENT,
        );
        let boundaries = optional_texts(
            input,
            "PermissionsBoundaryPolicyInputList",
            "permissionsBoundaryPolicyInputList",
            &rules::DOCUMENT,
        );
        let resource_policy = input.optional("ResourcePolicy", &rules::DOCUMENT);
        let owner = input.optional("ResourceOwner", &OWNER);
        let caller = input.optional("CallerArn", &OWNER);
        let entries = read_entries(input);
        let paging = Paging::read(input);
        Ok(Self {
            actions: actions?,
            resources: resources?.filter(|resources| !resources.is_empty()),
            policies: policies?.unwrap_or_default(),
            boundaries: boundaries?.unwrap_or_default(),
            resource_policy: resource_policy?,
            owner: owner?,
            caller: caller?,
            entries: entries?,
            paging: paging?,
        })
    }

    /// What a marker is bound to: all but the page.
    pub(super) fn bound(&self) -> String {
        let Self {
            actions,
            resources,
            policies,
            boundaries,
            resource_policy,
            owner,
            caller,
            entries,
            paging: _,
        } = self;
        format!(
            "{actions:?}{resources:?}{policies:?}{boundaries:?}{resource_policy:?}{owner:?}{caller:?}{entries:?}"
        )
    }

    /// Which page is asked for.
    pub(super) fn paging(&self) -> Paging {
        self.paging.clone()
    }

    /// Reads what constraints cannot tell; the policies of a user have a caller without one being named.
    pub(super) fn check(self, is_user: bool) -> Result<(Vec<String>, Details), ApiError> {
        for action in &self.actions {
            let is_action = action.split_once(':').is_some_and(|(service, name)| {
                !service.is_empty() && !name.is_empty() && !action.contains(['*', '?'])
            });
            if !is_action {
                return Err(ApiError::invalid_input(format!(
                    "Invalid action name: {action}. It must be service:Action, without wildcards."
                )));
            }
        }
        for resource in self.resources.iter().flatten() {
            if resource != "*" && resource.splitn(6, ':').count() < 6 {
                return Err(ApiError::invalid_input(format!(
                    "Invalid resource ARN: {resource}"
                )));
            }
        }
        if self.boundaries.len() > 1 {
            return Err(ApiError::invalid_input(
                "Only one permissions boundary policy can be simulated.",
            ));
        }
        if self.resource_policy.is_some() && self.caller.is_none() && !is_user {
            return Err(ApiError::invalid_input(
                "CallerArn is required with a resource policy when PolicySourceArn is not the ARN of a user.",
            ));
        }
        let permissions = |text: String| read_policy(text, DocumentKind::Permissions);
        let details = Details {
            policies: self
                .policies
                .into_iter()
                .map(permissions)
                .collect::<Result<_, _>>()?,
            boundary: self
                .boundaries
                .into_iter()
                .next()
                .map(permissions)
                .transpose()?,
            resource_policy: self.resource_policy.map(read_resource_policy).transpose()?,
            resources: self.resources,
            owner: self.owner.as_deref().map(read_owner).transpose()?,
            caller: self.caller.as_deref().map(read_caller).transpose()?,
            context: read_context(self.entries)?,
        };
        Ok((self.actions, details))
    }
}

impl Details {
    /// The resources, of which `*` stands for none in particular.
    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        let named = self.resources.iter().flatten().map(String::as_str);
        named.chain(self.resources.is_none().then_some("*"))
    }
}

fn texts(
    input: &mut query::Input<'_>,
    place: &str,
    members: &[Member<'_>],
    rule: &Constraint,
) -> Result<Vec<String>, ApiError> {
    members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            input.member(
                &format!("{place}.{}.member", index + 1),
                member.value(),
                rule,
            )
        })
        .collect()
}

fn optional_texts(
    input: &mut query::Input<'_>,
    name: &'static str,
    place: &str,
    rule: &Constraint,
) -> Result<Option<Vec<String>>, ApiError> {
    let members = input.list(name, MAX_MEMBERS)?;
    members
        .map(|members| texts(input, place, &members, rule))
        .transpose()
}

fn read_entries(input: &mut query::Input<'_>) -> Result<Vec<Entry>, ApiError> {
    let members = input
        .list("ContextEntries", MAX_MEMBERS)?
        .unwrap_or_default();
    let mut entries = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let place = |field: &str| format!("contextEntries.{}.member.{field}", index + 1);
        let key = input.member(
            &place("contextKeyName"),
            member.field("ContextKeyName"),
            &KEY,
        );
        let kind = input.member(
            &place("contextKeyType"),
            member.field("ContextKeyType"),
            &Constraint::length(1, 16),
        );
        let values = member.values("ContextKeyValues")?;
        entries.push(Entry {
            key: key?,
            values: values.into_iter().map(str::to_owned).collect(),
            kind: kind?,
        });
    }
    Ok(entries)
}

fn read_policy(text: String, kind: DocumentKind) -> Result<PolicyText, ApiError> {
    PolicyText::parse(text, kind).map_err(|error| ApiError::invalid_input(error.aws_message()))
}

/// A resource policy has to say which resource it is of.
fn read_resource_policy(text: String) -> Result<PolicyText, ApiError> {
    let policy = read_policy(text, DocumentKind::Bucket)?;
    let is_general = |clause: &ResourceClause| clause.values().iter().any(|value| value == "*");
    let mut clauses = policy.document.statements.iter();
    if clauses.any(|statement| statement.resources.as_ref().is_some_and(is_general)) {
        return Err(ApiError::invalid_input(
            "A resource policy must name its resource, not \"*\".",
        ));
    }
    Ok(policy)
}

fn read_owner(text: &str) -> Result<AccountId, ApiError> {
    let arn = text.parse::<Arn>().ok();
    arn.filter(|arn| arn.service() == "iam")
        .and_then(|arn| arn.account_id())
        .ok_or_else(|| {
            ApiError::invalid_input(format!("ResourceOwner must be an IAM ARN, not {text}"))
        })
}

fn read_caller(text: &str) -> Result<UserArn, ApiError> {
    text.parse().map_err(|_| {
        ApiError::invalid_input(format!(
            "CallerArn must be the ARN of an IAM user, not {text}"
        ))
    })
}

/// The keys that the caller supposes. Their values stay texts: the operator of a condition reads them.
fn read_context(entries: Vec<Entry>) -> Result<Context, ApiError> {
    let mut context = Context::new();
    for Entry { key, values, kind } in entries {
        let scalar = kind.strip_suffix("List").unwrap_or(&kind);
        if !KEY_TYPES.contains(&scalar) {
            return Err(ApiError::validation(format!(
                "1 validation error detected: Value '{kind}' at 'contextKeyType' failed to satisfy constraint: Member \
                 must satisfy enum value set: [{}]",
                KEY_TYPES
                    .map(|name| format!("{name}, {name}List"))
                    .join(", ")
            )));
        }
        let value = if kind.ends_with("List") {
            Some(ContextValue::Many(values))
        } else if values.len() > 1 {
            return Err(ApiError::invalid_input(format!(
                "The context key {key} has the type {kind} and more than one value."
            )));
        } else {
            values.into_iter().next().map(ContextValue::One)
        };
        context.insert_some(key, value);
    }
    Ok(context)
}

const KEY_TYPES: [&str; 6] = ["string", "numeric", "boolean", "ip", "binary", "date"];
const ACTION: Constraint = Constraint::length(3, 128);
const RESOURCE: Constraint = Constraint::length(1, 2048);
const OWNER: Constraint = Constraint::length(1, 2048);
const KEY: Constraint = Constraint::length(5, 256);
/// The API model sets no bound; a form has one.
const MAX_MEMBERS: usize = usize::MAX;
