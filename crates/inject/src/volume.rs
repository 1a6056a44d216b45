//! The projected token volume and its mount.

use serde::Serialize;

use crate::chain::{CONFIG_FIELD, CONFIG_FILE_NAME};
use crate::parameters::{Credentials, Parameters};

/// The name of the volume that holds the token of a web identity.
pub const VOLUME_NAME: &str = "aws-iam-token";

/// A volume of a service account token, and of the configuration file of a chain, without a default mode (the API server fills in 0644).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Volume {
    name: String,
    projected: Projected,
}

/// A container's mount of it; the path is the setting verbatim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount {
    name: String,
    read_only: bool,
    #[serde(rename = "mountPath")]
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Projected {
    sources: Vec<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
enum Source {
    #[serde(rename = "serviceAccountToken")]
    Token(TokenSource),
    #[serde(rename = "downwardAPI")]
    Fields { items: [FieldFile; 1] },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenSource {
    #[serde(skip_serializing_if = "String::is_empty")]
    audience: String,
    expiration_seconds: i64,
    path: String,
}

/// A file that holds a field of the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldFile {
    path: &'static str,
    field_ref: FieldRef,
}

/// A field of the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldRef {
    pub(crate) field_path: &'static str,
}

impl Volume {
    pub(crate) fn new(parameters: &Parameters<'_>) -> Self {
        let mut sources = vec![Source::Token(TokenSource {
            audience: parameters.audience.to_owned(),
            expiration_seconds: parameters.token_expiration,
            path: parameters.token_path.to_owned(),
        })];
        if let Credentials::Chain { .. } = parameters.credentials {
            let field_ref = FieldRef {
                field_path: CONFIG_FIELD,
            };
            sources.push(Source::Fields {
                items: [FieldFile {
                    path: CONFIG_FILE_NAME,
                    field_ref,
                }],
            });
        }
        Self {
            name: parameters.volume_name.to_owned(),
            projected: Projected { sources },
        }
    }
}

impl Mount {
    pub(crate) fn new(parameters: &Parameters<'_>) -> Self {
        Self {
            name: parameters.volume_name.to_owned(),
            read_only: true,
            path: parameters.mount_path.to_owned(),
        }
    }
}
