//! The projected token volume and its mount.

use serde_json::{Value, json};

use crate::parameters::Parameters;
use crate::token_file::TOKEN_FILE_NAME;

/// The name of the volume that holds the token.
pub const VOLUME_NAME: &str = "aws-iam-token";

/// Makes the volume: one service account token, no default mode (the API server fills in 0644).
pub(crate) fn volume(parameters: &Parameters) -> Value {
    let mut token =
        json!({"expirationSeconds": parameters.token_expiration, "path": TOKEN_FILE_NAME});
    if !parameters.audience.is_empty() {
        token["audience"] = json!(parameters.audience);
    }
    json!({"name": VOLUME_NAME, "projected": {"sources": [{"serviceAccountToken": token}]}})
}

/// Makes the mount; the path is the setting verbatim.
pub(crate) fn volume_mount(parameters: &Parameters) -> Value {
    json!({"name": VOLUME_NAME, "readOnly": true, "mountPath": parameters.mount_path})
}

/// Returns whether a volume projects a service account token to the file that containers are told of.
pub(crate) fn projects_token(volume: &Value) -> bool {
    let sources = volume
        .pointer("/projected/sources")
        .and_then(Value::as_array);
    sources.is_some_and(|sources| {
        sources.iter().any(|source| {
            source
                .pointer("/serviceAccountToken/path")
                .is_some_and(|path| path == TOKEN_FILE_NAME)
        })
    })
}

/// Returns whether a volume or mount has the token volume's name.
pub(crate) fn has_token_volume_name(item: &Value) -> bool {
    item.get("name").is_some_and(|name| name == VOLUME_NAME)
}
