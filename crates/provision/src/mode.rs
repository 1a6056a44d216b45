//! The credentials mode of an OpenShift cluster, and which object and field decide it.
//!
//! The rules are those of the Cloud Credential Operator (4.12 to 5.x): CloudCredential `cluster` names the mode; a legacy
//! ConfigMap can turn the operator off; the default is resolved by an annotation on the cloud's root secret; and manual
//! mode with an issuer of the cluster's own is the one with short-lived credentials, which OpenShift has no word for.

#[cfg(test)]
mod tests;

use std::fmt;

use podpass_kinds::{CloudCredentialSpec, parse_bool};
use serde::{Serialize, Serializer};

use crate::identity_provider::Seen;

/// What decides the mode, as read from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeSources {
    /// `spec` of CloudCredential `cluster`.
    pub cloud_credential: Seen<CloudCredentialSpec>,
    /// `disabled` of the legacy ConfigMap, as text; absent too when the ConfigMap has no such key.
    pub disabled: Seen<String>,
    /// The platform that Infrastructure `cluster` names, such as `AWS`.
    pub platform: Seen<String>,
    /// `spec.serviceAccountIssuer` of Authentication `cluster`.
    pub issuer: Seen<String>,
    /// The root secret of the platform, by its mode annotation.
    pub root_secret: Seen<Option<String>>,
}

/// The mode in force, or why none is.
///
/// It serialises as its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsMode {
    /// The operator makes a cloud identity with keys for each request.
    Mint,
    /// The operator hands copies of the root secret to each request.
    Passthrough,
    /// The administrator makes the credentials: keys, as far as the cluster shows.
    Manual,
    /// The administrator makes roles, and components exchange service account tokens for credentials.
    ManualSts,
    /// The default, and the root secret's permissions suffice for neither mint nor passthrough.
    Insufficient,
    /// The default, and the root secret is gone: what was provisioned stays, nothing new is.
    RootSecretMissing,
    /// The default, and the operator has not judged the root secret yet.
    RootSecretUnjudged,
    /// The ConfigMap turns the operator off while CloudCredential names a mode in which it works.
    Conflict,
    /// A value that the operator does not know.
    Invalid,
    /// OpenShift without its CloudCredential object; the operator waits for it.
    Missing,
    /// The caller may not read what decides.
    Unknown,
}

/// The mode, what decided it, and what else is worth saying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModeDecision {
    /// The mode.
    pub mode: CredentialsMode,
    /// What decided it, in the order in which it was looked at.
    pub decided_by: Vec<Evidence>,
    /// Remarks, each one clause.
    pub notes: Vec<&'static str>,
}

/// A field and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The object, as `oc get -o name` prints it.
    pub object: String,
    /// Its namespace, unless it is the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'static str>,
    /// The field.
    pub field: &'static str,
    /// Its value; `None` when object or field is not there, or may not be read.
    pub value: Option<String>,
}

// === impl ModeSources ===

impl ModeSources {
    /// Decides the mode.
    pub fn decide(&self) -> ModeDecision {
        let spec = match &self.cloud_credential {
            Seen::Present(spec) => spec,
            Seen::Absent => {
                return ModeDecision::of(CredentialsMode::Missing, [Evidence::mode(None)]);
            }
            Seen::Hidden => {
                return ModeDecision::of(CredentialsMode::Unknown, [Evidence::mode(None)]);
            }
        };
        let text = spec.credentials_mode.as_deref().unwrap_or_default();
        let named = Evidence::mode(Some(text));
        // The operator reads the ConfigMap before it looks at what CloudCredential says, and stops at one it cannot read.
        let disabled = match &self.disabled {
            Seen::Absent => Some(false),
            Seen::Hidden => None,
            Seen::Present(text) => match parse_bool(text) {
                Some(disabled) => Some(disabled),
                None => {
                    return ModeDecision::of(
                        CredentialsMode::Invalid,
                        [Evidence::disabled(Some(text))],
                    );
                }
            },
        };
        match (text, disabled) {
            ("Manual", _) => self.manual([named]),
            ("" | "Mint" | "Passthrough", None) => {
                ModeDecision::of(CredentialsMode::Unknown, [named, self.config_map()])
            }
            ("", Some(true)) => self.manual([named, self.config_map()]),
            ("", Some(false)) => self.by_root_secret(named),
            ("Mint" | "Passthrough", Some(true)) => {
                ModeDecision::of(CredentialsMode::Conflict, [named, self.config_map()])
            }
            ("Mint", _) => self.with_root_secret(CredentialsMode::Mint, named),
            ("Passthrough", _) => self.with_root_secret(CredentialsMode::Passthrough, named),
            _ => ModeDecision::of(CredentialsMode::Invalid, [named]),
        }
    }

    fn root_secret_name(&self) -> &'static str {
        root_secret_name(self.platform.present().map_or("", String::as_str))
    }

    /// Manual; with short-lived credentials where the cluster has an issuer of its own, on a cloud that exchanges tokens.
    fn manual<const N: usize>(&self, evidence: [Evidence; N]) -> ModeDecision {
        let mut decision = ModeDecision::of(CredentialsMode::Manual, evidence);
        let issuer = self.issuer.present().map(String::as_str);
        let issuer = issuer.filter(|issuer| !issuer.is_empty());
        decision.decided_by.push(Evidence::issuer(issuer));
        if self.issuer == Seen::Hidden {
            decision.mode = CredentialsMode::Unknown;
        } else if issuer.is_some() {
            match &self.platform {
                Seen::Present(platform) if !EXCHANGES_TOKENS.contains(&platform.as_str()) => {
                    decision.decided_by.push(Evidence::platform(Some(platform)));
                    decision.notes.push(NO_EXCHANGE);
                }
                Seen::Hidden => {
                    decision.decided_by.push(Evidence::platform(None));
                    decision.mode = CredentialsMode::Unknown;
                }
                _ => decision.mode = CredentialsMode::ManualSts,
            }
        }
        decision
    }

    /// The default mode: whatever the operator wrote on the root secret.
    fn by_root_secret(&self, named: Evidence) -> ModeDecision {
        let (mode, value) = match &self.root_secret {
            Seen::Absent => (CredentialsMode::RootSecretMissing, None),
            Seen::Hidden => (CredentialsMode::Unknown, None),
            Seen::Present(None) => (CredentialsMode::RootSecretUnjudged, None),
            Seen::Present(Some(value)) => {
                let mode = match value.as_str() {
                    "mint" => CredentialsMode::Mint,
                    "passthrough" => CredentialsMode::Passthrough,
                    "insufficient" => CredentialsMode::Insufficient,
                    _ => CredentialsMode::Invalid,
                };
                (mode, Some(value.as_str()))
            }
        };
        ModeDecision::of(mode, [named, self.root_secret_evidence(value)])
    }

    /// A mode that is named and needs the root secret only for what is new.
    fn with_root_secret(&self, mode: CredentialsMode, named: Evidence) -> ModeDecision {
        let mut decision = ModeDecision::of(mode, [named]);
        if self.root_secret == Seen::Absent {
            decision.decided_by.push(self.root_secret_evidence(None));
            decision.notes.push(ROOT_SECRET_REMOVED);
        }
        decision
    }

    fn config_map(&self) -> Evidence {
        Evidence::disabled(self.disabled.present().map(String::as_str))
    }

    fn root_secret_evidence(&self, value: Option<&str>) -> Evidence {
        Evidence::root_secret(self.root_secret_name(), value)
    }
}

// === impl ModeDecision ===

impl ModeDecision {
    fn of<const N: usize>(mode: CredentialsMode, decided_by: [Evidence; N]) -> Self {
        Self {
            mode,
            decided_by: decided_by.into(),
            notes: Vec::new(),
        }
    }
}

// === impl CredentialsMode ===

impl CredentialsMode {
    /// The word for people and scripts, such as `manual-sts`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Passthrough => "passthrough",
            Self::Manual => "manual",
            Self::ManualSts => "manual-sts",
            Self::Insufficient => "insufficient",
            Self::RootSecretMissing => "root-secret-missing",
            Self::RootSecretUnjudged => "root-secret-unjudged",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    /// What it means for the cluster, as one clause.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Mint => {
                "the operator makes a cloud identity with long-lived keys for each CredentialsRequest"
            }
            Self::Passthrough => {
                "the operator copies the root secret's long-lived keys to each CredentialsRequest"
            }
            Self::Manual => "the administrator provides long-lived credentials for each component",
            Self::ManualSts => {
                "components exchange service account tokens for the short-lived credentials of roles that the administrator \
                 provides"
            }
            Self::Insufficient => {
                "the root secret may neither mint nor pass through, so that CredentialsRequests fail"
            }
            Self::RootSecretMissing => {
                "the mode is the default, which the root secret decides, and that is gone: credentials that were made \
                 before go on working, new ones are not made, and a minor upgrade is held back"
            }
            Self::RootSecretUnjudged => {
                "the mode is the default, and the operator has not written yet what the root secret is good for"
            }
            Self::Conflict => {
                "the legacy ConfigMap turns the operator off and CloudCredential names a mode: the operator does nothing and \
                 reports Degraded (ModeMismatch)"
            }
            Self::Invalid => "the operator does not know the value and does nothing",
            Self::Missing => "the operator does nothing until the object is there",
            Self::Unknown => "what decides the mode may not be read",
        }
    }
}

impl fmt::Display for CredentialsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for CredentialsMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl Evidence ===

impl Evidence {
    fn mode(value: Option<&str>) -> Self {
        Self::of(
            "cloudcredential.operator.openshift.io/cluster",
            "spec.credentialsMode",
            value,
        )
    }

    fn disabled(value: Option<&str>) -> Self {
        Self {
            namespace: Some(CONFIG_MAP.0),
            ..Self::of(
                &format!("configmap/{}", CONFIG_MAP.1),
                "data.disabled",
                value,
            )
        }
    }

    fn root_secret(name: &str, value: Option<&str>) -> Self {
        Self {
            namespace: Some(ROOT_SECRET_NAMESPACE),
            ..Self::of(&format!("secret/{name}"), MODE_ANNOTATION_FIELD, value)
        }
    }

    fn issuer(value: Option<&str>) -> Self {
        Self::of(
            "authentication.config.openshift.io/cluster",
            "spec.serviceAccountIssuer",
            value,
        )
    }

    fn platform(value: Option<&str>) -> Self {
        Self::of(
            "infrastructure.config.openshift.io/cluster",
            "status.platformStatus.type",
            value,
        )
    }

    fn of(object: &str, field: &'static str, value: Option<&str>) -> Self {
        Self {
            object: object.to_owned(),
            namespace: None,
            field,
            value: value.map(str::to_owned),
        }
    }
}

/// `object: field is value`.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        if let Some(namespace) = self.namespace {
            write!(f, " in {namespace}")?;
        }
        write!(f, ": {} is ", self.field)?;
        match self.value.as_deref() {
            None => f.write_str("not there"),
            Some("") => f.write_str("empty"),
            Some(value) => write!(f, "`{value}`"),
        }
    }
}

/// The name of the secret with the cloud's root credentials; of a platform that the operator does not know, that of AWS.
pub fn root_secret_name(platform: &str) -> &'static str {
    match platform {
        "Azure" => "azure-credentials",
        "GCP" => "gcp-credentials",
        "OpenStack" => "openstack-credentials",
        "VSphere" => "vsphere-creds",
        "oVirt" => "ovirt-credentials",
        "KubeVirt" => "kubevirt-credentials",
        _ => "aws-creds",
    }
}

/// The annotation that the operator writes on the root secret.
pub const MODE_ANNOTATION: &str = "cloudcredential.openshift.io/mode";

const MODE_ANNOTATION_FIELD: &str = "metadata.annotations[cloudcredential.openshift.io/mode]";

/// The namespace of the root secret.
pub const ROOT_SECRET_NAMESPACE: &str = "kube-system";

/// Namespace and name of the legacy ConfigMap that can turn the operator off.
pub const CONFIG_MAP: (&str, &str) = (
    "openshift-cloud-credential-operator",
    "cloud-credential-operator-config",
);

/// The platforms on which the operator knows short-lived credentials.
const EXCHANGES_TOKENS: [&str; 3] = ["AWS", "Azure", "GCP"];

const NO_EXCHANGE: &str = "the cluster has an issuer of its own, but the operator knows no short-lived credentials on this platform";

const ROOT_SECRET_REMOVED: &str = "the root secret was removed: credentials that were made before go on working, new ones are not made, and a minor upgrade is held back until it is restored";
