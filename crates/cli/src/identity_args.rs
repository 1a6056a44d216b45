//! Which service account a local program is to be, and as which role.

use clap::Args;
use podpass_access::local::{
    ClusterTokens, IdentityChoice, IdentityError, LocalIdentity, LocalSettings, session_name,
};
use podpass_aws::EnvironmentSettings;
use podpass_cluster::Cluster;
use podpass_inject::Settings;
use podpass_kinds::{ServiceAccountRef, ServiceAccountView};
use podpass_policy::SessionName;
use podpass_provision::{NameError, Region};

use crate::cluster_args::ClusterArgs;
use crate::failure::Failure;
use crate::given;
use crate::webhook_rules::PrefixArgs;

/// The service account to be. kubectl's `--as`, impersonation, is another thing.
#[derive(Debug, Args)]
pub(crate) struct IdentityArgs {
    /// The service account to be; a name alone is looked for in the namespace.
    #[arg(long = "as", value_name = "NS/SA")]
    account: String,
    /// The role. [default: the service account's annotation]
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The token's audience. [default: the service account's annotation, else sts.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// How the session is called in CloudTrail. [default: AWS_ROLE_SESSION_NAME, else podpass-<user>]
    #[arg(long, value_name = "NAME")]
    session_name: Option<String>,
    #[command(flatten)]
    prefix: PrefixArgs,
    /// The region. [default: the environment's, or the profile's]
    #[arg(long)]
    region: Option<String>,
    /// Ask this endpoint instead of AWS.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The same, checked.
pub(crate) struct IdentityInput {
    account: Account,
    choice: IdentityChoice,
    session_name: Option<SessionName>,
    prefix: PrefixArgs,
    region: Option<Region>,
    endpoint_url: Option<String>,
    cluster: ClusterArgs,
}

/// A service account as it was named.
enum Account {
    Full(ServiceAccountRef),
    /// Its namespace is the one that is meant where none is named.
    NameOnly(String),
}

impl IdentityArgs {
    /// Checks everything that can be checked without a call.
    pub(crate) fn check(&self) -> Result<IdentityInput, Failure> {
        given::text("--as", &self.account)?;
        let account = if self.account.contains(['/', ':']) {
            Account::Full(read_account(self.account.parse())?)
        } else {
            // Any namespace will do to check the name.
            read_account(ServiceAccountRef::new("default", &self.account))?;
            Account::NameOnly(self.account.clone())
        };
        let form = "write arn:<partition>:iam::<12-digit account>:role/<name>";
        let role_arn = self.role_arn.as_deref();
        let role_arn = role_arn.map(|arn| given::arn("--role-arn", arn, form));
        for (flag, value) in [
            ("--audience", &self.audience),
            ("--endpoint-url", &self.endpoint_url),
        ] {
            value
                .iter()
                .try_for_each(|value| given::text(flag, value))?;
        }
        Ok(IdentityInput {
            account,
            choice: IdentityChoice {
                role_arn: role_arn.transpose()?,
                audience: self.audience.clone(),
                region: self.region.clone(),
                own_variables: Vec::new(),
            },
            session_name: self.named_session()?,
            prefix: self.prefix.clone(),
            region: self.region.as_deref().map(read_region).transpose()?,
            endpoint_url: self.endpoint_url.clone(),
            cluster: self.cluster.clone(),
        })
    }

    fn named_session(&self) -> Result<Option<SessionName>, Failure> {
        let ambient = std::env::var(SESSION_NAME).ok();
        let named = match (&self.session_name, ambient) {
            (Some(name), _) => ("--session-name", name.clone()),
            (None, Some(name)) if !name.is_empty() => (SESSION_NAME, name),
            _ => return Ok(None),
        };
        let (place, name) = named;
        let parsed = name.parse();
        parsed
            .map(Some)
            .map_err(|error: podpass_policy::InvalidName| {
                Failure::usage(format!("{place}: {error}"))
            })
    }
}

impl IdentityInput {
    /// What SDKs call AWS with, as the command line says it.
    pub(crate) fn aws_settings(&self) -> EnvironmentSettings {
        EnvironmentSettings {
            profile: None,
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
        }
    }

    /// Whether the command line names a region.
    pub(crate) fn names_region(&self) -> bool {
        self.region.is_some()
    }

    pub(crate) async fn connect(&self) -> Result<Cluster, Failure> {
        self.cluster.connect().await
    }

    /// Works out the identity: of what the cluster says of its pods, with the settings that `adapt` changes; or of the
    /// command line where that says everything.
    pub(crate) async fn find(
        &self,
        cluster: &Cluster,
        own_variables: Vec<String>,
        adapt: impl FnOnce(&mut Settings),
    ) -> Result<LocalIdentity, Failure> {
        let account = match &self.account {
            Account::Full(account) => account.clone(),
            Account::NameOnly(name) => {
                read_account(ServiceAccountRef::new(cluster.namespace(), name))?
            }
        };
        let said_everything = self.choice.role_arn.is_some() && self.choice.audience.is_some();
        let (view, mut rules) = if said_everything {
            // Who may create tokens need not be allowed to read service accounts.
            let view = ServiceAccountView {
                namespace: account.namespace().to_owned(),
                name: account.name().to_owned(),
                ..ServiceAccountView::default()
            };
            (view, self.prefix.rules(None).await?)
        } else {
            let found = cluster.existing_service_account(account.namespace(), account.name());
            let found = found.await.map_err(|error| Failure::cluster(&error))?;
            (found.view, self.prefix.rules(Some(cluster)).await?)
        };
        adapt(&mut rules.settings);
        let choice = IdentityChoice {
            own_variables,
            ..self.choice.clone()
        };
        LocalIdentity::of(&view, &choice, &rules).map_err(|error| no_identity(&error, &account))
    }

    /// The session's name: what the caller says, or whoever runs this.
    pub(crate) fn session_name(&self, cluster: &Cluster) -> SessionName {
        if let Some(name) = &self.session_name {
            return name.clone();
        }
        let user = ["USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        session_name(user.as_deref(), cluster.user())
    }

    /// What decides about a command's environment.
    pub(crate) fn local_settings(&self, cluster: &Cluster) -> LocalSettings {
        LocalSettings {
            session_name: self.session_name(cluster),
            endpoint_url: self.endpoint_url.clone(),
        }
    }
}

/// The tokens of an identity.
pub(crate) fn tokens(cluster: Cluster, identity: &LocalIdentity) -> ClusterTokens {
    ClusterTokens {
        cluster,
        request: identity.token_request.clone(),
    }
}

fn read_account(
    read: Result<ServiceAccountRef, podpass_kinds::InvalidServiceAccount>,
) -> Result<ServiceAccountRef, Failure> {
    read.map_err(|error| {
        Failure::usage(format!("--as: {error}")).help("write it as NAMESPACE/NAME")
    })
}

fn read_region(text: &str) -> Result<Region, Failure> {
    given::text("--region", text)?;
    text.parse()
        .map_err(|error: NameError| Failure::usage(format!("--region: {error}")))
}

fn no_identity(error: &IdentityError, account: &ServiceAccountRef) -> Failure {
    let failure = Failure::denied(error.reason(), error.to_string());
    match error {
        IdentityError::BadRoleArn { value, .. } => failure
            .detail(
                "expected",
                "arn:<partition>:iam::<12-digit account>:role/<name>",
            )
            .detail("actual", value),
        _ => failure.help(format!(
            "give it a role with `podpass bind {account}`, or name one with `--role-arn`"
        )),
    }
}

/// The variable that names the session of SDKs.
const SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
