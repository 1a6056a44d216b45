//! `podpass status`: how a cluster gives its workloads cloud permissions now.

mod document;
mod report;

use std::process::ExitCode;

use clap::Args;
use podpass_access::status::{CloudStatus, ClusterStatus, look_at_cloud};
use podpass_aws::{Connection, EnvironmentSettings};
use podpass_cloud::{CloudError, ErrorKind};
use podpass_provision::{ClusterName, IssuerBucket, Region};

use self::document::StatusDocument;
use super::aws::inputs as aws;
use crate::cluster_args::ClusterArgs;
use crate::failure::{Exit, Failure};
use crate::format::Format;
use crate::output::Paint;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Whether AWS's side is looked at. [default: when there are AWS credentials]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    aws: Option<bool>,
    /// The cluster's name in AWS's tags. [default: what the OIDC provider's tags or the issuer say]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The region whose endpoints are asked. [default: the AWS configuration's, or the cluster's]
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    reach: aws::ReachArgs,
    /// For a person or for a program.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What came of looking at AWS.
#[derive(Debug)]
pub(crate) enum CloudSide {
    /// Nobody looked, for this reason.
    NotLookedAt(String),
    Seen(Box<CloudStatus>),
    Failed(CloudError),
}

/// What is asked of AWS.
struct CloudQuestion {
    wanted: Option<bool>,
    name: Option<ClusterName>,
    settings: EnvironmentSettings,
}

pub(crate) async fn run(arguments: StatusArgs) -> Result<ExitCode, Failure> {
    let question = CloudQuestion {
        wanted: arguments.aws,
        name: arguments.name.as_deref().map(aws::cluster).transpose()?,
        settings: EnvironmentSettings {
            region: arguments.region.as_deref().map(aws::region).transpose()?,
            ..arguments.reach.settings()?
        },
    };
    let cluster = arguments.cluster.connect().await?;
    let status = Box::pin(ClusterStatus::of(&cluster))
        .await
        .map_err(|error| Failure::cluster(&error))?;
    let cloud = question.look(&status).await;
    let document = StatusDocument::of(&status, &cloud);
    arguments.output.print(
        &document,
        |document| report::render(document, Paint::for_stdout()),
        StatusDocument::names,
    )?;
    match failure_of(&status, &cloud) {
        Some(failure) => Err(failure),
        None => Ok(ExitCode::SUCCESS),
    }
}

impl CloudQuestion {
    async fn look(self, status: &ClusterStatus) -> CloudSide {
        if self.wanted == Some(false) {
            return CloudSide::NotLookedAt("`--aws=false`".to_owned());
        }
        let is_asked_for = self.wanted == Some(true);
        match self.ask(status).await {
            Ok(seen) => CloudSide::Seen(Box::new(seen)),
            Err(error)
                if !is_asked_for
                    && matches!(error.kind, ErrorKind::NoCredentials | ErrorKind::NoRegion) =>
            {
                CloudSide::NotLookedAt(error.message.into())
            }
            Err(error) => CloudSide::Failed(error),
        }
    }

    async fn ask(self, status: &ClusterStatus) -> Result<CloudStatus, CloudError> {
        let connection = match Connection::from_environment(&self.settings).await {
            Err(error) if error.kind == ErrorKind::NoRegion => {
                let Some(region) = region_of(status) else {
                    return Err(error);
                };
                let settings = EnvironmentSettings {
                    region: Some(region),
                    ..self.settings
                };
                Connection::from_environment(&settings).await?
            }
            connected => connected?,
        };
        let region = connection.region().and_then(|region| region.parse().ok());
        let region = region.ok_or_else(|| {
            CloudError::new(
                ErrorKind::NoRegion,
                "reading the AWS configuration",
                "no region is set",
            )
        })?;
        look_at_cloud(&connection, &status.issuer, self.name, &region).await
    }
}

/// The cluster's own region: that of its machines, or that of its issuer's bucket.
fn region_of(status: &ClusterStatus) -> Option<Region> {
    let machines = status.openshift.as_ref();
    let machines = machines.and_then(|openshift| openshift.region.as_deref()?.parse().ok());
    let bucket = status.issuer.url().and_then(IssuerBucket::of_issuer);
    machines.or_else(|| bucket.map(|bucket| bucket.region))
}

/// What was not seen although it was asked for: everything else is printed before.
fn failure_of(status: &ClusterStatus, cloud: &CloudSide) -> Option<Failure> {
    if let CloudSide::Failed(error) = cloud {
        return Some(Failure::cloud(error));
    }
    let of_cluster = status
        .refused
        .iter()
        .map(|error| (error.to_string(), error.hint()));
    let of_cloud = match cloud {
        CloudSide::Seen(seen) => &seen.refused[..],
        _ => &[],
    };
    let of_cloud = of_cloud
        .iter()
        .map(|error| (error.to_string(), error.hint()));
    let refused: Vec<(String, String)> = of_cluster.chain(of_cloud).collect();
    if refused.is_empty() {
        return None;
    }
    let message = "some of it may not be looked at with these credentials";
    let failure = Failure::new(Exit::NotAuthorised, message);
    let told = |failure: Failure, (what, hint): (String, String)| {
        failure.detail("refused", what).detail("needed", hint)
    };
    Some(refused.into_iter().fold(failure, told))
}
