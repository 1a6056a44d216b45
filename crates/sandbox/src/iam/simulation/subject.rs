//! Whose policies are simulated.

use podpass_policy::{Arn, Context, Controls, Document, PolicyArn, Principal, UserArn};

use super::super::holder::Holder;
use super::super::store::{Account, Grants};
use crate::caller::Caller;
use crate::query::ApiError;

/// A policy under the id that answers give to it.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) id: String,
    pub(super) document: &'a Document,
}

/// The one who would call, and the policies that it has.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) is_user: bool,
    pub(super) principal: Principal,
    pub(super) context: Context,
    pub(super) identity: Vec<Source<'a>>,
    pub(super) boundary: Option<Source<'a>>,
    /// Those of the account of somebody who exists.
    pub(super) service_controls: Controls<'a>,
}

impl<'a> Subject<'a> {
    /// A caller of the account without any policy.
    pub(super) fn nobody(account: &Account) -> Self {
        let stub = format!("arn:aws:iam::{}:user/{STUB}", account.id);
        let mut context = Context::new();
        context.insert("aws:userid", STUB);
        Self {
            is_user: false,
            // An account's twelve digits and a constant always make an ARN.
            principal: stub
                .parse::<Arn>()
                .map_or(Principal::Anonymous, |arn| Principal::User { arn }),
            context,
            identity: Vec::new(),
            boundary: None,
            service_controls: Controls::default(),
        }
    }

    /// The user, group or role of an ARN; it is found by its name, whatever the path.
    pub(super) fn of_entity(account: &'a Account, arn: &str) -> Result<Self, ApiError> {
        let unclear = || {
            ApiError::invalid_input(format!(
                "Invalid Entity Arn: {arn} does not clearly define entity type and name."
            ))
        };
        let parsed = arn.parse::<Arn>().map_err(|_| unclear())?;
        let (kind, path) = parsed.resource().split_once('/').ok_or_else(unclear)?;
        let holder = [Holder::User, Holder::Group, Holder::Role]
            .into_iter()
            .find(|holder| parsed.service() == "iam" && holder.word() == kind)
            .ok_or_else(unclear)?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let missing = || holder.missing(name);
        if parsed.account() != account.id.as_str() {
            return Err(missing());
        }
        let mut subject = Self {
            service_controls: account.service_controls.controls(),
            ..Self::nobody(account)
        };
        match holder {
            Holder::User => {
                let user = account.users.find(name).ok_or_else(missing)?;
                let caller = Caller::of_user(account, user);
                subject.is_user = true;
                subject.context = caller.context();
                subject.principal = caller.principal;
                subject.hold(account, &user.grants, "user", user.arn.name().as_str());
                for group in account.groups_of(user) {
                    subject.hold(account, &group.grants, "group", &group.name);
                }
            }
            Holder::Group => {
                let group = account.groups.find(name).ok_or_else(missing)?;
                subject.hold(account, &group.grants, "group", &group.name);
            }
            Holder::Role => {
                let role = account.roles.find(name).ok_or_else(missing)?;
                let session = STUB.parse().map_err(|_| unclear())?;
                subject.principal = Principal::RoleSession {
                    role: role.arn.clone(),
                    session: role.arn.session_arn(&session),
                };
                let context = &mut subject.context;
                context.insert("aws:PrincipalArn", role.arn.as_str());
                context.insert("aws:PrincipalAccount", account.id.as_str());
                context.insert("aws:PrincipalType", "AssumedRole");
                role.tags.add_to(context, "aws:PrincipalTag");
                subject.hold(account, &role.grants, "role", role.arn.name().as_str());
            }
        }
        Ok(subject)
    }

    /// The same policies in the hands of another user, who need not exist.
    pub(super) fn called_by(&mut self, account: &Account, arn: &UserArn) {
        let user = account.users.find(arn.name().as_str());
        if let Some(user) = user.filter(|user| user.arn == *arn) {
            let caller = Caller::of_user(account, user);
            self.context = caller.context();
            self.principal = caller.principal;
        } else {
            self.context = Context::new();
            self.context.insert("aws:PrincipalArn", arn.as_str());
            self.context
                .insert("aws:PrincipalAccount", arn.account().as_str());
            self.context.insert("aws:PrincipalType", "User");
            self.context.insert("aws:username", arn.name().as_str());
            self.principal = Principal::User {
                arn: arn.as_arn().clone(),
            };
        }
    }

    fn hold(&mut self, account: &'a Account, grants: &'a Grants, kind: &str, name: &str) {
        let inline = grants.inline.values().map(|inline| Source {
            id: format!("{kind}_{name}_{}", inline.name),
            document: &inline.policy.document,
        });
        let attached = grants
            .attached
            .iter()
            .filter_map(|arn| managed(account, arn));
        self.identity.extend(inline.chain(attached));
        if let Some(boundary) = &grants.boundary {
            self.boundary = managed(account, boundary);
        }
    }
}

fn managed<'a>(account: &'a Account, arn: &PolicyArn) -> Option<Source<'a>> {
    Some(Source {
        id: arn.name().to_string(),
        document: account.managed_document(arn)?,
    })
}

/// What AWS's simulator calls a caller that nobody named.
const STUB: &str = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR";
