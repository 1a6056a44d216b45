//! The projected token volume and its mount.

use serde::Serialize;

use crate::parameters::Parameters;

/// The name of the volume that holds the token of a web identity.
pub const VOLUME_NAME: &str = "aws-iam-token";

/// A volume of one service account token, without a default mode (the API server fills in 0644).
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
    sources: [Source; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    service_account_token: TokenSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenSource {
    #[serde(skip_serializing_if = "String::is_empty")]
    audience: String,
    expiration_seconds: i64,
    path: String,
}

impl Volume {
    pub(crate) fn new(parameters: &Parameters<'_>) -> Self {
        let service_account_token = TokenSource {
            audience: parameters.audience.to_owned(),
            expiration_seconds: parameters.token_expiration,
            path: parameters.token_path.to_owned(),
        };
        Self {
            name: parameters.volume_name.to_owned(),
            projected: Projected {
                sources: [Source {
                    service_account_token,
                }],
            },
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
