//! Document 004: what a cluster in manual mode needs before its installation, made in one go, and its limits.

use std::fs;
use std::path::Path;

use podpass_aws::Connection;
use podpass_cloud::Exchange;
use podpass_exchange::WebIdentityRequest;
use podpass_provision::Region;
use podpass_token::{ServiceAccountClaims, Token};

use super::breakages::refused;
use super::stage::{Stage, Station};
use super::world::{Account, Cluster, World};
use super::{provisioned, shown};
use crate::failure::Failure;
use crate::files;

const CLUSTER: &str = "prod";
const REGION: &str = "eu-west-1";
const ISSUER: &str = "https://prod-oidc.s3.eu-west-1.amazonaws.com";
const PROVIDER_ARN: &str =
    "arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com";
const REGISTRY_ROLE_ARN: &str =
    "arn:aws:iam::123456789012:role/prod-openshift-image-registry-installer-cloud-credentials";

const RELEASE: &[(&str, &str)] = &[
    (
        "image-registry.yaml",
        include_str!("../../../../examples/install/credrequests/image-registry.yaml"),
    ),
    (
        "ebs-csi-driver.yaml",
        include_str!("../../../../examples/install/credrequests/ebs-csi-driver.yaml"),
    ),
    (
        "image-registry-azure.yaml",
        include_str!("../../../../examples/install/credrequests/image-registry-azure.yaml"),
    ),
    (
        "ingress.yaml",
        include_str!("../../../../examples/install/credrequests/ingress.yaml"),
    ),
];
const NEXT_RELEASE: &[(&str, &str)] = &[(
    "image-registry.yaml",
    include_str!("../../../../examples/install/next-release/image-registry.yaml"),
)];

/// A Secret with the mistakes of the document: the key of another tool, and colons in an INI file.
const PRINTED_SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  namespace: openshift-image-registry
  name: installer-cloud-credentials
stringData:
  credentials: |-
    [default]
    sts_regional_endpoints = regional
    role_name: prod-openshift-image-registry-installer-cloud-credentials
    web_identity_token_file: /var/run/secrets/openshift/serviceaccount/token
";

pub(crate) async fn play(stage: &mut Stage, world: &World) -> Result<(), Failure> {
    stage.open(
        "demo install: all that a cluster needs before its installation, in one go",
        &[
            &format!(
                "AWS is played by the sandbox at {}, account {}.",
                world.sandbox().endpoint(),
                Account::Clusters.id()
            ),
            "The release asks for three roles on AWS here; the real one asks for some more.",
        ],
    )?;
    let region = super::region(REGION)?;
    let folder = world.folder().join("install");
    let requests = provisioned::credentials_requests(&folder, "credrequests", RELEASE)?;

    in_one_go(stage, world, &region).await?;
    let cluster = Cluster::with_key_of(&folder, ISSUER)?;
    secret_of_a_component(stage, world)?;

    stage.step(
        Station::Sts,
        "Each component exchanges its own token for its own role",
    )?;
    let nobody = world.nobody(&region);
    let registry = component_token(world, &cluster, "openshift-image-registry", "registry");
    let session = super::exchange(&nobody, REGISTRY_ROLE_ARN, "registry", registry).await?;
    for line in shown::session(&session) {
        stage.shows(&line)?;
    }
    let registry = world.holder_of(&session, &region);
    let bucket = "prod-image-registry";
    let made = registry.create_bucket(bucket).await;
    made.map_err(|error| super::unexpected(&error))?;
    stage.created(&format!("bucket {bucket}, by the registry itself"))?;

    stage.step(
        Station::Role,
        "… and no other: the ingress operator cannot be the registry",
    )?;
    let ingress = component_token(
        world,
        &cluster,
        "openshift-ingress-operator",
        "ingress-operator",
    );
    let request = WebIdentityRequest::new(REGISTRY_ROLE_ARN, "ingress", ingress);
    let answer = nobody.assume_role_with_web_identity(&request).await;
    refused(stage, world, answer, "a component in another's role")?;

    again(stage, world, &region).await?;
    next_release(stage, world, &region, &registry).await?;
    somebody_elses(stage, world, &region, &requests).await
}

/// `create-all`, where the document has four commands before the first.
async fn in_one_go(stage: &mut Stage, world: &World, region: &Region) -> Result<(), Failure> {
    stage.step(
        Station::Key,
        "There is nothing to extract from a release image first",
    )?;
    stage.by_hand("RELEASE_IMAGE=$(./openshift-install version | awk '/release image/ {print $3}')\nCCO_IMAGE=$(oc adm release info --image-for='cloud-credential-operator' $RELEASE_IMAGE -a ~/.pull-secret)\noc image extract $CCO_IMAGE --file=\"/usr/bin/ccoctl\" -a ~/.pull-secret\nchmod 775 ccoctl")?;
    stage.podpass(
        "ln -s podpass ccoctl      # takes ccoctl's command lines, on every architecture",
    )?;

    stage.step(
        Station::Role,
        "Key pair, issuer, OIDC provider and a role for each component",
    )?;
    stage.by_hand("ccoctl aws create-all --name=prod --region=eu-west-1 --credentials-requests-dir=credrequests --output-dir=install")?;
    stage.podpass("podpass aws create-all --name prod --region eu-west-1 --credentials-requests-dir credrequests --output-dir install")?;
    if world.key().get().is_some() {
        stage.shows("the key pair of the scenarios before lies in `install`, as a cluster's own may, and is used")?;
    }
    let administrator = world.administrator(region)?;
    let folder = world.folder().join("install");
    let requests = folder.join("credrequests");
    let made = provisioned::all(world, &administrator, (CLUSTER, REGION), &requests, &folder);
    let made = made.await?;
    for skipped in &made.skipped {
        stage.shows(&format!(
            "left out  {}",
            without(&skipped.to_string(), &folder)
        ))?;
    }
    for (resource, outcome) in made.reached {
        stage.became(outcome, &resource.to_string())?;
    }
    stage.created(&format!(
        "install/{{manifests,tls}} for the installer:\n{}",
        manifests(&folder)?.join("\n")
    ))
}

/// What a component gets instead of keys, and what the document prints in its place.
fn secret_of_a_component(stage: &mut Stage, world: &World) -> Result<(), Failure> {
    stage.step(
        Station::Pod,
        "A component's Secret has no keys: it names a role and a token file",
    )?;
    let secret = world.folder().join(
        "install/manifests/openshift-image-registry-installer-cloud-credentials-credentials.yaml",
    );
    stage.shows(&files::read_text(&secret)?)?;
    stage.podpass("podpass lint secret.yaml      # the same as the document prints it")?;
    for finding in shown::findings("secret.yaml", PRINTED_SECRET) {
        stage.refused(&finding)?;
    }
    Ok(())
}

async fn again(stage: &mut Stage, world: &World, region: &Region) -> Result<(), Failure> {
    stage.step(
        Station::Role,
        "Run again, it changes nothing; half-done, it would have completed it",
    )?;
    stage.podpass("podpass aws create-all …      # the same command")?;
    let administrator = world.administrator(region)?;
    let folder = world.folder().join("install");
    let requests = folder.join("credrequests");
    let made = provisioned::all(world, &administrator, (CLUSTER, REGION), &requests, &folder);
    for (resource, outcome) in made.await?.reached {
        stage.became(outcome, &resource.to_string())?;
    }
    Ok(())
}

/// In manual mode nobody gives a component the permissions that its next version needs.
async fn next_release(
    stage: &mut Stage,
    world: &World,
    region: &Region,
    registry: &Connection,
) -> Result<(), Failure> {
    stage.step(
        Station::S3,
        "After an upgrade that nobody prepared, the registry's next version is refused",
    )?;
    refused(
        stage,
        world,
        registry.list_buckets().await,
        "a permission of the next release",
    )?;

    stage.step(
        Station::Role,
        "The next release's requests, before the upgrade, would have given it",
    )?;
    stage.by_hand("oc adm release extract --credentials-requests --cloud=aws --to=next-release $NEXT_RELEASE_IMAGE")?;
    stage.podpass(&format!("podpass aws create-iam-roles --name prod --credentials-requests-dir next-release \\\n  --identity-provider-arn {PROVIDER_ARN}"))?;
    let folder = world.folder().join("install");
    let requests = provisioned::credentials_requests(&folder, "next-release", NEXT_RELEASE)?;
    let administrator = world.administrator(region)?;
    let made = provisioned::roles(&administrator, CLUSTER, &requests, PROVIDER_ARN, &folder);
    for (resource, outcome) in made.await?.reached {
        stage.became(outcome, &resource.to_string())?;
    }
    let buckets = registry.list_buckets().await;
    let buckets = buckets.map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!(
        "{} buckets, listed by the registry",
        buckets.len()
    ))
}

/// A bucket without the cluster's tag is somebody else's, whatever its name.
async fn somebody_elses(
    stage: &mut Stage,
    world: &World,
    region: &Region,
    requests: &Path,
) -> Result<(), Failure> {
    stage.step(
        Station::Issuer,
        "A bucket of that name that podpass did not make is not touched",
    )?;
    let administrator = world.administrator(region)?;
    let made = administrator.create_bucket("website-oidc").await;
    made.map_err(|error| super::unexpected(&error))?;
    let put = administrator.put_object("website-oidc", "login.html", b"<html>");
    put.await.map_err(|error| super::unexpected(&error))?;
    stage.by_hand("aws s3 mb s3://website-oidc\naws s3 cp login.html s3://website-oidc/      # by the team of the website")?;
    stage.podpass("podpass aws create-all --name website …")?;
    let folder = world.folder().join("website");
    let made = provisioned::all(
        world,
        &administrator,
        ("website", REGION),
        requests,
        &folder,
    );
    match made.await {
        Ok(_) => Err(super::must_be_refused("a bucket of somebody else")),
        Err(failure) => stage.refused(&failure.to_string()),
    }
}

/// The token that the kubelet projects for a component.
fn component_token(
    world: &World,
    cluster: &Cluster,
    namespace: &str,
    service_account: &str,
) -> Token {
    let claims = cluster.claims(world.now(), namespace, service_account, "component", 3_600);
    cluster.mint(&ServiceAccountClaims {
        audiences: vec!["openshift".to_owned()],
        ..claims
    })
}

fn manifests(folder: &Path) -> Result<Vec<String>, Failure> {
    let path = folder.join("manifests");
    let failed = |error: std::io::Error| {
        Failure::failed(format!("cannot list `{}`", path.display())).because(&error)
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        names.push(
            entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}

/// A text without the demo's own folder.
fn without(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}
