//! Who calls: what a verified signature proves, the policies behind it, and the context keys it brings.

use podpass_policy::{AccountId, Context, Document, DocumentKind, PolicyArn, Principal, UserName};

use crate::iam::store::{Account, HeldPolicies, NamedDocument};
use crate::iam::tags::Tags;
use crate::session::Session;

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
    User {
        account: AccountId,
        name: UserName,
        /// `AIDA…`.
        id: String,
        tags: Tags,
    },
    /// A session of a role.
    Session(Box<RoleSession>),
}

/// A session of a role that still exists.
#[derive(Clone, Debug)]
pub(crate) struct RoleSession {
    pub(crate) session: Session,
    /// The tags of the role.
    pub(crate) tags: Tags,
    /// The inline session policy, read.
    pub(crate) policy: Option<Document>,
}

/// The policies of a caller, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct CallerPolicies<'a> {
    pub(crate) held: HeldPolicies<'a>,
    /// `None` when the session has no session policies.
    pub(crate) session: Option<Vec<NamedDocument<'a>>>,
}

impl Caller {
    /// The caller of an unsigned request.
    pub(crate) fn anonymous() -> Self {
        Self {
            principal: Principal::Anonymous,
            identity: Identity::Anonymous,
        }
    }

    /// A session of a role; `None` when the session policy in it cannot be read, which STS has checked before.
    pub(crate) fn of_session(session: Session, tags: Tags) -> Option<Self> {
        let policy = match &session.policy {
            Some(text) => Some(Document::parse(text, DocumentKind::Session).ok()?),
            None => None,
        };
        let principal = Principal::RoleSession {
            role: session.role.clone(),
            session: session.role.session_arn(&session.name),
        };
        Some(Self {
            principal,
            identity: Identity::Session(Box::new(RoleSession {
                session,
                tags,
                policy,
            })),
        })
    }

    /// The account whose credentials signed the request.
    pub(crate) fn account_id(&self) -> Option<&AccountId> {
        match &self.identity {
            Identity::Anonymous => None,
            Identity::User { account, .. } => Some(account),
            Identity::Session(role) => Some(role.session.role.account()),
        }
    }

    /// The unique id that AWS shows as `UserId` and as `aws:userid`.
    pub(crate) fn unique_id(&self) -> Option<String> {
        match &self.identity {
            Identity::Anonymous => None,
            Identity::User { id, .. } => Some(id.clone()),
            Identity::Session(role) => {
                Some(format!("{}:{}", role.session.role_id, role.session.name))
            }
        }
    }

    /// The policies that limit or permit this caller, as they are in `account` at this moment.
    pub(crate) fn policies<'a>(&'a self, account: &'a Account) -> CallerPolicies<'a> {
        match &self.identity {
            Identity::Anonymous => CallerPolicies::default(),
            Identity::User { name, id, .. } => {
                let user = account
                    .users
                    .find(name.as_str())
                    .filter(|user| user.id == *id);
                let held =
                    user.map(|user| account.held_policies(&user.grants, &format!("user {name}")));
                CallerPolicies {
                    held: held.unwrap_or_default(),
                    session: None,
                }
            }
            Identity::Session(role_session) => {
                let session = &role_session.session;
                let role = account
                    .role_at(&session.role)
                    .filter(|role| role.id == session.role_id);
                let held = role
                    .map(|role| {
                        account
                            .held_policies(&role.grants, &format!("role {}", session.role.name()))
                    })
                    .unwrap_or_default();
                CallerPolicies {
                    held,
                    session: role_session.session_policies(account),
                }
            }
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
            Identity::User {
                account,
                name,
                tags,
                ..
            } => {
                context.insert("aws:PrincipalType", "User");
                context.insert("aws:PrincipalArn", self.principal.arn());
                context.insert("aws:PrincipalAccount", account.as_str());
                context.insert("aws:username", name.as_str());
                tags.add_to(&mut context, PRINCIPAL_TAG);
            }
            Identity::Session(role) => role.add_to(&mut context),
        }
        context.insert_some("aws:userid", self.unique_id());
        context
    }
}

impl RoleSession {
    fn session_policies<'a>(&'a self, account: &'a Account) -> Option<Vec<NamedDocument<'a>>> {
        if self.policy.is_none() && self.session.policy_arns.is_empty() {
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

    fn add_to(&self, context: &mut Context) {
        let session = &self.session;
        context.insert("aws:PrincipalType", "AssumedRole");
        context.insert("aws:PrincipalArn", session.role.as_str());
        context.insert("aws:PrincipalAccount", session.role.account().as_str());
        context.insert(
            "aws:TokenIssueTime",
            session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        );
        context.insert("aws:MultiFactorAuthPresent", false);
        self.tags.add_to(context, PRINCIPAL_TAG);
        // Session tags come last: they win over the role's.
        for (key, value) in session.context.iter() {
            context.insert(key.to_owned(), value.clone());
        }
    }
}

const PRINCIPAL_TAG: &str = "aws:PrincipalTag";
