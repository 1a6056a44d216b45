//! Who calls: what a verified signature proves, the policies behind it, and the context keys it brings.

use podpass_policy::{AccountId, Context, Controls, Document, DocumentKind, PolicyArn, Principal};

use crate::iam::store::{Account, HeldPolicies, NamedDocument, Role, User};
use crate::iam::tags::Tags;
use crate::session::{Session, SessionHolder};

/// Who makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) identity: Identity,
}

/// What stands behind a principal.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// An unsigned request.
    Anonymous,
    /// An IAM user with a long-term access key.
    User(Person),
    /// Temporary credentials.
    Session(Box<LiveSession>),
}

/// An IAM user, or a role, that exists at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The account that it is in.
    pub(crate) account: AccountId,
    pub(crate) name: String,
    /// `AIDA…` or `AROA…`.
    pub(crate) id: String,
    pub(crate) tags: Tags,
}

/// A session whose role or user still exists.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    pub(crate) session: Session,
    /// The role, or the user who called for the session.
    pub(crate) person: Person,
    /// The inline session policy, read.
    pub(crate) policy: Option<Document>,
}

/// The policies of a caller, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct CallerPolicies<'a> {
    pub(crate) held: HeldPolicies<'a>,
    /// `None` when the session has no session policies.
    pub(crate) session: Option<Vec<NamedDocument<'a>>>,
    pub(crate) service_controls: Controls<'a>,
}

impl Caller {
    /// The caller of an unsigned request.
    pub(crate) fn anonymous() -> Self {
        Self {
            principal: Principal::Anonymous,
            identity: Identity::Anonymous,
        }
    }

    /// An IAM user with a long-term access key.
    pub(crate) fn of_user(account: &Account, user: &User) -> Self {
        Self {
            principal: Principal::User {
                arn: user.arn.as_arn().clone(),
            },
            identity: Identity::User(Person::of_user(account, user)),
        }
    }

    /// A session whose role or user is in `account`; `None` when that is gone, also when another one has its name by now.
    pub(crate) fn of_session(session: Session, account: &Account) -> Option<Self> {
        // STS has read the policy before, so it can be read.
        let policy = match &session.policy {
            Some(text) => Some(Document::parse(text, DocumentKind::Session).ok()?),
            None => None,
        };
        let (principal, person) = match &session.holder {
            SessionHolder::Role {
                role,
                role_id,
                name,
            } => {
                let found = account.role_at(role).filter(|found| found.id == *role_id)?;
                let principal = Principal::RoleSession {
                    role: role.clone(),
                    session: role.session_arn(name),
                };
                (principal, Person::of_role(account, found))
            }
            SessionHolder::User { user_id, .. } => {
                let user = account.user_by_id(user_id)?;
                let arn = user.arn.as_arn().clone();
                (Principal::User { arn }, Person::of_user(account, user))
            }
            SessionHolder::FederatedUser { user_id, arn, .. } => {
                let user = account.user_by_id(user_id)?;
                let arn = arn.clone();
                (Principal::User { arn }, Person::of_user(account, user))
            }
        };
        Some(Self {
            principal,
            identity: Identity::Session(Box::new(LiveSession {
                session,
                person,
                policy,
            })),
        })
    }

    /// The account whose credentials signed the request.
    pub(crate) fn account_id(&self) -> Option<&AccountId> {
        self.person().map(|person| &person.account)
    }

    /// The IAM user whose own credentials these are, long-term or temporary.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match &self.identity {
            Identity::User(person) => Some(&person.name),
            Identity::Session(live) => match live.session.holder {
                SessionHolder::User { .. } => Some(&live.person.name),
                SessionHolder::Role { .. } | SessionHolder::FederatedUser { .. } => None,
            },
            Identity::Anonymous => None,
        }
    }

    /// Whose session it is, for temporary credentials.
    pub(crate) fn session_holder(&self) -> Option<&SessionHolder> {
        match &self.identity {
            Identity::Session(live) => Some(&live.session.holder),
            Identity::Anonymous | Identity::User(_) => None,
        }
    }

    /// The unique id that AWS shows as `UserId` and as `aws:userid`.
    pub(crate) fn unique_id(&self) -> Option<String> {
        match &self.identity {
            Identity::Anonymous => None,
            Identity::User(person) => Some(person.id.clone()),
            Identity::Session(live) => Some(live.unique_id()),
        }
    }

    /// The policies that limit or permit this caller, as they are in `account` at this moment.
    pub(crate) fn policies<'a>(&'a self, account: &'a Account) -> CallerPolicies<'a> {
        let held = self.person().and_then(|person| match self.principal {
            Principal::RoleSession { .. } => account.policies_of_role(&person.name, &person.id),
            _ => account.policies_of_user(&person.name, &person.id),
        });
        CallerPolicies {
            held: held.unwrap_or_default(),
            session: match &self.identity {
                Identity::Session(live) => live.session_policies(account),
                Identity::Anonymous | Identity::User(_) => None,
            },
            service_controls: account.service_controls.controls(),
        }
    }

    /// The context keys that say who calls.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::new();
        match &self.identity {
            Identity::Anonymous => {
                context.insert("aws:PrincipalType", "Anonymous");
                context.insert("aws:userid", "anonymous");
            }
            Identity::User(person) => {
                context.insert("aws:PrincipalType", "User");
                context.insert("aws:PrincipalArn", self.principal.arn());
                context.insert("aws:PrincipalAccount", person.account.as_str());
                context.insert("aws:username", person.name.as_str());
                person.tags.add_to(&mut context, PRINCIPAL_TAG);
            }
            Identity::Session(live) => live.add_to(&mut context, &self.principal),
        }
        context.insert_some("aws:userid", self.unique_id());
        context
    }

    /// The user or role behind the credentials.
    pub(crate) fn person(&self) -> Option<&Person> {
        match &self.identity {
            Identity::Anonymous => None,
            Identity::User(person) => Some(person),
            Identity::Session(live) => Some(&live.person),
        }
    }
}

impl Person {
    fn of_user(account: &Account, user: &User) -> Self {
        Self {
            account: account.id.clone(),
            name: user.arn.name().to_string(),
            id: user.id.clone(),
            tags: user.tags.clone(),
        }
    }

    fn of_role(account: &Account, role: &Role) -> Self {
        Self {
            account: account.id.clone(),
            name: role.arn.name().to_string(),
            id: role.id.clone(),
            tags: role.tags.clone(),
        }
    }
}

impl LiveSession {
    fn unique_id(&self) -> String {
        match &self.session.holder {
            SessionHolder::Role { role_id, name, .. } => format!("{role_id}:{name}"),
            SessionHolder::User { user_id, .. } => user_id.clone(),
            SessionHolder::FederatedUser { account, arn, .. } => {
                let name = arn.resource().rsplit('/').next().unwrap_or_default();
                format!("{account}:{name}")
            }
        }
    }

    fn session_policies<'a>(&'a self, account: &'a Account) -> Option<Vec<NamedDocument<'a>>> {
        let is_federated = matches!(self.session.holder, SessionHolder::FederatedUser { .. });
        // A federated user without session policies may do nothing, while they limit no other session that has none.
        if self.policy.is_none() && self.session.policy_arns.is_empty() && !is_federated {
            return None;
        }
        let inline = self.policy.as_ref().map(|document| NamedDocument {
            source: "inline session policy".to_owned(),
            document,
        });
        let managed = self
            .session
            .policy_arns
            .iter()
            .filter_map(|arn| arn.parse::<PolicyArn>().ok())
            .filter_map(|arn| {
                account
                    .managed_document(&arn)
                    .map(|document| (arn, document))
            })
            .map(|(arn, document)| NamedDocument {
                source: format!("session policy {arn}"),
                document,
            });
        Some(inline.into_iter().chain(managed).collect())
    }

    fn add_to(&self, context: &mut Context, principal: &Principal) {
        let session = &self.session;
        let (kind, arn) = match &session.holder {
            SessionHolder::Role { role, .. } => ("AssumedRole", role.to_string()),
            SessionHolder::User { .. } => ("User", principal.arn()),
            SessionHolder::FederatedUser { .. } => ("FederatedUser", principal.arn()),
        };
        context.insert("aws:PrincipalType", kind);
        context.insert("aws:PrincipalArn", arn);
        context.insert("aws:PrincipalAccount", session.holder.account().as_str());
        if matches!(session.holder, SessionHolder::User { .. }) {
            context.insert("aws:username", self.person.name.as_str());
        }
        context.insert(
            "aws:TokenIssueTime",
            session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        );
        context.insert("aws:MultiFactorAuthPresent", false);
        self.person.tags.add_to(context, PRINCIPAL_TAG);
        // Session tags come last: they win over those of the role or user.
        for (key, value) in session.context.iter() {
            context.insert(key.to_owned(), value.clone());
        }
    }
}

const PRINCIPAL_TAG: &str = "aws:PrincipalTag";
