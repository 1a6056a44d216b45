//! What decides about an injection beside pod and service account: the webhook's flags, and the two files it watches.

use std::path::{Path, PathBuf};

use clap::Args;
use podpass_inject::{
    Assignments, AssignmentsError, ContainerCredentials, EndpointUrl, RoleHome, RoleMap, Settings,
};
use podpass_kinds::{Reason, read_objects};
use podpass_policy::{AccountId, Partition};

use crate::failure::Failure;
use crate::{files, output};

/// The webhook's settings, by its flags' names; a file stands where the webhook watches one.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The webhook's settings")]
pub(crate) struct SettingsArgs {
    /// The domain of the annotations. [default: eks.amazonaws.com]
    #[arg(long, value_name = "DOMAIN")]
    annotation_prefix: Option<String>,
    /// The token's audience, where the service account names none. [default: sts.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE")]
    token_audience: Option<String>,
    /// Where containers find the token. [default: /var/run/secrets/eks.amazonaws.com/serviceaccount]
    #[arg(long, value_name = "PATH")]
    token_mount_path: Option<String>,
    /// The token's lifetime, where service account and pod name none. [default: 86400]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    token_expiration: Option<i64>,
    /// Expect lifetimes of exactly a day to be up to two hours shorter with a role too, as the webhook draws them.
    #[arg(long)]
    irsa_expiration_jitter: bool,
    /// The region to inject, where neither pod nor service account names one.
    #[arg(long, value_name = "REGION")]
    aws_default_region: Option<String>,
    /// Have SDKs use the regional STS endpoint, where the service account does not say.
    #[arg(long)]
    sts_regional_endpoint: bool,
    /// Take a role annotation without `arn:` for a role's name in this account, as `--compose-role-arn` of the webhook.
    #[arg(long, value_name = "ACCOUNT", visible_alias = "aws-account-id")]
    compose_role_arn: Option<AccountId>,
    /// The partition of such roles. [default: that of --aws-default-region, else aws]
    #[arg(
        long,
        value_name = "PARTITION",
        visible_alias = "aws-partition",
        requires = "compose_role_arn"
    )]
    compose_role_arn_partition: Option<Partition>,
    /// The endpoint that containers talk to in place of AWS, where they set no AWS_ENDPOINT_URL.
    #[arg(long, value_name = "URL")]
    inject_endpoint_url: Option<EndpointUrl>,
    /// The manifest of the ConfigMap `pod-identity-webhook`, with roles by `namespace/service account`.
    #[arg(long, value_name = "FILE")]
    config_map: Option<PathBuf>,
    /// The JSON file of the service accounts that get container credentials (EKS Pod Identity).
    #[arg(long, value_name = "FILE")]
    container_credentials_config: Option<PathBuf>,
    /// The audience of the container credentials' token. [default: pods.eks.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE")]
    container_credentials_audience: Option<String>,
    /// Where containers find that token. [default: /var/run/secrets/pods.eks.amazonaws.com/serviceaccount]
    #[arg(long, value_name = "PATH")]
    container_credentials_token_mount_path: Option<String>,
    /// The name of that token's volume. [default: eks-pod-identity-token]
    #[arg(long, value_name = "NAME")]
    container_credentials_token_volume_name: Option<String>,
    /// That token's file name in the volume. [default: eks-pod-identity-token]
    #[arg(long, value_name = "NAME")]
    container_credentials_token_path: Option<String>,
    /// The endpoint that gives credentials for that token. [default: http://169.254.170.23/v1/credentials]
    #[arg(long, value_name = "URL")]
    container_credentials_full_uri: Option<String>,
}

impl SettingsArgs {
    /// Other settings, with what is given here in their place.
    pub(crate) fn over(&self, mut settings: Settings) -> Settings {
        let own = &mut settings.container_credentials;
        for (given, place) in [
            (&self.annotation_prefix, &mut settings.annotation_prefix),
            (&self.token_audience, &mut settings.token_audience),
            (&self.token_mount_path, &mut settings.token_mount_path),
            (&self.container_credentials_audience, &mut own.audience),
            (
                &self.container_credentials_token_mount_path,
                &mut own.token_mount_path,
            ),
            (
                &self.container_credentials_token_volume_name,
                &mut own.token_volume_name,
            ),
            (&self.container_credentials_token_path, &mut own.token_path),
            (&self.container_credentials_full_uri, &mut own.full_uri),
        ] {
            if let Some(given) = given {
                given.clone_into(place);
            }
        }
        if let Some(seconds) = self.token_expiration {
            settings.token_expiration = seconds;
        }
        if let Some(region) = &self.aws_default_region {
            settings.default_region = Some(region.clone());
        }
        settings.sts_regional_endpoints |= self.sts_regional_endpoint;
        settings.irsa_expiration_jitter |= self.irsa_expiration_jitter;
        if let Some(url) = &self.inject_endpoint_url {
            settings.endpoint_url = Some(url.clone());
        }
        let region = settings.default_region.as_deref().unwrap_or_default();
        let partition = self
            .compose_role_arn_partition
            .unwrap_or_else(|| Partition::of_region(region));
        if let Some(account) = &self.compose_role_arn {
            settings.compose_role_arn = Some(RoleHome {
                partition,
                account: account.clone(),
            });
        }
        settings
    }

    /// Other assignments, with those of the two files in their place; entries that the webhook leaves out are noted.
    pub(crate) fn assignments(&self, mut assignments: Assignments) -> Result<Assignments, Failure> {
        if let Some(path) = &self.config_map {
            assignments.roles = read_config_map(path)?;
        }
        if let Some(path) = &self.container_credentials_config {
            let text = files::read_text(path)?;
            assignments.container_credentials =
                ContainerCredentials::parse(&text).map_err(|error| unusable(path, &error))?;
        }
        Ok(assignments)
    }
}

fn read_config_map(path: &Path) -> Result<RoleMap, Failure> {
    let text = files::read_text(path)?;
    let file = path.display().to_string();
    let objects = read_objects(&file, &text).map_err(|error| super::unreadable(&error))?;
    let map = objects.iter().find(|object| object.kind() == "ConfigMap");
    let Some(map) = map else {
        return Err(Failure::usage(format!("`{file}` holds no ConfigMap"))
            .help("name the manifest of the ConfigMap `pod-identity-webhook`"));
    };
    let map = map.to_json();
    let Some(config) = map
        .pointer("/data/config")
        .and_then(|config| config.as_str())
    else {
        return Err(Failure::input(
            Reason::FileFieldMissing,
            format!("the ConfigMap of `{file}` has no text `data.config`"),
        )
        .help("put the roles under the key `config`, as JSON in a block of text"));
    };
    let roles = RoleMap::parse(config).map_err(|error| unusable(path, &error))?;
    for rejected in roles.rejected() {
        let code = Reason::FileFieldInvalid.code();
        output::note(&format!("note[{code}]: `{file}`: {rejected}"));
    }
    Ok(roles)
}

fn unusable(path: &Path, error: &AssignmentsError) -> Failure {
    let reason = match error {
        AssignmentsError::Syntax(_) => Reason::FileSyntaxInvalid,
        _ => Reason::FileFieldInvalid,
    };
    Failure::input(reason, format!("`{}` cannot be used", path.display()))
        .because(error)
        .help("correct the member that is named; the webhook keeps what it read before")
}
