//! Document 001: a CredentialsRequest becomes a role and a Secret, and a pod needs three things to use them.

use podpass_aws::Connection;
use podpass_cloud::Exchange;
use podpass_exchange::WebIdentityRequest;
use podpass_policy::DocumentKind;
use podpass_provision::{Adoption, Region};
use podpass_token::ServiceAccountClaims;

use super::breakages::refused;
use super::pod::Pod;
use super::stage::{Stage, Station};
use super::world::{Account, Cluster, World, project};
use super::{provisioned, shown};
use crate::failure::Failure;
use crate::files;

const CLUSTER: &str = "manual-sts";
const REGION: &str = "us-east-1";
const ISSUER: &str = "https://manual-sts-oidc.s3.us-east-1.amazonaws.com";
const PROVIDER_ARN: &str =
    "arn:aws:iam::123456789012:oidc-provider/manual-sts-oidc.s3.us-east-1.amazonaws.com";
const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/prefix-role-manual-sts-manual-sts";

/// The token by hand, in the demo's folder.
const TOKEN_FILE: &str = "manual-sts.token";

const REQUEST: &str =
    include_str!("../../../../examples/credentials-request/credrequests/manual-sts.yaml");
const POD: &str = include_str!("../../../../examples/credentials-request/pod.yaml");

pub(crate) async fn play(stage: &mut Stage, world: &World) -> Result<(), Failure> {
    stage.open(
        "demo credentials-request: a role and a Secret from a CredentialsRequest, and a pod that uses them",
        &[
            &format!("AWS is played by the sandbox at {}, account {}.", world.sandbox().endpoint(), Account::Clusters.id()),
            "The cluster is in manual mode: who runs it makes the roles. The SDK in the pod is AWS's own, for Rust.",
        ],
    )?;
    let region = super::region(REGION)?;
    let administrator = world.administrator(&region)?;
    let folder = world.folder().join("outputs");
    provisioned::key_pair(world, &folder)?;
    let cluster = Cluster::with_key_of(&folder, ISSUER)?;

    stage.step(
        Station::Provider,
        "The cluster was installed with an issuer that IAM trusts",
    )?;
    stage.podpass("podpass aws create-identity-provider --name manual-sts --region us-east-1 --output-dir outputs")?;
    let made =
        provisioned::identity_provider(&administrator, CLUSTER, REGION, &folder, Adoption::Refuse);
    for (resource, outcome) in made.await? {
        stage.became(outcome, &resource.to_string())?;
    }

    role_from_request(stage, world, &administrator).await?;

    stage.step(
        Station::Pod,
        "The pod needs three things: the service account, the Secret, the token",
    )?;
    stage.by_hand("oc create sa sa-manual-sts\noc apply -f outputs/manifests/manual-sts-manual-sts-credentials.yaml -f pod.yaml")?;
    let pod = Pod::of(POD, world.folder().join("pod-manual-sts"))?;
    for requirement in pod.requirements() {
        stage.shows(&requirement)?;
    }
    pod.mount(&folder.join("manifests/manual-sts-manual-sts-credentials.yaml"))?;
    stage.shows(&pod.config()?)?;
    pod.project(&cluster.mint(&pod.claims(&cluster, world.now())))?;

    stage.step(
        Station::Sts,
        "The SDK in the pod finds the file, and exchanges the token by itself",
    )?;
    stage.by_hand("oc exec manual-sts -- aws sts get-caller-identity")?;
    let sdk = pod.sdk(world, &region, "default").await;
    let identity = sdk.caller_identity().await;
    let identity = identity.map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!("Arn      {}", identity.arn))?;
    stage.shows("         the session's name is this SDK's own; `podpass demo chain` tells when that matters")?;

    stage.step(Station::Sts, "The same by hand, for a quarter of an hour")?;
    stage.by_hand("aws sts assume-role-with-web-identity --role-arn $ARN --role-session-name $AWS_ROLE_SESSION_NAME \\\n  --web-identity-token $TOKEN --duration-seconds 900")?;
    stage.podpass(&format!("podpass token assume --role-arn {ROLE_ARN} --session-name manual-sts-session --duration 900 --token-file {TOKEN_FILE}"))?;
    let token = cluster.mint(&pod.claims(&cluster, world.now()));
    project(world.folder(), TOKEN_FILE, &token)?;
    let mut request = WebIdentityRequest::new(ROLE_ARN, "manual-sts-session", token);
    request.duration_seconds = Some(900);
    let session = world
        .nobody(&region)
        .assume_role_with_web_identity(&request)
        .await;
    for line in shown::session(&session.map_err(|error| super::unexpected(&error))?) {
        stage.shows(&line)?;
    }

    listing_that_was_not_asked_for(stage, world, &administrator, &sdk).await?;
    without_one_of_three(stage, world, &cluster, &pod, &region).await
}

/// The document's first half: the request as it was printed, then as it must be, and the role that it becomes.
async fn role_from_request(
    stage: &mut Stage,
    world: &World,
    administrator: &Connection,
) -> Result<(), Failure> {
    stage.step(
        Station::Role,
        "A request that was copied from a web page has lost its indentation",
    )?;
    stage.podpass("podpass lint credrequests/manual-sts.yaml")?;
    let flat: Vec<&str> = REQUEST.lines().map(str::trim_start).collect();
    for finding in shown::findings("manual-sts.yaml", &flat.join("\n")) {
        stage.refused(&finding)?;
    }

    let folder = world.folder().join("outputs");
    let requests = provisioned::credentials_requests(
        world.folder(),
        "credrequests",
        &[("manual-sts.yaml", REQUEST)],
    )?;
    stage.step(
        Station::Role,
        "… and the ARN of the provider an account of ten digits",
    )?;
    let mistyped = PROVIDER_ARN.replace("123456789012", "1234567890");
    stage.by_hand(&format!("ccoctl aws create-iam-roles --name=prefix-role --region=us-east-1 --credentials-requests-dir=credrequests \\\n  --identity-provider-arn={mistyped} --output-dir=outputs"))?;
    let made =
        provisioned::roles(administrator, "prefix-role", &requests, &mistyped, &folder).await;
    match made {
        Ok(_) => return Err(super::must_be_refused("an account of ten digits")),
        Err(failure) => stage.refused(&failure.to_string())?,
    }

    stage.step(
        Station::Role,
        "Both put right, the request becomes a role, and a Secret that names it",
    )?;
    stage.podpass(&format!("podpass aws create-iam-roles --name prefix-role --region us-east-1 --credentials-requests-dir credrequests \\\n  --identity-provider-arn {PROVIDER_ARN} --output-dir outputs"))?;
    let made = provisioned::roles(
        administrator,
        "prefix-role",
        &requests,
        PROVIDER_ARN,
        &folder,
    );
    for (resource, outcome) in made.await?.reached {
        stage.became(outcome, &resource.to_string())?;
    }
    stage.created("outputs/manifests/manual-sts-manual-sts-credentials.yaml")?;
    let trust = administrator.trust_policy("prefix-role-manual-sts-manual-sts");
    let trust = trust.await.map_err(|error| super::unexpected(&error))?;
    for line in shown::policy(&trust, DocumentKind::Trust)? {
        stage.shows(&line)?;
    }
    Ok(())
}

/// The document lists buckets with a role that may not, so its role had been changed in between.
async fn listing_that_was_not_asked_for(
    stage: &mut Stage,
    world: &World,
    administrator: &Connection,
    sdk: &Connection,
) -> Result<(), Failure> {
    stage.step(
        Station::S3,
        "The request asks for s3:Get* and s3:Put*: a listing is neither",
    )?;
    stage.by_hand("oc exec manual-sts -- aws s3 ls")?;
    refused(
        stage,
        world,
        sdk.list_buckets().await,
        "a listing that the request does not ask for",
    )?;

    stage.step(
        Station::Role,
        "Asked for in the request and run again, the role has it",
    )?;
    let more = REQUEST.replace("- s3:Put*", "- s3:Put*\n          - s3:List*");
    let requests = world.folder().join("credrequests");
    files::write_atomically(&requests.join("manual-sts.yaml"), more.as_bytes(), 0o644)?;
    stage.podpass("podpass aws create-iam-roles …      # the same command")?;
    let folder = world.folder().join("outputs");
    let made = provisioned::roles(
        administrator,
        "prefix-role",
        &requests,
        PROVIDER_ARN,
        &folder,
    );
    for (resource, outcome) in made.await?.reached {
        stage.became(outcome, &resource.to_string())?;
    }
    let buckets = sdk.list_buckets().await;
    let buckets = buckets.map_err(|error| super::unexpected(&error))?;
    stage.shows(&buckets.join("\n"))
}

/// Each of the pod's three requirements left out alone.
async fn without_one_of_three(
    stage: &mut Stage,
    world: &World,
    cluster: &Cluster,
    pod: &Pod,
    region: &Region,
) -> Result<(), Failure> {
    let good = pod.claims(cluster, world.now());
    stage.step(
        Station::Pod,
        "Without the service account, the trust policy does not know the pod",
    )?;
    let mut claims = good.clone();
    "default".clone_into(&mut claims.service_account.name);
    restarted(stage, world, cluster, pod, region, &claims).await?;

    stage.step(
        Station::Token,
        "Without the token for `openshift`, there is only the one for the API server",
    )?;
    let claims = ServiceAccountClaims {
        audiences: vec!["https://kubernetes.default.svc".to_owned()],
        ..good
    };
    restarted(stage, world, cluster, pod, region, &claims).await?;

    stage.step(
        Station::Pod,
        "Without the Secret, the SDK has no idea of a role",
    )?;
    match world.nobody(region).caller_identity().await {
        Ok(_) => Err(super::must_be_refused("a call without credentials")),
        Err(error) => stage.refused(&error.message),
    }
}

/// A pod with a token of these claims starts, and is refused.
async fn restarted(
    stage: &Stage,
    world: &World,
    cluster: &Cluster,
    pod: &Pod,
    region: &Region,
    claims: &ServiceAccountClaims,
) -> Result<(), Failure> {
    pod.project(&cluster.mint(claims))?;
    stage.by_hand("oc exec manual-sts -- aws sts get-caller-identity")?;
    let sdk = pod.sdk(world, region, "default").await;
    refused(
        stage,
        world,
        sdk.caller_identity().await,
        "another pod's token",
    )
}
