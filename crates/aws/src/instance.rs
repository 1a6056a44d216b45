//! Whose machine this is: the identity document of the EC2 instance.

use std::time::Duration;

use aws_config::imds::client::Client;
use thiserror::Error;

/// The account and region of the EC2 instance that this runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceIdentity {
    /// Twelve digits.
    pub account: String,
    /// Such as `eu-west-1`.
    pub region: String,
}

/// The instance metadata do not tell who this is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstanceIdentityError {
    /// `AWS_EC2_METADATA_DISABLED` is set.
    #[error("the instance metadata are turned off by AWS_EC2_METADATA_DISABLED")]
    Disabled,
    /// Nobody answered, or with an error.
    #[error("the instance metadata do not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The document has no account or no region.
    #[error("the instance's identity document has no `{0}`")]
    Incomplete(&'static str),
}

/// Asks the instance metadata (IMDSv2) for `/latest/dynamic/instance-identity/document`, at most four times.
///
/// `AWS_EC2_METADATA_SERVICE_ENDPOINT` and `AWS_EC2_METADATA_DISABLED` count, as with the AWS CLI.
pub async fn instance_identity() -> Result<InstanceIdentity, InstanceIdentityError> {
    let disabled = std::env::var("AWS_EC2_METADATA_DISABLED");
    if disabled.is_ok_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(InstanceIdentityError::Disabled);
    }
    let client = Client::builder()
        .max_attempts(ATTEMPTS)
        .connect_timeout(TIMEOUT)
        .read_timeout(TIMEOUT)
        .build();
    let document = client
        .get("/latest/dynamic/instance-identity/document")
        .await
        .map_err(|error| InstanceIdentityError::Unreachable(error.into()))?;
    let document: serde_json::Value = serde_json::from_str(document.as_ref())
        .map_err(|error| InstanceIdentityError::Unreachable(error.into()))?;
    let text = |member: &'static str| {
        let text = document[member].as_str().map(str::to_owned);
        text.ok_or(InstanceIdentityError::Incomplete(member))
    };
    Ok(InstanceIdentity {
        account: text("accountId")?,
        region: text("region")?,
    })
}

const ATTEMPTS: u32 = 4;
const TIMEOUT: Duration = Duration::from_secs(1);
