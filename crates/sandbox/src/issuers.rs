//! Where STS gets an issuer's keys from: what was handed over, else the sandbox's own buckets, read anew for every
//! token, else the issuer itself over HTTPS.
//!
//! Names under AWS's suffixes are always resolved here, so a missing bucket is a missing bucket and never a request to
//! a stranger's.

mod address;
mod handed_over;
mod remote;

use std::borrow::Cow;

use podpass_exchange::{IssuerFailure, IssuerFailureKind};
use podpass_token::KeySet;
use serde_json::Value;

use crate::host::HostName;
use crate::s3::Buckets;
use crate::sigv4;
use crate::state::State;

pub(crate) use self::handed_over::HandedOver;
pub use self::handed_over::{AddIssuerError, Change, HostedIssuer, Issuer, IssuerError};
pub(crate) use self::remote::{AtHand, Fetched, Remote, Wanted};
pub use self::remote::{Authorities, AuthoritiesError, RemoteIssuers};

/// Why a document is not at hand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfetched {
    /// There is none to be had.
    Failed(IssuerFailure),
    /// It is not in the sandbox.
    Elsewhere,
}

impl From<IssuerFailure> for Unfetched {
    fn from(failure: IssuerFailure) -> Self {
        Self::Failed(failure)
    }
}

/// The keys that verify the tokens of an issuer. Those that were handed over win over what a bucket publishes.
pub(crate) fn keys_of<'a>(state: &'a State, issuer: &str) -> Result<Cow<'a, KeySet>, Unfetched> {
    match state.handed_over.keys_of(issuer) {
        Some(keys) => Ok(Cow::Borrowed(keys)),
        None => fetch_keys(&state.buckets, issuer).map(Cow::Owned),
    }
}

/// Why the keys of an issuer elsewhere are not asked for.
pub(crate) fn not_asked(issuer: &str) -> IssuerFailure {
    unreachable(
        &discovery_url(issuer),
        "this sandbox asks no issuers but those in its own buckets; `podpass sandbox add-issuer` hands it the keys of \
         others",
    )
}

/// Reads the discovery document and the JWKS of an issuer, as anybody could.
fn fetch_keys(buckets: &Buckets, issuer: &str) -> Result<KeySet, Unfetched> {
    let url = discovery_url(issuer);
    let discovery = fetch(buckets, &url)?;
    let jwks_uri = jwks_uri(&discovery).map_err(|detail| invalid(&url, detail))?;
    let jwks = fetch(buckets, &jwks_uri)?;
    Ok(keys_from(jwks_uri, &jwks)?)
}

fn discovery_url(issuer: &str) -> String {
    let issuer = issuer.trim_end_matches('/');
    format!("{issuer}/.well-known/openid-configuration")
}

fn keys_from(url: String, jwks: &str) -> Result<KeySet, IssuerFailure> {
    KeySet::from_jwks_json(jwks).map_err(|error| IssuerFailure::of_jwks(url, &error))
}

/// Reads what a URL of this sandbox's S3 leads to.
fn fetch(buckets: &Buckets, url: &str) -> Result<String, Unfetched> {
    let failure = |detail: String| unreachable(url, detail);
    let rest = url
        .strip_prefix("https://")
        .ok_or_else(|| failure("the URL is not https".to_owned()))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let name = HostName::read(host);
    if !name.is_aws() {
        return Err(Unfetched::Elsewhere);
    }
    let (bucket, key) =
        place_in_s3(&name, path).ok_or_else(|| failure(format!("host {host} names no bucket")))?;
    let key = sigv4::decode_once(key.split(['?', '#']).next().unwrap_or(key));
    let body = &buckets
        .read_anonymously(name.region.as_deref(), &bucket, &key)
        .map_err(|error| {
            failure(format!(
                "status {}, {}: {}",
                error.status.as_u16(),
                error.code,
                error.message
            ))
        })?
        .bytes;
    if body.len() > MAX_DOCUMENT {
        let detail = format!("{} bytes are more than {MAX_DOCUMENT}", body.len());
        return Err(invalid(url, detail).into());
    }
    Ok(String::from_utf8(body.to_vec())
        .map_err(|_| invalid(url, "the document is not UTF-8".to_owned()))?)
}

/// The bucket whose documents an issuer's URL leads to, when it is a URL of S3.
fn bucket_of(issuer: &str) -> Option<String> {
    let rest = issuer.strip_prefix("https://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    place_in_s3(&HostName::read(host), path).map(|(bucket, _)| bucket)
}

/// The bucket and the key, still percent-encoded, that a URL of S3 stands for.
fn place_in_s3<'a>(host: &HostName, path: &'a str) -> Option<(String, &'a str)> {
    if host.service.as_deref() != Some("s3") {
        return None;
    }
    if let Some(bucket) = &host.bucket {
        return Some((bucket.clone(), path));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (!bucket.is_empty()).then(|| (bucket.to_owned(), key))
}

/// The `jwks_uri` of a discovery document that has what AWS insists on.
fn jwks_uri(discovery: &str) -> Result<String, String> {
    let document: Value = serde_json::from_str(discovery).map_err(|error| {
        format!(
            "the discovery document is not JSON (line {}, column {})",
            error.line(),
            error.column()
        )
    })?;
    for member in REQUIRED {
        if !document.get(member).is_some_and(Value::is_array) {
            return Err(format!("the discovery document has no list `{member}`"));
        }
    }
    document
        .get("jwks_uri")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| "the discovery document has no `jwks_uri`".to_owned())
}

fn unreachable(url: &str, detail: impl Into<String>) -> IssuerFailure {
    IssuerFailure {
        kind: IssuerFailureKind::Unreachable,
        url: url.to_owned(),
        detail: detail.into(),
    }
}

fn invalid(url: &str, detail: String) -> IssuerFailure {
    IssuerFailure {
        kind: IssuerFailureKind::DocumentInvalid,
        url: url.to_owned(),
        detail,
    }
}

const REQUIRED: [&str; 3] = [
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
];

/// Bytes; the limit that is reported for AWS's own fetches.
const MAX_DOCUMENT: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_document_needs_its_lists_and_the_jwks_uri() {
        let whole = r#"{"jwks_uri":"https://i/keys.json","response_types_supported":["id_token"],
            "subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}"#;
        assert_eq!(jwks_uri(whole).as_deref(), Ok("https://i/keys.json"));
        for member in REQUIRED.into_iter().chain(["jwks_uri"]) {
            let lacking = whole.replace(member, "other");
            assert!(jwks_uri(&lacking).unwrap_err().contains(member), "{member}");
        }
        assert!(jwks_uri("{").unwrap_err().contains("line 1"));
    }

    #[test]
    fn only_own_buckets_are_read_here() {
        let buckets = Buckets::default();
        for issuer in ["https://issuer.example", "https://127.0.0.1:1"] {
            let unfetched = fetch_keys(&buckets, issuer).unwrap_err();
            assert_eq!(unfetched, Unfetched::Elsewhere, "{issuer}");
        }
        for (issuer, detail) in [
            ("http://absent.s3.eu-west-1.amazonaws.com", "not https"),
            ("https://sts.amazonaws.com", "names no bucket"),
            ("https://absent.s3.eu-west-1.amazonaws.com", "NoSuchBucket"),
        ] {
            let Unfetched::Failed(failure) = fetch_keys(&buckets, issuer).unwrap_err() else {
                panic!("{issuer}")
            };
            assert_eq!(failure.kind, IssuerFailureKind::Unreachable, "{issuer}");
            assert!(
                failure.detail.contains(detail),
                "{issuer}: {}",
                failure.detail
            );
        }
    }
}
