//! How OpenShift says that its components get credentials.

use podpass_kinds::CloudCredentialSpec;
use podpass_provision::Seen;
use podpass_provision::mode::{
    CONFIG_MAP, MODE_ANNOTATION, ModeSources, ROOT_SECRET_NAMESPACE, root_secret_name,
};
use serde_json::Value;

use crate::connect::Cluster;
use crate::error::ClusterError;
use crate::object::resources::{
    AUTHENTICATION, CLOUD_CREDENTIAL, CONFIG_MAP as CONFIG_MAPS, INFRASTRUCTURE, SECRET,
};

/// What an OpenShift cluster says about its credentials, as far as the user may read it.
#[derive(Debug)]
pub struct OpenShift {
    /// What decides the credentials mode.
    pub sources: ModeSources,
    /// The region of the cluster's AWS account, on AWS.
    pub region: Option<String>,
    /// The requests that were refused; what they ask for is [`Seen::Hidden`] in the sources.
    pub refused: Vec<ClusterError>,
}

impl Cluster {
    /// Reads what decides the credentials mode; `None` on a cluster that does not have the kind CloudCredential.
    ///
    /// Of the root secret only the metadata is asked for.
    pub async fn openshift(&self) -> Result<Option<OpenShift>, ClusterError> {
        if !self.serves(CLOUD_CREDENTIAL).await? {
            return Ok(None);
        }
        let (cloud_credential, config_map, authentication, infrastructure) = tokio::join!(
            self.get(CLOUD_CREDENTIAL, None, SINGLETON),
            self.get(CONFIG_MAPS, Some(CONFIG_MAP.0), CONFIG_MAP.1),
            self.get(AUTHENTICATION, None, SINGLETON),
            self.get(INFRASTRUCTURE, None, SINGLETON),
        );
        let mut refused = Vec::new();
        let cloud_credential = seen(cloud_credential, &mut refused)?;
        let config_map = seen(config_map, &mut refused)?;
        let authentication = seen(authentication, &mut refused)?;
        let infrastructure = seen(infrastructure, &mut refused)?;
        let platform = infrastructure.part(platform);
        let secret = root_secret_name(platform.present().map_or("", String::as_str));
        let root_secret = self
            .get_metadata(SECRET, Some(ROOT_SECRET_NAMESPACE), secret)
            .await;
        let root_secret = seen(root_secret, &mut refused)?;
        Ok(Some(OpenShift {
            sources: ModeSources {
                cloud_credential: cloud_credential
                    .part(|object| Some(CloudCredentialSpec::of_json(object))),
                disabled: config_map.part(|object| text(object, "/data/disabled")),
                platform,
                issuer: authentication.part(|object| text(object, "/spec/serviceAccountIssuer")),
                root_secret: root_secret.part(|object| {
                    let annotation = &object["metadata"]["annotations"][MODE_ANNOTATION];
                    Some(annotation.as_str().map(str::to_owned))
                }),
            },
            region: infrastructure
                .present()
                .and_then(|object| text(object, "/status/platformStatus/aws/region")),
            refused,
        }))
    }
}

/// Takes a refused request for a hidden object, and keeps the refusal.
fn seen(
    found: Result<Option<Value>, ClusterError>,
    refused: &mut Vec<ClusterError>,
) -> Result<Seen<Value>, ClusterError> {
    match found {
        Ok(Some(object)) => Ok(Seen::Present(object)),
        Ok(None) => Ok(Seen::Absent),
        Err(error) if error.is_forbidden() => {
            refused.push(error);
            Ok(Seen::Hidden)
        }
        Err(error) => Err(error),
    }
}

fn text(object: &Value, pointer: &str) -> Option<String> {
    object.pointer(pointer)?.as_str().map(str::to_owned)
}

fn platform(infrastructure: &Value) -> Option<String> {
    // The second is the field of OpenShift before 4.2, which is still filled in.
    ["/status/platformStatus/type", "/status/platform"]
        .iter()
        .filter_map(|place| text(infrastructure, place))
        .find(|name| !name.is_empty())
}

/// The name of the one object of each of OpenShift's configuration kinds.
const SINGLETON: &str = "cluster";
