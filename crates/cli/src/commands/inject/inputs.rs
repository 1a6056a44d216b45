//! What decides about an injection beside pod and service account: the webhook's flags, and the two files it watches.

use std::path::{Path, PathBuf};

use clap::Args;
use podpass_inject::{
    Assignments, AssignmentsError, ContainerCredentials, ContainerCredentialsSettings, RoleHome,
    RoleMap, Settings,
};
use podpass_kinds::{Reason, read_objects};
use podpass_policy::{AccountId, Partition};

use crate::failure::Failure;
use crate::{files, output};

/// The webhook's settings, by its flags' names; a file stands where the webhook watches one.
#[derive(Debug, Args)]
#[command(next_help_heading = "The webhook's settings")]
pub(crate) struct SettingsArgs {
    /// The domain of the annotations.
    #[arg(long, value_name = "DOMAIN", default_value = "eks.amazonaws.com")]
    annotation_prefix: String,
    /// The token's audience, where the service account names none.
    #[arg(long, value_name = "AUDIENCE", default_value = "sts.amazonaws.com")]
    token_audience: String,
    /// Where containers find the token.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    )]
    token_mount_path: String,
    /// The token's lifetime, where service account and pod name none.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 86_400,
        allow_negative_numbers = true
    )]
    token_expiration: i64,
    /// The region to inject, where the pod names none.
    #[arg(long, value_name = "REGION")]
    aws_default_region: Option<String>,
    /// Have SDKs use the regional STS endpoint, where the service account does not say.
    #[arg(long)]
    sts_regional_endpoint: bool,
    /// Take a role annotation without `arn:` for a role's name in this account, as `--compose-role-arn` of the webhook.
    #[arg(long, value_name = "ACCOUNT")]
    compose_role_arn: Option<AccountId>,
    /// The partition of such roles. [default: that of --aws-default-region, else aws]
    #[arg(long, value_name = "PARTITION", requires = "compose_role_arn")]
    compose_role_arn_partition: Option<Partition>,
    /// The manifest of the ConfigMap `pod-identity-webhook`, with roles by `namespace/service account`.
    #[arg(long, value_name = "FILE")]
    config_map: Option<PathBuf>,
    /// The JSON file of the service accounts that get container credentials (EKS Pod Identity).
    #[arg(long, value_name = "FILE")]
    container_credentials_config: Option<PathBuf>,
    /// The audience of the container credentials' token.
    #[arg(
        long,
        value_name = "AUDIENCE",
        default_value = "pods.eks.amazonaws.com"
    )]
    container_credentials_audience: String,
    /// Where containers find that token.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    )]
    container_credentials_token_mount_path: String,
    /// The name of that token's volume.
    #[arg(long, value_name = "NAME", default_value = "eks-pod-identity-token")]
    container_credentials_token_volume_name: String,
    /// That token's file name in the volume.
    #[arg(long, value_name = "NAME", default_value = "eks-pod-identity-token")]
    container_credentials_token_path: String,
    /// The endpoint that gives credentials for that token.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://169.254.170.23/v1/credentials"
    )]
    container_credentials_full_uri: String,
}

impl SettingsArgs {
    pub(crate) fn settings(&self) -> Settings {
        let region = self.aws_default_region.as_deref().unwrap_or_default();
        let partition = self
            .compose_role_arn_partition
            .unwrap_or_else(|| Partition::of_region(region));
        let home = |account: &AccountId| RoleHome {
            partition,
            account: account.clone(),
        };
        Settings {
            annotation_prefix: self.annotation_prefix.clone(),
            token_audience: self.token_audience.clone(),
            token_mount_path: self.token_mount_path.clone(),
            token_expiration: self.token_expiration,
            default_region: self.aws_default_region.clone(),
            sts_regional_endpoints: self.sts_regional_endpoint,
            compose_role_arn: self.compose_role_arn.as_ref().map(home),
            container_credentials: ContainerCredentialsSettings {
                audience: self.container_credentials_audience.clone(),
                token_mount_path: self.container_credentials_token_mount_path.clone(),
                token_volume_name: self.container_credentials_token_volume_name.clone(),
                token_path: self.container_credentials_token_path.clone(),
                full_uri: self.container_credentials_full_uri.clone(),
            },
        }
    }

    /// Reads the two files; entries that the webhook leaves out are noted.
    pub(crate) fn assignments(&self) -> Result<Assignments, Failure> {
        let mut assignments = Assignments::default();
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
