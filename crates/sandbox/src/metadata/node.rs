//! The node: an instance that does not exist, its role, and the session that its role has.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use podpass_exchange::{AssumeRoleRequest, Caller, Denial, Grant, Role, assume_role};
use podpass_policy::{AccountId, Context, Controls, InvalidArn, Principal, RoleArn, RoleName};

use crate::ids::{self, IdKind};
use crate::random::{self, RandomFailure};
use crate::session::{Seal, Session, SessionHolder};
use crate::settings::Secret;

/// The instance metadata service of a sandbox, and the role that it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The role, which need not exist before it is asked for.
    pub role: NodeRole,
}

/// The role of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRole {
    /// That of this name in the first account, whatever its path.
    Name(RoleName),
    /// That of this ARN.
    Arn(RoleArn),
}

/// A text that is neither a role's name nor its ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNodeRoleError {
    /// It begins as an ARN does.
    #[error(transparent)]
    Arn(#[from] InvalidArn),
    /// It is no name.
    #[error("`{text}` is not a role's name: 1 to 64 letters, digits or `+=,.@_-`")]
    Name {
        /// The text.
        text: String,
    },
}

impl FromStr for NodeRole {
    type Err = ParseNodeRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("arn:") {
            return Ok(Self::Arn(text.parse()?));
        }
        let name = text.parse().map_err(|_| ParseNodeRoleError::Name {
            text: text.to_owned(),
        })?;
        Ok(Self::Name(name))
    }
}

/// The node of a sandbox.
pub(crate) struct Node {
    account: AccountId,
    role: NodeRole,
    /// `i-` and 17 digits.
    instance_id: String,
    /// `AIPA…`, for a role that no instance profile holds.
    profile_id: String,
    started_at: Timestamp,
    issued: Mutex<Option<Issued>>,
}

/// Credentials of the role, as they are shown until new ones are due.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(super) session: Session,
    pub(super) token: Secret,
}

impl Node {
    /// Makes a node of an account.
    pub(crate) fn new(
        account: AccountId,
        role: NodeRole,
        now: Timestamp,
    ) -> Result<Self, RandomFailure> {
        let digits = hex::encode(random::bytes::<9>()?);
        Ok(Self {
            instance_id: format!("i-{}", &digits[..17]),
            profile_id: ids::new_id(IdKind::InstanceProfile, &account)?,
            account,
            role,
            started_at: now,
            issued: Mutex::default(),
        })
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    pub(crate) fn role(&self) -> &NodeRole {
        &self.role
    }

    pub(super) fn instance_id(&self) -> &str {
        &self.instance_id
    }

    pub(super) fn profile_id(&self) -> &str {
        &self.profile_id
    }

    pub(super) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// The instance's ARN.
    pub(super) fn arn(&self) -> String {
        let Self {
            account,
            instance_id,
            ..
        } = self;
        format!("arn:aws:ec2:{REGION}:{account}:instance/{instance_id}")
    }

    /// Asks the role's trust policy whether EC2 may assume it for this instance.
    pub(super) fn assume(&self, role: &Role, now: Timestamp) -> Result<Grant, Box<Denial>> {
        let request = AssumeRoleRequest {
            role_arn: role.arn.to_string(),
            role_session_name: self.instance_id.clone(),
            ..AssumeRoleRequest::default()
        };
        let context = Context::new();
        let caller = Caller {
            principal: &Principal::Service(EC2.to_owned()),
            context: &context,
            identity: Vec::new(),
            boundary: None,
            session: None,
            service_controls: Controls::default(),
        };
        assume_role(&request, &caller, Some(role), now).map_err(Box::new)
    }

    /// The credentials of a granted session: those from before while they are good for another hour.
    pub(crate) fn issue(
        &self,
        grant: &Grant,
        seal: &Seal,
        now: Timestamp,
    ) -> Result<Issued, RandomFailure> {
        let mut kept = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issued) = kept.as_ref().filter(|issued| issued.is_fresh(grant, now)) {
            return Ok(issued.clone());
        }
        let mut context = grant.context.clone();
        context.insert("ec2:SourceInstanceARN", self.arn());
        context.insert("ec2:RoleDelivery", "2.0");
        let end = now.as_second().saturating_add(LIFE.as_secs());
        let session = Session {
            access_key_id: ids::new_id(IdKind::TemporaryKey, &self.account)?,
            secret: ids::new_secret()?,
            holder: SessionHolder::Role {
                role: grant.role.clone(),
                role_id: grant.role_id.clone(),
                name: grant.session_name.clone(),
            },
            issued_at: now,
            expires_at: Timestamp::from_second(end).unwrap_or(Timestamp::MAX),
            policy: None,
            policy_arns: Vec::new(),
            transitive_tags: Vec::new(),
            context,
        };
        let token = seal.close(&session)?;
        Ok(kept.insert(Issued { session, token }).clone())
    }
}

impl Issued {
    /// Whether these are the role's own, and no new ones are due; a clock that was moved back makes new ones due.
    fn is_fresh(&self, grant: &Grant, now: Timestamp) -> bool {
        let is_same = matches!(
            &self.session.holder,
            SessionHolder::Role { role_id, .. } if *role_id == grant.role_id
        );
        let left = self.session.expires_at.duration_since(now);
        is_same && left > RENEWED_BEFORE && self.session.issued_at <= now
    }
}

/// The service that hands roles to instances.
const EC2: &str = "ec2.amazonaws.com";
/// Where the instance is.
pub(super) const REGION: &str = "us-east-1";
/// How long credentials of an instance last, whatever the role's maximum says.
const LIFE: SignedDuration = SignedDuration::from_hours(6);
/// SDKs ask for new credentials in the last quarter of an hour, and AWS has them then.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(1);
