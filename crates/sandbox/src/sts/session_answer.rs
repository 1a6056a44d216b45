//! The credentials of a granted session, and the members that every `AssumeRole*` answer has.

use jiff::Timestamp;
use podpass_exchange::Grant;
use podpass_policy::{Context, PolicyArn};

use super::Sts;
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Xml};
use crate::session::{Session, SessionHolder};
use crate::words;

/// Makes the credentials of a session of a role; `policy` is its inline session policy as it was sent.
pub(super) fn issue(
    sts: &Sts<'_>,
    call: &Call<'_>,
    grant: &Grant,
    policy: Option<&str>,
) -> Result<Xml, ApiError> {
    let holder = SessionHolder::Role {
        role: grant.role.clone(),
        role_id: grant.role_id.clone(),
        name: grant.session_name.clone(),
    };
    let limits = Limits {
        expires_at: grant.expires_at,
        policy: grant.session_policy.as_ref().and(policy).map(str::to_owned),
        policy_arns: &grant.session_policy_arns,
    };
    let mut session = begin(call, holder, limits, grant.context.clone())?;
    session.transitive_tags = grant
        .tags
        .iter()
        .filter(|tag| tag.transitive)
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    seal(sts, &session)
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

/// Seals a session and writes its credentials.
pub(super) fn seal(sts: &Sts<'_>, session: &Session) -> Result<Xml, ApiError> {
    let token = sts.seal.close(session)?;
    Ok(Xml::with_room(token.expose().len(), |xml| {
        xml.element("Credentials", |xml| {
            xml.text("AccessKeyId", &session.access_key_id);
            xml.text("SecretAccessKey", session.secret.expose());
            xml.text("SessionToken", token.expose());
            xml.text("Expiration", &words::date(session.expires_at));
        });
    }))
}

/// Writes who the session is, and how full its allotted space.
pub(super) fn write_assumed_role(xml: &mut Xml, grant: &Grant) {
    xml.element("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &grant.assumed_role_id);
        xml.text("Arn", grant.session_arn.as_str());
    });
    if let Some(size) = grant.packed_policy_size {
        xml.text("PackedPolicySize", &size.to_string());
    }
    xml.optional("SourceIdentity", grant.source_identity.as_deref());
}
