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
    /// The service control policies on the caller's account.
    pub service_controls: Controls<'a>,
    /// The resource control policies on the account that owns the resource.
    pub resource_controls: Controls<'a>,
}

/// The control policies of one type that an organisation puts on one of its accounts.
///
/// The default limits nothing: the account is in no organisation, or the organisation has not enabled the type.
#[derive(Clone, Debug, Default)]
pub struct Controls<'a> {
    /// The management account of the organisation, which its control policies do not limit.
    pub management_account: Option<&'a AccountId>,
    /// The levels that lead to the account: the root, the organisational units, the account. Each of them has to allow.
    pub levels: Vec<ControlLevel<'a>>,
}

/// One level of an organisation, with the control policies that are attached right there.
#[derive(Clone, Debug)]
pub struct ControlLevel<'a> {
    /// How to name the level to a person, such as `root r-a1b2` or `account 123456789012`.
    pub target: &'a str,
    /// The policies, one of which has to allow. Without any the level allows nothing; AWS keeps at least one attached.
    pub policies: Vec<Attached<'a>>,
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

    /// Whether the caller is a session of a service-linked role, which control policies do not limit.
    pub fn is_service_linked(&self) -> bool {
        matches!(self, Self::RoleSession { role, .. } if role.is_service_linked())
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
