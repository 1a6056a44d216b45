//! The environment of a local run: the caller's, less every other way to AWS credentials.

use std::ffi::{OsStr, OsString};

use podpass_policy::SessionName;

use super::identity::REGION_VARIABLES;
use super::{LocalIdentity, RunFolder};

/// What decides about the environment beside the identity.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The session's name.
    pub session_name: SessionName,
    /// The endpoint of all services, instead of those of the caller's environment.
    pub endpoint_url: Option<String>,
}

/// How a command's environment differs from the caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables that it does not get.
    pub removed: Vec<OsString>,
    /// The variables that it gets, or gets with another value.
    pub set: Vec<(OsString, OsString)>,
}

impl Environment {
    /// Works out the environment of a command that runs as `identity` in `folder`.
    ///
    /// `ambient` are the names of the caller's variables. What is removed stands before the web identity in the chain
    /// of an SDK, or names an identity that goes with other credentials.
    pub fn of<'a>(
        identity: &LocalIdentity,
        settings: &LocalSettings,
        folder: &RunFolder,
        ambient: impl IntoIterator<Item = &'a OsStr>,
    ) -> Self {
        let elsewhere = settings.endpoint_url.is_some();
        let leads_elsewhere = |name: &str| {
            let is_endpoint = name.starts_with(SERVICE_ENDPOINTS) || name == IGNORED_ENDPOINTS;
            is_of_another_identity(name) || (elsewhere && is_endpoint)
        };
        let removed = ambient
            .into_iter()
            .filter(|name| name.to_str().is_some_and(leads_elsewhere))
            .map(OsStr::to_owned)
            .collect();
        let mut environment = Self {
            removed,
            set: Vec::new(),
        };
        for (name, value) in &identity.variables {
            environment.set(name, value);
        }
        environment.set(SESSION_NAME, settings.session_name.as_str());
        if let Some(endpoint_url) = &settings.endpoint_url {
            environment.set("AWS_ENDPOINT_URL", endpoint_url);
        }
        let home = folder.home();
        let aws = |file: &str| home.join(".aws").join(file);
        environment.set("AWS_CONFIG_FILE", aws("config"));
        environment.set("AWS_SHARED_CREDENTIALS_FILE", aws("credentials"));
        environment.set("HOME", &home);
        environment
    }

    fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.set.push((name.into(), value.as_ref().to_owned()));
    }
}

impl LocalSettings {
    /// The names among `ambient` that a container would set itself, so that the injection leaves them alone.
    pub fn protected<'a>(ambient: impl IntoIterator<Item = (&'a OsStr, &'a OsStr)>) -> Vec<String> {
        let own = |(name, value): (&OsStr, &OsStr)| {
            let name = name.to_str().filter(|_| !value.is_empty())?;
            let protected = REGION_VARIABLES.contains(&name) || name == STS_REGIONAL_ENDPOINTS;
            protected.then(|| name.to_owned())
        };
        ambient.into_iter().filter_map(own).collect()
    }
}

fn is_of_another_identity(name: &str) -> bool {
    OTHER_IDENTITIES.contains(&name)
        || OTHER_IDENTITY_FAMILIES
            .iter()
            .any(|family| name.starts_with(family))
}

/// The variable that names the session.
pub(crate) const SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
const STS_REGIONAL_ENDPOINTS: &str = "AWS_STS_REGIONAL_ENDPOINTS";

/// `AWS_ENDPOINT_URL_S3` and its kin, which win over `AWS_ENDPOINT_URL`.
const SERVICE_ENDPOINTS: &str = "AWS_ENDPOINT_URL_";
/// Makes SDKs overlook all of them.
const IGNORED_ENDPOINTS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// Source: the environment variables of the AWS SDKs and Tools Reference Guide; `AWS_SECURITY_TOKEN` is botocore's and
/// `AWS_ACCESS_KEY`, `AWS_SECRET_KEY` are the Java SDK's older names.
const OTHER_IDENTITIES: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
];
const OTHER_IDENTITY_FAMILIES: &[&str] = &["AWS_BEARER_TOKEN_", "AWS_CONTAINER_"];
