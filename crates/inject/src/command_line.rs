//! The settings of a running webhook, read from its command line.

use std::str::FromStr;

use podpass_kinds::parse_bool;
use podpass_policy::{AccountId, Partition};

use crate::{RoleHome, Settings};

/// What a webhook's command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The settings; what the command line does not say has the peer's default.
    pub settings: Settings,
    /// Whether the roles of the ConfigMap `pod-identity-webhook` count (`--watch-config-map`).
    pub watches_config_map: bool,
}

impl CommandLine {
    /// Reads the flags that decide about an injection, as Go's `pflag` reads them: `--flag=value`, `--flag value`, and
    /// `--flag` alone for a boolean. Others are passed over, and so is a value that cannot be read: with it, the webhook
    /// would not have started.
    ///
    /// Roles without an ARN are composed with `--aws-account-id`, and the partition of `--aws-partition` or else of
    /// `--aws-default-region`. `--compose-role-arn` alone is not taken: its account is known only to the webhook's machine.
    pub fn read<S: AsRef<str>>(words: &[S]) -> Self {
        let mut settings = Settings::default();
        let mut watches_config_map = false;
        let (mut account, mut partition) = (None::<AccountId>, None::<Partition>);
        let mut words = words.iter().map(AsRef::as_ref).peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else {
                continue;
            };
            let (name, attached) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (flag, None),
            };
            let flag = match name {
                "sts-regional-endpoint" => Some(&mut settings.sts_regional_endpoints),
                "irsa-expiration-jitter" => Some(&mut settings.irsa_expiration_jitter),
                "watch-config-map" => Some(&mut watches_config_map),
                _ => None,
            };
            if let Some(flag) = flag {
                *flag = switch(attached);
                continue;
            }
            let mut value = || attached.or_else(|| words.next());
            let own = &mut settings.container_credentials;
            let place = match name {
                "annotation-prefix" => &mut settings.annotation_prefix,
                "token-audience" => &mut settings.token_audience,
                "token-mount-path" => &mut settings.token_mount_path,
                "container-credentials-audience" => &mut own.audience,
                "container-credentials-token-mount-path" => &mut own.token_mount_path,
                "container-credentials-token-volume-name" => &mut own.token_volume_name,
                "container-credentials-token-path" => &mut own.token_path,
                "container-credentials-full-uri" => &mut own.full_uri,
                "aws-default-region" => settings.default_region.insert(String::new()),
                "token-expiration" => {
                    settings.token_expiration = read(value()).unwrap_or(settings.token_expiration);
                    continue;
                }
                "inject-endpoint-url" => {
                    settings.endpoint_url = read(value());
                    continue;
                }
                "aws-account-id" => {
                    account = read(value());
                    continue;
                }
                "aws-partition" => {
                    partition = read(value());
                    continue;
                }
                _ => continue,
            };
            if let Some(value) = value() {
                value.clone_into(place);
            }
        }
        if let Some(account) = account {
            let region = settings.default_region.as_deref().unwrap_or_default();
            let partition = partition.unwrap_or_else(|| Partition::of_region(region));
            settings.compose_role_arn = Some(RoleHome { partition, account });
        }
        Self {
            settings,
            watches_config_map,
        }
    }
}

/// A value, if it is there and can be read.
fn read<T: FromStr>(value: Option<&str>) -> Option<T> {
    value?.parse().ok()
}

/// A boolean flag, which takes a value only after `=`.
fn switch(attached: Option<&str>) -> bool {
    attached.is_none_or(|value| parse_bool(value).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EndpointUrl;

    #[test]
    fn the_command_line_of_openshift_is_read() {
        // The AWS asset of the Cloud Credential Operator.
        let words = [
            "/usr/bin/aws-pod-identity-webhook",
            "--aws-default-region=eu-west-1",
            "--in-cluster=false",
            "--tls-cert=/var/run/app/certs/tls.crt",
            "--namespace=openshift-cloud-credential-operator",
            "--port=9443",
            "--annotation-prefix=eks.amazonaws.com",
            "--token-audience=sts.amazonaws.com",
            "--logtostderr",
        ];
        let read = CommandLine::read(&words);
        let expected = Settings {
            default_region: Some("eu-west-1".to_owned()),
            ..Settings::default()
        };
        assert_eq!(read.settings, expected);
        assert!(!read.watches_config_map);
    }

    #[test]
    fn the_command_line_of_kops_is_read() {
        let words = [
            "/webhook",
            "--token-audience=amazonaws.com",
            "--watch-config-map",
            "--sts-regional-endpoint",
            "--aws-default-region",
            "us-east-2",
            "--v=5",
        ];
        let read = CommandLine::read(&words);
        assert!(read.watches_config_map && read.settings.sts_regional_endpoints);
        assert_eq!(read.settings.token_audience, "amazonaws.com");
        assert_eq!(read.settings.default_region.as_deref(), Some("us-east-2"));
    }

    #[test]
    fn what_the_peer_does_not_know_is_read() {
        let words = [
            "--irsa-expiration-jitter",
            "--inject-endpoint-url",
            "http://sandbox.podpass.svc:4566",
            "--compose-role-arn",
            "--aws-account-id=012345678901",
            "--aws-default-region=cn-north-1",
        ];
        let settings = CommandLine::read(&words).settings;
        assert!(settings.irsa_expiration_jitter);
        let url = settings.endpoint_url.as_ref().map(EndpointUrl::as_str);
        assert_eq!(url, Some("http://sandbox.podpass.svc:4566"));
        let home = settings.compose_role_arn.unwrap();
        assert_eq!(
            home.role_arn("app"),
            "arn:aws-cn:iam::012345678901:role/app"
        );
        let named = [
            "--aws-partition",
            "aws-us-gov",
            "--aws-account-id",
            "012345678901",
        ];
        let home = CommandLine::read(&named).settings.compose_role_arn.unwrap();
        assert_eq!(home.partition, Partition::AwsUsGov);
        // The account is not known.
        let alone = CommandLine::read(&["--compose-role-arn", "--aws-partition=aws-cn"]);
        assert_eq!(alone.settings, Settings::default());
    }

    #[test]
    fn other_spellings_are_pflags() {
        let words = [
            "--sts-regional-endpoint=false",
            "--token-expiration",
            "3600",
            "--token-mount-path=/x",
        ];
        let settings = CommandLine::read(&words).settings;
        assert!(!settings.sts_regional_endpoints);
        assert_eq!(
            (
                settings.token_expiration,
                settings.token_mount_path.as_str()
            ),
            (3600, "/x")
        );
        let unusable = CommandLine::read(&[
            "--token-expiration=soon",
            "--inject-endpoint-url=sandbox:4566",
            "--aws-account-id=12",
            "--token-audience",
        ]);
        assert_eq!(unusable.settings, Settings::default());
        assert_eq!(CommandLine::read::<&str>(&[]).settings, Settings::default());
    }
}
