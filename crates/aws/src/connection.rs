//! How AWS is reached, and as whom.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::config::{Region as SdkRegion, SharedCredentialsProvider};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use podpass_cloud::{CloudError, Credentials, ErrorKind};
use podpass_provision::Region;

use crate::http_client::confined_to;

/// Clients for IAM, S3 and STS that share one identity and one way to the network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    settings: SdkConfig,
}

/// What the command line says; everything else comes from the environment.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentSettings {
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`.
    pub region: Option<Region>,
    /// `--endpoint-url`, for all services.
    pub endpoint_url: Option<String>,
}

// === impl Connection ===

impl Connection {
    /// Uses the environment as the AWS CLI does: variables, profiles, SSO, processes, web identity, containers, instance
    /// metadata, endpoint overrides and proxies.
    ///
    /// Credentials are looked for at the first signed call. Fails when no region is set anywhere, and when the endpoint
    /// is no URL.
    pub async fn from_environment(settings: &EnvironmentSettings) -> Result<Self, CloudError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .app_name(app_name())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(SdkRegion::new(region.to_string()));
        }
        if let Some(endpoint) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(CloudError::new(
                ErrorKind::NoRegion,
                READING,
                "no region is set by `--region`, AWS_REGION or the profile",
            ));
        }
        if let Some(endpoint) = config.endpoint_url().filter(|url| !is_http_url(url)) {
            return Err(CloudError::new(
                ErrorKind::InvalidEndpoint,
                READING,
                format!("the endpoint `{endpoint}` is no URL"),
            ));
        }
        Ok(Self::of(match &settings.profile {
            Some(profile) => with_profile(&config, profile),
            None => config,
        }))
    }

    /// Uses its arguments and nothing else: no variable, no file, no proxy, no metadata service.
    ///
    /// Without credentials only unsigned calls work, such as the exchange of a token.
    pub fn isolated(endpoint: &str, region: &Region, credentials: Option<&Credentials>) -> Self {
        let credentials = match credentials {
            Some(credentials) => provider(credentials),
            None => SharedCredentialsProvider::new(Nobody),
        };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .app_name(app_name())
            .region(SdkRegion::new(region.to_string()))
            .endpoint_url(endpoint)
            .http_client(confined_to(endpoint))
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts())
            .credentials_provider(credentials);
        Self::of(config.build())
    }

    /// Uses one profile of one AWS config file, as the SDK in a pod with `AWS_CONFIG_FILE` does, and nothing else: no
    /// variable, no other file, no proxy, no metadata service.
    ///
    /// Credentials are looked for at the first signed call and kept until they expire by this machine's clock. A profile
    /// that leads elsewhere than to `endpoint` has none.
    pub async fn of_config_file(
        endpoint: &str,
        region: &Region,
        file: &Path,
        profile: &str,
    ) -> Self {
        // The profile's own STS calls take their endpoint from the profile, as nothing else reaches them.
        let section = match profile {
            "default" => "default".to_owned(),
            name => format!("profile {name}"),
        };
        let files = EnvConfigFiles::builder()
            .with_file(EnvConfigFileKind::Config, file)
            .with_contents(
                EnvConfigFileKind::Config,
                format!("[{section}]\nendpoint_url = {endpoint}\n"),
            )
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .empty_test_environment()
            .profile_files(files)
            .profile_name(profile)
            .app_name(app_name())
            .region(SdkRegion::new(region.to_string()))
            .endpoint_url(endpoint)
            .http_client(confined_to(endpoint))
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts())
            .load()
            .await;
        Self::of(config)
    }

    /// The same as [`Connection::from_environment`], for calls that carry no signature, such as the exchange of a token.
    ///
    /// Credentials are never looked for, so that a profile's `credential_process` can use it without starting itself.
    pub async fn unsigned(settings: &EnvironmentSettings) -> Result<Self, CloudError> {
        let found = Self::from_environment(settings).await?.settings;
        let nobody = SharedCredentialsProvider::new(Nobody);
        Ok(Self::of(
            found.to_builder().credentials_provider(nobody).build(),
        ))
    }

    /// The same way to the network with other credentials, such as those of a session.
    #[must_use]
    pub fn with_credentials(&self, credentials: &Credentials) -> Self {
        Self::of(
            self.settings
                .to_builder()
                .credentials_provider(provider(credentials))
                .build(),
        )
    }

    /// The region of the calls.
    pub fn region(&self) -> Option<&str> {
        self.settings.region().map(AsRef::as_ref)
    }

    /// Whom calls go to, in words for a person.
    pub(crate) fn endpoint(&self) -> String {
        match (self.settings.endpoint_url(), self.region()) {
            (Some(endpoint), _) => endpoint.to_owned(),
            (None, Some(region)) => format!("AWS in {region}"),
            (None, None) => "AWS".to_owned(),
        }
    }

    fn of(settings: SdkConfig) -> Self {
        // The endpoint rules choose the path style for an IP address by themselves, for a name such as `localhost` not.
        let path_style = settings.endpoint_url().is_some_and(is_local);
        let s3 = aws_sdk_s3::config::Builder::from(&settings)
            .force_path_style(path_style)
            .build();
        Self {
            iam: aws_sdk_iam::Client::new(&settings),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sts: aws_sdk_sts::Client::new(&settings),
            settings,
        }
    }
}

/// A profile named on the command line goes before access keys in the environment, as with the AWS CLI: those may be of
/// another account.
fn with_profile(config: &SdkConfig, profile: &str) -> SdkConfig {
    let surroundings = ProviderConfig::default().with_region(config.region().cloned());
    let credentials = ProfileFileCredentialsProvider::builder()
        .configure(&surroundings)
        .profile_name(profile)
        .build();
    config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Has no credentials, and looks for none.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("none were given")))
    }
}

fn provider(credentials: &Credentials) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(SdkCredentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials
            .session_token
            .as_ref()
            .map(|token| token.expose().to_owned()),
        None,
        "podpass",
    ))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build()
}

fn app_name() -> AppName {
    AppName::new("podpass").expect("the name has only letters")
}

/// Whether calls can be sent to an endpoint at all.
fn is_http_url(endpoint: &str) -> bool {
    let rest = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| endpoint.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.starts_with(':') && !rest.contains(char::is_whitespace)
    })
}

/// Whether an endpoint is an address or `localhost`, under which no bucket has a name of its own.
fn is_local(endpoint: &str) -> bool {
    let host = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']').map(|(address, _)| address))
        .unwrap_or_else(|| host.split(':').next().unwrap_or(host));
    host == "localhost" || host.parse::<IpAddr>().is_ok()
}

const READING: &str = "reading the AWS configuration";

/// The SDK's own default.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// No call here waits for anything; the AWS CLI's default too.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use podpass_cloud::Exchange;

    use super::*;

    #[test]
    fn local_endpoints_take_buckets_in_the_path() {
        for (endpoint, local) in [
            ("http://127.0.0.1:4566", true),
            ("http://[::1]:4566", true),
            ("http://localhost:4566/", true),
            ("https://s3.example.com", false),
            ("https://10.0.0.1", true),
            ("https://127.0.0.1.example.com:80", false),
        ] {
            assert_eq!(is_local(endpoint), local, "{endpoint}");
        }
    }

    #[test]
    fn endpoints_that_are_no_url_are_told() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4566", true),
            ("https://s3.example.com/path", true),
            ("http://[::1]:4566", true),
            ("localhost:4566", false),
            ("not a url", false),
            ("http://", false),
            ("http://:80", false),
            ("http://a b", false),
            ("ftp://example.com", false),
        ] {
            assert_eq!(is_http_url(endpoint), url, "{endpoint}");
        }
    }

    /// What a profile without credentials leads the SDK to, and what a proxy or a metadata service would answer.
    #[tokio::test]
    async fn a_profile_that_leads_elsewhere_has_no_credentials() {
        let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let url = format!("http://{}", elsewhere.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, "token").unwrap();
        let role = "role_arn = arn:aws:iam::123456789012:role/r\n";
        let web_identity = format!("web_identity_token_file = {}\n", token.display());
        for (case, profile) in [
            ("nothing", String::new()),
            (
                "instance metadata",
                format!(
                    "{role}credential_source = Ec2InstanceMetadata\nec2_metadata_service_endpoint = {url}\n"
                ),
            ),
            (
                "containers",
                format!("{role}credential_source = EcsContainer\n"),
            ),
            (
                "variables",
                format!("{role}credential_source = Environment\n"),
            ),
            (
                "an endpoint of its own",
                format!(
                    "{role}{web_identity}services = s\n[services s]\nsts =\n  endpoint_url = {url}\n"
                ),
            ),
            (
                "a missing token",
                format!("{role}web_identity_token_file = /absent\n"),
            ),
        ] {
            let file = folder.path().join("config");
            std::fs::write(&file, format!("[default]\n{profile}")).unwrap();
            let region = "eu-west-1".parse().unwrap();
            let connection =
                Connection::of_config_file("http://127.0.0.1:1", &region, &file, "default").await;
            let error = connection.caller_identity().await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::NoCredentials, "{case}: {error}");
        }
        assert!(elsewhere.accept().is_err(), "something connected elsewhere");
    }

    #[test]
    fn debug_of_a_connection_shows_no_secret() {
        let credentials = Credentials::long_term("AKIAEXAMPLE", "the-secret");
        let region = "eu-west-1".parse().unwrap();
        let connection = Connection::isolated("http://127.0.0.1:1", &region, Some(&credentials));
        assert!(!format!("{connection:?}").contains("the-secret"));
    }
}
