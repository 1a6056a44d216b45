//! The environment of a local run: the caller's, less every other way to AWS credentials.

use std::ffi::{OsStr, OsString};

use podpass_policy::SessionName;
use tokio::process::Command;

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
            is_of_another_identity(name) || (elsewhere && name.starts_with(SERVICE_ENDPOINTS))
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
            // The SDK for Go asks for credentials before it reads the one above, and the token would go to AWS.
            environment.set("AWS_ENDPOINT_URL_STS", endpoint_url);
            // The caller's variable or profile may tell SDKs to overlook it, and the token would go to AWS.
            environment.set(IGNORED_ENDPOINTS, "false");
        }
        let home = folder.home();
        let aws = |file: &str| home.join(".aws").join(file);
        environment.set("AWS_CONFIG_FILE", aws("config"));
        environment.set("AWS_SHARED_CREDENTIALS_FILE", aws("credentials"));
        environment.set("HOME", &home);
        environment
    }

    /// Makes the command, `[program, arguments…]`, with this environment.
    ///
    /// # Panics
    /// When the words are empty.
    pub fn apply_to(&self, words: &[OsString]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        for name in &self.removed {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        command
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
/// Whether SDKs overlook all of them.
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
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];
const OTHER_IDENTITY_FAMILIES: &[&str] = &["AWS_BEARER_TOKEN_", "AWS_CONTAINER_"];

#[cfg(test)]
mod tests {
    use podpass_cluster::TokenRequest;

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn identity() -> LocalIdentity {
        LocalIdentity {
            role_arn: ROLE.parse().unwrap(),
            chain: Vec::new(),
            token_request: TokenRequest {
                namespace: "ns".to_owned(),
                service_account: "sa".to_owned(),
                audiences: Vec::new(),
                expiration_seconds: None,
                pod: None,
            },
            variables: vec![("AWS_ROLE_ARN".to_owned(), ROLE.to_owned())],
        }
    }

    fn environment(endpoint_url: Option<&str>, ambient: &[&str]) -> (Environment, RunFolder) {
        let runtime = tempfile::tempdir().unwrap().keep();
        let folder = RunFolder::make(&runtime, None, "").unwrap();
        let settings = LocalSettings {
            session_name: "podpass-me".parse().unwrap(),
            endpoint_url: endpoint_url.map(str::to_owned),
        };
        let ambient = ambient.iter().map(OsStr::new);
        let environment = Environment::of(&identity(), &settings, &folder, ambient);
        (environment, folder)
    }

    #[test]
    fn other_ways_to_credentials_are_taken_out_and_nothing_else() {
        let others = [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_CREDENTIAL_EXPIRATION",
            "AWS_PROFILE",
            "AWS_DEFAULT_PROFILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_BEARER_TOKEN_BEDROCK",
        ];
        let kept = [
            "PATH",
            "AWS_REGION",
            "AWS_CA_BUNDLE",
            "AWS_ENDPOINT_URL_S3",
            "HTTPS_PROXY",
        ];
        let ambient: Vec<&str> = others.into_iter().chain(kept).collect();
        let (environment, folder) = environment(None, &ambient);
        assert_eq!(environment.removed, others);
        let value = |name: &str| {
            let mut set = environment.set.iter();
            set.find(|(own, _)| own == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(value("AWS_ROLE_ARN"), Some(ROLE.into()));
        assert_eq!(value("AWS_ROLE_SESSION_NAME"), Some("podpass-me".into()));
        assert_eq!(value("HOME"), Some(folder.home().into()));
        let config = value("AWS_CONFIG_FILE").unwrap();
        assert_eq!(config, folder.home().join(".aws/config"));
        assert!(value("AWS_SHARED_CREDENTIALS_FILE").is_some());
        assert_eq!(value("AWS_ENDPOINT_URL"), None);
    }

    #[test]
    fn an_endpoint_of_the_command_line_wins_over_all_of_the_environment() {
        let ambient = [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        ];
        let (environment, _folder) = environment(Some("http://127.0.0.1:1"), &ambient);
        assert_eq!(environment.removed, ["AWS_ENDPOINT_URL_S3"]);
        for (name, value) in [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"),
            // A profile can say so too, and the variable wins.
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"),
        ] {
            let expected = (name.into(), value.into());
            assert!(environment.set.contains(&expected), "{name}");
        }
    }

    #[test]
    fn only_set_variables_protect_from_the_injection() {
        let ambient = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", ""),
            ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
            ("PATH", "/bin"),
        ];
        let ambient = ambient.map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        let protected = LocalSettings::protected(ambient);
        assert_eq!(protected, ["AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS"]);
    }
}
