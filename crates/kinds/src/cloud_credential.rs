//! OpenShift's CloudCredential.

use serde::Serialize;
use serde_json::Value;

/// `spec` of CloudCredential (operator.openshift.io/v1): each member as it stands, `None` when it is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudCredentialSpec {
    /// `credentialsMode`: empty (the default), `Mint`, `Passthrough` or `Manual`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_mode: Option<String>,
    /// `logLevel`, of what the operator deploys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// `operatorLogLevel`, of the operator itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_log_level: Option<String>,
}

impl CloudCredentialSpec {
    /// Reads the object that an API server gave.
    pub fn of_json(object: &Value) -> Self {
        let member = |name: &str| object["spec"][name].as_str().map(str::to_owned);
        Self {
            credentials_mode: member("credentialsMode"),
            log_level: member("logLevel"),
            operator_log_level: member("operatorLogLevel"),
        }
    }
}
