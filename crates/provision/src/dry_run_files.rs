//! The files of `ccoctl aws … --dry-run`: inputs for `aws … --cli-input-json`, by ccoctl's names.
//!
//! They can be written without credentials and without any call, so they hold placeholders where a person has to fill
//! in what only the cloud knows.

use podpass_policy::PolicyArn;
use serde::Serialize;

use crate::documents::to_json;
use crate::identity_provider::{CLIENT_IDS, IdentityProvider};
use crate::roles::DesiredRole;
use crate::tags::Tags;

/// A file below the output directory, and how ccoctl's log calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRunFile {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: String,
    /// What it is, in the words of ccoctl's log line `Saving … locally at …`.
    pub description: String,
}

/// The bucket, the issuer's two documents and the OIDC provider: `01-…` to `04-…`.
pub fn identity_provider(desired: &IdentityProvider) -> Vec<DryRunFile> {
    let bucket = CreateBucket {
        acl: "private",
        bucket: desired.bucket.as_str(),
        configuration: (desired.region.as_str() != "us-east-1").then(|| BucketConfiguration {
            location_constraint: desired.region.as_str(),
        }),
    };
    let provider = CreateProvider {
        url: &desired.issuer,
        client_id_list: CLIENT_IDS,
        thumbprint_list: ["<enter_tls_fingerprint_for_issuer_url_here>"],
    };
    vec![
        DryRunFile::new("01-oidc-bucket.json", to_json(&bucket), "OIDC S3 bucket"),
        DryRunFile::new(
            "02-openid-configuration",
            desired.discovery_document(),
            "discovery document",
        ),
        DryRunFile::new(
            "03-keys.json",
            desired.jwks_document(),
            "JSON web key set (JWKS)",
        ),
        DryRunFile::new(
            "04-iam-identity-provider.json",
            escaped(&to_json(&provider)),
            "AWS IAM Identity Provider",
        ),
    ]
}

/// A role and its permissions policy, `05-…` and `06-…`; `index` counts the requests from 0.
///
/// `provider_arn` is what the user gave; under `create-all` nobody knows it yet and it stays empty. The issuer in the
/// condition is a placeholder, because ccoctl would have to ask IAM for it.
pub fn role(index: usize, desired: &DesiredRole, provider_arn: &str) -> [DryRunFile; 2] {
    let trust = TrustPolicy {
        version: crate::documents::VERSION,
        statement: [TrustStatement {
            effect: "Allow",
            principal: Principal {
                federated: provider_arn,
            },
            action: "sts:AssumeRoleWithWebIdentity",
            condition: Condition {
                string_equals: SubjectsAndAudiences {
                    audiences: &desired.trust.audiences,
                    subjects: &desired.trust.subjects,
                },
            },
        }],
    };
    let tags = desired.tags();
    let create = CreateRole {
        assume_role_policy_document: to_json(&trust),
        description: &desired.description,
        permissions_boundary: desired.boundary.as_ref().map(PolicyArn::as_str),
        role_name: desired.name.as_str(),
        tags: tag_list(&tags),
    };
    let put = PutRolePolicy {
        policy_document: &desired.permissions,
        policy_name: desired.name.as_str(),
        role_name: desired.name.as_str(),
    };
    let (full_name, description) = (&desired.full_name, &desired.description);
    [
        DryRunFile::new(
            &format!("05-{index}-{full_name}-role.json"),
            escaped(&to_json(&create)),
            description,
        ),
        DryRunFile::new(
            &format!("06-{index}-{full_name}-policy.json"),
            escaped(&to_json(&put)),
            &format!("policy for {description}"),
        ),
    ]
}

// === impl DryRunFile ===

impl DryRunFile {
    fn new(name: &str, content: String, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            content,
            description: description.to_owned(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateBucket<'a> {
    #[serde(rename = "ACL")]
    acl: &'static str,
    bucket: &'a str,
    #[serde(
        rename = "CreateBucketConfiguration",
        skip_serializing_if = "Option::is_none"
    )]
    configuration: Option<BucketConfiguration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BucketConfiguration<'a> {
    location_constraint: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateProvider<'a> {
    url: &'a str,
    #[serde(rename = "ClientIDList")]
    client_id_list: [&'static str; 2],
    thumbprint_list: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateRole<'a> {
    assume_role_policy_document: String,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<&'a str>,
    role_name: &'a str,
    tags: Vec<Tag<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRolePolicy<'a> {
    policy_document: &'a str,
    policy_name: &'a str,
    role_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrustPolicy<'a> {
    version: &'static str,
    statement: [TrustStatement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrustStatement<'a> {
    effect: &'static str,
    principal: Principal<'a>,
    action: &'static str,
    condition: Condition<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Principal<'a> {
    federated: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition<'a> {
    string_equals: SubjectsAndAudiences<'a>,
}

#[derive(Serialize)]
struct SubjectsAndAudiences<'a> {
    #[serde(rename = "<enter_issuer_url_here>:aud")]
    audiences: &'a [String],
    #[serde(rename = "<enter_issuer_url_here>:sub")]
    subjects: &'a [String],
}

fn tag_list(tags: &Tags) -> Vec<Tag<'_>> {
    tags.iter().map(|(key, value)| Tag { key, value }).collect()
}

/// What stands for the OIDC provider's ARN where nobody knows it yet.
pub const UNKNOWN_PROVIDER: &str = "";

/// Go's JSON encoder writes these three characters escaped, and ccoctl's files therefore have them so.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests;
