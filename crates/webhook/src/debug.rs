//! The peer's debugging handlers (`--enable-debugging-handlers`).

use std::collections::BTreeMap;

use podpass_cluster::ServiceAccountIndex;
use podpass_inject::Settings;
use podpass_kinds::{annotations, parse_bool};
use serde::Serialize;

/// The answer that always denies, as the peer writes it: without kind and version.
pub(crate) const DENIAL: &str = r#"{"response":{"uid":"","allowed":false,"status":{"metadata":{},"message":"Test deny message"}}}"#;

/// The text of the answer that always fails.
pub(crate) const FAILURE: &str = "test error\n";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(rename = "RoleARN")]
    role_arn: &'a str,
    audience: &'a str,
    #[serde(rename = "UseRegionalSTS")]
    use_regional_sts: bool,
    token_expiration: i64,
}

/// The annotated service accounts, in the form of the peer's cache.
pub(crate) fn cache(index: &ServiceAccountIndex, settings: &Settings) -> Vec<u8> {
    let accounts = index.annotated();
    let entries: BTreeMap<String, Entry<'_>> = accounts
        .iter()
        .map(|account| {
            let said = |suffix| account.annotation(&settings.annotation_prefix, suffix);
            let expiration = said(annotations::TOKEN_EXPIRATION)
                .and_then(|text| text.parse().ok())
                .unwrap_or(settings.token_expiration);
            let entry = Entry {
                role_arn: said(annotations::ROLE_ARN).unwrap_or_default(),
                audience: said(annotations::AUDIENCE).unwrap_or(&settings.token_audience),
                use_regional_sts: said(annotations::STS_REGIONAL_ENDPOINTS)
                    .and_then(parse_bool)
                    .unwrap_or(settings.sts_regional_endpoints),
                token_expiration: expiration.max(podpass_inject::MIN_TOKEN_EXPIRATION),
            };
            (format!("{}/{}", account.namespace, account.name), entry)
        })
        .collect();
    let mut json = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, indent);
    let written = entries.serialize(&mut serializer);
    debug_assert!(written.is_ok(), "texts and numbers can always be printed");
    json
}
