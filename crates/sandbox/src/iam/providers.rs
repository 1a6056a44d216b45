//! OIDC providers.

use podpass_policy::{Context, OidcProviderArn, Partition};

use super::Answer;
use super::rules::{self, quota};
use super::store::{Account, OidcProvider};
use super::tagging::{self, Tagged};
use super::tags::{KeyCase, Tags, add_request_tags, check_unique, read_tags};
use crate::call::Call;
use crate::query::{ApiError, Input, Member, Xml};
use crate::words;

/// `CreateOpenIDConnectProvider`.
pub(crate) fn create(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let url = input.required::<String>("Url", &rules::URL);
    let client_ids = read_client_ids(&mut input);
    let members = input.list(THUMBPRINT_LIST, MAX_LIST);
    let thumbprints =
        members.and_then(|members| read_thumbprints(&mut input, &members.unwrap_or_default()));
    let tags = read_tags(&mut input);
    input.finish()?;
    let (url, client_ids, thumbprints, tags) = (url?, client_ids?, thumbprints?, tags?);

    let without_scheme = url_without_scheme(&url)?;
    let arn = OidcProviderArn::new(Partition::Aws, account.id.clone(), &without_scheme)
        .map_err(|_| invalid_url())?;
    let mut context = Context::new();
    add_request_tags(&mut context, &tags);
    call.authorize(
        account,
        "iam:CreateOpenIDConnectProvider",
        arn.as_str(),
        context,
    )?;
    tagging::authorize_new(call, account, Tagged::OidcProvider, arn.as_str(), &tags)?;

    check_unique(&tags, KeyCase::Kept)?;
    if account.providers.contains_key(arn.as_str()) {
        return Err(ApiError::already_exists(format!(
            "Provider with url https://{without_scheme} already exists."
        )));
    }
    if account.providers.len() >= quota::OIDC_PROVIDERS {
        let limit = quota::OIDC_PROVIDERS;
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for OpenIdConnectProvidersPerAccount: {limit}"
        )));
    }
    check_thumbprints(&thumbprints)?;
    let mut kept = Tags::default();
    kept.set(tags, KeyCase::Kept)?;
    let xml = Xml::of(|xml| {
        xml.text("OpenIDConnectProviderArn", arn.as_str());
        kept.write_some(xml);
    });
    let known = podpass_exchange::OidcProvider {
        arn: arn.clone(),
        client_ids,
    };
    let provider = OidcProvider {
        known,
        thumbprints,
        created: call.now,
        tags: kept,
    };
    account.providers.insert(arn.to_string(), provider);
    Ok(xml)
}

/// `GetOpenIDConnectProvider`.
pub(crate) fn read(call: &mut Call<'_>, account: &Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    input.finish()?;
    let arn = arn?;
    authorize(call, account, "iam:GetOpenIDConnectProvider", &arn)?;
    let provider = account.providers.get(&arn).ok_or_else(|| missing(&arn))?;
    Ok(Xml::of(|xml| {
        xml.text("Url", provider.known.arn.issuer_without_scheme());
        xml.texts(
            "ClientIDList",
            provider.known.client_ids.iter().map(String::as_str),
        );
        xml.texts(
            "ThumbprintList",
            provider.thumbprints.iter().map(String::as_str),
        );
        xml.text("CreateDate", &words::date(provider.created));
        provider.tags.write(xml);
    }))
}

/// `ListOpenIDConnectProviders`, which has no pages.
pub(crate) fn list(call: &mut Call<'_>, account: &Account) -> Answer {
    let resource = format!("arn:aws:iam::{}:oidc-provider/*", account.id);
    call.authorize(
        account,
        "iam:ListOpenIDConnectProviders",
        &resource,
        Context::new(),
    )?;
    Ok(Xml::of(|xml| {
        xml.list(
            "OpenIDConnectProviderList",
            account.providers.keys(),
            |xml, arn| xml.text("Arn", arn),
        );
    }))
}

/// `DeleteOpenIDConnectProvider`.
pub(crate) fn delete(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    input.finish()?;
    let arn = arn?;
    authorize(call, account, "iam:DeleteOpenIDConnectProvider", &arn)?;
    if account.providers.remove(&arn) {
        return Ok(Xml::default());
    }
    let message = format!("OpenId connect Provider {arn} cannot be found.");
    Err(ApiError::no_such_entity(message))
}

/// `AddClientIDToOpenIDConnectProvider`; one that is there already is no error.
pub(crate) fn add_client_id(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (arn, client_id) = read_arn_and_client_id(call)?;
    authorize(
        call,
        account,
        "iam:AddClientIDToOpenIDConnectProvider",
        &arn,
    )?;
    let client_ids = &mut account
        .providers
        .get_mut(&arn)
        .ok_or_else(|| missing(&arn))?
        .known
        .client_ids;
    if client_ids.contains(&client_id) {
        return Ok(Xml::default());
    }
    if client_ids.len() >= quota::CLIENT_IDS {
        let limit = quota::CLIENT_IDS;
        return Err(ApiError::limit_exceeded(format!(
            "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {limit}"
        )));
    }
    client_ids.push(client_id);
    Ok(Xml::default())
}

/// `RemoveClientIDFromOpenIDConnectProvider`; one that is not there is no error.
pub(crate) fn remove_client_id(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let (arn, client_id) = read_arn_and_client_id(call)?;
    authorize(
        call,
        account,
        "iam:RemoveClientIDFromOpenIDConnectProvider",
        &arn,
    )?;
    let provider = account
        .providers
        .get_mut(&arn)
        .ok_or_else(|| missing(&arn))?;
    provider.known.client_ids.retain(|kept| *kept != client_id);
    Ok(Xml::default())
}

/// `UpdateOpenIDConnectProviderThumbprint`, which replaces the whole list.
pub(crate) fn update_thumbprints(call: &mut Call<'_>, account: &mut Account) -> Answer {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    let members = input.required_list(THUMBPRINT_LIST, MAX_LIST);
    let thumbprints = members.and_then(|members| read_thumbprints(&mut input, &members));
    input.finish()?;
    let (arn, thumbprints) = (arn?, thumbprints?);
    authorize(
        call,
        account,
        "iam:UpdateOpenIDConnectProviderThumbprint",
        &arn,
    )?;
    let provider = account
        .providers
        .get_mut(&arn)
        .ok_or_else(|| missing(&arn))?;
    if thumbprints.is_empty() {
        return Err(ApiError::invalid_input(
            "Thumbprint list must contain at least one entry.",
        ));
    }
    check_thumbprints(&thumbprints)?;
    provider.thumbprints = thumbprints;
    Ok(Xml::default())
}

fn read_arn(input: &mut Input<'_>) -> Result<String, ApiError> {
    input.required("OpenIDConnectProviderArn", &rules::ARN)
}

/// Asks for an action on a provider, which need not exist.
fn authorize(
    call: &mut Call<'_>,
    account: &Account,
    action: &str,
    arn: &str,
) -> Result<(), ApiError> {
    let mut context = Context::new();
    if let Some(provider) = account.providers.get(arn) {
        provider.tags.add_to(&mut context, "aws:ResourceTag");
        provider.tags.add_to(&mut context, "iam:ResourceTag");
    }
    call.authorize(account, action, arn, context)
}

/// No such provider.
pub(crate) fn missing(arn: &str) -> ApiError {
    ApiError::no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}"))
}

fn read_arn_and_client_id(call: &Call<'_>) -> Result<(String, String), ApiError> {
    let mut input = Input::new(call.form);
    let arn = read_arn(&mut input);
    let client_id = input.required::<String>("ClientID", &rules::CLIENT_ID);
    input.finish()?;
    Ok((arn?, client_id?))
}

/// Reads `ClientIDList` without its repetitions.
fn read_client_ids(input: &mut Input<'_>) -> Result<Vec<String>, ApiError> {
    let mut client_ids = Vec::new();
    for (index, member) in input
        .list("ClientIDList", quota::CLIENT_IDS)?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let place = format!("clientIDList.{}.member", index + 1);
        let client_id = input.member(&place, member.value(), &rules::CLIENT_ID)?;
        if !client_ids.contains(&client_id) {
            client_ids.push(client_id);
        }
    }
    Ok(client_ids)
}

/// Reads thumbprints: forty characters that need not be hex, stored in lower case.
fn read_thumbprints(
    input: &mut Input<'_>,
    members: &[Member<'_>],
) -> Result<Vec<String>, ApiError> {
    let mut thumbprints = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let place = format!("thumbprintList.{}.member", index + 1);
        thumbprints.push(
            input
                .member(&place, member.value(), &rules::THUMBPRINT)?
                .to_lowercase(),
        );
    }
    Ok(thumbprints)
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), ApiError> {
    if thumbprints.len() > quota::THUMBPRINTS {
        // AWS says five and means six.
        return Err(ApiError::invalid_input(
            "Thumbprint list must contain fewer than 5 entries.",
        ));
    }
    Ok(())
}

/// The URL as IAM stores it: without scheme and default port; case, path and trailing slash stay.
fn url_without_scheme(url: &str) -> Result<String, ApiError> {
    let rest = url.strip_prefix("https://").ok_or_else(invalid_url)?;
    if rest.contains(['?', '#']) {
        return Err(ApiError::invalid_input("Unknown"));
    }
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Ok(format!(
        "{}{path}",
        host.strip_suffix(":443").unwrap_or(host)
    ))
}

fn invalid_url() -> ApiError {
    ApiError::invalid_input("Invalid Open ID Connect Provider URL")
}

const THUMBPRINT_LIST: &str = "ThumbprintList";
/// More than the quota, so that the quota's own message is reached.
const MAX_LIST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_scheme_and_default_port_only() {
        for (url, expected) in [
            ("https://Issuer.example/Path/", Some("Issuer.example/Path/")),
            ("https://issuer.example:443/a", Some("issuer.example/a")),
            ("https://issuer.example:8443", Some("issuer.example:8443")),
            ("http://issuer.example", None),
            ("issuer.example", None),
            ("https://issuer.example?a", None),
            ("https://issuer.example/#a", None),
        ] {
            assert_eq!(url_without_scheme(url).ok().as_deref(), expected, "{url}");
        }
    }
}
