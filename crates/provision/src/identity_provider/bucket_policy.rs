//! The bucket policy that lets anyone read the issuer's documents.

use podpass_policy::Partition;
use serde::{Deserialize, Serialize};

use crate::documents::{OneOrMany, RawDocument};
use crate::names::BucketName;

/// The policy of a new bucket: one statement, as ccoctl writes it.
pub fn public_read_policy(bucket: &BucketName, partition: Partition) -> String {
    RawDocument::new(&[ReadStatement::of(bucket, partition)]).to_json()
}

/// `existing` with the statement added; `None` when it lets anyone read the objects already.
pub(super) fn with_public_read(
    existing: &str,
    bucket: &BucketName,
    partition: Partition,
) -> Result<Option<String>, serde_json::Error> {
    let mut document = RawDocument::parse(existing)?;
    let wanted = ReadStatement::of(bucket, partition);
    let granted = document
        .statements::<PlainStatement>()
        .flatten()
        .any(|statement| statement.grants(&wanted));
    if granted {
        return Ok(None);
    }
    document.push(&wanted);
    Ok(Some(document.to_json()))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReadStatement {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'static str>,
    effect: &'static str,
    principal: &'static str,
    action: &'static str,
    resource: String,
}

/// A statement as far as it matters here; one with a condition or any other element is not the plain grant.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PlainStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    principal: serde_json::Value,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
}

impl ReadStatement {
    fn of(bucket: &BucketName, partition: Partition) -> Self {
        Self {
            sid: Some(SID),
            effect: "Allow",
            principal: "*",
            action: "s3:GetObject",
            resource: format!("arn:{}:s3:::{bucket}/*", partition.as_str()),
        }
    }
}

impl PlainStatement {
    fn grants(&self, wanted: &ReadStatement) -> bool {
        let aws = self.principal.get("AWS").unwrap_or(&self.principal);
        let anyone = *aws == "*" || *aws == serde_json::json!(["*"]);
        self.effect == wanted.effect
            && anyone
            && self
                .action
                .as_slice()
                .iter()
                .any(|action| action.eq_ignore_ascii_case(wanted.action))
            && self.resource.as_slice().contains(&wanted.resource)
    }
}

const SID: &str = "AllowReadPublicAccess";
