//! The credentials of a granted session, and the members that every `AssumeRole*` answer has.

use jiff::Timestamp;
use podpass_exchange::Grant;
use podpass_policy::{Arn, Context, PolicyArn};

use super::Sts;
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Xml};
use crate::session::{Session, SessionHolder};
use crate::settings::Secret;
use crate::words;

/// The credentials of a session.
pub(super) struct Credentials {
    access_key_id: String,
    secret: Secret,
    token: Secret,
    expires_at: Timestamp,
}

/// A session of a role, ready to be told to the caller.
pub(super) struct Issued {
    pub(super) credentials: Credentials,
    assumed_role_id: String,
    session_arn: Arn,
    packed_policy_size: Option<u32>,
    source_identity: Option<String>,
}

/// Makes the credentials of a session of a role; `policy` is its inline session policy as it was sent.
pub(super) fn issue(
    sts: &Sts<'_>,
    call: &Call<'_>,
    grant: Grant,
    policy: Option<&str>,
) -> Result<Issued, ApiError> {
    let holder = SessionHolder::Role {
        role: grant.role,
        role_id: grant.role_id,
        name: grant.session_name,
    };
    let limits = Limits {
        expires_at: grant.expires_at,
        policy: grant.session_policy.as_ref().and(policy).map(str::to_owned),
        policy_arns: &grant.session_policy_arns,
    };
    let mut session = begin(call, holder, limits, grant.context)?;
    session.transitive_tags = grant
        .tags
        .into_iter()
        .filter(|tag| tag.transitive)
        .map(|tag| (tag.key, tag.value))
        .collect();
    Ok(Issued {
        credentials: seal(sts, session)?,
        assumed_role_id: grant.assumed_role_id,
        session_arn: grant.session_arn,
        packed_policy_size: grant.packed_policy_size,
        source_identity: grant.source_identity,
    })
}

/// How long a session lasts, and what limits it.
pub(super) struct Limits<'a> {
    pub(super) expires_at: Timestamp,
    /// The inline session policy as it was sent.
    pub(super) policy: Option<String>,
    pub(super) policy_arns: &'a [PolicyArn],
}

/// Makes a session that begins now.
pub(super) fn begin(
    call: &Call<'_>,
    holder: SessionHolder,
    limits: Limits<'_>,
    context: Context,
) -> Result<Session, ApiError> {
    Ok(Session {
        access_key_id: ids::new_id(IdKind::TemporaryKey, holder.account())?,
        secret: ids::new_secret()?,
        holder,
        issued_at: call.now,
        expires_at: call
            .exposure
            .session_end(call.now)
            .unwrap_or(limits.expires_at),
        policy: limits.policy,
        policy_arns: limits.policy_arns.iter().map(ToString::to_string).collect(),
        transitive_tags: Vec::new(),
        context,
    })
}

/// Seals a session into its credentials.
pub(super) fn seal(sts: &Sts<'_>, session: Session) -> Result<Credentials, ApiError> {
    Ok(Credentials {
        token: sts.seal.close(&session)?,
        access_key_id: session.access_key_id,
        secret: session.secret,
        expires_at: session.expires_at,
    })
}

impl Credentials {
    /// Bytes that they take in an answer, about.
    pub(super) fn len(&self) -> usize {
        self.token.expose().len()
    }

    pub(super) fn write(&self, xml: &mut Xml) {
        xml.element("Credentials", |xml| {
            xml.text("AccessKeyId", &self.access_key_id);
            xml.secret("SecretAccessKey", self.secret.expose());
            xml.secret("SessionToken", self.token.expose());
            xml.text("Expiration", &words::date(self.expires_at));
        });
    }
}

impl Issued {
    /// Writes who the session is, and how full its allotted space.
    pub(super) fn write_assumed_role(&self, xml: &mut Xml) {
        xml.element("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", &self.assumed_role_id);
            xml.text("Arn", self.session_arn.as_str());
        });
        if let Some(size) = self.packed_policy_size {
            xml.text("PackedPolicySize", &size.to_string());
        }
        xml.optional("SourceIdentity", self.source_identity.as_deref());
    }
}
