//! `AssumeRoleWithWebIdentity`.

use std::borrow::Cow;

use podpass_exchange::{Registered, WebIdentityGrant, WebIdentityRequest, present};
use podpass_token::Token;

use super::{
    Sts, add_role_tags, member_values, refuse, require, role_at, session_answer, stored_role,
};
use crate::call::Call;
use crate::issuers::{self, AtHand, Fetched, Unfetched, Wanted};
use crate::query::{ApiError, Xml};
use crate::trail::WebIdentity;

/// Exchanges a token for a session of a role.
pub(super) fn assume(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<Xml, ApiError> {
    let request = read_request(sts, call)?;
    call.report.resource = Some(request.role_arn.clone());
    let WebIdentityGrant {
        mut grant,
        subject,
        audience,
        provider,
        issuer: _,
    } = decide(sts, call, request)?;
    call.report.exchange = Some(std::mem::take(&mut grant.trace));
    let issued = session_answer::issue(sts, call, grant, call.form.text("Policy"))?;
    Ok(Xml::with_room(issued.credentials.len(), |xml| {
        issued.credentials.write(xml);
        xml.text("SubjectFromWebIdentityToken", &subject);
        issued.write_assumed_role(xml);
        xml.text("Provider", provider.as_str());
        xml.text("Audience", &audience);
    }))
}

fn read_request(sts: &Sts<'_>, call: &mut Call<'_>) -> Result<WebIdentityRequest, ApiError> {
    let form = call.form;
    require(form, &["RoleArn", "RoleSessionName", "WebIdentityToken"])?;
    let text = |name: &str| form.text(name).map(str::to_owned);
    Ok(WebIdentityRequest {
        role_arn: text("RoleArn").unwrap_or_default(),
        role_session_name: text("RoleSessionName").unwrap_or_default(),
        token: Token::new(text("WebIdentityToken").unwrap_or_default()),
        provider_id: text("ProviderId"),
        policy: text("Policy"),
        policy_arns: member_values(form, "PolicyArns", "arn")?,
        duration_seconds: form.integer("DurationSeconds")?,
        partition: Some(podpass_policy::Partition::Aws),
        // The role's tags follow once its ARN is read.
        context: std::mem::take(&mut call.context),
        behaviour: sts.behaviour,
    })
}

fn decide(
    sts: &Sts<'_>,
    call: &mut Call<'_>,
    request: WebIdentityRequest,
) -> Result<WebIdentityGrant, ApiError> {
    let mut presented = present(request, call.now).map_err(|denial| refuse(call, denial))?;
    if let Some(role) = stored_role(sts, presented.role_arn()) {
        add_role_tags(presented.context_mut(), role);
    }
    let account = presented.role_arn().account().clone();
    call.report.account = Some(account.clone());
    presented.issuer().clone_into(&mut call.report.principal);

    // The role's account comes first; the others' providers only make a denial more telling.
    let own = sts.state.account(&account);
    let others = sts
        .state
        .accounts
        .values()
        .filter(|other| other.id != account);
    let providers = own
        .into_iter()
        .chain(others)
        .flat_map(|account| account.providers.values());
    let registered = presented
        .at(providers.map(|provider| &provider.known))
        .map_err(|denial| refuse(call, denial))?;
    call.report.principal = registered.provider_arn().to_string();

    let issuer = registered.issuer();
    let kept;
    let fresh = match issuers::keys_of(sts.state, issuer) {
        Ok(keys) => Ok(keys),
        Err(Unfetched::Failed(failure)) => Err(failure),
        Err(Unfetched::Elsewhere) => {
            kept = keys_elsewhere(sts, call, &registered)?;
            kept.as_deref().map(Cow::Borrowed).map_err(Clone::clone)
        }
    };
    let keys = call.exposure.keys(issuer, fresh);
    let verified = registered
        .verify(keys.as_deref().map_err(Clone::clone))
        .map_err(|denial| refuse(call, denial))?;
    call.report.web_identity = Some(WebIdentity {
        provider: call.report.principal.clone(),
        audience: verified.audience().to_owned(),
        subject: verified.subject().to_owned(),
    });
    let role = role_at(sts, verified.role_arn());
    let grant = verified
        .authorise(role.as_ref())
        .map_err(|denial| refuse(call, denial))?;
    Ok(grant)
}

/// The keys of an issuer elsewhere. Where it has to be asked first, the call is reported as waiting for it, and is made
/// again with what the issuer said.
fn keys_elsewhere(
    sts: &Sts<'_>,
    call: &mut Call<'_>,
    registered: &Registered,
) -> Result<Fetched, ApiError> {
    if let Some(fetched) = sts.fetched {
        return Ok(fetched.clone());
    }
    let provider = registered.provider_arn();
    let account = sts.state.account(provider.account());
    let known = account.and_then(|account| account.providers.get(provider.as_str()));
    let wanted = Wanted {
        issuer: registered.issuer().to_owned(),
        provider: provider.clone(),
        thumbprints: known.map_or_else(Vec::new, |known| known.thumbprints.clone()),
        kid: registered.kid().map(str::to_owned),
    };
    match sts.remote.at_hand(&wanted, call.now) {
        AtHand::Keys(keys) => Ok(Ok(keys)),
        AtHand::Off => Ok(Err(issuers::not_asked(&wanted.issuer))),
        AtHand::Ask => {
            call.report.wanted = Some(wanted);
            // Nobody gets this: the gateway sees what the call waits for.
            Err(ApiError::new(
                503,
                "ServiceUnavailable",
                "the issuer is being asked",
            ))
        }
    }
}
