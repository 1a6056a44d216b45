//! What the caller's profile says beside who the caller is.

use std::borrow::Cow;

use aws_config::profile::{ProfileFileLoadError, load};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use podpass_cloud::{CloudError, ErrorKind};

/// The settings of the caller's profile that say how AWS is reached, and nothing that says as whom, in the order of
/// their names.
///
/// The profile is that of AWS_PROFILE, of the AWS CLI's older AWS_DEFAULT_PROFILE, or `default`; without one there are
/// none. Settings with parts of their own, such as `s3`, are left out.
pub async fn profile_settings() -> Result<Vec<(&'static str, String)>, CloudError> {
    settings_of(&Fs::real(), &Env::real())
        .await
        .map_err(|error| {
            // Its text names the file and the line, and shows no value.
            let message = "the AWS config files cannot be read";
            CloudError::new(ErrorKind::Refused, "reading the AWS profile", message).because(error)
        })
}

async fn settings_of(
    fs: &Fs,
    env: &Env,
) -> Result<Vec<(&'static str, String)>, ProfileFileLoadError> {
    let profile = env
        .get("AWS_PROFILE")
        .or_else(|_| env.get("AWS_DEFAULT_PROFILE"));
    let profile = profile.ok().filter(|name| !name.is_empty()).map(Cow::Owned);
    let profiles = load(fs, env, &EnvConfigFiles::default(), profile).await?;
    let setting = |name: &&'static str| {
        let value = profiles.get(name)?;
        // A value on lines of its own is a nested section.
        (!value.contains('\n')).then(|| (*name, value.to_owned()))
    };
    Ok(HOW_AWS_IS_REACHED.iter().filter_map(setting).collect())
}

/// Source: the settings of the AWS SDKs and Tools Reference Guide, less those that select credentials.
const HOW_AWS_IS_REACHED: &[&str] = &[
    "ca_bundle",
    "cli_auto_prompt",
    "cli_binary_format",
    "cli_pager",
    "cli_timestamp_format",
    "defaults_mode",
    "endpoint_url",
    "ignore_configured_endpoint_urls",
    "max_attempts",
    "output",
    "parameter_validation",
    "region",
    "request_checksum_calculation",
    "response_checksum_validation",
    "retry_mode",
    "sts_regional_endpoints",
    "tcp_keepalive",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
];

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-central-1\nca_bundle = /ca.pem\n\
                          role_arn = arn:aws:iam::123456789012:role/other\nsource_profile = default\n\
                          credential_process = /bin/other\naws_access_key_id = AKIA\ns3 =\n  addressing_style = path\n";

    async fn settings(config: &str, variables: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, config).unwrap();
        let mut all = vec![
            ("AWS_CONFIG_FILE", file.to_str().unwrap()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"),
        ];
        all.extend(variables);
        settings_of(&Fs::real(), &Env::from_slice(&all))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_profile_gives_its_way_to_aws_and_no_identity() {
        let default = [("region", "eu-west-1".to_owned())];
        let work = [
            ("ca_bundle", "/ca.pem".to_owned()),
            ("region", "eu-central-1".to_owned()),
        ];
        assert_eq!(settings(CONFIG, &[]).await, default);
        assert_eq!(settings(CONFIG, &[("AWS_PROFILE", "work")]).await, work);
        assert_eq!(
            settings(CONFIG, &[("AWS_DEFAULT_PROFILE", "work")]).await,
            work
        );
        assert_eq!(settings(CONFIG, &[("AWS_PROFILE", "absent")]).await, []);
        assert_eq!(settings("", &[]).await, []);
    }

    #[tokio::test]
    async fn a_broken_file_is_an_error_without_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, "[default\naws_secret_access_key = hunter2\n").unwrap();
        let env = Env::from_slice(&[("AWS_CONFIG_FILE", file.to_str().unwrap())]);
        let error = settings_of(&Fs::real(), &env).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            told.contains("line_number: 1") && !told.contains("hunter2"),
            "{told}"
        );
    }
}
