//! Our minimal definitions of OpenShift's kinds, in `testcluster/crds/`.

use std::fs;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};

use super::launch::testcluster;
use crate::eventually;

/// The names of the definitions; each stands in `testcluster/crds/NAME.yaml`.
///
/// They name the fields that we use and no others, so that a misspelt field is pruned as OpenShift prunes it.
pub const OPENSHIFT_KINDS: [&str; 10] = [
    "apiservers.config.openshift.io",
    "authentications.config.openshift.io",
    "cloudcredentials.operator.openshift.io",
    "clusteroperators.config.openshift.io",
    "clusterversions.config.openshift.io",
    "credentialsrequests.cloudcredential.openshift.io",
    "dnses.config.openshift.io",
    "featuregates.config.openshift.io",
    "infrastructures.config.openshift.io",
    "proxies.config.openshift.io",
];

/// Installs [`OPENSHIFT_KINDS`] and waits until they are served.
pub async fn install_openshift_kinds(client: &kube::Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in OPENSHIFT_KINDS {
        let path = testcluster()
            .join("crds")
            .join(name)
            .with_extension("io.yaml");
        let text = fs::read_to_string(&path).expect("a definition can be read");
        let definition: CustomResourceDefinition =
            serde_saphyr::from_str(&text).expect("a definition of ours is valid");
        definitions
            .patch(
                &definition.name_any(),
                &PatchParams::apply("podpass-testkit").force(),
                &Patch::Apply(&definition),
            )
            .await
            .expect("a definition can be applied");
    }
    for name in OPENSHIFT_KINDS {
        eventually(
            "a definition is established",
            Duration::from_secs(30),
            async || {
                let definition = definitions.get(name).await.ok()?;
                let conditions = definition.status?.conditions?;
                conditions
                    .iter()
                    .any(|condition| condition.type_ == "Established" && condition.status == "True")
                    .then_some(())
            },
        )
        .await;
    }
}
