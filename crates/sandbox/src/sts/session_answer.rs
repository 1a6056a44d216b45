//! The credentials of a granted session, and the members that every `AssumeRole*` answer has.

use podpass_exchange::Grant;

use super::Sts;
use crate::call::Call;
use crate::ids::{self, IdKind};
use crate::query::{ApiError, Xml};
use crate::session::Session;
use crate::words;

/// Makes the credentials of a session; `policy` is its inline session policy as it was sent.
pub(super) fn issue(
    sts: &Sts<'_>,
    call: &Call<'_>,
    grant: &Grant,
    policy: Option<&str>,
) -> Result<Xml, ApiError> {
    let session = Session {
        access_key_id: ids::new_id(IdKind::TemporaryKey, grant.role.account())?,
        secret: ids::new_secret()?,
        role: grant.role.clone(),
        role_id: grant.role_id.clone(),
        name: grant.session_name.clone(),
        issued_at: call.now,
        expires_at: call
            .exposure
            .session_end(call.now)
            .unwrap_or(grant.expires_at),
        policy: grant.session_policy.as_ref().and(policy).map(str::to_owned),
        policy_arns: grant
            .session_policy_arns
            .iter()
            .map(ToString::to_string)
            .collect(),
        transitive_tags: grant
            .tags
            .iter()
            .filter(|tag| tag.transitive)
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
        context: grant.context.clone(),
    };
    let token = sts.seal.close(&session)?;
    Ok(Xml::of(|xml| {
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
