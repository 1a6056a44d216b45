//! What is asked of the evaluator: who, what, on which resource, under which policies.

use crate::account::AccountId;
use crate::arn::{Arn, OidcProviderArn, RoleArn};
use crate::context::Context;
use crate::document::Document;
use crate::partition::Partition;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody: an unsigned request.
    Anonymous,
    /// The root user of an account.
    Root {
        /// The account's partition.
        partition: Partition,
        /// The account.
        account: AccountId,
    },
    /// An IAM user, or a federated user (`arn:…:sts::…:federated-user/…`).
    User {
        /// The user's ARN.
        arn: Arn,
    },
    /// A session of a role.
    RoleSession {
        /// The role, with its path.
        role: RoleArn,
        /// The session, `arn:…:sts::…:assumed-role/NAME/SESSION`.
        session: Arn,
    },
    /// The bearer of a web identity token, before it has a role.
    WebIdentity {
        /// The OIDC provider that vouches for the token.
        provider: OidcProviderArn,
    },
    /// An AWS service, such as `ec2.amazonaws.com`.
    Service(String),
}

/// One action on one resource.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The action, `service:Name`.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action that has none.
    pub resource: &'a str,
    /// The context keys.
    pub context: &'a Context,
}

/// A policy document and what to call it.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// How to name the policy to a person, such as `inline policy s3-read of role r`.
    pub source: &'a str,
    /// The policy.
    pub document: &'a Document,
}

/// The policies that apply to a request, by layer.
#[derive(Clone, Debug, Default)]
pub struct Policies<'a> {
    /// Permissions policies of the user and its groups, or of the role.
    pub identity: Vec<Attached<'a>>,
    /// The resource's own policy: a bucket policy, or the trust policy of the role that is to be assumed.
    pub resource: Option<Attached<'a>>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached<'a>>,
    /// The session policies; `None` for a session without any, which limits nothing. `Some` of an empty list allows nothing.
    pub session: Option<Vec<Attached<'a>>>,
    /// The account that owns the resource; `None` means the caller's own.
    pub resource_account: Option<&'a AccountId>,
    /// Whether the resource policy has to allow.
    pub rule: ResourceRule,
}

/// What part the resource policy plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceRule {
    /// It may grant, and inside one account the identity policies suffice without it.
    #[default]
    Ordinary,
    /// It must allow, whatever the identity policies say: the trust policy of a role.
    Trust,
}

impl Principal {
    /// The account of the caller; a web identity counts to the account of its provider.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Anonymous | Self::Service(_) => None,
            Self::Root { account, .. } => Some(account.clone()),
            Self::User { arn } => arn.account_id(),
            Self::RoleSession { role, .. } => Some(role.account().clone()),
            Self::WebIdentity { provider } => Some(provider.account().clone()),
        }
    }

    /// The principal as AWS's messages print it: for a session of a role its session ARN.
    pub fn arn(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Root { partition, account } => Arn::root(*partition, account).to_string(),
            Self::User { arn } => arn.to_string(),
            Self::RoleSession { session, .. } => session.to_string(),
            Self::WebIdentity { provider } => provider.to_string(),
            Self::Service(name) => name.clone(),
        }
    }
}
